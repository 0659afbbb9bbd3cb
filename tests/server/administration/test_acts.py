"""Calling acts by name: what fits, what is refused, and what the audit trail keeps."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from server.administration import ACTS, Desk, perform
from server.errors import InvalidRequest, NotFound, ServerError
from server.runtime import Runtime
from tests.server.installation import Volunteer

Do = Callable[..., dict[str, Any]]


def test_an_unknown_act_names_those_there_are(do: Do) -> None:
    with pytest.raises(NotFound, match="no act 'invite'; there are: .*invite-create"):
        do("invite")


@pytest.mark.parametrize(
    ("verb", "arguments", "words"),
    [
        ("invite-create", {"uses": "3"}, "uses"),
        ("invite-create", {"uses": True}, "uses"),
        ("invite-create", {"uses": 0}, "uses"),
        ("invite-create", {"user": 3}, "user"),
        ("invite-revoke", {}, "id"),
        ("token-create", {"name": "x", "scope": "root"}, "scope"),
        ("token-create", {"name": ""}, "name"),
        ("audit-list", {"limit": 10**9}, "limit"),
        ("purge", {"dry_run": 1}, "dry_run"),
        ("import-rows", {"source": ["a"], "tables": {}}, "source"),
    ],
)
def test_arguments_that_do_not_fit_are_named(do: Do, verb: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{verb}: .*{words}"):
        do(verb, **arguments)


ANYTHING = st.dictionaries(
    st.sampled_from(
        ["id", "uses", "days", "note", "name", "scope", "limit", "record_id", "instance", "locale", "path"]
    ),
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.integers(), max_size=2),
    max_size=3,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(verb=st.sampled_from(sorted(ACTS)), arguments=ANYTHING)
def test_whatever_is_asked_is_answered_or_refused_in_words(
    runtime: Runtime, verb: str, arguments: dict[str, Any]
) -> None:
    try:
        json.dumps(perform(Desk(runtime), verb, arguments))
    except ServerError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("verb", "arguments", "entry"),
    [
        ("stats", {}, ("stats.shown", "stats")),
        ("invite-list", {}, ("invites.listed", "invites")),
        ("token-list", {}, ("tokens.listed", "tokens")),
        ("instances-list", {}, ("instances.listed", "instances")),
        ("consents-list", {}, ("consents.listed", "consents")),
        ("consents-verify", {}, ("consents.verified", "consents")),
        ("notice-show", {}, ("notice.shown", "1.0.0/en")),
        ("purge", {"dry_run": True}, ("purge.forecast", "samples")),
        ("audit-list", {}, ("audit.listed", "audit")),
    ],
)
def test_each_act_leaves_who_and_what(
    runtime: Runtime, verb: str, arguments: dict[str, Any], entry: tuple[str, str]
) -> None:
    perform(Desk(runtime, "nightly", "0123456789ab"), verb, arguments)
    newest = runtime.registry.audit_entries(1)[0]
    assert (newest.actor, newest.act, newest.subject) == ("nightly", *entry)


def test_the_audit_trail_holds_no_instance_id_and_no_secret(runtime: Runtime, do: Do, volunteer: Volunteer) -> None:
    invite = do("invite-create", note="for Ada")
    token = do("token-create", name="x")
    for verb in ("consents-show", "consents-export", "consents-verify"):
        do(verb, record_id=volunteer.record_id)
    do("instances-erase", instance=volunteer.instance)
    do("consents-terminate", record_id=volunteer.record_id)
    trail = str(runtime.registry.audit_entries(1000))
    assert volunteer.record_id in trail
    secrets = (volunteer.instance, "Ada", token["secret"], invite["enrolment_url"].split("i=")[1])
    assert not [secret for secret in secrets if secret in trail]


def test_a_link_needs_a_running_server(runtime: Runtime, do: Do) -> None:
    with pytest.raises(InvalidRequest, match="sysmetric-server run"):
        do("link")
    made = perform(Desk(runtime, "command line", "0123456789ab"), "link", {})
    assert made["url"].startswith("http://localhost/open/")
    grant = runtime.links.consume(made["url"].rsplit("/", 1)[1])
    assert grant is not None and (grant.role, grant.token_id) == ("operator", "0123456789ab")


def test_invites_come_and_go(do: Do, runtime: Runtime) -> None:
    made = do("invite-create", uses=2, days=1, note="n")
    assert f"#k={runtime.thumbprint}&i=" in made["enrolment_url"]
    assert [(entry["id"], entry["state"], entry["uses"]) for entry in do("invite-list")["invites"]] == [
        (made["id"], "open", 2)
    ]
    do("invite-revoke", id=made["id"])
    assert do("invite-list")["invites"][0]["state"] == "revoked"
    with pytest.raises(NotFound, match="invite list"):
        do("invite-revoke", id="nothing")


def test_an_invite_runs_out(do: Do, runtime: Runtime) -> None:
    made = do("invite-create", days=1)
    runtime.now_ms.now_ms = made["expires"]  # type: ignore[attr-defined]  # the clock of the test
    assert do("invite-list")["invites"][0]["state"] == "expired"


def test_tokens_come_and_go(do: Do, runtime: Runtime) -> None:
    made = do("token-create", name="backup", scope="operator", days=1)
    assert runtime.registry.check_token(made["secret"], runtime.now_ms()) is not None
    assert [entry["state"] for entry in do("token-list")["tokens"]] == ["valid"]
    assert "secret" not in do("token-list")["tokens"][0]
    do("token-revoke", id=made["id"])
    assert do("token-list")["tokens"][0]["state"] == "revoked"
    with pytest.raises(InvalidRequest, match="other than 'local'"):
        do("token-create", name="local")


def test_stats_count_what_there_is(do: Do, volunteer: Volunteer) -> None:
    found = do("stats")
    assert found["rows"] == {"cpu": 6, "memory": 3, "disk": 0}
    assert found["instances"] == {"with_rows": 1, "open_servers": 0, "volunteers": 1}
    assert found["consents"] == {"given": 1}
    assert found["bytes_on_disk"] > 0 and volunteer.instance
