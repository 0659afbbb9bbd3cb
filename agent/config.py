"""The agent's settings: flags over ``SYSMETRIC_*`` over ``config.toml`` over defaults.

Rules:

* An unknown name, in the file or in the environment, is an error that says which known one is nearest.
* ``period_seconds`` can only make sampling slower than what was agreed to; the sampler takes the longer of the two.
* There is no setting for the server, for what is sampled or for how long: those are in the consent.
* No setting is a secret. A private certificate authority is given by ``SSL_CERT_FILE``, a proxy by ``HTTPS_PROXY``.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from agent.errors import ConfigError

_PREFIX = "SYSMETRIC_"
#: Of the same prefix, but not settings: places (agent/paths.py), and what belongs to the server or to a demonstration.
_NOT_SETTINGS = ("SYSMETRIC_DATA_DIR", "SYSMETRIC_CONFIG_DIR", "SYSMETRIC_RUNTIME_DIR")
_FOREIGN_PREFIXES = ("SYSMETRIC_SERVER_", "SYSMETRIC_DEMO_", "SYSMETRIC_TEST_")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its default, the range it must be in, its unit in words."""

    default: float
    minimum: float
    maximum: float
    words: str


SETTINGS: dict[str, Setting] = {
    "period_seconds": Setting(1.0, 1.0, 3600.0, "seconds between samples; never shorter than agreed to"),
    "batch_seconds": Setting(10.0, 1.0, 3600.0, "seconds of samples in one batch"),
    "spool_mebibytes": Setting(24.0, 1.0, 1024.0, "most that waits on disk while the server is away"),
    "timeout_seconds": Setting(10.0, 1.0, 120.0, "longest wait for the server's answer"),
}


@dataclass(frozen=True, slots=True)
class Config:
    """The values in force. ``origins`` says for each where it comes from."""

    period_seconds: float
    batch_seconds: float
    spool_mebibytes: float
    timeout_seconds: float
    origins: Mapping[str, str]

    @property
    def spool_bytes(self) -> int:
        """The bound of the spool in bytes."""
        return int(self.spool_mebibytes * 1024 * 1024)

    def values(self) -> dict[str, float]:
        """Name to value, in the order in which they are shown."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "origins"}


def load_config(
    path: Path, environ: Mapping[str, str] = os.environ, flags: Mapping[str, float | None] | None = None
) -> Config:
    """The settings in force. Raises ConfigError naming the setting, where it was found and what it may be."""
    values: dict[str, float] = {name: setting.default for name, setting in SETTINGS.items()}
    origins = dict.fromkeys(SETTINGS, "default")
    layers: list[tuple[str, Mapping[str, object]]] = [
        (str(path), _from_file(path)),
        ("environment", _from_environment(environ)),
        ("flag", {name: value for name, value in (flags or {}).items() if value is not None}),
    ]
    for origin, layer in layers:
        for name, value in layer.items():
            values[name] = _checked(name, value, origin)
            origins[name] = f"{_PREFIX}{name.upper()}" if origin == "environment" else origin
    return Config(**values, origins=origins)


def _from_file(path: Path) -> Mapping[str, object]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    for name in document:
        if name not in SETTINGS:
            raise ConfigError(f"{path}: there is no setting {name!r}{_nearest(name, SETTINGS)}")
    return document


def _from_environment(environ: Mapping[str, str]) -> Mapping[str, object]:
    known = {_PREFIX + name.upper(): name for name in SETTINGS}
    found: dict[str, object] = {}
    for variable, text in environ.items():
        if not variable.startswith(_PREFIX) or variable in _NOT_SETTINGS or variable.startswith(_FOREIGN_PREFIXES):
            continue
        if variable not in known:
            raise ConfigError(f"there is no setting {variable}{_nearest(variable, [*known, *_NOT_SETTINGS])}")
        found[known[variable]] = text
    return found


def _checked(name: str, value: object, origin: str) -> float:
    setting = SETTINGS[name]
    where = f"{name} ({origin})"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ConfigError(f"{where} must be a number of {setting.minimum:g} to {setting.maximum:g}")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not setting.minimum <= number <= setting.maximum:  # false for NaN too
        raise ConfigError(
            f"{where} is {str(value)[:40]!r} but must be a number of {setting.minimum:g} to {setting.maximum:g}"
        )
    return number


def _nearest(name: str, known: Mapping[str, Setting] | list[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
