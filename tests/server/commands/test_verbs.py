"""Every verb, without a server and through a running one."""

import json
import time
from pathlib import Path

import pytest

from tests.server.command_line import CommandLine
from tests.server.imports.answers import matrix, memory

GIB = float(1 << 30)


def recording(path: Path, *times_ms: int, instance: str = "server.example:9100") -> str:
    """A file with one row of memory at each time."""
    values = {"MemTotal": 8 * GIB, "MemAvailable": 4 * GIB, "SwapTotal": GIB, "SwapFree": GIB}
    path.write_bytes(
        matrix(*(memory(key, [(ms / 1000, value) for ms in times_ms], instance) for key, value in values.items()))
    )
    return str(path)


def now_ms() -> int:
    """The real clock: the server of these tests runs by it."""
    return time.time_ns() // 1_000_000


def test_invites(either: CommandLine) -> None:
    made = either("invite", "create", "--uses", "3", "--note", "workshop")
    assert made.code == 0
    assert made.out.startswith("http://127.0.0.1:") and "&i=" in made.out and len(made.out.splitlines()) == 1
    assert "sysmetric consent give" in made.err
    newest = either("invite", "list", "--json").json["invites"][0]
    assert (newest["uses"], newest["note"], newest["state"]) == (3, "workshop", "open")
    assert either("invite", "revoke", newest["id"]).code == 0
    assert "revoked" in either("invite", "list").out
    missing = either("invite", "revoke", "nothing")
    assert (missing.code, missing.out) == (1, "")
    assert missing.err == "sysmetric-server: there is no invite 'nothing'; run: sysmetric-server invite list\n"


def test_tokens(either: CommandLine) -> None:
    made = either("token", "create", "grafana", "--days", "9", "--json").json
    assert made["secret"].startswith("sysmetric_") and made["scope"] == "read"
    listed = either("token", "list")
    assert "grafana" in listed.out and made["secret"] not in listed.out
    assert either("token", "revoke", made["id"]).code == 0


def test_importing_and_erasing(either: CommandLine, tmp_path: Path) -> None:
    file = recording(tmp_path / "a.json", now_ms() - 5000, now_ms() - 4000, instance=f"m-{tmp_path.name}:9100")
    first = either("import", file, "--json").json
    assert (first["rows"], first["already"]) == ({"memory": 2}, {})
    again = either("import", file)
    assert "imported: none" in again.out and "2 memory rows" in again.err
    assert f"m-{tmp_path.name}:9100" in either("instances", "list").out
    assert either("stats", "--json").json["rows"]["memory"] >= 2
    erased = either("instances", "erase", f"m-{tmp_path.name}:9100", "--yes", "--json").json
    assert erased["rows"]["memory"] == 2


def test_an_old_recording_is_explained_and_can_be_moved_to_now(either: CommandLine, tmp_path: Path) -> None:
    old = [1_600_000_000_000 + 1000 * index for index in range(3)]
    one = recording(tmp_path / "1.json", *old, instance=f"one-{tmp_path.name}")
    two = recording(tmp_path / "2.json", *[time + 60_000 for time in old], instance=f"two-{tmp_path.name}")
    refused = either("import", one)
    assert "3 memory rows" in refused.err and "--shift-to-now" in refused.err
    moved = either("import", one, two, "--shift-to-now", "--json").json
    assert moved["rows"] == {"memory": 6}
    seen = {entry["name"]: entry["last_seen"] for entry in either("instances", "list", "--json").json["instances"]}
    assert seen[f"two-{tmp_path.name}"] - seen[f"one-{tmp_path.name}"] == 60_000  # moved together
    assert abs(seen[f"two-{tmp_path.name}"] - now_ms()) < 60_000


def test_a_relative_path_is_the_callers(either: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording(tmp_path / "b.json", now_ms() - 9000, instance=f"rel-{tmp_path.name}")
    monkeypatch.chdir(tmp_path)
    assert either("import", "b.json", "--json").json["rows"] == {"memory": 1}


def test_a_file_that_cannot_be_imported_is_one_sentence(either: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html>")
    for name in ("page.html", "nothing.json"):
        said = either("import", str(tmp_path / name))
        assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
        assert str(tmp_path / name) in said.err


def test_the_notice(either: CommandLine) -> None:
    shown = either("notice", "show", "--locale", "pl")
    assert 'locale = "pl"' in shown.out and "Test operator" in shown.out
    assert "SHA-256" in shown.err
    published = either("notice", "publish", "--json").json
    assert [entry["published"] for entry in published["notices"]] == [False, False]
    refused = either("notice", "publish", "--version", "0.0.1")
    assert refused.code == 1 and "older than" in refused.err


def test_purge(either: CommandLine) -> None:
    forecast = either("purge", "--dry-run")
    assert forecast.code == 0 and "Europe/Warsaw" in forecast.err
    done = either("purge", "--json").json
    assert not done["dry_run"]


def test_the_audit_trail_names_who(either: CommandLine) -> None:
    either("stats")
    newest = either("audit", "list", "--limit", "1", "--json").json["entries"]
    assert newest[0]["act"] == "stats.shown"
    assert newest[0]["actor"] in ("local", "command line")


def test_nobody_has_joined_yet(either: CommandLine) -> None:
    for arguments in (("consents", "list"), ("consents", "verify")):
        said = either(*arguments)
        assert (said.code, said.out) == (0, "")
        assert "Nobody has joined yet" in said.err
    assert either("consents", "list", "--json").json == {"consents": []}
    for verb in ("show", "export", "terminate"):
        said = either("consents", verb, "nothing", *(["--yes"] if verb == "terminate" else []))
        assert said.code == 1 and "consents list" in said.err


def test_an_empty_list_names_the_next_command(cli: CommandLine) -> None:
    assert "sysmetric-server import FILE" in cli("instances", "list").err


def test_the_link_comes_from_the_running_server(cli: CommandLine, either: CommandLine) -> None:
    said = either("link", "--json")
    if either is cli:
        assert said.code == 1 and "sysmetric-server run" in said.err
    else:
        assert "/open/" in said.json["url"]


def test_json_has_the_same_keys_in_the_same_order_both_ways(cli: CommandLine, served: Path) -> None:
    through = CommandLine(served, cli.monkeypatch, cli.capsys)
    for arguments in (("stats",), ("token", "list"), ("purge", "--dry-run")):
        alone, remote = cli(*arguments, "--json").out, through(*arguments, "--json").out
        assert list(json.loads(alone)) == list(json.loads(remote))


@pytest.mark.parametrize("arguments", [("instances", "erase", "x"), ("consents", "terminate", "x")])
def test_what_cannot_be_undone_needs_a_yes(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    for more in ((), ("--no-input",)):
        said = cli(*arguments, *more)
        assert said.code == 2 and "--yes" in said.err
