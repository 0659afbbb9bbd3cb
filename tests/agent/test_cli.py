"""Exit codes, help and errors of the command line."""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from agent import cli
from agent.errors import AgentError, ConfigError, NoConsent, Refused, ServerUnreachable, SpoolError
from agent.paths import AgentPaths
from consent import __version__
from consent.errors import ChainBroken
from tests.agent.command_line import Sysmetric, command_line


@pytest.fixture
def sysmetric(unprepared: AgentPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sysmetric:
    return command_line(unprepared, monkeypatch, capsys)


def test_version_and_help(sysmetric: Sysmetric) -> None:
    assert sysmetric("--version").out == f"sysmetric {__version__}\n"
    for flag in ("--help", "-h"):
        ended = sysmetric(flag)
        assert ended.code == 0 and "Examples:" in ended.out and "sysmetric consent revoke" in ended.out


def test_every_command_has_examples_and_no_colour(sysmetric: Sysmetric) -> None:
    listed = re.findall(r"^  ([a-z]+) {2,}", sysmetric("--help").out.split("Commands:")[1], re.MULTILINE)
    assert {"run", "status", "watch", "preview", "pause", "resume", "dashboard", "consent", "data", "config"} <= set(
        listed
    )
    for name in listed:
        ended = sysmetric(name, "--help")
        assert ended.code == 0 and "\x1b" not in ended.out
        verbs = (
            re.findall(r"^  ([a-z]+) {2,}", ended.out.split("Commands:")[1], re.MULTILINE)
            if "Commands:" in ended.out
            else []
        )
        for text in [sysmetric(name, verb, "--help").out for verb in verbs] or [ended.out]:
            assert re.search(r"Examples?:\n    \S", text), name


def test_a_mistake_is_2_and_names_the_nearest(sysmetric: Sysmetric) -> None:
    ended = sysmetric("statsu")
    assert ended.code == 2 and "status" in ended.err and not ended.out
    assert sysmetric("status", "--jsno").code == 2
    assert sysmetric("run", "--period", "soon").code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AgentError("so it is"), 1),
        (SpoolError("so it is"), 1),
        (ConfigError("so it is"), 2),
        (NoConsent("so it is"), 3),
        (ServerUnreachable("so it is"), 4),
        (Refused("not-consented", "so it is"), 5),
        (ChainBroken("so it is"), 1),
        (OSError(28, "so it is", "/x"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_is_one_sentence_and_an_exit_code(
    sysmetric: Sysmetric, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr("agent.status_view.status_lines", fail)
    ended = sysmetric("status")
    assert ended.code == code and not ended.out
    assert "Traceback" not in ended.err and len(ended.err.splitlines()) <= 1
    assert code == 130 or ("so it is" in ended.err and ended.err.startswith("sysmetric: "))


@pytest.mark.parametrize("error", [ChainBroken, ServerUnreachable, lambda text: OSError(28, text, text)])
def test_what_a_message_quotes_moves_no_cursor(
    sysmetric: Sysmetric, monkeypatch: pytest.MonkeyPatch, error: Callable[[str], Exception]
) -> None:
    def fail(*_arguments: object) -> None:
        raise error("so \x1b]52;c;aGk=\x07it\x9b2J\u202e is")

    monkeypatch.setattr("agent.status_view.status_lines", fail)
    said = sysmetric("status").err
    assert "so it is" in said and said.removesuffix("\n").isprintable()


def test_looking_for_help_loads_nothing_heavy() -> None:
    heavy = ["psutil", "httpx", "rich", "cryptography", "sqlite3", "http_message_signatures"]
    code = f"import sys, agent.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_output_that_is_closed_is_no_traceback() -> None:
    code = "import sys; sys.argv = ['sysmetric', '--help']; from agent import cli; cli.main()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
    assert cli.app.info.name == "sysmetric"
