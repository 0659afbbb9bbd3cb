"""The documents of an import file: split, bounded, gzip or not."""

import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ImportFailed
from server.imports import Content, Report, content
from server.imports.content import documents

ANY = st.recursive(
    st.none() | st.integers() | st.text('a"\\\\{}[], \n'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"{}', max_size=3), inner, max_size=3),
)


@given(
    st.lists(st.dictionaries(st.text(max_size=3), ANY, max_size=3), min_size=1, max_size=5),
    st.sampled_from(["", "\n", " \r\n\n "]),
    st.integers(1, 40),
)
def test_documents_are_split_between_objects_and_never_inside_a_string(
    made: list[dict[str, Any]], between: str, block: int
) -> None:
    text = between.join(json.dumps(each) for each in made).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "_BLOCK", block)
        assert [json.loads(each) for each in documents(io.BytesIO(text), "file")] == made


def test_a_long_document_is_read_no_further_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_BLOCK", 1024)
    stream = io.BytesIO(b'{"a": "' + b"x" * 3_000_000)
    with pytest.raises(ImportFailed, match="longer than 1 MiB.*shorter time range"):
        list(documents(stream, "long", maximum=1024 * 1024))
    assert stream.tell() < 1024 * 1024 + 2048


def test_many_documents_may_be_longer_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_BLOCK", 64)
    assert len(list(documents(io.BytesIO(b'{"a": 1}' * 1000), "file", maximum=200))) == 1000


TEXT = b'{"status": "success"}\n'


@pytest.mark.parametrize("packed", [TEXT, gzip.compress(TEXT, mtime=0), b"\xef\xbb\xbf" + TEXT])
def test_gzip_and_a_byte_order_mark_are_seen_by_the_first_bytes(packed: bytes) -> None:
    report = Report("file")
    opened = Content(io.BytesIO(packed), "name-without-gz", report, now_ms=0)
    assert opened.head == TEXT
    assert list(opened.lines()) == [(1, TEXT.decode().strip())]
    assert (opened.position, report.faults) == (len(packed), 0)


@pytest.mark.parametrize(
    "damaged", [gzip.compress(TEXT * 9)[:-9], gzip.compress(TEXT)[:12] + b"\0" * 20, b"\x1f\x8bxx"]
)
def test_damaged_gzip_is_a_fault_and_what_came_before_it_counts(damaged: bytes) -> None:
    report = Report("file")
    lines = list(Content(io.BytesIO(damaged), "file", report, now_ms=0).lines())
    assert report.faults >= 1 and "damaged or cut off" in report.first[0]
    assert all(line == TEXT.decode().strip() for _, line in lines[:-1])
