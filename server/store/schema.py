"""The tables of a partition and the SQL that fills them, made from the catalogue. Pure.

Rules:

* Names of tables and columns come from the catalogue only, and are quoted; every value is a parameter.
* ``time`` is a TIMESTAMP in UTC, ``sym`` a UUID: 16 bytes, and half the size of text while rows are not yet sorted.
* ``batches`` is the ledger behind idempotency: which batch has its rows in this partition. ``last`` is true in the
  latest of the days that a batch has rows in; days are written in order, so it says that the batch is complete.
* ``partition`` is one row about the file: ``dirty`` when the file may hold bytes of rows that are in no table any more,
  ``ordered`` when its rows are sorted by (sym, time).
"""

from consent.catalogue import TABLES, Kind, Table

LEDGER = "batches"
_TYPES = {
    Kind.TIME: "TIMESTAMP",
    Kind.SYMBOL: "VARCHAR",
    Kind.INT16: "SMALLINT",
    Kind.INT64: "BIGINT",
    Kind.FLOAT: "DOUBLE",
}


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it, for the few statements that take no parameter (ATTACH, SET)."""
    return "'" + text.replace("'", "''") + "'"


def create_statements(alias: str) -> list[str]:
    """The statements that make an empty partition in the attached file ``alias``."""
    statements = []
    for table in TABLES.values():
        columns = [f"{quoted(column.name)} {_TYPES[column.kind]}" for column in table.wire_columns]
        columns.insert(1, "sym UUID")
        statements.append(f"CREATE TABLE {alias}.{quoted(table.name)} ({', '.join(columns)})")
    statements.append(f"CREATE TABLE {alias}.{LEDGER} (sym UUID, sequence BIGINT, digest BLOB, last BOOLEAN)")
    statements.append(f"CREATE TABLE {alias}.partition (dirty BOOLEAN, ordered BOOLEAN)")
    return statements


def insert_statement(alias: str, table: Table, incoming: str) -> str:
    """Move the registered columns ``incoming`` into a table.

    ``$syms`` are the instance ids that ``incoming.sym`` counts from 1, and ``$names`` those of a symbol column:
    converting a few texts once is several times faster than one text per row.
    """
    selected = ["make_timestamp_ms(time)", "($syms::UUID[])[sym]"]
    for column in table.wire_columns[1:]:
        name = quoted(column.name)
        selected.append(f"($names::VARCHAR[])[{name}]" if column.kind is Kind.SYMBOL else name)
    return f"INSERT INTO {alias}.{quoted(table.name)} SELECT {', '.join(selected)} FROM {incoming}"


def has_symbol(table: Table) -> bool:
    """Whether ``insert_statement`` takes ``$names``."""
    return any(column.kind is Kind.SYMBOL for column in table.wire_columns)


def copy_statements(source: str, target: str, *, sort: bool, keep_from_ms: int | None) -> list[tuple[str, list[int]]]:
    """Copy a partition into an empty one, in its order or sorted; only rows from ``keep_from_ms`` on, if given.

    Each statement comes with its parameters.
    """
    statements: list[tuple[str, list[int]]] = []
    condition = "" if keep_from_ms is None else " WHERE time >= make_timestamp_ms($1)"
    parameters = [] if keep_from_ms is None else [keep_from_ms]
    for table in TABLES.values():
        name = quoted(table.name)
        order = " ORDER BY sym, time" if sort else ""
        copy = f"INSERT INTO {target}.{name} SELECT * FROM {source}.{name}{condition}{order}"
        statements.append((copy, parameters))
    statements.append((f"INSERT INTO {target}.{LEDGER} SELECT * FROM {source}.{LEDGER}", []))
    return statements
