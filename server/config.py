"""The operator's settings: one frozen ``Config`` out of flags, environment, ``config.toml`` and defaults.

Rules:

* The first that names a setting wins: a flag, ``SYSMETRIC_SERVER_<NAME>``, ``<data_dir>/config.toml``, the default.
* An unknown key in the file is an error that names the nearest one. In the environment only a near miss of a setting
  is: container platforms put variables of their own under the same prefix (``SYSMETRIC_SERVER_PORT_8080_TCP``).
* Every value is checked before anything starts, and the error is one sentence that says which setting, from where,
  and what is allowed.
* No secret is a setting: keys and tokens are files in the data directory, each 0600.
"""

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import platformdirs

from server.errors import ConfigError
from server.settings import SETTINGS, Setting

PREFIX = "SYSMETRIC_SERVER_"
DATA_DIR_VARIABLE = f"{PREFIX}DATA_DIR"

T = TypeVar("T")
#: One value for every language of the agreement, or one for each locale.
PerLocale: TypeAlias = T | Mapping[str, T]


def said_in(locale: str, value: PerLocale[T]) -> T:
    """The value for one locale."""
    return value[locale] if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True)
class Config:  # pylint: disable=too-many-instance-attributes  # one field per setting: that is what it is
    """All settings, each checked, and the directory that everything lives in."""

    data_dir: Path
    origin: str
    listen: str
    behind_proxy: bool
    tls_cert: str
    tls_key: str
    threads: int
    store: str
    store_credentials_file: str
    timezone: str
    retention_hours: int
    proof_days: int
    controller_name: str
    controller_address: str
    controller_contact: str
    dpo: PerLocale[str]
    recipients: PerLocale[tuple[str, ...]]
    transfers: PerLocale[str]
    jurisdiction: PerLocale[str]
    authority: PerLocale[str]
    storage_location: PerLocale[str]
    period_seconds: int
    enrolment: str
    public_title: str

    @property
    def zone(self) -> ZoneInfo:
        """The operator's time zone, in which a day ends."""
        return ZoneInfo(self.timezone)

    @property
    def address(self) -> tuple[str, int]:
        """The IP address (no brackets) and the port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return ("127.0.0.1" if host == "localhost" else host.strip("[]")), int(port)

    @property
    def config_path(self) -> Path:
        """The settings file."""
        return self.data_dir / "config.toml"

    @property
    def operator_key_path(self) -> Path:
        """The private key that signs notices and receipts."""
        return self.data_dir / "operator-key.pem"

    @property
    def key_encryption_path(self) -> Path:
        """32 random bytes that wrap the data keys of the evidence."""
        return self.data_dir / "key-encryption.key"

    @property
    def operator_token_path(self) -> Path:
        """The token with which the command line talks to a running server."""
        return self.data_dir / "operator-token"

    @property
    def registry_path(self) -> Path:
        """The registry's SQLite file."""
        return self.data_dir / "registry.sqlite3"

    @property
    def store_dir(self) -> Path:
        """The partitions of the embedded store."""
        return self.data_dir / "store"

    @property
    def store_credentials_path(self) -> Path:
        """The file with kdb+'s login; relative paths are the data directory's."""
        return self.data_dir / (self.store_credentials_file or "kdb-credentials")

    @property
    def lock_path(self) -> Path:
        """Held by the process that has the data directory open."""
        return self.data_dir / "server.lock"


@dataclass(frozen=True, slots=True)
class Found:
    """A checked value and where it came from: ``flag``, the variable, the file, or ``default``."""

    value: Any
    origin: str


def data_dir_of(environment: Mapping[str, str], flag: Path | None = None) -> Path:
    """The data directory: the flag, ``SYSMETRIC_SERVER_DATA_DIR``, or the place the platform has for such things."""
    if flag is not None:
        return flag.expanduser().absolute()
    if environment.get(DATA_DIR_VARIABLE):
        return Path(environment[DATA_DIR_VARIABLE]).expanduser().absolute()
    return Path(platformdirs.user_data_dir("sysmetric-server", appauthor=False))


def load_config(data_dir: Path, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Config:
    """The settings of an existing installation. Raises ConfigError; where there is none it names ``init``."""
    found = resolve(data_dir, environment, flags or {})
    return config_of(data_dir, {name: entry.value for name, entry in found.items()})


def config_of(data_dir: Path, values: Mapping[str, Any]) -> Config:
    """A Config out of checked values. Raises ConfigError when two of them do not go together."""
    if bool(values["tls_cert"]) != bool(values["tls_key"]):
        raise ConfigError("tls_cert and tls_key go together: give both files or neither")
    assert set(values) == {field.name for field in fields(Config)} - {"data_dir"}, "a Setting without a field"
    return Config(data_dir=data_dir, **values)


def resolve(data_dir: Path, environment: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, Found]:
    """Every setting with its origin, in the order of ``SETTINGS``. Raises ConfigError."""
    path = data_dir / "config.toml"
    file = read_file(path)
    _refuse_near_misses(environment)
    found: dict[str, Found] = {}
    for setting in SETTINGS:
        entry = _first(setting, flags, environment, file, path)
        if entry is None:
            raise ConfigError(f"{setting.name} is missing in {path}: {setting.comment.splitlines()[0]}")
        found[setting.name] = entry
    return found


def initial_values(environment: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, Any]:
    """What a new installation starts from: flags, environment and defaults. Settings that have none are left out.

    Without ``listen`` the port of a plain http origin is listened on. Raises ConfigError.
    """
    _refuse_near_misses(environment)
    found = {setting.name: _first(setting, flags, environment, {}, Path("config.toml")) for setting in SETTINGS}
    values = {name: entry.value for name, entry in found.items() if entry is not None}
    listen, origin = found["listen"], values["origin"]
    if listen is not None and listen.origin == "default" and origin.startswith("http:"):
        port = urlsplit(origin).port or 80
        values["listen"] = f"{origin.removeprefix('http://').removesuffix(f':{port}')}:{port}"
    return values


def read_file(path: Path) -> dict[str, Any]:
    """The keys of ``config.toml``. Raises ConfigError: missing, not TOML, or an unknown key."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path.parent} holds no installation; make one with: sysmetric-server init") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    for key in values:
        if key not in _NAMES:
            raise ConfigError(f"{path}: there is no setting {key!r}{_nearest(key)}")
    return values


def checked(setting: Setting, value: Any, origin: str) -> Any:
    """The value in its final form. Raises ConfigError: ``retention_hours (config.toml) must be ...``."""
    try:
        return setting.check(value)
    except ValueError as error:
        raise ConfigError(f"{setting.name} ({origin}) {error}") from error


def config_toml(values: Mapping[str, Any]) -> str:
    """The text of a ``config.toml``: a comment on each setting; one that has its default is commented out."""
    lines = [
        "# Settings of this installation. Flags and SYSMETRIC_SERVER_* variables win over what stands here.",
        "# After a change of anything the notice states, run: sysmetric-server notice publish",
    ]
    for setting in SETTINGS:
        value = values.get(setting.name, setting.default)
        lines += ["", *(f"# {line}" for line in setting.comment.splitlines())]
        mark = "# " if value == setting.default else ""
        lines.append(f"{mark}{setting.name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _first(
    setting: Setting, flags: Mapping[str, Any], environment: Mapping[str, str], file: Mapping[str, Any], path: Path
) -> Found | None:
    """The first source that names the setting; None where none does and there is no default."""
    if flags.get(setting.name) is not None:
        return Found(checked(setting, flags[setting.name], "flag"), "flag")
    name = PREFIX + setting.name.upper()
    if name in environment:
        try:
            return Found(checked(setting, setting.parse(environment[name]), name), name)
        except ValueError as error:
            raise ConfigError(f"{name} {error}") from error
    if setting.name in file:
        return Found(checked(setting, file[setting.name], str(path)), str(path))
    return None if setting.default is None else Found(setting.default, "default")


def _refuse_near_misses(environment: Mapping[str, str]) -> None:
    for variable in environment:
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and variable != DATA_DIR_VARIABLE and name not in _NAMES:
            near = difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.8)
            if near:
                raise ConfigError(f"there is no {variable}; did you mean {PREFIX}{near[0].upper()}?")


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key, _NAMES, n=1, cutoff=0.0)
    return f"; did you mean {near[0]!r}?" if near else ""


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + " }"
    # A TOML basic string takes the same escapes as JSON, except DEL, which no checked value holds.
    return json.dumps(value, ensure_ascii=False)


_NAMES = [setting.name for setting in SETTINGS]
