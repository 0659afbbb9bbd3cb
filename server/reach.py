"""How the command line does an act: through the running server where there is one, else on the data itself.

Rules:

* The lock decides. Who gets it opens everything and acts; who does not finds in ``server.lock`` where its holder
  answers, and asks there with the token from ``operator-token``.
* The token is sent to this machine's loopback or to the configured origin, never elsewhere and never after a redirect.
* A lock without an address is held by another short command; that is waited for, a few seconds.
* What is not needed is not loaded, so that help comes at once: SQLAlchemy and DuckDB only where no server runs, httpx
  and cryptography only where one does.
"""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from consent.errors import KeyFileError
from consent.wire import Problem
from server.clock import clock_ms
from server.config import Config
from server.errors import (
    AlreadyRunning,
    ConfigError,
    Conflict,
    InvalidRequest,
    NotFound,
    ServerError,
    ServerUnreachable,
    StorageFull,
    StoreUnavailable,
    TokenRefused,
)
from server.lock import Lock
from server.settings import is_loopback

if TYPE_CHECKING:
    import httpx

# pylint: disable=import-outside-toplevel  # see the rules above

Json = dict[str, Any]

PATIENCE_SECONDS = 5.0
_CONNECT_SECONDS = 5.0
_ERRORS: dict[str, type[ServerError]] = {
    Problem.NOT_FOUND: NotFound,
    Problem.CONFLICT: Conflict,
    Problem.UNAUTHORIZED: TokenRefused,
    Problem.UNAVAILABLE: StoreUnavailable,
    Problem.SLOW_DOWN: StoreUnavailable,
    Problem.STORAGE_FULL: StorageFull,
    Problem.INTERNAL: ServerUnreachable,
}


class Ask(Protocol):  # pylint: disable=too-few-public-methods  # a function with keywords
    """Does one act and returns its JSON value."""

    def __call__(self, verb: str, **arguments: Any) -> Json: ...


@contextmanager
def reach(config: Config, now_ms: Callable[[], int] = clock_ms) -> Iterator[Ask]:
    """For the block, a way to do acts. Raises ConfigError, AlreadyRunning, ServerUnreachable, TokenRefused."""
    found = _lock_or_address(config)
    if isinstance(found, Lock):
        from server.administration import Desk, perform
        from server.runtime import open_runtime

        with open_runtime(config, now_ms=now_ms, lock=found) as runtime:
            desk = Desk(runtime)
            yield lambda verb, **arguments: perform(desk, verb, arguments)
    else:
        with _client(config, found) as client:
            yield partial(_remotely, client)


def admin_url(config: Config) -> str:
    """Where a server under this configuration answers the command line on its own machine."""
    if config.tls_cert:
        return config.origin  # the certificate names that host
    host, port = config.address
    if host in ("0.0.0.0", "::"):  # nosec: compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # nosec
    if not is_loopback(host):
        return config.origin
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _lock_or_address(config: Config) -> Lock | str:
    """The lock, taken; or where the server that holds it answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return Lock.acquire(config.lock_path)
        except AlreadyRunning as running:
            if running.base_url:
                return running.base_url
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _client(config: Config, base_url: str) -> "httpx.Client":
    import httpx

    from consent.signature import read_secret_file

    parts = urlsplit(base_url)
    if base_url != config.origin and not is_loopback(parts.hostname or ""):
        raise ConfigError(f"{config.lock_path} names {base_url[:100]!r}, which is not this server's origin; restart it")
    try:
        token = read_secret_file(config.operator_token_path).decode("ascii", "replace").strip()
    except KeyFileError as error:
        raise TokenRefused(f"{error}; the running server takes no act without it") from error
    context = ssl.create_default_context()
    if config.tls_cert:
        context.load_verify_locations(config.tls_cert)  # our own certificate, which may be self-signed
    return httpx.Client(
        base_url=base_url,
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),  # an import takes as long as it takes
        verify=context,
        follow_redirects=False,
        trust_env=False,
    )


def _remotely(client: "httpx.Client", verb: str, **arguments: Any) -> Json:
    import httpx

    try:
        answer = client.post(f"/api/v1/admin/{verb}", json=arguments)
    except httpx.TransportError as error:
        raise ServerUnreachable(
            f"the server on {client.base_url} holds the data directory and does not answer ({type(error).__name__})"
        ) from error
    try:
        value = answer.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        value = None
    if not isinstance(value, dict):
        raise ServerUnreachable(f"{client.base_url} answered with status {answer.status_code} and no JSON object")
    if answer.status_code == 200:
        return value
    raise _ERRORS.get(str(value.get("type")), InvalidRequest)(str(value.get("detail") or "the server refused"))
