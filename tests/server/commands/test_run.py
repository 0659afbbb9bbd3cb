"""The production server: what it refuses to start, how it starts, how it stops."""

import contextlib
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.processes import free_port
from tests.server.command_line import BIN, CommandLine, as_process, environment, running, until_healthy


@pytest.fixture
def data_dir(template: Path, tmp_path: Path) -> Path:
    """An installation of the test's own."""
    return Path(shutil.copytree(template, tmp_path / "server"))


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def words(data_dir: Path) -> str:
    """What the server said so far."""
    return (data_dir.parent / "run.log").read_text()


def test_a_network_is_refused_without_tls(cli: CommandLine) -> None:
    said = cli("run", "--listen", "0.0.0.0:9999")
    assert said.code == 1
    assert "--tls-cert" in said.err and "--behind-proxy" in said.err and len(said.err.splitlines()) == 1


def test_a_port_that_is_taken_is_one_sentence(cli: CommandLine, busy_port: int) -> None:
    said = cli("run", "--listen", f"127.0.0.1:{busy_port}")
    assert said.code == 1
    assert f"cannot listen on 127.0.0.1:{busy_port}" in said.err and len(said.err.splitlines()) == 1


def test_a_second_server_on_the_same_data_is_told_of_the_first(cli: CommandLine, served: Path) -> None:
    said = replace(cli, data_dir=served)("run", "--listen", f"127.0.0.1:{free_port()}")
    assert said.code == 1
    assert "in use by a server on http://127.0.0.1:" in said.err and len(said.err.splitlines()) == 1


def test_keeping_samples_longer_than_the_notice_promises_is_refused(data_dir: Path) -> None:
    said = as_process(data_dir, "run", "--listen", f"127.0.0.1:{free_port()}", SYSMETRIC_SERVER_RETENTION_HOURS="48")
    assert said.code == 1
    assert "promises that no sample is older than 49 hours" in said.err and "notice publish" in said.err
    assert "Traceback" not in said.err


def test_a_certificate_that_cannot_be_used_is_one_sentence(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    path.write_text("nothing")
    said = cli("run", "--tls-cert", str(path), "--tls-key", str(path))
    assert said.code == 1 and "cannot be used" in said.err and len(said.err.splitlines()) == 1


def test_sigterm_ends_it_with_0_and_it_says_where_it_listens_and_nothing_of_its_clients(data_dir: Path) -> None:
    port = free_port()
    with running(data_dir, f"http://127.0.0.1:{port}", "--listen", f"127.0.0.1:{port}") as process:
        httpx.get(f"http://127.0.0.1:{port}/secret-path", trust_env=False)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    said = words(data_dir)
    assert f"listening url=http://127.0.0.1:{port}" in said
    assert "secret-path" not in said
    assert all(line.startswith("time=") for line in said.splitlines())
    assert as_process(data_dir, "stats", "--json").code == 0  # the store was closed properly


def test_killed_it_leaves_neither_a_worker_nor_a_lock(data_dir: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(  # pylint: disable=consider-using-with  # it is killed, or ends, below
        [BIN, "run", "--listen", f"127.0.0.1:{port}"], env=environment(data_dir), stderr=subprocess.PIPE
    )
    until_healthy(url, process)
    process.kill()
    # The worker holds the other end of stderr: end of file means that it is gone as well.
    _, said = process.communicate(timeout=30)
    assert b"Traceback" not in said
    with running(data_dir, url, "--listen", f"127.0.0.1:{port}") as again:
        again.send_signal(signal.SIGHUP)  # a closed terminal
        assert again.wait(timeout=30) == 0


def test_tls_and_ctrl_c(cli: CommandLine, tmp_path: Path) -> None:
    certificate, key = _self_signed(tmp_path)
    port = free_port()
    settings = {
        "SYSMETRIC_SERVER_ORIGIN": f"https://localhost:{port}",
        "SYSMETRIC_SERVER_TLS_CERT": str(certificate),
        "SYSMETRIC_SERVER_TLS_KEY": str(key),
    }
    process = subprocess.Popen(  # pylint: disable=consider-using-with  # it is killed, or ends, below
        [BIN, "run", "--listen", f"127.0.0.1:{port}"],
        env=environment(cli.data_dir, **settings),
        stderr=subprocess.DEVNULL,
    )
    try:
        trusted = ssl.create_default_context(cafile=certificate)
        until_healthy(f"https://localhost:{port}", process, verify=trusted)
        stranger = cli("stats")  # knows nothing of the certificate
        assert stranger.code == 4 and "does not answer" in stranger.err
        for name, value in settings.items():
            cli.monkeypatch.setenv(name, value)
        assert cli("stats", "--json").json["rows"]["cpu"] == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    finally:
        if process.poll() is None:
            process.kill()


def _self_signed(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (directory / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return directory / "cert.pem", directory / "key.pem"


def test_slow_and_silent_clients_hold_up_nobody(served: Path) -> None:
    url = httpx.URL((served / "server.lock").read_text())
    address = (url.host, url.port or 80)
    slow = (
        b"POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        % (path, url.netloc)
        for path in (b"/api/v1/consents", b"/api/v1/links", b"/api/v1/batches")
        for _ in range(40)
    )
    with contextlib.ExitStack() as stack:
        for said in (*slow, *[b"GET / HT"] * 40, *[b""] * 1100):
            stack.enter_context(socket.create_connection(address)).sendall(said)
        assert httpx.get(url, trust_env=False, timeout=10).status_code == 200
        refused = httpx.post(url.join("/api/v1/links"), json={}, trust_env=False, timeout=10)
        assert refused.status_code == 401
