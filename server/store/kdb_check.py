"""Is that a kdb+ we can store in? Each finding says what was found and, where it is not well, the next step.

Rules:

* It connects by itself, with the settings of the server, and changes nothing.
* The first thing that fails ends it, where nothing after it could be asked; everything else is told together.
* What is dangerous and works is a warning: it is told with the next step, and is not a failure.
* Only KX's engine is said to be KX's: ``.z.K`` of 3 or more. Whatever else answers is an interpreter of somebody else.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Any

from server.errors import ServerError
from server.settings import is_loopback
from server.store.kdb_columns import check_of, decode_reply, differing_columns, encode_call, expected_columns, pykx
from server.store.kdb_connection import Address, Connection, Login, error_of, refusal

#: What a server calls.
FUNCTIONS = tuple(
    f".smp.{name}"
    for name in (
        "upd series latest sparks times rows ledger remember erase expire expiring counts bytes cursor changed check"
    ).split()
)
SECONDS = 15.0
ROUND_TRIPS = 5
#: A clock that is further off puts samples into the wrong day.
LARGEST_DIFFERENCE_MS = 1000
FIRST_KX_RELEASE = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """``next_step`` is empty where all is well; with ``ok`` it belongs to a warning."""

    name: str
    ok: bool
    found: str
    next_step: str = ""

    def as_json(self) -> dict[str, Any]:
        """A JSON value."""
        return asdict(self)


def findings(address: Address, login: Login, now_ms: Callable[[], int]) -> Iterator[Finding]:
    """Everything there is to tell, in the order in which it is asked."""
    try:
        yield Finding("client", True, f"PyKX {pykx().__version__}, without a licence")
        has_login = bool(login.read())
        yield Finding("login", True, f"from {login.path}" if has_login else f"none; there is no {login.path}")
        yield _transport(address)
        begun = time.perf_counter()
        with closing(Connection(address, login)) as connection:
            yield Finding("connection", True, f"{address}, in {_ms(begun):.1f} ms")
            yield from _inside(connection, now_ms)
    except ServerError as error:
        yield Finding("kdb+", False, str(error), _next_step(str(error)))


def _transport(address: Address) -> Finding:
    if address.tls:
        return Finding("transport", True, "TLS; authority and host name are checked")
    if is_loopback(address.host):
        return Finding("transport", True, "not encrypted, on this machine only")
    step = "use kdbs://, or a tunnel (WireGuard, SSH) that ends on both machines"
    # A warning: on a private network, such as that of compose.kdb.yaml, it is as it should be.
    return Finding("transport", True, "not encrypted: the login and every sample can be read on the way", step)


def _inside(connection: Connection, now_ms: Callable[[], int]) -> Iterator[Finding]:
    before = now_ms()
    said = check_of(_ask(connection, ".smp.check"))
    middle = (before + now_ms()) // 2
    release = float(said["release"])
    whose = "KX's engine" if release >= FIRST_KX_RELEASE else "not KX's engine: an interpreter of somebody else"
    yield Finding("engine", True, f"{release:g} of {said['build']} on {said['os']}; {whose}")
    yield _tables(said["columns"])
    yield _permissions(said["user"], said["functions"])
    yield _clock(round(said["time"].replace(tzinfo=UTC).timestamp() * 1000) - middle)
    trips = []
    for _ in range(ROUND_TRIPS):
        begun = time.perf_counter()
        _ask(connection, ".smp.cursor")
        trips.append(_ms(begun))
    yield Finding("round trip", True, f"{statistics.median(trips):.1f} ms, median of {ROUND_TRIPS}")
    days = [str(day) for day in said["partitions"]]
    on_disk = f"{len(days)} days on disk, {days[0]} to {days[-1]}" if days else "no day on disk yet"
    yield Finding("log", True, f"{said['log']:,} messages since the last write-down; {on_disk}")
    yield Finding("memory", True, f"{said['used'] / 1_000_000:,.1f} MB in use")


def _tables(columns: list[tuple[str, str, str]]) -> Finding:
    differing = differing_columns(columns)
    if not differing:
        tables: dict[str, str] = {}
        for table, _, letter in columns:
            tables[table] = tables.get(table, "") + letter
        return Finding("tables", True, ", ".join(f"{table} {letters}" for table, letters in tables.items()))
    expected = {f"{table}.{column}": letter for (table, column), letter in expected_columns().items()}
    found = {f"{table}.{column}": letter for table, column, letter in columns}
    told = [f"{path} is {found.get(path, 'missing')}, not {expected.get(path, 'expected')}" for path in differing]
    step = "start kdb+ with the q files of this version: sysmetric-server kdb scripts --to DIRECTORY"
    return Finding("tables", False, "; ".join(told), step)


def _permissions(user: str, functions: list[str]) -> Finding:
    missing = [name for name in FUNCTIONS if name not in functions]
    if not missing:
        return Finding("permissions", True, f"{user or 'this user'} may call all {len(FUNCTIONS)} functions")
    return Finding(
        "permissions",
        False,
        f"{user or 'this user'} may not call {', '.join(missing)}",
        "allow them in access.q of that kdb+, or use another login",
    )


def _clock(difference_ms: int) -> Finding:
    found = f"{difference_ms:+d} ms against this machine"
    if abs(difference_ms) <= LARGEST_DIFFERENCE_MS:
        return Finding("clock", True, found)
    return Finding("clock", False, found, "run NTP on both machines: midnight is taken from both clocks")


def _ask(connection: Connection, name: str) -> Any:
    reply = connection.call(encode_call(name), SECONDS)
    text = error_of(reply)
    if text is not None:
        raise refusal(connection.address, text)
    return decode_reply(reply)


def _next_step(message: str) -> str:
    """Where the error's own words do not end in one."""
    if "smp." in message or "refuses: " in message:
        return "load the q files of this version there: sysmetric-server kdb scripts --to DIRECTORY"
    return "sysmetric-server kdb check again, once that is done"


def _ms(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
