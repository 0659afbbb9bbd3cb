"""Joining, against an operator with real keys: what is written when, and what a lost answer means."""

import dataclasses
import itertools
import stat
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.client import open_client
from agent.documents import Standing, active_consent, load_documents, standing
from agent.enrolment import Link, Proposal, confirm, fetch_proposal, parse_link, sign_record
from agent.errors import AgentError, ConfigError, NoConsent, Refused, ServerUnreachable
from agent.giving import Unattended, by_flags, check_flags, check_may_ask, give
from agent.paths import AgentPaths
from agent.withdrawal import deliver_withdrawal, origin_of, revoke
from consent.chain import verify_chain, verify_record
from consent.errors import ChainBroken, ConsentError, NoticeError, SignatureInvalid
from consent.notice import Version
from consent.record import Ceremony, Choices, Method, Offer, Offered, Quiz
from consent.signature import sha256_hex
from tests.agent.operator_server import Operator, operator_server

THUMBPRINT = "A" * 43
YES = Choices(frozenset({"cpu", "disk"}), 30, Ceremony(Method.PROMPT, True, 60, Quiz.PASSED))


@pytest.fixture
def join(unprepared: AgentPaths, operator: Operator) -> Callable[..., bool]:
    """``join(choices)`` plays ``sysmetric consent give``; whether the consent is in force."""

    def play(choices: Choices | None = YES, locale: str | None = None) -> bool:
        link = parse_link(operator.link)
        with open_client(link.origin) as client:
            return give(unprepared, client, link, locale, lambda _: choices, now_ms=operator.now_ms) is not None

    return play


Join = Callable[..., bool]


class TestLink:
    def test_with_and_without_invite(self) -> None:
        assert parse_link(f"https://host/#k={THUMBPRINT}&i=abc") == Link("https://host", THUMBPRINT, "abc")
        assert parse_link(f" https://host:8443#k={THUMBPRINT} ") == Link("https://host:8443", THUMBPRINT, None)
        assert parse_link(f"http://127.0.0.1:8080/#k={THUMBPRINT}").origin == "http://127.0.0.1:8080"

    @pytest.mark.parametrize(
        ("url", "says"),
        [
            ("", "not an enrolment link"),
            ("host", "not an enrolment link"),
            ("https://host/", "in quotes"),
            ("https://host/#k=short", "in quotes"),
            (f"https://host/#k={THUMBPRINT}&i=", "invite"),
            (f"https://host/#k={THUMBPRINT}&i=a b", "invite"),
            (f"https://host/#k={THUMBPRINT}&x=1", "not known"),
            (f"https://host/#k={THUMBPRINT}&k={THUMBPRINT}", "not known"),
            (f"https://host/path#k={THUMBPRINT}", "not an enrolment link"),
            (f"https://host/?q=1#k={THUMBPRINT}", "not an enrolment link"),
            (f"http://host/#k={THUMBPRINT}", "https"),
            (f"http://127.0.0.1.evil.example/#k={THUMBPRINT}", "https"),
            (f"https://user:pw@host/#k={THUMBPRINT}", "must be only"),
            (f"ftp://host/#k={THUMBPRINT}", "https"),
        ],
    )
    def test_what_is_refused(self, url: str, says: str) -> None:
        with pytest.raises(ConfigError, match=says):
            parse_link(url)

    @given(st.text(max_size=80))
    def test_any_text_is_a_link_or_an_error(self, text: str) -> None:
        for url in (text, f"https://{text}", f"https://host/#{text}"):
            try:
                parse_link(url)
            except ConfigError:
                pass


class TestProposal:
    def fetch(self, operator: Operator, locale: str | None = None, *, insist: bool = False) -> Proposal:
        with open_client(operator.url) as client:
            return fetch_proposal(client, parse_link(operator.link), locale, insist=insist)

    def test_the_text_in_the_wanted_language(self, operator: Operator) -> None:
        assert self.fetch(operator, "pl").notice.locale == "pl"
        assert operator.paths == ["GET /api/v1/notice?locale=pl"]

    def test_another_language_than_wished_but_not_than_asked_for(self, operator: Operator) -> None:
        assert self.fetch(operator, "de").notice.locale == "en"
        with pytest.raises(Refused):
            self.fetch(operator, "de", insist=True)

    def test_a_text_by_another_key_is_not_shown(self, operator: Operator) -> None:
        link = dataclasses.replace(parse_link(operator.link), thumbprint=THUMBPRINT)
        with open_client(operator.url) as client, pytest.raises(SignatureInvalid, match="another key"):
            fetch_proposal(client, link, None)

    def test_an_incomplete_text_is_not_shown(self, operator: Operator) -> None:
        def without_risks(offer: Offer) -> Offer:
            text = offer.text.replace("{#risks}", "{#other}")
            return dataclasses.replace(
                offer, text=text, notice=dataclasses.replace(offer.notice, sha256=sha256_hex(text))
            )

        operator.change_offer = without_risks
        with pytest.raises(NoticeError, match="risks"):
            self.fetch(operator)

    def test_a_text_that_its_hash_does_not_promise(self, operator: Operator) -> None:
        operator.change_offer = lambda offer: dataclasses.replace(offer, text=offer.text + " ")
        with pytest.raises(ChainBroken, match="hash"):
            self.fetch(operator)

    def test_a_text_that_says_it_is_another(self, operator: Operator) -> None:
        operator.change_offer = lambda offer: dataclasses.replace(
            offer, notice=dataclasses.replace(offer.notice, version="1.0.1")
        )
        with pytest.raises(NoticeError, match="another one"):
            self.fetch(operator)

    @pytest.mark.parametrize(
        "offered",
        [
            (),
            (Offered("p", "keystrokes", ("key",), 1),),
            (Offered("p", "memory", ("total_bytes", "browser_history"), 1),),
            (Offered("p", "memory", ("total_bytes",), 1),),
        ],
    )
    def test_figures_that_are_not_in_the_catalogue(self, operator: Operator, offered: tuple[Offered, ...]) -> None:
        operator.change_offer = lambda offer: dataclasses.replace(offer, offered=offered)
        with pytest.raises(NoticeError, match="figures"):
            self.fetch(operator)

    def test_the_same_figures_twice(self, operator: Operator) -> None:
        operator.change_offer = lambda offer: dataclasses.replace(offer, offered=offer.offered * 2)
        with pytest.raises(NoticeError, match="twice"):
            self.fetch(operator)

    def test_no_server_of_ours(self, operator: Operator) -> None:
        operator.trouble = lambda path: "drop"
        with pytest.raises(ServerUnreachable):
            self.fetch(operator)


class TestYes:
    def test_a_whole_chain_and_nothing_readable_by_others(
        self, join: Join, unprepared: AgentPaths, operator: Operator
    ) -> None:
        assert join()
        active = active_consent(unprepared, operator.now_ms())
        assert set(active.granted) == {"cpu", "disk"} and active.origin == operator.url
        for path in unprepared.data_dir.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
        assert stat.S_IMODE(unprepared.data_dir.stat().st_mode) == 0o700
        assert operator.paths == ["GET /api/v1/notice", "POST /api/v1/consents"]
        assert operator.requests[1][2]["invite"] == "the-invite"
        assert b"the-invite" not in unprepared.enrolment.read_bytes()

    def test_identifiers_are_random(self, join: Join, unprepared: AgentPaths) -> None:
        assert join()
        record, _ = verify_record(unprepared.record.read_text())
        assert uuid.UUID(record.instance_id).version == 4 and uuid.UUID(record.record_id).version == 4
        assert record.nonce == "a-nonce" and record.previous is None

    def test_a_no_sends_and_writes_nothing(self, join: Join, unprepared: AgentPaths, operator: Operator) -> None:
        assert not join(None)
        assert operator.paths == ["GET /api/v1/notice"]
        assert not unprepared.data_dir.exists() and not unprepared.runtime_dir.exists()

    def test_a_lost_answer_is_completed_by_the_same_command(
        self, join: Join, unprepared: AgentPaths, operator: Operator
    ) -> None:
        operator.trouble = lambda path: "drop" if path.endswith("consents") else None
        with pytest.raises(ServerUnreachable, match="run the same command again"):
            join()
        assert standing(unprepared, operator.now_ms()) is Standing.PENDING
        with pytest.raises(NoConsent, match="not confirmed"):
            active_consent(unprepared, operator.now_ms())
        operator.trouble = lambda path: None
        assert join(None), "the yes was given already"
        sent = [body["record"] for method, _, body, _ in operator.requests if method == "POST"]
        assert sent[0] == sent[1] and len(operator.receipts) == 1
        active_consent(unprepared, operator.now_ms())

    @pytest.mark.parametrize("problem", ["slow-down", "unavailable", "storage-full", "internal"])
    def test_a_server_in_trouble_is_asked_again(self, join: Join, operator: Operator, problem: str) -> None:
        operator.trouble = lambda path: problem if path.endswith("consents") else None
        with pytest.raises(ServerUnreachable, match="run the same command again"):
            join()
        operator.trouble = lambda path: None
        assert join(None)

    @pytest.mark.parametrize("problem", ["invite-refused", "notice-superseded", "invalid-record", "conflict"])
    def test_a_refusal_leaves_nothing_behind(
        self, join: Join, unprepared: AgentPaths, operator: Operator, problem: str
    ) -> None:
        operator.trouble = lambda path: problem if path.endswith("consents") else None
        with pytest.raises(Refused):
            join()
        assert not any(unprepared.data_dir.iterdir())

    def test_a_forged_receipt_never_comes_into_force(
        self, join: Join, unprepared: AgentPaths, operator: Operator
    ) -> None:
        operator.trouble = lambda path: "forge" if path.endswith("consents") else None
        with pytest.raises(SignatureInvalid):
            join()
        assert not unprepared.receipt.exists()
        with pytest.raises(NoConsent):
            active_consent(unprepared, operator.now_ms())

    def test_a_receipt_for_another_server_never_comes_into_force(
        self, join: Join, unprepared: AgentPaths, operator: Operator
    ) -> None:
        operator.receipt_origin = "https://elsewhere.example"
        with pytest.raises(ChainBroken, match="elsewhere"):
            join()
        assert not unprepared.receipt.exists()

    def test_a_wrong_clock_does_not_keep_a_machine_out(self, unprepared: AgentPaths, operator: Operator) -> None:
        operator.ahead_ms = 3 * 3_600_000
        link = parse_link(operator.link)
        with open_client(link.origin) as client:
            give(unprepared, client, link, None, lambda _: YES, now_ms=lambda: operator.now_ms() - operator.ahead_ms)
        record, _ = verify_record(unprepared.record.read_text())
        assert abs(record.event.time - operator.now_ms()) < 60_000

    def test_a_power_cut_while_signing_leaves_no_consent(
        self, unprepared: AgentPaths, monkeypatch: pytest.MonkeyPatch, join: Join
    ) -> None:
        def power_cut(*_: object) -> None:
            raise OSError(28, "no space left on device")

        monkeypatch.setattr("agent.enrolment.store_enrolment", power_cut)
        with pytest.raises(OSError, match="no space"):
            join()
        assert not any(unprepared.data_dir.iterdir())
        monkeypatch.undo()
        assert join()

    def test_leftovers_of_a_killed_attempt_do_not_stand_in_the_way(self, join: Join, unprepared: AgentPaths) -> None:
        unprepared.prepare()
        unprepared.key.write_bytes(b"half a key")
        assert join()
        verify_chain_on_disk(unprepared)


class TestAgain:
    def test_a_machine_takes_part_once(self, join: Join, operator: Operator) -> None:
        assert join()
        with pytest.raises(AgentError, match="takes part already"):
            join()
        assert operator.paths.count("POST /api/v1/consents") == 1

    def test_a_major_text_is_a_new_consent_and_the_old_one_is_kept(
        self, join: Join, unprepared: AgentPaths, operator: Operator
    ) -> None:
        assert join()
        before, _ = verify_record(unprepared.record.read_text())
        operator.version = Version(1, 1, 0)
        with pytest.raises(AgentError, match="takes part already"):
            join()
        operator.version = Version(2, 0, 0)
        assert not join(None), "a no to the new text changes nothing"
        assert verify_record(unprepared.record.read_text())[0] == before
        assert join()
        after, _ = verify_record(unprepared.record.read_text())
        assert after.instance_id != before.instance_id
        assert (unprepared.data_dir / "former" / before.record_id / "record.jws").exists()

    def test_after_expiry_and_after_damage(self, join: Join, unprepared: AgentPaths, operator: Operator) -> None:
        assert join()
        operator.ahead_ms += 31 * 86_400_000
        assert join()
        unprepared.record.write_text("damaged")
        assert join()
        verify_chain_on_disk(unprepared)
        names = sorted(path.name for path in (unprepared.data_dir / "former").iterdir())
        assert len(names) == 2 and sum(name.startswith("damaged-") for name in names) == 1

    def test_after_a_withdrawal_it_is_another_key_and_another_instance(
        self, join: Join, unprepared: AgentPaths, operator: Operator
    ) -> None:
        assert join()
        before, key_before = verify_record(unprepared.record.read_text())
        revoke(unprepared, operator.now_ms())
        assert join(), "the withdrawal is delivered first"
        after, key_after = verify_record(unprepared.record.read_text())
        assert before.record_id in operator.erasures
        assert key_before != key_after and before.instance_id != after.instance_id

    def test_an_undelivered_withdrawal_comes_first(
        self, join: Join, unprepared: AgentPaths, operator: Operator
    ) -> None:
        assert join()
        revoke(unprepared, operator.now_ms())
        operator.trouble = lambda path: "drop" if "withdrawal" in path else None
        with pytest.raises(ServerUnreachable, match="last withdrawal"):
            join()
        assert unprepared.key.exists() and unprepared.withdrawal.exists()

    def test_an_enrolment_that_waits_elsewhere(self, join: Join, unprepared: AgentPaths, operator: Operator) -> None:
        operator.trouble = lambda path: "unavailable" if path.endswith("consents") else None
        with pytest.raises(ServerUnreachable):
            join()
        with operator_server() as other, open_client(other.url) as client:
            with pytest.raises(AgentError, match="sysmetric consent revoke"):
                give(unprepared, client, parse_link(other.link), None, lambda _: YES, now_ms=other.now_ms)
            assert not other.requests

    def test_giving_up_an_enrolment_that_never_arrived(
        self, join: Join, unprepared: AgentPaths, operator: Operator
    ) -> None:
        operator.trouble = lambda path: "unavailable" if path.endswith("consents") else None
        with pytest.raises(ServerUnreachable):
            join()
        revoke(unprepared, operator.now_ms())
        with open_client(origin_of(unprepared)) as client:
            assert deliver_withdrawal(unprepared, client, operator.now_ms()) is None
        assert not any(unprepared.data_dir.iterdir())

    def test_giving_up_an_enrolment_that_did_arrive(
        self, join: Join, unprepared: AgentPaths, operator: Operator
    ) -> None:
        operator.trouble = lambda path: "drop" if path.endswith("consents") else None
        with pytest.raises(ServerUnreachable):
            join()
        revoke(unprepared, operator.now_ms())
        with open_client(origin_of(unprepared)) as client:
            erasure = deliver_withdrawal(unprepared, client, operator.now_ms())
        assert erasure is not None and len(operator.erasures) == 1


class TestUnattended:
    def test_the_flags_belong_together(self) -> None:
        assert check_flags(None, [], None) is None
        assert check_flags(" ABC ", ["cpu"], None) == Unattended("abc", frozenset({"cpu"}), 365)
        with pytest.raises(ConfigError, match="go together"):
            check_flags(None, ["cpu"], None)
        with pytest.raises(ConfigError, match="go together"):
            check_flags(None, [], 5)
        with pytest.raises(ConfigError, match="--grant cpu"):
            check_flags("abc", [], None)
        for days in (0, -1, 366):
            with pytest.raises(ConfigError, match="1 to 365"):
                check_flags("abc", ["cpu"], days)

    def test_only_the_very_text_and_only_what_is_offered(self, operator: Operator) -> None:
        with open_client(operator.url) as client:
            proposal = fetch_proposal(client, parse_link(operator.link), None)
        sha256 = proposal.offer.notice.sha256
        choices = by_flags(proposal, Unattended(sha256, frozenset({"cpu"}), 7), False)
        assert choices == Choices(frozenset({"cpu"}), 7, Ceremony(Method.UNATTENDED, False, 0, Quiz.NOT_ASKED))
        with pytest.raises(NoConsent, match="nothing was agreed to"):
            by_flags(proposal, Unattended("0" * 64, frozenset({"cpu"}), 7), False)
        with pytest.raises(ConfigError, match="cpu, memory, disk"):
            by_flags(proposal, Unattended(sha256, frozenset({"cpu", "camera"}), 7), False)

    @pytest.mark.parametrize("value", ["1", "true", "yes", "anything"])
    def test_do_not_track_means_no_also_with_flags(self, value: str) -> None:
        for flags in (None, Unattended("abc", frozenset({"cpu"}), 7)):
            with pytest.raises(NoConsent, match="DO_NOT_TRACK"):
                check_may_ask(flags, no_input=False, environ={"DO_NOT_TRACK": value})
        check_may_ask(Unattended("abc", frozenset({"cpu"}), 7), no_input=True, environ={"DO_NOT_TRACK": "0"})

    def test_no_terminal_means_no(self) -> None:
        with pytest.raises(NoConsent, match="--accept-notice SHA256 --grant"):
            check_may_ask(None, no_input=True, environ={})


def test_sign_record_needs_a_grant(unprepared: AgentPaths, operator: Operator) -> None:
    numbers = itertools.count()
    with open_client(operator.url) as client:
        proposal = fetch_proposal(client, parse_link(operator.link), None)
        with pytest.raises(ConsentError, match="nothing is granted"):
            sign_record(
                unprepared,
                parse_link(operator.link),
                proposal,
                dataclasses.replace(YES, granted=frozenset()),
                now_ms=operator.now_ms(),
                new_uuid=lambda: str(uuid.UUID(int=next(numbers))),
            )
        assert not any(unprepared.data_dir.iterdir())
        with pytest.raises(NoConsent, match="no enrolment to complete"):
            confirm(unprepared, client)


def verify_chain_on_disk(paths: AgentPaths) -> None:
    documents = load_documents(paths)
    assert documents is not None
    verify_chain(documents)
