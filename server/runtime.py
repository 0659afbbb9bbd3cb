"""What a process of the server holds open: settings, keys, registry and store, under one lock.

Rules:

* One process per data directory (``server.lock``).
* ``server.lock`` says where the holder answers admin calls (``http://127.0.0.1:8080``); an empty file means that a
  command holds it for a moment. What it says counts only while the lock is held.
* Opening starts nothing: no thread of the end of day, no server. Whoever opens closes.
* Nobody else reads along: a directory that others can write to is refused, since they could put their own files in the
  place of ours, and whatever this process makes from here on (DuckDB asks nobody for a mode) is the owner's alone.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.errors import KeyFileError
from consent.signature import load_key_file, read_secret_file, thumbprint
from server.clock import clock_ms
from server.config import Config
from server.data_dir import keep_private
from server.errors import ConfigError
from server.links import Links
from server.lock import Lock
from server.registry import Registry, open_registry
from server.store import open_store
from server.store.protocol import Store

KEY_ENCRYPTION_BYTES = 32


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything that is open. ``now_ms`` is the clock that everything in the server is handed."""

    config: Config
    operator_key: Ed25519PrivateKey
    registry: Registry
    store: Store
    links: Links
    now_ms: Callable[[], int]
    lock: Lock
    _stop_first: list[Callable[[], object]] = field(default_factory=list)

    @property
    def thumbprint(self) -> str:
        """Of the operator's key: what an enrolment link pins."""
        return thumbprint(self.operator_key.public_key())

    def before_close(self, stop: Callable[[], object]) -> None:
        """Have ``stop`` called first when this is closed: a scheduler whose job must not find the store gone."""
        self._stop_first.append(stop)

    def close(self) -> None:
        """Stop what runs, close store and registry, let go of the lock; doing it twice is the same as once."""
        try:
            while self._stop_first:
                self._stop_first.pop()()
            self.store.close()
        finally:
            try:
                self.registry.close()
            finally:
                self.lock.release()

    def __enter__(self) -> "Runtime":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_runtime(
    config: Config, *, now_ms: Callable[[], int] = clock_ms, base_url: str = "", lock: Lock | None = None
) -> Runtime:
    """Take the lock (or go on with ``lock``, taken before) and open everything.

    ``base_url`` is where this process will answer admin calls, if it will.

    Raises AlreadyRunning when another process has the data directory open, ConfigError when a key file is missing or
    unsafe or others can write to the directory, RegistryError or StoreError when what is there cannot be opened.
    """
    lock = Lock.acquire(config.lock_path, base_url) if lock is None else lock
    try:
        keep_private(config.data_dir)
        try:
            operator_key = load_key_file(config.operator_key_path)
            key_encryption_key = _key_encryption_key(config.key_encryption_path)
        except KeyFileError as error:
            raise ConfigError(str(error)) from error
        _delete_leftovers(config.data_dir)
        registry = open_registry(config.registry_path, key_encryption_key)
        try:
            store = open_configured_store(config, config.store, now_ms)
        except BaseException:
            registry.close()
            raise
    except BaseException:
        lock.release()
        raise
    return Runtime(config, operator_key, registry, store, Links(now_ms), now_ms, lock)


def open_configured_store(config: Config, url: str, now_ms: Callable[[], int]) -> Store:
    """The store at ``url``, with the settings' directory, time zone and login.

    Raises ConfigError or StoreUnavailable.
    """
    return open_store(
        url,
        config.store_dir,
        config.zone,
        now_ms,
        config.store_credentials_path,
        credentials_required=bool(config.store_credentials_file),
    )


def _key_encryption_key(path: Path) -> bytes:
    key = read_secret_file(path)
    if len(key) != KEY_ENCRYPTION_BYTES:
        raise ConfigError(f"{path} is damaged: it must hold {KEY_ENCRYPTION_BYTES} bytes; restore it from a backup")
    return key


def _delete_leftovers(data_dir: Path) -> None:
    """What a process that was killed left half written; the store clears its own directory when it opens."""
    for path in data_dir.glob("*.tmp"):
        os.unlink(path)
