"""A new installation: whole, private, and never over another."""

import os
import stat
import sys
from pathlib import Path

import pexpect
import pytest

from consent.signature import load_key_file, thumbprint
from server.config import load_config
from tests.processes import WHO
from tests.server.command_line import BIN, CommandLine, environment


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Commands where nothing is yet."""
    return CommandLine(tmp_path / "new" / "server", monkeypatch, capsys)


def files(directory: Path) -> dict[str, bytes]:
    """Every file below and its content."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_it_prints_the_link_alone_on_stdout(cli: CommandLine) -> None:
    said = cli("init", "--no-input", *WHO, "--origin", "http://127.0.0.1:9123")
    assert said.code == 0
    key = thumbprint(load_key_file(cli.data_dir / "operator-key.pem").public_key())
    assert said.out.startswith(f"http://127.0.0.1:9123/#k={key}&i=") and len(said.out.splitlines()) == 1
    assert "sysmetric-server run" in said.err
    assert load_config(cli.data_dir, {}).listen == "127.0.0.1:9123"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_everything_is_private_whatever_the_umask(cli: CommandLine) -> None:
    cli.data_dir.mkdir(parents=True, mode=0o755)
    before = os.umask(0)
    try:
        assert cli("init", "--no-input", *WHO).code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(cli.data_dir.stat().st_mode) == 0o700
    for path in cli.data_dir.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_notices_of_all_locales_are_published_and_one_invite_made(cli: CommandLine) -> None:
    made = cli("init", "--no-input", *WHO, "--json").json
    published = cli("notice", "show", "--json").json["published"]
    assert [entry["locale"] for entry in published] == ["en", "pl"]
    assert [entry["id"] for entry in cli("invite", "list", "--json").json["invites"]] == [made["invite"]]


def test_open_enrolment_needs_no_invite(cli: CommandLine) -> None:
    made = cli("init", "--no-input", *WHO, "--enrolment", "open", "--json").json
    assert made["invite"] is None and "&i=" not in made["enrolment_url"]


def test_an_installation_is_never_overwritten(cli: CommandLine) -> None:
    cli("init", "--no-input", *WHO)
    before = files(cli.data_dir)
    said = cli("init", "--no-input", *WHO)
    assert (said.code, said.out) == (1, "")
    assert "left as it is" in said.err and len(said.err.splitlines()) == 1
    assert files(cli.data_dir) == before


def test_a_key_without_its_settings_is_not_overwritten_either(cli: CommandLine) -> None:
    cli("init", "--no-input", *WHO)
    (cli.data_dir / "config.toml").unlink()
    before = files(cli.data_dir)
    said = cli("init", "--no-input", *WHO)
    assert said.code == 1 and "operator-key.pem" in said.err
    assert files(cli.data_dir) == before


def test_what_is_missing_is_named_before_anything_is_made(cli: CommandLine) -> None:
    said = cli("init", "--no-input", "--name", "Op")
    assert said.code == 1 and "--address, --contact" in said.err
    assert not cli.data_dir.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--origin", "http://example.org"), "origin (flag) must be https://host"),
        (("--timezone", "Mars/Base"), "timezone (flag) must be a time zone"),
        (("--retention-hours", "0"), "retention_hours (flag) must be"),
        (("--enrolment", "closed"), "enrolment (flag) must be invite or open"),
    ],
)
def test_a_wrong_value_makes_nothing(cli: CommandLine, arguments: tuple[str, ...], words: str) -> None:
    said = cli("init", "--no-input", *WHO, *arguments)
    assert said.code == 1 and words in said.err
    assert not cli.data_dir.exists()


def test_a_failure_half_way_leaves_nothing(cli: CommandLine) -> None:
    cli.monkeypatch.setattr("server.setup.config_toml", lambda values: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli("init", "--no-input", *WHO)
    assert not cli.data_dir.exists()
    cli.monkeypatch.undo()
    assert cli("init", "--no-input", *WHO).code == 0


def test_settings_of_the_environment_are_written_down(cli: CommandLine) -> None:
    cli.monkeypatch.setenv("SYSMETRIC_SERVER_CONTROLLER_NAME", "From the environment")
    assert cli("init", "--no-input", *WHO[2:], "--recipient", "One", "--recipient", "Two").code == 0
    config = load_config(cli.data_dir, {})
    assert (config.controller_name, config.recipients) == ("From the environment", ("One", "Two"))


@pytest.mark.skipif(sys.platform == "win32", reason="pexpect needs a pseudo-terminal")
def test_on_a_terminal_it_asks_again_until_an_answer_fits(tmp_path: Path) -> None:
    child = pexpect.spawn(
        str(BIN), ["init"], env=environment(tmp_path / "server", TERM="dumb"), encoding="utf-8", timeout=30
    )
    for question, answer in (
        ("Who is responsible", "Ada"),
        ("Postal address", " "),
        ("must not be empty", ""),
        ("Postal address", "Street 1"),
        ("How a volunteer reaches you", "ada@example.org"),
        ("The address volunteers", "http://example.org"),
        ("must be https://host", None),
        ("The address volunteers", "https://metrics.example.org"),
    ):
        child.expect(question)
        if answer:
            child.sendline(answer)
    child.expect("https://metrics.example.org/#k=")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert load_config(tmp_path / "server", {}).controller_name == "Ada"
