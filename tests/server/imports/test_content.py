"""The bytes of an import file: bounded, gzip or not, one document or several."""

import gzip
import io

import pytest

from server.errors import ImportFailed
from server.imports.content import read_content, split_documents

TEXT = b'{"status": "success"}'


@pytest.mark.parametrize("content", [TEXT, gzip.compress(TEXT), b"\xef\xbb\xbf" + TEXT + b"\n"])
def test_gzip_and_a_byte_order_mark_are_seen_by_the_first_bytes(content: bytes) -> None:
    assert read_content(io.BytesIO(content), "name-without-gz") == TEXT


def test_a_small_file_that_unpacks_to_a_large_one_is_refused_without_unpacking_all() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    with pytest.raises(ImportFailed, match="longer than 1 MB.*shorter time range"):
        read_content(io.BytesIO(bomb), "bomb", maximum=1024 * 1024)


def test_a_long_file_is_read_no_further_than_the_limit() -> None:
    stream = io.BytesIO(b"x" * 3_000_000)
    with pytest.raises(ImportFailed, match="longer than 1 MB"):
        read_content(stream, "long", maximum=1024 * 1024)
    assert stream.tell() == 1024 * 1024 + 1


@pytest.mark.parametrize("damaged", [gzip.compress(TEXT)[:-9], gzip.compress(TEXT)[:12] + b"\0" * 20, b"\x1f\x8bxx"])
def test_damaged_gzip_is_named(damaged: bytes) -> None:
    with pytest.raises(ImportFailed, match="damaged or cut off"):
        read_content(io.BytesIO(damaged), "file.gz")


def test_documents_are_split_between_objects_and_never_inside_a_string() -> None:
    first, second = b'{"a": "}{ \\" } {", "b": [{}, {}]}', b'{"c": {}}'
    assert [bytes(part) for part in split_documents(first + second + b"\n\n" + first)] == [first, second, first]
