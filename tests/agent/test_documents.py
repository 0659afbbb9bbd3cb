"""The documents on disk and the leave they give: only a whole, verified, unended consent gives one."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from agent import documents
from agent.documents import Enrolment, Standing
from agent.ended import note_ended
from agent.errors import AgentError, NoConsent
from agent.paths import AgentPaths
from consent.errors import ChainBroken, ConsentError
from tests.consents import DAY_MS, NOW_MS, SignedConsent

Install = Callable[[SignedConsent], SignedConsent]
Sign = Callable[..., SignedConsent]


def test_an_installed_consent_gives_leave(paths: AgentPaths, install: Install, signed_consent: Sign) -> None:
    consent = install(signed_consent(granted=["cpu"]))
    active = documents.active_consent(paths, NOW_MS)
    assert active.instance_id == consent.instance and set(active.granted) == {"cpu"}
    assert documents.standing(paths, NOW_MS) is Standing.GIVEN


def test_nothing_there_says_the_next_step(unprepared: AgentPaths) -> None:
    with pytest.raises(NoConsent, match="sysmetric consent give"):
        documents.active_consent(unprepared, NOW_MS)
    assert documents.standing(unprepared, NOW_MS) is Standing.NONE
    assert documents.load_documents(unprepared) is None
    documents.discard(unprepared)
    assert not unprepared.data_dir.exists()


def test_a_record_without_a_receipt_gives_no_leave(paths: AgentPaths, install: Install, signed_consent: Sign) -> None:
    install(signed_consent())
    paths.receipt.unlink()
    with pytest.raises(NoConsent, match="not confirmed it yet"):
        documents.active_consent(paths, NOW_MS)
    assert documents.standing(paths, NOW_MS) is Standing.PENDING


def test_a_withdrawal_ends_it_whatever_its_content(paths: AgentPaths, install: Install, signed_consent: Sign) -> None:
    install(signed_consent())
    for content in (b"", b"withdrawn", b"\xff\xfe"):
        paths.withdrawal.write_bytes(content)
        with pytest.raises(NoConsent, match="withdrawn"):
            documents.active_consent(paths, NOW_MS)
        assert documents.standing(paths, NOW_MS) is Standing.WITHDRAWN


def test_it_expires(paths: AgentPaths, install: Install, signed_consent: Sign) -> None:
    install(signed_consent(term_days=10))
    documents.active_consent(paths, NOW_MS + 10 * DAY_MS - 1)
    with pytest.raises(NoConsent, match="expired"):
        documents.active_consent(paths, NOW_MS + 10 * DAY_MS)
    assert documents.standing(paths, NOW_MS + 10 * DAY_MS) is Standing.EXPIRED


def test_the_server_can_end_it(paths: AgentPaths, install: Install, signed_consent: Sign) -> None:
    consent = install(signed_consent())
    note_ended(paths, consent.active, "notice-superseded", NOW_MS)
    with pytest.raises(NoConsent, match="notice-superseded"):
        documents.active_consent(paths, NOW_MS)
    assert documents.standing(paths, NOW_MS) is Standing.ENDED


@pytest.mark.parametrize("name", ["record", "notice", "receipt"])
def test_one_changed_letter_gives_no_leave(
    paths: AgentPaths, install: Install, signed_consent: Sign, name: str
) -> None:
    install(signed_consent())
    file: Path = getattr(paths, name)
    text = file.read_text("ascii")
    middle = text.index(".") + 200
    file.write_text(text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :])
    with pytest.raises(NoConsent):
        documents.active_consent(paths, NOW_MS)
    assert documents.standing(paths, NOW_MS) is Standing.BROKEN


def test_a_foreign_key_a_lost_key_an_open_key(paths: AgentPaths, install: Install, signed_consent: Sign) -> None:
    install(signed_consent())
    paths.key.chmod(0o644)
    with pytest.raises(NoConsent, match="chmod 600"):
        documents.active_consent(paths, NOW_MS)
    paths.key.unlink()
    with pytest.raises(NoConsent, match="missing"):
        documents.active_consent(paths, NOW_MS)
    assert documents.standing(paths, NOW_MS) is Standing.BROKEN


def test_damage_is_named(paths: AgentPaths, install: Install, signed_consent: Sign) -> None:
    install(signed_consent())
    paths.record.write_bytes(b"\xff\xfe")
    with pytest.raises(ChainBroken, match="record.jws is damaged"):
        documents.load_documents(paths)
    install_again = signed_consent()
    documents.store(paths.record, install_again.documents.record)
    paths.notice.unlink()
    with pytest.raises(ChainBroken, match="notice.jws is missing"):
        documents.load_documents(paths)


def test_a_document_is_kept_byte_for_byte_and_private(paths: AgentPaths, signed_consent: Sign) -> None:
    consent = signed_consent()
    documents.store(paths.record, "old")
    documents.store(paths.record, consent.documents.record)
    assert documents.load(paths.record) == consent.documents.record
    assert stat.S_IMODE(paths.record.stat().st_mode) == 0o600
    assert os.listdir(paths.data_dir) == ["record.jws"], "no temporary file stays"


def test_an_interrupted_write_leaves_the_old_document(paths: AgentPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    documents.store(paths.receipt, "old")

    def power_cut(*_: object) -> None:
        raise OSError(5, "power cut")

    monkeypatch.setattr("os.replace", power_cut)
    with pytest.raises(AgentError, match="power cut"):
        documents.store(paths.receipt, "new")
    assert documents.load(paths.receipt) == "old"


def test_the_enrolment_is_remembered(paths: AgentPaths) -> None:
    assert documents.load_enrolment(paths) is None
    for enrolment in (Enrolment("https://host", "secret"), Enrolment("https://host", None)):
        documents.store_enrolment(paths, enrolment)
        assert documents.load_enrolment(paths) == enrolment
    assert b"invite" not in paths.enrolment.read_bytes()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"url": 1}', '{"url": "https://h", "invite": 5}', "null"])
def test_a_damaged_enrolment_is_an_error(paths: AgentPaths, content: str) -> None:
    documents.store_enrolment(paths, Enrolment("https://host", None))
    paths.enrolment.write_text(content)
    with pytest.raises(ConsentError, match="damaged"):
        documents.load_enrolment(paths)


def test_an_ended_consent_is_kept_in_a_private_place(paths: AgentPaths, install: Install, signed_consent: Sign) -> None:
    consent = install(signed_consent())
    former = documents.archive(paths, consent.record.record_id)
    assert former == paths.data_dir / "former" / consent.record.record_id
    assert sorted(entry.name for entry in former.iterdir()) == ["key.pem", "notice.jws", "receipt.jws", "record.jws"]
    assert documents.load(former / "record.jws") == consent.documents.record
    assert stat.S_IMODE(former.stat().st_mode) == 0o700
    assert documents.standing(paths, NOW_MS) is Standing.NONE
