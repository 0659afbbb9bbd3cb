"""The command line as a whole: help, versions, errors, colours."""

import re
import sys
from pathlib import Path

import pytest
import typer

from consent import __version__
from server.cli import app, exit_code
from server.errors import ConfigError, ServerUnreachable, TokenRefused
from tests.server.command_line import CommandLine


def _commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    def walk(command: object, path: tuple[str, ...]) -> None:
        for name, below in getattr(command, "commands", {}).items():
            walk(below, (*path, name))
        if not getattr(command, "commands", {}):
            found.append(path)

    walk(typer.main.get_command(app), ())
    return found


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Commands where there is no installation."""
    return CommandLine(tmp_path / "nothing", monkeypatch, capsys)


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_each_command_has_help_with_an_example(cli: CommandLine, command: tuple[str, ...]) -> None:
    said = cli(*command, "--help")
    assert said.code == 0
    assert re.search(rf"^\s+sysmetric-server {' '.join(command)}", said.out, re.MULTILINE), said.out


PRINT_DATA = [command for command in _commands() if command != ("run",)]


@pytest.mark.parametrize("command", PRINT_DATA, ids=" ".join)
def test_each_command_that_prints_data_prints_json(cli: CommandLine, command: tuple[str, ...]) -> None:
    assert "--json" in cli(*command, "--help").out


def test_version(cli: CommandLine) -> None:
    assert cli("--version").out == f"sysmetric-server {__version__}\n"


def test_no_command_is_help_and_an_unknown_one_is_usage(cli: CommandLine) -> None:
    assert "Usage" in cli().out + cli().err
    assert cli("frobnicate").code == 2


def test_without_the_libraries_of_the_server_it_says_how_to_install_them(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "server.setup", raising=False)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    said = cli("init", "--no-input", "--name", "A", "--address", "B", "--contact", "C")
    assert said.code == 1 and "pipx install --force '.[server]'" in said.err, said.err


def test_no_installation_is_one_sentence(cli: CommandLine) -> None:
    said = cli("stats")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("sysmetric-server: ") and said.err.endswith("make one with: sysmetric-server init\n")


def test_a_data_dir_flag_wins_over_the_environment(cli: CommandLine, tmp_path: Path) -> None:
    assert str(tmp_path / "other") in cli("stats", "--data-dir", str(tmp_path / "other")).err


def test_exit_codes_say_what_kind_of_failure_it_was() -> None:
    assert [exit_code(kind("x")) for kind in (ConfigError, ServerUnreachable, TokenRefused)] == [1, 4, 5]


def test_ctrl_c_is_130_without_a_traceback(cli: CommandLine) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    cli.monkeypatch.setattr("server.commands.terminal.load_config", interrupted)
    said = cli("stats")
    assert said.code == 130 and "Traceback" not in said.err


def test_what_a_message_quotes_moves_no_cursor(cli: CommandLine) -> None:
    said = cli("stats", "--data-dir", "/nowhere/\x1b]52;c;aGk=\x07\x9b2J\u202e")
    assert said.code == 1 and "/nowhere/\ufffd]52" in said.err
    assert said.err.removesuffix("\n").isprintable()
