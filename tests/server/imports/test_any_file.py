"""Every format of the import, given files that somebody damaged: it reads on or says ImportFailed, nothing else."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import ImportFailed
from server.imports import FORMATS, Content, Format, Report, detect
from server.imports.collectd import Tree, is_metric
from server.imports.values import misfit
from tests.server.imports.reading import Read, read_bytes
from tests.server.imports.test_own import CSV, NDJSON

GOLDEN = Path(__file__).parent / "golden"
_LARGEST = 8 * 1024


def _recordings() -> dict[str, list[bytes]]:
    """The golden files by the format that reads them: those of every format that has some."""
    found: dict[str, list[bytes]] = {each.name: [] for each in FORMATS}
    metrics = []
    files = [path for path in sorted(GOLDEN.rglob("*")) if path.is_file()]
    contents = [CSV, NDJSON]
    for path in files:
        content = path.read_bytes()
        if is_metric(content):
            metrics.append(path)
        else:
            contents.append(content)
    for host in ("web1", "web2"):
        contents.append(Tree([[path for path in metrics if host in str(path)]]).read())
    for content in contents:
        for each in FORMATS:
            if each.matches(content[:_LARGEST]):
                found[each.name].append(content)
                break
    return found


RECORDINGS = _recordings()
formats = pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)


def check(content: bytes, kind: Format, *, steps: int = 600) -> Read | None:
    """Read it; what comes out fits the catalogue. None for ImportFailed."""
    try:
        found = read_bytes(content, kind, source="web1", steps=steps)
    except ImportFailed as error:
        assert "\n" not in str(error)
        return None
    for chunk in found.chunks:
        for table, columns in chunk.tables.items():
            rows = list(zip(*columns.values(), strict=True))
            assert rows and not [misfit(table, row) for row in rows if misfit(table, row)]
    return found


@formats
def test_there_is_a_recording_of_every_format(kind: Format) -> None:
    assert any((found := check(content, kind)) and found.chunks for content in RECORDINGS[kind.name])


@formats
@settings(deadline=None, max_examples=50)
@given(content=st.binary(max_size=400))
def test_any_bytes(kind: Format, content: bytes) -> None:
    assert kind.matches(content) in (True, False)
    check(content, kind)


@formats
@settings(deadline=None, max_examples=50)
@given(text=st.text(max_size=400))
def test_any_text(kind: Format, text: str) -> None:
    assert kind.matches(text.encode("utf-8", "surrogatepass")) in (True, False)
    check(text.encode("utf-8", "surrogatepass"), kind)


@st.composite
def _mutations(draw: st.DrawFn, content: bytes) -> bytes:
    """A file with some pieces replaced, moved or left out."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        pieces = [
            b"",
            b"\n",
            b"\x00",
            b"-1",
            b"NaN",
            b"1e999",
            b"99999999999999999999",
            b'"',
            b"{",
            b"}",
            b",",
            b"\xff",
        ]
        piece = draw(st.sampled_from(pieces) | st.binary(max_size=8) | st.just(content[end : end + 200]))
        content = content[:start] + piece + content[end:]
    return content


@formats
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_a_damaged_recording(kind: Format, data: st.DataObject) -> None:
    recording = data.draw(st.sampled_from(RECORDINGS[kind.name]), label="recording")[:_LARGEST]
    check(data.draw(_mutations(recording)), kind, steps=data.draw(st.sampled_from([0, 600])))


@formats
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_a_recording_that_breaks_off(kind: Format, data: st.DataObject) -> None:
    recording = data.draw(st.sampled_from(RECORDINGS[kind.name]))
    check(recording[: data.draw(st.integers(0, min(len(recording), _LARGEST)))], kind)


@settings(deadline=None, max_examples=50)
@given(content=st.binary(max_size=400))
def test_telling_the_format_of_any_bytes(content: bytes) -> None:
    try:
        assert detect(content) in FORMATS
    except ImportFailed as error:
        assert "\n" not in str(error)


@formats
def test_strict_stops_at_the_first_fault_with_its_place(kind: Format) -> None:
    for recording in RECORDINGS[kind.name]:
        damaged = recording[: len(recording) // 2] + b"\n\xff\xfe\n" + recording[len(recording) // 2 :]
        lenient = check(damaged, kind)
        if lenient is None or not lenient.report.faults:
            continue
        with pytest.raises(ImportFailed) as stopped:
            read_bytes(damaged, kind, source="web1", strict=True)
        assert str(stopped.value) in lenient.report.first[:1]


class _Endless(io.RawIOBase):
    """A line without an end."""

    def __init__(self, beginning: bytes, size: int) -> None:
        super().__init__()
        self._left = beginning
        self._size = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """``x`` until it is enough."""
        block = self._left or b"x" * min(65_536, self._size)
        self._size -= 0 if self._left else len(block)
        self._left = b""
        return block


def test_a_line_without_an_end_is_a_fault_and_fills_no_memory() -> None:
    report = Report("file")
    raw = _Endless(b"good\n", 3 << 20)
    content = Content(raw, "file", report, now_ms=0)  # type: ignore[arg-type]  # read alone is asked of it
    assert list(content.lines()) == [(1, "good")]
    assert report.first == ["file: line 2: the line is longer than 1024 KiB"]
