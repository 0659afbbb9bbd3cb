"""A new installation: every file of it, or none.

Rules:

* Nothing that exists is overwritten. What one run made before it failed, and nothing else, it takes away again.
* ``config.toml`` comes last: where it is, the installation is whole.
* The directory is 0700 and every file in it 0600.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from consent.errors import KeyFileError
from consent.signature import create_key_file, write_exclusively
from server.administration import Desk, perform
from server.config import Config, config_toml
from server.data_dir import check_vacant, installation_files
from server.enrolment import enrolment_url
from server.errors import ConfigError
from server.registry import Scope
from server.runtime import KEY_ENCRYPTION_BYTES, Runtime, open_runtime
from server.settings import SETTINGS

#: The name under which the command line of this machine acts through the running server.
LOCAL_TOKEN_NAME = "command line"


@dataclass(frozen=True, slots=True)
class Installed:
    """What a new operator needs next."""

    data_dir: Path
    enrolment_url: str
    invite: str | None
    thumbprint: str
    notice_version: str


def install(config: Config, now_ms: Callable[[], int]) -> Installed:
    """Make the installation that ``config`` describes. Raises ConfigError where there is one already."""
    check_vacant(config)
    with _undone_on_failure(config):
        _make_directory(config.data_dir)
        create_key_file(config.operator_key_path)
        write_exclusively(config.key_encryption_path, secrets.token_bytes(KEY_ENCRYPTION_BYTES))
        with open_runtime(config, now_ms=now_ms) as runtime:
            installed = _furnish(runtime)
        values = {setting.name: getattr(config, setting.name) for setting in SETTINGS}
        write_exclusively(config.config_path, config_toml(values).encode())
    return installed


def _furnish(runtime: Runtime) -> Installed:
    desk = Desk(runtime)
    notice = perform(desk, "notice-publish", {})
    _, token = runtime.registry.create_token(LOCAL_TOKEN_NAME, Scope.OPERATOR, None, runtime.now_ms(), actor=desk.actor)
    write_exclusively(runtime.config.operator_token_path, token.encode() + b"\n")
    if runtime.config.enrolment == "open":
        url, invite = enrolment_url(runtime.config, runtime.thumbprint), None
    else:
        made = perform(desk, "invite-create", {"note": "made by init"})
        url, invite = made["enrolment_url"], made["id"]
    return Installed(runtime.config.data_dir, url, invite, runtime.thumbprint, notice["version"])


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix":
            path.chmod(0o700)  # whatever the umask, or whoever made it before, said
    except OSError as error:
        raise ConfigError(f"{path} cannot be made: {error.strerror}") from error


@contextlib.contextmanager
def _undone_on_failure(config: Config) -> Iterator[None]:
    existed = config.data_dir.exists()
    try:
        yield
    except BaseException as error:
        for path in installation_files(config):
            path.unlink(missing_ok=True)
        shutil.rmtree(config.store_dir, ignore_errors=True)
        if not existed:
            with contextlib.suppress(OSError):
                config.data_dir.rmdir()
        if isinstance(error, KeyFileError):
            raise ConfigError(str(error)) from error
        raise
