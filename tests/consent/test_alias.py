"""Aliases are stable, readable and not the id."""

import re
import uuid

from hypothesis import given
from hypothesis import strategies as st

from consent.alias import alias_of


@given(st.uuids())
def test_an_alias_is_two_words_and_a_number_and_reveals_no_part_of_the_id(instance: uuid.UUID) -> None:
    alias = alias_of(str(instance))
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d\d", alias)
    assert alias == alias_of(str(instance))


def test_a_known_id_keeps_its_name_over_releases() -> None:
    assert alias_of("3f0c1f6e-8a58-4a9e-9c53-0d0a4f9b7c11") == "amber-stoat-93"
