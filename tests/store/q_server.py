"""A server that speaks kdb+'s protocol over real sockets and answers the functions of ``server/kdb/README.md``.

It is built on aiokdb, executes no q and proves nothing about ours: it shows that the client holds the wire contract,
and how it behaves when a reply is lost, late, broken, compressed or an error. Its values are ``q_data``'s.
"""

import asyncio
import ssl
import struct
import threading
from array import array
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import date
from types import TracebackType
from typing import Any
from uuid import UUID

import aiokdb
from aiokdb import KObj, MessageType, TypeEnum, b9, kb, kj, kk, krr, ktn, xd, xt
from aiokdb.compress import compress
from aiokdb.extras import ktnb, ktnf, ktni, ktns, ktnu
from aiokdb.server import CredentialsException, KdbReader, ServerContext, process_login

from consent.catalogue import TABLES, Kind, Table
from tests.store.q_data import EPOCH_NS, MS, QData, Refused, Rows, Sent
from tests.store.samples import NOON

NULL = -(2**63)
FUNCTIONS = (
    "upd series latest sparks times rows ledger remember" " erase expire expiring counts bytes cursor changed check"
).split()
_TYPES = {
    Kind.TIME: TypeEnum.KP,
    Kind.SYMBOL: TypeEnum.KS,
    Kind.INT16: TypeEnum.KH,
    Kind.INT64: TypeEnum.KJ,
    Kind.FLOAT: TypeEnum.KF,
}


class _Bytes(aiokdb.KCharArray):
    """A char vector of any bytes; aiokdb's own takes UTF-8 only, and a digest is not."""

    def _ranged_frombytes(self, sz: int, data: bytes, offset: int) -> tuple[KObj, int]:
        self._c = array("u", data[offset : offset + sz].decode("latin-1"))
        return self, offset + sz


aiokdb.VECTOR_CONSTUCTORS[TypeEnum.KC] = _Bytes


class QServer:  # pylint: disable=too-many-instance-attributes  # one for each thing that a test may set
    """Listens on loopback in a thread of its own until the block ends. ``data`` stays over ``stop`` and ``start``.

    ``next_reply`` says what becomes of the replies to come, one each: ``answer``, ``compress``, ``lose`` (done and not
    answered), ``drop`` (not even done), ``halve``, ``hang``, ``async`` (an unasked message first), ``ask`` (a question
    instead), ``garbage``, or ``error:text``.
    """

    _loop: asyncio.AbstractEventLoop
    _thread: threading.Thread

    def __init__(self, password: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.data = QData()
        self.context = ServerContext(password)
        self.next_reply: list[str] = []
        self.release = 4.1
        self.now_ms: Callable[[], int] = lambda: NOON
        self.allowed = [f".smp.{name}" for name in FUNCTIONS]
        self.columns = [(name, column, letter) for name in TABLES for column, letter in _columns(TABLES[name])]
        self.port = 0
        self.connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"kdb://127.0.0.1:{self.port}"

    def __enter__(self) -> "QServer":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="q-server", daemon=True)
        self._thread.start()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def start(self) -> None:
        """Listen, on the same port as before."""

        async def listen() -> None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self.tls)
            self.port = self._server.sockets[0].getsockname()[1]

        self._run(listen())

    def stop(self) -> None:
        """End every connection and listen no more."""

        async def end() -> None:
            if self._server is not None:
                self._server.close()
                self._server = None
            for writer in list(self.connections):
                writer.transport.abort()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._run(end())

    def restart(self) -> None:
        """Stop, and start with what the log would have brought back."""
        self.stop()
        self.data.restart()
        self.start()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections.add(writer)
        try:
            with suppress(CredentialsException, asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                await process_login("q", self.context, reader, writer)
                await self._serve(KdbReader(reader, raise_krr=False), writer)
        finally:
            self.connections.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: KdbReader, writer: asyncio.StreamWriter) -> None:
        while True:
            _, call = await reader.read()
            how = self.next_reply.pop(0) if self.next_reply else "answer"
            if how == "drop":
                return
            reply = b9(krr(how[6:]) if how.startswith("error:") else self.answer(call), MessageType.RESPONSE)
            if how == "lose":
                return
            if how == "hang":
                await asyncio.Event().wait()
            if how == "async":
                writer.write(b9(kj(1), MessageType.ASYNC))
            if how == "ask":
                reply = b9(kj(1), MessageType.SYNC)
            if how == "compress":
                packed = compress(reply[8:])
                assert packed is not None, "too small to be worth it"
                reply = struct.pack("<BBHI", 1, MessageType.RESPONSE, 1, 8 + len(packed)) + packed
            if how == "garbage":
                reply = struct.pack("<BBHI", 1, MessageType.RESPONSE, 0, 13) + b"\x07\x00\xff\xff\x00"
            writer.write(reply[: len(reply) // 2] if how == "halve" else reply)
            await writer.drain()
            if how == "halve":
                return

    def answer(self, call: KObj) -> KObj:
        """The reply to a call; an error where it is refused."""
        try:
            name, *arguments = call.kK() if call.t == TypeEnum.K else [call]
            text = name.aS() if name.t in (TypeEnum.KC, -TypeEnum.KS) else ""
            if not text.startswith(".smp.") or text[5:] not in FUNCTIONS:
                raise Refused("smp.access")
            self.data.calls.append(text[5:])
            reply: KObj = _ANSWERS[text[5:]](self, [] if arguments[0].t == TypeEnum.NIL else list(arguments))
            return reply
        except Refused as refused:
            return krr(str(refused))


def ns(value: KObj) -> int:
    """A timestamp atom in ns since 1970."""
    _expect(value, -TypeEnum.KP)
    return int(value.aJ()) + EPOCH_NS


def _expect(value: KObj, kind: int) -> KObj:
    if value.t != kind:
        raise Refused("smp.type")
    return value


def _atom_p(value: int) -> KObj:
    return aiokdb.ka(-TypeEnum.KP).j(value - EPOCH_NS)


def _columns(table: Table) -> list[tuple[str, str]]:
    letters = {TypeEnum.KP: "p", TypeEnum.KS: "s", TypeEnum.KH: "h", TypeEnum.KJ: "j", TypeEnum.KF: "f"}
    plain = [(column.name, letters[_TYPES[column.kind]]) for column in table.wire_columns]
    return [plain[0], ("sym", "g"), *plain[1:]]


def vector(kind: int, values: Sequence[Any]) -> KObj:
    """A vector of q's type ``kind``; None is its null, a KP is in ns since 1970."""
    if kind == TypeEnum.KS:
        return ktns(*values)
    if kind == TypeEnum.UU:
        return ktnu(*values)
    if kind == TypeEnum.KF:
        return ktnf(TypeEnum.KF, *(float("nan") if value is None else value for value in values))
    if kind == TypeEnum.KP:
        return ktni(TypeEnum.KP, *(NULL if value is None else value - EPOCH_NS for value in values))
    return ktni(TypeEnum(kind), *(NULL if value is None else value for value in values))


def table(columns: dict[str, KObj]) -> KObj:
    """A table out of its columns."""
    return xt(xd(ktns(*columns), kk(*columns.values())))


def table_of_rows(name: str, rows: Rows) -> KObj:
    """Rows of a table in wire order."""
    columns = TABLES[name].wire_columns
    return table(
        {column.name: vector(_TYPES[column.kind], [row[at] for row in rows]) for at, column in enumerate(columns)}
    )


def rows_of_table(name: str, value: KObj) -> Rows:
    """The rows in a table that came in, in wire order."""
    _expect(value, TypeEnum.XT)
    wanted = TABLES[name].wire_columns
    if list(value.kS()) != [column.name for column in wanted]:
        raise Refused("smp.type")
    columns: list[Any] = []
    for column, found in zip(wanted, value.kK(), strict=True):
        _expect(found, _TYPES[column.kind])
        if column.kind is Kind.TIME:
            columns.append([time + EPOCH_NS for time in found.kJ()])
        elif column.kind is Kind.SYMBOL:
            columns.append(list(found.kS()))
        else:
            columns.append({5: found.kH, 7: found.kJ, 9: found.kF}[found.t]())
    return list(zip(*columns, strict=True))


def _counts(counts: dict[str, int]) -> KObj:
    return xd(ktns(*TABLES), ktni(TypeEnum.KJ, *(counts[name] for name in TABLES)))


def _upd(server: QServer, arguments: list[KObj]) -> KObj:
    batches = []
    for one in _expect(arguments[0], TypeEnum.K).kK():
        _expect(one, TypeEnum.XD)
        values = dict(zip(one.kkey().kS(), one.kvalue().kK(), strict=True))
        digest = _expect(values["digest"], TypeEnum.KC).aS().encode("latin-1")
        tables = {name: rows_of_table(name, values[name]) for name in TABLES if name in values}
        instance, sequence = _expect(values["instance"], -TypeEnum.UU), _expect(values["sequence"], -TypeEnum.KJ)
        batches.append(Sent(instance.aU(), sequence.aJ(), digest, tables))
    results = server.data.upd(batches)
    return table(
        {
            "instance": ktnu(*(batch.instance for batch in batches)),
            "sequence": ktni(TypeEnum.KJ, *(batch.sequence for batch in batches)),
            "status": ktns(*(status for status, _ in results)),
            **{name: ktni(TypeEnum.KJ, *(rows.get(name, 0) for _, rows in results)) for name in TABLES},
            "reason": ktns(*("" for _ in results)),
        }
    )


def _series(server: QServer, arguments: list[KObj]) -> KObj:
    instance, name, start, end, bucket, by_part = arguments
    _expect(bucket, -TypeEnum.KJ)
    _expect(by_part, -TypeEnum.KB)
    if name.aS() not in TABLES or bucket.aJ() < 1:
        raise Refused("smp.range")
    answer = server.data.series(instance.aU(), name.aS(), ns(start), ns(end), bucket.aJ(), by_part.aB())
    statistics = ("mean", "median", "minimum", "maximum", "p5", "p95")
    return table(
        {
            "part": ktns(*(row[0] for row in answer)),
            "name": ktns(*(row[1] for row in answer)),
            "bucket": vector(TypeEnum.KP, [row[2] for row in answer]),
            **{one: ktnf(TypeEnum.KF, *(row[3][at] for row in answer)) for at, one in enumerate(statistics)},
        }
    )


def _latest(server: QServer, _: list[KObj]) -> KObj:
    rows = server.data.latest()
    kinds = {
        "instance": TypeEnum.UU,
        "last_time": TypeEnum.KP,
        "cpu_busy": TypeEnum.KF,
        "cores": TypeEnum.KJ,
        "memory_used_ratio": TypeEnum.KF,
        "memory_total_bytes": TypeEnum.KJ,
        "disk_read_bytes_per_second": TypeEnum.KF,
        "disk_write_bytes_per_second": TypeEnum.KF,
    }
    return table({name: vector(kind, [row.get(name) for row in rows]) for name, kind in kinds.items()})


def _rows(server: QServer, arguments: list[KObj]) -> KObj:
    instance, name, start, until, limit = arguments
    return table_of_rows(name.aS(), server.data.page(instance.aU(), name.aS(), ns(start), ns(until), limit.aJ()))


def _sparks(server: QServer, arguments: list[KObj]) -> KObj:
    instances, start, end, bucket = arguments
    rows = [
        row
        for instance in _expect(instances, TypeEnum.UU).kU()
        for row in server.data.sparks(instance, ns(start), ns(end), _expect(bucket, -TypeEnum.KJ).aJ())
    ]
    kinds = {"instance": TypeEnum.UU, "name": TypeEnum.KS, "bucket": TypeEnum.KP, "mean": TypeEnum.KF}
    return table({name: vector(kind, [row[at] for row in rows]) for at, (name, kind) in enumerate(kinds.items())})


def _times(server: QServer, arguments: list[KObj]) -> KObj:
    instance, name, start, end = arguments
    pairs = server.data.times(instance.aU(), name.aS(), ns(start), ns(end))
    columns = TABLES[name.aS()].wire_columns[: 2 if TABLES[name.aS()].part else 1]
    return table(
        {column.name: vector(_TYPES[column.kind], [pair[at] for pair in pairs]) for at, column in enumerate(columns)}
    )


def _ledger(server: QServer, arguments: list[KObj]) -> KObj:
    entries = server.data.ledger(_uuid(arguments[0]))
    kinds = {"sequence": TypeEnum.KJ, "time": TypeEnum.KP, "digest": TypeEnum.UU}
    return table(
        {name: vector(kind, [entry[at] for entry in entries]) for at, (name, kind) in enumerate(kinds.items())}
    )


def _remember(server: QServer, arguments: list[KObj]) -> KObj:
    instance, sequences, times, digests = arguments
    when = [time + EPOCH_NS for time in _expect(times, TypeEnum.KP).kJ()]
    entries = zip(_expect(sequences, TypeEnum.KJ).kJ(), when, _expect(digests, TypeEnum.UU).kU(), strict=True)
    return kj(server.data.remember(_uuid(instance), list(entries)))


def _changed(server: QServer, arguments: list[KObj]) -> KObj:
    found = server.data.changed(_expect(arguments[0], -TypeEnum.KJ).aJ())
    return kk(kb(found is not None), ktnu(*(found or [])))


def _check(server: QServer, _: list[KObj]) -> KObj:
    columns = table(
        {
            "table": ktns(*(row[0] for row in server.columns)),
            "column": ktns(*(row[1] for row in server.columns)),
            "type": ktns(*(row[2] for row in server.columns)),
        }
    )
    build: Any = aiokdb.ka(-TypeEnum.KD)
    build.data = struct.pack("<i", (date(2025, 2, 18) - date(2000, 1, 1)).days)  # aiokdb sets no date
    day = ktni(TypeEnum.KD, (date(2026, 6, 9) - date(2000, 1, 1)).days)
    values = {
        "release": aiokdb.ka(-TypeEnum.KF).f(server.release),
        "build": build,
        "os": aiokdb.ks("l64"),
        "time": _atom_p(server.now_ms() * MS),
        "user": aiokdb.ks("ingest"),
        "functions": ktns(*server.allowed),
        "columns": columns,
        "log": kj(server.data.log),
        "partitions": day,
        "used": kj(1_000_000),
    }
    return xd(ktns(*values), kk(*values.values()))


def _bytes(server: QServer, _: list[KObj]) -> KObj:
    return kj(100 * sum(server.data.counts().values()))


_ANSWERS: dict[str, Callable[[QServer, list[KObj]], KObj]] = {
    "upd": _upd,
    "series": _series,
    "latest": _latest,
    "sparks": _sparks,
    "times": _times,
    "rows": _rows,
    "ledger": _ledger,
    "remember": _remember,
    "erase": lambda server, given: _counts(server.data.erase(_uuid(given[0]), _expect(given[1], -TypeEnum.KB).aB())),
    "expire": lambda server, given: _counts(server.data.expire(ns(given[0]))),
    "expiring": lambda server, given: _counts(server.data.expiring(ns(given[0]))),
    "counts": lambda server, _: _counts(server.data.counts()),
    "bytes": _bytes,
    "cursor": lambda server, _: kj(server.data.cursor),
    "changed": _changed,
    "check": _check,
}


def _uuid(value: KObj) -> UUID:
    found: UUID = _expect(value, -TypeEnum.UU).aU()
    return found


__all__ = ["QServer", "ktnb", "ktn", "rows_of_table", "table", "table_of_rows", "vector"]
