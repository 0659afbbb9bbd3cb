"""Which value is in force, where it comes from, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import SETTINGS, load_config
from agent.errors import ConfigError


def test_flags_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("period_seconds = 2\nbatch_seconds = 20.5\nspool_mebibytes = 5\n")
    environ = {"SYSMETRIC_PERIOD_SECONDS": "3", "SYSMETRIC_BATCH_SECONDS": "30", "HOME": "/"}
    config = load_config(path, environ, {"period_seconds": 4.0, "batch_seconds": None})
    assert (config.period_seconds, config.batch_seconds, config.spool_bytes) == (4.0, 30.0, 5 * 1024 * 1024)
    assert config.origins == {
        "period_seconds": "flag",
        "batch_seconds": "SYSMETRIC_BATCH_SECONDS",
        "spool_mebibytes": str(path),
        "timeout_seconds": "default",
    }


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    config = load_config(tmp_path / "none.toml", {})
    assert config.values() == {name: setting.default for name, setting in SETTINGS.items()}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("perod_seconds = 1", "did you mean period_seconds"),
        ("zzz = 1", "there are period_seconds, batch_seconds"),
        ("period_seconds = 0.5", "1 to 3600"),
        ("period_seconds = true", "must be a number"),
        ("period_seconds = nan", "must be a number"),
        ("period_seconds = ", "is not TOML"),
        ("[period_seconds]", "must be a number"),
        ("\xff", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_remedy(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path, {})
    assert str(path) in str(caught.value) and caught.value.exit_code == 2


def test_a_mistyped_variable_is_refused_and_places_and_the_servers_are_not(tmp_path: Path) -> None:
    fine = {"SYSMETRIC_DATA_DIR": "/x", "SYSMETRIC_SERVER_ANYTHING": "1", "_SYSMETRIC_COMPLETE": "x"}
    load_config(tmp_path / "none", fine)
    with pytest.raises(ConfigError, match="SYSMETRIC_PERIOD.*did you mean SYSMETRIC_PERIOD_SECONDS"):
        load_config(tmp_path / "none", {"SYSMETRIC_PERIOD": "1"})
    with pytest.raises(ConfigError, match="batch_seconds .environment. is 'soon'"):
        load_config(tmp_path / "none", {"SYSMETRIC_BATCH_SECONDS": "soon"})


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_value_is_a_number_in_range_or_refused(text: str) -> None:
    try:
        config = load_config(Path("/nonexistent"), {"SYSMETRIC_TIMEOUT_SECONDS": text})
    except ConfigError:
        return
    assert 1 <= config.timeout_seconds <= 120
