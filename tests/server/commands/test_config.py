"""``config show``."""

from tests.server.command_line import CommandLine


def test_each_setting_with_its_origin(cli: CommandLine) -> None:
    cli.monkeypatch.setenv("SYSMETRIC_SERVER_THREADS", "4")
    lines = {line.split()[0]: line for line in cli("config", "show").out.splitlines()}
    assert lines["threads"].split() == ["threads", "SYSMETRIC_SERVER_THREADS", "4"]
    assert lines["controller_name"].split()[:2] == ["controller_name", "config.toml"]
    assert lines["timezone"].split() == ["timezone", "default", "Europe/Warsaw"]


def test_json(cli: CommandLine) -> None:
    found = cli("config", "show", "--json").json
    assert found["data_dir"] == str(cli.data_dir)
    assert found["settings"]["retention_hours"] == {"value": 24, "origin": "default"}


def test_a_wrong_setting_is_shown_as_an_error(cli: CommandLine) -> None:
    path = cli.data_dir / "config.toml"
    path.write_text(path.read_text() + "retention_hour = 1\n")
    said = cli("config", "show")
    assert said.code == 1 and "did you mean 'retention_hours'" in said.err
