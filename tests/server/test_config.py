"""Settings: where each comes from, and what is refused with which words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from server.config import config_toml, data_dir_of, initial_values, load_config, resolve, said_in
from server.errors import ConfigError
from server.settings import SETTINGS, is_loopback, origin

REQUIRED = {"controller_name": "Op", "controller_address": "Street 1", "controller_contact": "op@example.org"}
NAMES = [setting.name for setting in SETTINGS]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a ``config.toml`` with these settings; the data directory."""

    def make(**values: Any) -> Path:
        (tmp_path / "config.toml").write_text(config_toml({**REQUIRED, **values}))
        return tmp_path

    return make


def test_flag_wins_over_environment_over_file_over_default(write: Callable[..., Path]) -> None:
    directory = write(retention_hours=5, proof_days=10, threads=3)
    environment = {"SYSMETRIC_SERVER_RETENTION_HOURS": "6", "SYSMETRIC_SERVER_PROOF_DAYS": "11"}
    found = resolve(directory, environment, {"retention_hours": 7})
    assert (found["retention_hours"].value, found["retention_hours"].origin) == (7, "flag")
    assert (found["proof_days"].value, found["proof_days"].origin) == (11, "SYSMETRIC_SERVER_PROOF_DAYS")
    assert (found["threads"].value, found["threads"].origin) == (3, str(directory / "config.toml"))
    assert (found["timezone"].value, found["timezone"].origin) == ("Europe/Warsaw", "default")


def test_what_is_written_is_what_is_read(write: Callable[..., Path]) -> None:
    values = {"origin": "https://example.org", "recipients": ('a "quoted" host', "drugi, Łódź"), "behind_proxy": True}
    config = load_config(write(**values), {})
    assert (config.origin, config.recipients, config.behind_proxy) == tuple(values.values())


def test_what_volunteers_read_may_be_said_per_language(write: Callable[..., Path]) -> None:
    recipients = {"en": ("Host A",), "pl": ("Hosting A", "Hosting B")}
    config = load_config(write(recipients=recipients, transfers="none / brak"), {})
    for locale, lines in recipients.items():
        assert said_in(locale, config.recipients) == lines
    assert said_in("pl", config.transfers) == "none / brak"


def test_every_setting_is_explained_in_the_file() -> None:
    text = config_toml(REQUIRED)
    for setting in SETTINGS:
        before = text.split(f"{setting.name} = ", maxsplit=1)[0].rstrip("# ").rstrip()
        assert before.splitlines()[-1].startswith("# "), setting.name


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("retention_hour = 3\n")
    with pytest.raises(ConfigError, match="no setting 'retention_hour'; did you mean 'retention_hours'"):
        load_config(tmp_path, {})


def test_a_near_miss_in_the_environment_is_refused_and_a_platforms_variable_is_not(write: Callable[..., Path]) -> None:
    directory = write()
    with pytest.raises(ConfigError, match="did you mean SYSMETRIC_SERVER_LISTEN"):
        load_config(directory, {"SYSMETRIC_SERVER_LISTENS": "127.0.0.1:1"})
    load_config(directory, {"SYSMETRIC_SERVER_PORT_8080_TCP": "tcp://10.0.0.1:8080", "SYSMETRIC_SERVER_DATA_DIR": "x"})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("origin", "http://example.org", "https://host"),
        ("origin", "https://example.org/path", "no path"),
        ("origin", "https://user@example.org", "no user"),
        ("origin", "ftp://127.0.0.1", "https://host"),
        ("origin", "https://", "https://host"),
        ("origin", "https://h:99999", "https://host"),
        ("listen", "0.0.0.0", "IP address and a port"),
        ("listen", "example.org:80", "IP address and a port"),
        ("listen", "127.0.0.1:0", "IP address and a port"),
        ("listen", "::1:8080", "IP address and a port"),
        ("listen", "300.0.0.1:80", "IP address and a port"),
        ("timezone", "Europe/Warszawa", "'Europe/Warszawa' is unknown"),
        ("timezone", "Europe", "is unknown"),
        ("timezone", "../etc/passwd", "is unknown"),
        ("timezone", 3, "is unknown"),
        ("retention_hours", 0, "from 1 to"),
        ("retention_hours", True, "whole number"),
        ("retention_hours", 1.5, "whole number"),
        ("store", "sqlite", "duckdb or kdb"),
        ("enrolment", "closed", "invite or open"),
        ("controller_name", " ", "must not be empty"),
        ("controller_name", "a\nb", "one line of text"),
        ("recipients", [], "a list of lines"),
        ("recipients", "nobody", "a list of lines"),
        ("behind_proxy", "yes", "true or false"),
        ("transfers", {"en": "none"}, "one for each of: en, pl"),
        ("transfers", {"en": "none", "pl": ""}, "must not be empty"),
        ("recipients", {"en": ["A"], "pl": "A"}, "a list of lines"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_setting_and_source(
    write: Callable[..., Path], name: str, value: Any, words: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^{name} \(flag\) must (be|not) .*") as caught:
        resolve(write(), {}, {name: value})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("RETENTION_HOURS", "30", 30),
        ("BEHIND_PROXY", "true", True),
        ("RECIPIENTS", "One Ltd, Warsaw; Two GmbH", ("One Ltd, Warsaw", "Two GmbH")),
        ("LISTEN", "[::1]:9000", "[::1]:9000"),
    ],
)
def test_the_environment_is_text(write: Callable[..., Path], name: str, text: str, value: Any) -> None:
    assert resolve(write(), {f"SYSMETRIC_SERVER_{name}": text}, {})[name.lower()].value == value


@pytest.mark.parametrize(("name", "text"), [("RETENTION_HOURS", "a day"), ("BEHIND_PROXY", "1")])
def test_text_that_is_no_value_names_the_variable(write: Callable[..., Path], name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"^SYSMETRIC_SERVER_{name} must be"):
        load_config(write(), {f"SYSMETRIC_SERVER_{name}": text})


def test_no_installation_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sysmetric-server init"):
        load_config(tmp_path, {})


def test_broken_toml_and_a_missing_controller_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("origin = ")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config(tmp_path, {})
    (tmp_path / "config.toml").write_text("")
    with pytest.raises(ConfigError, match="controller_name is missing"):
        load_config(tmp_path, {})


def test_a_certificate_needs_its_key(write: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match="go together"):
        load_config(write(tls_cert="cert.pem"), {})


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("https://Example.ORG/", "https://example.org"),
        ("https://example.org:443", "https://example.org"),
        ("https://example.org:8443", "https://example.org:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_one_origin_has_one_spelling(given: str, made: str) -> None:
    assert origin(given) == made


@given(st.text())
def test_any_text_is_an_origin_or_a_value_error(text: str) -> None:
    try:
        made = origin(text)
    except ValueError:
        return
    assert origin(made) == made


@pytest.mark.parametrize(
    ("host", "own"), [("127.8.8.8", True), ("::1", True), ("localhost", True), ("10.0.0.1", False)]
)
def test_loopback(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_data_dir_flag_wins_over_environment(tmp_path: Path) -> None:
    environment = {"SYSMETRIC_SERVER_DATA_DIR": str(tmp_path / "a")}
    assert data_dir_of(environment) == tmp_path / "a"
    assert data_dir_of(environment, tmp_path / "b") == tmp_path / "b"
    assert data_dir_of({}).name == "sysmetric-server"


@pytest.mark.parametrize(
    ("given", "listen"),
    [
        ({"origin": "http://127.0.0.1:9999"}, "127.0.0.1:9999"),
        ({"origin": "http://[::1]:9999"}, "[::1]:9999"),
        ({"origin": "http://127.0.0.1:9999", "listen": "127.0.0.1:1"}, "127.0.0.1:1"),
        ({"origin": "https://example.org"}, "127.0.0.1:8080"),
    ],
)
def test_a_new_installation_listens_where_its_plain_origin_says(given: dict[str, str], listen: str) -> None:
    assert initial_values({}, given)["listen"] == listen
