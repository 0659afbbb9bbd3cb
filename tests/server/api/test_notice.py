"""The agreement as a newcomer's machine gets it."""

from collections.abc import Callable

from flask.testing import FlaskClient

from consent.chain import verify_offer
from consent.notice import check_complete, parse
from consent.wire import Problem
from server.runtime import Runtime
from tests.server.installation import Clock
from tests.server.problems import check_problem


def test_the_notice_is_served_signed_complete_and_byte_for_byte(
    http: FlaskClient, runtime: Runtime, clock: Clock
) -> None:
    answer = http.get("/api/v1/notice?locale=pl").get_json()
    assert answer["notice"] == runtime.registry.current_notice("pl").compact
    assert (answer["locales"], answer["server_time"]) == (["en", "pl"], clock())
    offer = verify_offer(answer["notice"], runtime.thumbprint)
    notice = parse(offer.text)
    check_complete(notice)
    assert notice.locale == "pl"


def test_a_locale_falls_back_to_its_language_and_none_to_english(http: FlaskClient, runtime: Runtime) -> None:
    for query, locale in (("?locale=pl_PL", "pl"), ("?locale=pl-PL", "pl"), ("?locale=en", "en"), ("", "en")):
        compact = http.get(f"/api/v1/notice{query}").get_json()["notice"]
        assert verify_offer(compact, runtime.thumbprint).notice.locale == locale


def test_a_language_that_is_not_there_is_not_replaced_by_another(http: FlaskClient) -> None:
    document = check_problem(http.get("/api/v1/notice?locale=zz-secret"), Problem.NOT_FOUND)
    assert "en, pl" in document["detail"] and "secret" not in document["detail"]


def test_each_nonce_is_another(http: FlaskClient) -> None:
    assert len({http.get("/api/v1/notice").get_json()["nonce"] for _ in range(5)}) == 5


def test_only_the_newest_version_is_offered(
    http: FlaskClient, runtime: Runtime, publish_major: Callable[[], None]
) -> None:
    publish_major()
    answer = http.get("/api/v1/notice").get_json()
    assert verify_offer(answer["notice"], runtime.thumbprint).notice.version == "9.0.0"
    assert answer["locales"] == ["en"]
