"""Link by link: what holds, what does not, and that nothing is said about links behind a broken one."""

import dataclasses
from collections.abc import Callable

import pytest

from agent.paths import AgentPaths
from agent.verification import check_links, thumbprint_of_key
from consent.errors import KeyFileError
from consent.signature import thumbprint
from tests.consents import SignedConsent

Sign = Callable[..., SignedConsent]


def test_a_whole_chain_holds(
    signed_consent: Sign, signed_withdrawal: Callable[..., str], signed_erasure: Callable[..., str]
) -> None:
    consent = signed_consent()
    withdrawal = signed_withdrawal(consent)
    documents = dataclasses.replace(
        consent.documents, withdrawal=withdrawal, erasure_receipt=signed_erasure(consent, withdrawal)
    )
    links = check_links(documents, thumbprint(consent.key.public_key()))
    assert [link.name for link in links] == [
        "record",
        "key",
        "notice",
        "terms",
        "receipt",
        "withdrawal",
        "erasure receipt",
    ]
    assert all(link.problem is None for link in links)


@pytest.mark.parametrize(
    ("part", "broken"),
    [("record", "record"), ("notice", "notice"), ("receipt", "receipt"), ("withdrawal", "withdrawal")],
)
def test_the_broken_link_is_named_and_is_the_last(
    signed_consent: Sign, signed_withdrawal: Callable[..., str], part: str, broken: str
) -> None:
    consent, other = signed_consent(), signed_consent()
    documents = dataclasses.replace(consent.documents, withdrawal=signed_withdrawal(consent))
    foreign = dataclasses.replace(other.documents, withdrawal=signed_withdrawal(other))
    foreign = dataclasses.replace(foreign, record=documents.record[:-8] + "AAAAAAAA")
    links = check_links(dataclasses.replace(documents, **{part: getattr(foreign, part)}), None)
    assert links[-1].name == broken and links[-1].problem
    assert all(link.problem is None for link in links[:-1])


def test_terms_that_differ_are_named(signed_consent: Sign) -> None:
    consent, other = signed_consent(period_seconds=1), signed_consent(period_seconds=5)
    documents = dataclasses.replace(consent.documents, notice=other.documents.notice)
    assert check_links(documents, None)[-1].name == "notice", "another operator signed it"


def test_a_foreign_key_is_named(signed_consent: Sign) -> None:
    links = check_links(signed_consent().documents, "A" * 43)
    assert links[-1].name == "key" and "not the one that signed" in str(links[-1].problem)


def test_the_key_may_be_gone_only_after_the_erasure(paths: AgentPaths, signed_consent: Sign) -> None:
    documents = signed_consent().documents
    with pytest.raises(KeyFileError, match="missing"):
        thumbprint_of_key(paths, documents)
    assert thumbprint_of_key(paths, dataclasses.replace(documents, erasure_receipt="x")) is None
