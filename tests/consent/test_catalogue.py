"""The catalogue is the contract of DESIGN section 4: these tables, these columns, this order."""

from consent.catalogue import TABLES, Kind


def test_the_tables_and_their_columns() -> None:
    assert {name: [column.name for column in table.wire_columns] for name, table in TABLES.items()} == {
        "cpu": ["time", "core", "user", "system", "nice", "iowait", "interrupt", "steal", "idle"],
        "memory": ["time", "total_bytes", "available_bytes", "used_bytes", "swap_total_bytes", "swap_used_bytes"],
        "disk": [
            "time",
            "device",
            "read_bytes_per_second",
            "write_bytes_per_second",
            "reads_per_second",
            "writes_per_second",
            "busy",
        ],
    }


def test_every_column_is_explained_in_both_languages_and_mapped() -> None:
    for table in TABLES.values():
        for column in table.wire_columns:
            assert column.words["en"] and column.words["pl"] and column.words["en"] != column.words["pl"]
            assert column.otel
        assert set(table.words) == set(table.reveals) == {"en", "pl"}


def test_shares_are_ratios_and_may_be_unknown() -> None:
    for table in TABLES.values():
        for column in table.columns:
            if column.unit == "1":
                assert (column.kind, column.minimum, column.maximum, column.nullable) == (Kind.FLOAT, 0.0, 1.0, True)
