"""A link works once, for ten minutes, and nobody can push out another's."""

import pytest

from consent.wire import Problem
from server import links as module
from server.errors import ProblemError
from server.links import LIFETIME_MS, PER_HOLDER, Grant, Links

MINE = Grant("volunteer", instance="mine")


def test_a_link_works_once() -> None:
    links = Links(lambda: 0)
    token, expires = links.create(MINE)
    assert expires == LIFETIME_MS
    assert links.consume(token) == MINE
    assert links.consume(token) is None
    assert links.consume("") is None
    assert links.consume("\ud800") is None


def test_a_token_has_128_random_bits() -> None:
    tokens = {Links(lambda: 0).create(MINE)[0] for _ in range(10)}
    assert len(tokens) == 10 and all(len(token) == 22 for token in tokens)


def test_a_link_dies_after_ten_minutes() -> None:
    now = [0]
    links = Links(lambda: now[0])
    token, _ = links.create(MINE)
    now[0] = LIFETIME_MS
    assert links.consume(token) is None


def test_who_asks_again_and_again_pushes_out_their_own_oldest() -> None:
    links = Links(lambda: 0)
    other, _ = links.create(Grant("volunteer", instance="other"))
    tokens = [links.create(MINE)[0] for _ in range(PER_HOLDER + 1)]
    assert links.consume(tokens[0]) is None
    assert links.consume(tokens[1]) == MINE
    assert links.consume(other) == Grant("volunteer", instance="other")


def test_links_of_one_who_withdrew_are_closed() -> None:
    links = Links(lambda: 0)
    token, _ = links.create(MINE)
    links.forget("mine")
    assert links.consume(token) is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 2)
    links = Links(lambda: 0)
    for name in "ab":
        links.create(Grant("volunteer", instance=name))
    with pytest.raises(ProblemError) as caught:
        links.create(MINE)
    assert caught.value.problem is Problem.SLOW_DOWN
