"""The withdrawal code: what a person writes wrong is found, what a person writes differently is understood."""

import random
import traceback

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from consent.errors import CodeMistyped, CodeWrong
from consent.withdrawal_code import (
    ALPHABET,
    SEALED_BYTES,
    SYMBOLS,
    WithdrawalCode,
    new_code,
    parse_code,
    seal,
    unseal,
)

RECORD = "0b9d1f7e-8c55-4f0a-b5a7-2f1e3d4c5b6a"
codes = st.randoms(use_true_random=False).map(lambda source: new_code(source.randrange))
places = st.integers(0, SYMBOLS - 1)
symbols = st.sampled_from(ALPHABET)


def changed(code: WithdrawalCode, *changes: tuple[int, str]) -> str:
    written = list(code.symbols)
    for place, symbol in changes:
        written[place] = symbol
    return "".join(written)


def test_it_is_written_in_seven_groups_of_four_and_no_two_are_alike() -> None:
    groups = str(new_code()).split("-")
    assert [len(group) for group in groups] == [4] * 7
    assert len({new_code() for _ in range(100)}) == 100


@given(codes)
def test_what_was_written_is_understood_however_it_looks(code: WithdrawalCode) -> None:
    for written in (str(code), code.symbols, str(code).lower(), str(code).replace("-", " "), f"\t{code} \n"):
        assert parse_code(written) == code
    handwritten = str(code).replace("0", "O").replace("1", "l").replace("V", "u")
    assert parse_code(handwritten) == code
    assert parse_code(handwritten.replace("l", "I").replace("-", "–")) == code


@given(codes, places, symbols)
def test_any_one_wrong_symbol_is_found(code: WithdrawalCode, place: int, symbol: str) -> None:
    assume(code.symbols[place] != symbol)
    with pytest.raises(CodeMistyped):
        parse_code(changed(code, (place, symbol)))


@given(codes, places, places, symbols, symbols)
def test_any_two_wrong_symbols_are_found(code: WithdrawalCode, one: int, other: int, first: str, second: str) -> None:
    written = changed(code, (one, first), (other, second))
    assume(written != code.symbols)
    with pytest.raises(CodeMistyped):
        parse_code(written)


@given(codes, places, places)
def test_any_two_symbols_that_changed_places_are_found(code: WithdrawalCode, one: int, other: int) -> None:
    assume(code.symbols[one] != code.symbols[other])
    with pytest.raises(CodeMistyped):
        parse_code(changed(code, (one, code.symbols[other]), (other, code.symbols[one])))


def test_of_anything_worse_one_in_1024_passes() -> None:
    source = random.Random(7)
    tried, passed = 60_000, 0
    for _ in range(tried):
        try:
            parse_code("".join(source.choices(ALPHABET, k=SYMBOLS)))
            passed += 1
        except CodeMistyped:
            pass
    assert 0.5 < passed / (tried / 1024) < 1.6


@given(st.text(max_size=300))
def test_whatever_is_typed_is_a_code_or_one_sentence_that_does_not_repeat_it(typed: str) -> None:
    try:
        assert len(parse_code(typed).symbols) == SYMBOLS
    except CodeMistyped as error:
        assert len(typed.strip()) < 4 or typed not in str(error)


@given(codes, codes)
def test_only_the_code_and_its_record_open_it(code: WithdrawalCode, other: WithdrawalCode) -> None:
    sealed = seal(code, RECORD, "a.b.c")
    assert unseal(code, RECORD, sealed) == "a.b.c" and len(sealed) == SEALED_BYTES
    assert b"a.b.c" not in sealed and code.symbols.encode() not in sealed
    for record_id, content in (("another", sealed), (RECORD, sealed[:-1]), (RECORD, b"")):
        with pytest.raises(CodeWrong):
            unseal(code, record_id, content)
    assume(code != other)
    with pytest.raises(CodeWrong):
        unseal(other, RECORD, sealed)
    assert len({code.lookup, code.sealing_key, other.lookup, other.sealing_key}) == 4


def test_its_size_says_nothing_and_what_is_too_long_is_refused() -> None:
    code = new_code()
    assert len(seal(code, RECORD, "")) == len(seal(code, RECORD, "x" * 2047)) == SEALED_BYTES
    with pytest.raises(ValueError, match="fewer than"):
        seal(code, RECORD, "x" * 2048)


def test_no_repr_and_no_traceback_shows_it() -> None:
    code = new_code()
    assert code.symbols not in repr(code)
    mistyped = changed(code, (0, "0" if code.symbols[0] != "0" else "1"))
    try:
        parse_code(mistyped)
    except CodeMistyped:
        assert mistyped not in traceback.format_exc()
