"""Each golden file is of one format only, and what is read of it fits the catalogue."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import ImportFailed
from server.imports import FORMATS, detect
from tests.server.imports.reading import read_bytes

GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "range.json": "prometheus",
    "scraped.json": "prometheus",
    "vectors.json": "prometheus",
    "sysstat/all.json": "sadf-json",
    "sysstat/all.csv": "sadf-csv",
    "sysstat/restart.csv": "sadf-csv",
    "sysstat/iostat-x.txt": "iostat",
    "procps/vmstat.txt": "vmstat",
    "atop/atop.txt": "atop",
}


@pytest.mark.parametrize("name", FILES)
def test_a_golden_file_is_matched_by_its_own_format_alone(name: str) -> None:
    head = (GOLDEN / name).read_bytes()[: 64 * 1024]
    assert [each.name for each in FORMATS if each.matches(head)] == [FILES[name]]
    assert detect(head).name == FILES[name]


@pytest.mark.parametrize("name", [name for name in FILES if "/" in name])
def test_a_golden_file_gives_rows(name: str) -> None:
    source = "open-1.example" if name.startswith("procps") else None
    read = read_bytes((GOLDEN / name).read_bytes(), source=source)
    assert read.sources == {"open-1.example"}
    assert len(read.rows("cpu")) > 1
    if not name.startswith("procps"):
        assert read.rows("disk")
    if not name.startswith("procps") and "iostat" not in name:
        assert read.rows("memory")


def test_json_and_csv_of_one_recording_say_the_same() -> None:
    json, csv = (read_bytes((GOLDEN / "sysstat" / name).read_bytes()) for name in ("all.json", "all.csv"))
    for table in ("cpu", "memory", "disk"):
        assert sorted(set(json.rows(table)), key=str) == sorted(set(csv.rows(table)), key=str)


OURS = [name for name in FILES if "/" in name]


@settings(deadline=None)
@given(
    st.sampled_from(OURS),
    st.floats(0, 1),
    st.sampled_from([b"-", b"nan", b"", b";", b"\n", b"1e400", b"\xff", b"{", b"]", b"null", b"99999999999", b"\0"]),
    st.integers(0, 8),
    st.booleans(),
)
def test_a_damaged_golden_file_never_crashes_its_reader(
    name: str, where: float, damage: bytes, length: int, cut: bool
) -> None:
    content = (GOLDEN / name).read_bytes()
    at = int(where * len(content))
    kind = next(each for each in FORMATS if each.name == FILES[name])
    with contextlib.suppress(ImportFailed):
        read_bytes(content[:at] + damage + (b"" if cut else content[at + length :]), kind, source="x")
