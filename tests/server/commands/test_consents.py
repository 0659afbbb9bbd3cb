"""``consents`` with somebody in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consent.chain import verify_record
from server.app import create_app
from tests.server.command_line import CommandLine
from tests.server.installation import Clock, Volunteer, initialise, open_installation


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Volunteer]]:
    """An installation that one volunteer joined, closed again."""
    data_dir = tmp_path_factory.mktemp("joined") / "server"
    initialise(data_dir, enrolment="open")
    clock = Clock()
    with open_installation(data_dir, clock) as runtime:
        volunteer = Volunteer(create_app(runtime).test_client(), clock, runtime.thumbprint)
        volunteer.enrol(None, ("cpu",))
    yield data_dir, volunteer


@pytest.fixture
def cli(
    joined: tuple[Path, Volunteer], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """Commands on it."""
    return CommandLine(joined[0], monkeypatch, capsys)


def test_list_and_show(cli: CommandLine, joined: tuple[Path, Volunteer]) -> None:
    assert joined[1].record_id in cli("consents", "list").out
    shown = cli("consents", "show", joined[1].record_id)
    assert "yes, at most every 1 s" in shown.out and "prompt on a terminal, 60 s" in shown.out
    assert cli("consents", "show", joined[1].record_id, "--json").json["record"]["instance_id"] == joined[1].instance


def test_verify(cli: CommandLine) -> None:
    said = cli("consents", "verify")
    assert said.code == 0 and "1 of 1 consents hold" in said.err


def test_export_writes_private_files_that_verify_and_overwrites_nothing(
    cli: CommandLine, joined: tuple[Path, Volunteer], tmp_path: Path
) -> None:
    target = tmp_path / "evidence"
    said = cli("consents", "export", joined[1].record_id, "--to", str(target))
    assert sorted(said.out.split()) == [str(target / name) for name in ("notice.jws", "receipt.jws", "record.jws")]
    record, _ = verify_record((target / "record.jws").read_text())
    assert record == joined[1].record
    assert (target / "record.jws").stat().st_mode & 0o077 == 0
    again = cli("consents", "export", joined[1].record_id, "--to", str(target))
    assert again.code == 1 and "--to" in again.err


def test_a_broken_proof_is_named_on_stdout_and_ends_with_1(cli: CommandLine, joined: tuple[Path, Volunteer]) -> None:
    content = (joined[0] / "registry.sqlite3").read_bytes()
    try:
        with open_installation(joined[0], Clock()) as runtime, runtime.registry.writing() as connection:
            connection.exec_driver_sql("DELETE FROM evidence WHERE kind = 'receipt'")
        said = cli("consents", "verify")
        assert said.code == 1 and said.out.startswith(joined[1].record_id)
        assert "0 of 1 consents hold" in said.err
    finally:
        (joined[0] / "registry.sqlite3").write_bytes(content)
