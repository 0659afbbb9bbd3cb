"""Every table and column that may be collected. The agreement, the agent, the server and the stores read it here.

Rules:

* Names carry base units (``_bytes``, ``_bytes_per_second``); shares are ratios 0..1, never percent.
* ``time`` is first and ``sym`` second in every stored table, kdb+tick's order. On the wire ``sym`` is the batch's
  ``instance`` and so is not repeated.
* A column that is not here cannot be decoded, stored or shown: adding one is a new notice (MAJOR) by construction.
* ``otel`` names the OpenTelemetry semantic convention (v1.44, system metrics) that a column maps to.
"""

from dataclasses import dataclass
from enum import StrEnum

#: Integers on the wire stay exact in every JSON reader (RFC 8259 section 6).
MAX_SAFE_INTEGER = 2**53 - 1


class Kind(StrEnum):
    """The type of a column, independent of any store."""

    TIME = "time"  # integer milliseconds since the epoch, UTC
    SYMBOL = "symbol"  # short text
    INT16 = "int16"
    INT64 = "int64"
    FLOAT = "float"


class Across(StrEnum):
    """How the parts of one instance (cores, devices) at one moment become one number for the whole machine."""

    MEAN = "mean"
    SUM = "sum"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its unit is a UCUM code as OpenTelemetry writes them (``1``, ``By``, ``By/s``, ``{operation}/s``)."""

    name: str
    kind: Kind
    unit: str
    minimum: float
    maximum: float
    nullable: bool
    across: Across
    otel: str
    words: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what a volunteer grants or refuses as a whole. ``part`` is the column that splits a machine."""

    name: str
    part: Column | None
    columns: tuple[Column, ...]
    words: dict[str, str]
    reveals: dict[str, str]

    @property
    def wire_columns(self) -> tuple[Column, ...]:
        """All columns in wire order: time, the part (core or device) if there is one, the values."""
        return (TIME, *((self.part,) if self.part else ()), *self.columns)

    def column(self, name: str) -> Column:
        """The value column called ``name``; raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _ratio(name: str, otel: str, en: str, pl: str, across: Across = Across.MEAN) -> Column:
    return Column(name, Kind.FLOAT, "1", 0.0, 1.0, True, across, otel, {"en": en, "pl": pl})


def _bytes(name: str, otel: str, en: str, pl: str) -> Column:
    return Column(name, Kind.INT64, "By", 0, MAX_SAFE_INTEGER, False, Across.SUM, otel, {"en": en, "pl": pl})


def _rate(name: str, unit: str, otel: str, en: str, pl: str) -> Column:
    return Column(name, Kind.FLOAT, unit, 0.0, 1e15, False, Across.SUM, otel, {"en": en, "pl": pl})


TIME = Column(
    "time",
    Kind.TIME,
    "ms",
    0,
    MAX_SAFE_INTEGER,
    False,
    Across.MAX,
    "time_unix_nano",
    {"en": "when the sample was taken", "pl": "kiedy pobrano próbkę"},
)

_CORE = Column(
    "core",
    Kind.INT16,
    "",
    0,
    32767,
    False,
    Across.MAX,
    "cpu.logical_number",
    {"en": "number of the processor core", "pl": "numer rdzenia procesora"},
)

_DEVICE = Column(
    "device",
    Kind.SYMBOL,
    "",
    1,
    64,
    False,
    Across.MAX,
    "system.device",
    {"en": "short system name of the disk, such as sda", "pl": "krótka systemowa nazwa dysku, np. sda"},
)

_CPU = "system.cpu.utilization, cpu.mode="

CPU = Table(
    "cpu",
    _CORE,
    (
        _ratio("user", _CPU + "user", "share of time in programs", "udział czasu w programach"),
        _ratio("system", _CPU + "system", "share of time in the kernel", "udział czasu w jądrze systemu"),
        _ratio(
            "nice",
            _CPU + "nice",
            "share of time in low-priority programs",
            "udział czasu w programach o niskim priorytecie",
        ),
        _ratio("iowait", _CPU + "iowait", "share of time waiting for disks", "udział czasu oczekiwania na dyski"),
        _ratio("interrupt", _CPU + "interrupt", "share of time in interrupts", "udział czasu w przerwaniach"),
        _ratio(
            "steal",
            _CPU + "steal",
            "share of time taken by other virtual machines",
            "udział czasu zabrany przez inne maszyny wirtualne",
        ),
        _ratio("idle", _CPU + "idle", "share of time doing nothing", "udział czasu bezczynności"),
    ),
    {"en": "how busy each processor core is", "pl": "jak zajęty jest każdy rdzeń procesora"},
    {
        "en": "when the machine is in use, and so when someone is likely at it",
        "pl": "kiedy komputer jest używany, a więc kiedy ktoś prawdopodobnie przy nim jest",
    },
)

MEMORY = Table(
    "memory",
    None,
    (
        _bytes("total_bytes", "system.memory.limit", "memory built in", "zainstalowana pamięć"),
        _bytes(
            "available_bytes",
            "system.memory.linux.available",
            "memory that programs can still get",
            "pamięć dostępna dla programów",
        ),
        _bytes("used_bytes", "system.memory.usage, system.memory.state=used", "memory in use", "pamięć w użyciu"),
        _bytes("swap_total_bytes", "system.paging.limit", "swap space set up", "skonfigurowana przestrzeń wymiany"),
        _bytes(
            "swap_used_bytes",
            "system.paging.usage, system.paging.state=used",
            "swap space in use",
            "przestrzeń wymiany w użyciu",
        ),
    ),
    {"en": "how much memory there is and how much is in use", "pl": "ile jest pamięci i ile jej jest w użyciu"},
    {
        "en": "the size of the machine's memory, and when large programs run",
        "pl": "wielkość pamięci komputera i kiedy działają duże programy",
    },
)

DISK = Table(
    "disk",
    _DEVICE,
    (
        _rate(
            "read_bytes_per_second",
            "By/s",
            "system.disk.io, disk.io.direction=read",
            "bytes read per second",
            "bajty odczytane na sekundę",
        ),
        _rate(
            "write_bytes_per_second",
            "By/s",
            "system.disk.io, disk.io.direction=write",
            "bytes written per second",
            "bajty zapisane na sekundę",
        ),
        _rate(
            "reads_per_second",
            "{operation}/s",
            "system.disk.operations, disk.io.direction=read",
            "read operations per second",
            "operacje odczytu na sekundę",
        ),
        _rate(
            "writes_per_second",
            "{operation}/s",
            "system.disk.operations, disk.io.direction=write",
            "write operations per second",
            "operacje zapisu na sekundę",
        ),
        _ratio(
            "busy",
            "system.disk.io_time",
            "share of time the disk was busy",
            "udział czasu, w którym dysk był zajęty",
            Across.MAX,
        ),
    ),
    {"en": "how much each disk reads and writes", "pl": "ile każdy dysk odczytuje i zapisuje"},
    {
        "en": "when files are moved and how many disks there are; never a file name or its content",
        "pl": "kiedy przenoszone są pliki i ile jest dysków; nigdy nazwy plików ani ich treść",
    },
)

#: In the order in which they are asked for, sent and shown.
TABLES: dict[str, Table] = {table.name: table for table in (CPU, MEMORY, DISK)}
