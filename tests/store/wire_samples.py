"""Every call and reply of ``server/kdb/README.md`` once, with awkward values; their bytes stand in ``kdb_wire.json``.

After a change of the wire contract, and only then: ``python -m tests.store.wire_samples`` writes the file anew.
"""

import json
from pathlib import Path
from uuid import UUID

import numpy as np
from aiokdb import KObj, MessageType, TypeEnum, b9, kb, kj, kk, kNil, krr, ks, xd
from aiokdb.extras import ktnf, ktni, ktns, ktnu

from server.store.kdb_columns import LAST_MS, batch_argument, encode_call, guid, guids, timestamp
from server.store.protocol import StoredBatch
from tests.store.q_server import QServer, table, table_of_rows, vector
from tests.store.samples import NOON, cpu, disk, memory

GOLDEN = Path(__file__).parent / "kdb_wire.json"
INSTANCE = "0b54fe15-6d1c-4a52-8f0d-0e6b5a3f9c11"
OTHER = "fffefdfc-fbfa-49f8-b7f6-f5f4f3f2f1f0"
NS = 1_000_000
DEVICES = ["sda", "dysk główny 1", "磁盘", "a`b", '"; exit 0; "']
#: Bytes that are no UTF-8, a NUL among them.
DIGEST = bytes(range(0, 256, 8))


def batches() -> list[StoredBatch]:
    """Two batches: nulls, text that looks like code, the largest and the smallest numbers."""
    full = {
        "cpu": {**cpu([NOON, NOON + 1000], 2, user=None, idle=1.0), "steal": [None, 0.0, 1e-300, 1.0]},
        "memory": {**memory([NOON]), "swap_used_bytes": [-1], "swap_total_bytes": [2**53 - 1]},
        "disk": disk([NOON], DEVICES),
    }
    return [
        StoredBatch(INSTANCE, 7, DIGEST, full),
        StoredBatch(OTHER, 0, bytes(32), {"cpu": cpu([]), "disk": disk([])}),
    ]


def calls() -> dict[str, bytes]:
    """Each call as the client encodes it."""
    one, at = guid(INSTANCE), timestamp(NOON)
    return {
        "upd": encode_call(".smp.upd", [batch_argument(batch) for batch in batches()]),
        "series": encode_call(".smp.series", one, "cpu", at, timestamp(NOON + 60_000), 15_000, True),
        "latest": encode_call(".smp.latest"),
        "sparks": encode_call(".smp.sparks", guids([INSTANCE, OTHER]), at, timestamp(NOON + 60_000), 15_000),
        "times": encode_call(".smp.times", one, "disk", at, timestamp(NOON + 60_000)),
        "rows": encode_call(".smp.rows", one, "disk", timestamp(0), timestamp(LAST_MS), 5000),
        "ledger": encode_call(".smp.ledger", one),
        "remember": encode_call(
            ".smp.remember", one, np.array([7, 2**53 - 1]), np.array([at, timestamp(0)]), guids([INSTANCE, OTHER])
        ),
        "erase": encode_call(".smp.erase", one, False),
        "expire": encode_call(".smp.expire", at),
        "expiring": encode_call(".smp.expiring", at),
        "counts": encode_call(".smp.counts"),
        "bytes": encode_call(".smp.bytes"),
        "cursor": encode_call(".smp.cursor"),
        "changed": encode_call(".smp.changed", -5),
        "check": encode_call(".smp.check"),
    }


def reply_values() -> dict[str, KObj]:
    """Each reply as a server sends it."""
    one, other = UUID(INSTANCE), UUID(OTHER)
    nan, first = float("nan"), [0.25, 0.5, 0.0, 1.0, 0.05, 0.95]
    counts = _counts()
    return {
        "upd": table(
            {
                "instance": ktnu(one, other, other),
                "sequence": ktni(TypeEnum.KJ, 7, 0, 1),
                "status": ktns("stored", "reused", "refused"),
                "cpu": ktni(TypeEnum.KJ, 4, 0, 1),
                "memory": ktni(TypeEnum.KJ, 1, 0, 0),
                "disk": ktni(TypeEnum.KJ, 5, 0, 0),
                "reason": ktns("", "", "cpu.user"),
            }
        ),
        "series": table(
            {
                "part": ktns("0", "0", "11"),
                "name": ktns("user", "user", "busy"),
                "bucket": vector(TypeEnum.KP, [NOON * NS, None, NOON * NS]),
                **{
                    name: ktnf(TypeEnum.KF, value, value, nan)
                    for name, value in zip(("mean", "median", "minimum", "maximum", "p5", "p95"), first, strict=True)
                },
            }
        ),
        "latest": table(
            {
                "instance": ktnu(one, other),
                "last_time": vector(TypeEnum.KP, [NOON * NS, (NOON - 1) * NS]),
                "cpu_busy": vector(TypeEnum.KF, [0.5, None]),
                "cores": vector(TypeEnum.KJ, [2, None]),
                "memory_used_ratio": vector(TypeEnum.KF, [None, 0.25]),
                "memory_total_bytes": vector(TypeEnum.KJ, [None, 2**53 - 1]),
                "disk_read_bytes_per_second": vector(TypeEnum.KF, [None, None]),
                "disk_write_bytes_per_second": vector(TypeEnum.KF, [None, 1e15]),
            }
        ),
        "sparks": table(
            {
                "instance": ktnu(one, other),
                "name": ktns("cpu_busy", "disk_bytes_per_second"),
                "bucket": vector(TypeEnum.KP, [NOON * NS, NOON * NS]),
                "mean": vector(TypeEnum.KF, [None, 1e15]),
            }
        ),
        "times": table(
            {"time": vector(TypeEnum.KP, [NOON * NS] * len(DEVICES)), "device": vector(TypeEnum.KS, DEVICES)}
        ),
        "rows": table_of_rows("disk", [(NOON * NS, name, 0.0, 1e15, 1.0, 2.0, None) for name in DEVICES]),
        "ledger": table(
            {
                "sequence": vector(TypeEnum.KJ, [7, 2**53 - 1]),
                "time": vector(TypeEnum.KP, [NOON * NS, 0]),
                "digest": ktnu(one, other),
            }
        ),
        "remember": kj(2),
        "erase": counts,
        "expire": counts,
        "expiring": counts,
        "counts": counts,
        "bytes": kj(2**40),
        "cursor": kj(-1),
        "changed": kk(kb(True), ktnu(one, other)),
        "check": QServer().answer(kk(ks(".smp.check"), kNil)),
        "error": krr("smp.type"),
    }


def replies() -> dict[str, bytes]:
    """Each reply's bytes."""
    return {name: b9(value, MessageType.RESPONSE) for name, value in reply_values().items()}


def golden() -> dict[str, dict[str, bytes]]:
    """What stands in the file."""
    found: dict[str, dict[str, str]] = json.loads(GOLDEN.read_text("ascii"))
    return {kind: {name: bytes.fromhex(text) for name, text in texts.items()} for kind, texts in found.items()}


def _counts() -> KObj:
    return xd(ktns("cpu", "memory", "disk"), ktni(TypeEnum.KJ, 4, 0, 2**40))


if __name__ == "__main__":
    written = {
        kind: {name: raw.hex() for name, raw in made.items()}
        for kind, made in (("calls", calls()), ("replies", replies()))
    }
    GOLDEN.write_text(json.dumps(written, indent=1) + "\n", "ascii")
