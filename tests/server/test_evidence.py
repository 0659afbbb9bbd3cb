"""Sealed evidence opens only in its own row, as its own kind, under its own key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import EvidenceUnreadable, RegistryUnusable
from server.evidence import Kind, Vault

VAULT = Vault(bytes(range(32)))
KINDS = st.sampled_from(Kind)


@given(content=st.binary(max_size=2000), kind=KINDS)
def test_what_was_sealed_comes_back(content: bytes, kind: Kind) -> None:
    key = VAULT.new_data_key("r1")
    sealed = VAULT.seal(key, "r1", kind, content)
    assert VAULT.open(key, "r1", kind, sealed) == content
    assert len(sealed) == len(content) + 28
    assert len(content) < 8 or content not in sealed


@given(content=st.binary(min_size=1, max_size=60), data=st.data())
def test_a_changed_bit_anywhere_is_noticed(content: bytes, data: st.DataObject) -> None:
    key = VAULT.new_data_key("r1")
    sealed = bytearray(VAULT.seal(key, "r1", Kind.RECORD, content))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(EvidenceUnreadable, match="the record of consent r1 does not open"):
        VAULT.open(key, "r1", Kind.RECORD, bytes(sealed))


@given(length=st.integers(0, 37))
def test_a_cut_off_value_is_noticed(length: int) -> None:
    key = VAULT.new_data_key("r1")
    sealed = VAULT.seal(key, "r1", Kind.RECORD, b"ten bytes!")
    with pytest.raises(EvidenceUnreadable):
        VAULT.open(key, "r1", Kind.RECORD, sealed[:length])
    with pytest.raises(EvidenceUnreadable):
        VAULT.open(key[:length], "r1", Kind.RECORD, sealed)


@given(kind=KINDS, other=KINDS)
def test_it_opens_as_its_own_kind_only(kind: Kind, other: Kind) -> None:
    key = VAULT.new_data_key("r1")
    sealed = VAULT.seal(key, "r1", kind, b"content")
    if kind is other:
        assert VAULT.open(key, "r1", other, sealed) == b"content"
    else:
        with pytest.raises(EvidenceUnreadable):
            VAULT.open(key, "r1", other, sealed)


def test_neither_value_nor_key_moves_to_another_record() -> None:
    mine, other = VAULT.new_data_key("r1"), VAULT.new_data_key("r2")
    sealed = VAULT.seal(mine, "r1", Kind.RECORD, b"content")
    for key, record in ((mine, "r2"), (other, "r1"), (other, "r2")):
        with pytest.raises(EvidenceUnreadable):
            VAULT.open(key, record, Kind.RECORD, sealed)


def test_record_id_and_kind_cannot_run_into_each_other() -> None:
    key = VAULT.new_data_key("r1\0record")
    with pytest.raises(EvidenceUnreadable):
        VAULT.open(key, "r1", Kind.RECORD, VAULT.seal(key, "r1\0record", Kind.RECORD, b"content"))


def test_another_key_encryption_key_opens_nothing() -> None:
    other = Vault(bytes(32))
    key = VAULT.new_data_key("r1")
    with pytest.raises(EvidenceUnreadable, match="the data-key of consent r1"):
        other.open(key, "r1", Kind.RECORD, VAULT.seal(key, "r1", Kind.RECORD, b"content"))
    assert other.lookup("i") != VAULT.lookup("i")
    assert other.key_check != VAULT.key_check


def test_the_same_is_never_sealed_alike() -> None:
    key = VAULT.new_data_key("r1")
    assert len({VAULT.seal(key, "r1", Kind.RECORD, b"content") for _ in range(100)}) == 100
    assert len({VAULT.new_data_key("r1") for _ in range(100)}) == 100


def test_the_derived_keys_are_fixed() -> None:
    """Golden values, worked out with nothing but HMAC: under another derivation nothing stored would be found."""
    assert (
        VAULT.lookup("11111111-1111-4111-8111-111111111111").hex()
        == "4bc4acc7260c83dfb45ef361c6c22e356e2b301a6220fd99ebc5729fcccb0fc2"
    )
    assert VAULT.key_check.hex() == "b008a0c78814a68f7e3b71d745bce661dbb390b60f75e85d1e099c4b3afbf66a"


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(RegistryUnusable, match="put back the key-encryption.key"):
        Vault(bytes(length))
