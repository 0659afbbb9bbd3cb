"""Opening a registry: made 0600, migrated to exactly the schema, and one clear sentence for whatever is wrong."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from consent.errors import KeyFileError
from server.errors import RegistryUnusable, ServerError
from server.registry import Registry, open_registry
from server.registry.schema import metadata
from tests.consents import NOW_MS
from tests.server.registry.conftest import KEY, tamper


def statements(path: Path) -> set[tuple[str, str]]:
    """Name and normalised SQL of everything in a database file."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {(name, " ".join(sql.split())) for name, sql in found if name != "alembic_version"}


def test_the_migrations_lead_to_the_schema(registry: Registry, path: Path, tmp_path: Path) -> None:
    registry.close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert not compare_metadata(context, metadata)
    engine.dispose()
    # What Alembic does not compare (checks, triggers, names of constraints): the statements themselves.
    fresh = create_engine(f"sqlite:///{tmp_path / 'fresh'}")
    metadata.create_all(fresh)
    fresh.dispose()
    assert statements(path) == statements(tmp_path / "fresh")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_the_file_is_for_its_owner_only_under_any_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        open_registry(path, KEY).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for other in path.parent.iterdir():
            assert stat.S_IMODE(other.stat().st_mode) == 0o600, other
        path.chmod(0o644)
        open_registry(path, KEY).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_what_was_written_is_there_after_opening_again(path: Path) -> None:
    first = open_registry(path, KEY)
    instance = first.source_instance("web-1")
    first.close()
    second = open_registry(path, KEY)
    assert second.sources() == {instance: "web-1"}
    second.close()


def test_another_key_is_refused_in_one_sentence(registry: Registry, path: Path) -> None:
    registry.close()
    with pytest.raises(RegistryUnusable, match="key-encryption key is not the one of the registry .* put back"):
        open_registry(path, bytes(32))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused_before_a_file_is_made(path: Path, length: int) -> None:
    with pytest.raises(RegistryUnusable, match=f"has {length} bytes"):
        open_registry(path, bytes(length))
    assert not path.exists()


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_bytes(b"minutes of the meeting\n" * 500)
    with pytest.raises(RegistryUnusable, match="damaged or not a registry: file is not a database; put back a copy"):
        open_registry(path, KEY)
    assert path.read_bytes() == b"minutes of the meeting\n" * 500


def test_every_page_that_is_overwritten_is_noticed_or_harmless(registry: Registry, path: Path) -> None:
    registry.close()
    whole = path.read_bytes()
    refused = 0
    for start in range(0, len(whole), 4096):
        path.write_bytes(whole[:start] + b"\xa5" * 4096 + whole[start + 4096 :])
        try:
            open_registry(path, KEY).close()
        except ServerError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > len(whole) // 4096 / 2


def test_a_file_that_was_cut_off_is_refused(registry: Registry, path: Path) -> None:
    registry.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RegistryUnusable, match="damaged"):
        open_registry(path, KEY)


def test_a_file_from_a_newer_version_is_refused_and_left_alone(registry: Registry, path: Path) -> None:
    registry.close()
    tamper(path, "UPDATE alembic_version SET version_num = '0999'")
    before = path.read_bytes()
    with pytest.raises(RegistryUnusable, match="schema 0999, which this version does not know; install the newer"):
        open_registry(path, KEY)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    tamper(path, "CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(RegistryUnusable, match="database of another program"):
        open_registry(path, KEY)
    assert path.read_bytes() == before


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryUnusable, match="cannot be opened: No such file"):
        open_registry(tmp_path / "nowhere" / "registry.sqlite3", KEY)


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="no O_NOFOLLOW here")
def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RegistryUnusable, match="cannot be opened"):
        open_registry(path, KEY)
    assert not (tmp_path / "elsewhere").exists()


def test_many_may_open_a_new_registry_at_once(path: Path) -> None:
    start = threading.Barrier(8)
    opened: list[Registry] = []

    def open_it() -> None:
        start.wait()
        opened.append(open_registry(path, KEY))

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 8
    assert len({registry.source_instance("one name") for registry in opened}) == 1
    for registry in opened:
        registry.close()


def test_a_closed_registry_says_so(registry: Registry) -> None:
    registry.close()
    registry.close()
    with pytest.raises(RegistryUnusable, match="was closed"):
        registry.list_invites()
    with pytest.raises(RegistryUnusable, match="was closed"):
        registry.audit("operator", "export", "x", NOW_MS)


def test_a_file_locked_by_another_program_is_named(
    path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.close()
    monkeypatch.setattr("server.registry.database._PRAGMAS", ("PRAGMA busy_timeout=1",))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RegistryUnusable, match="in use by another program: database is locked"):
            open_registry(path, KEY)


def test_a_backup_is_a_registry_and_never_overwrites(registry: Registry, tmp_path: Path) -> None:
    instance = registry.source_instance("web-1")
    copy = tmp_path / "copy.sqlite3"
    registry.backup(copy)
    with pytest.raises(KeyFileError, match="exists already"):
        registry.backup(copy)
    registry.source_instance("web-2")
    restored = open_registry(copy, KEY)
    assert restored.sources() == {instance: "web-1"}
    restored.close()
    if os.name == "posix":
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_it_opens_wherever_the_package_is_installed(tmp_path: Path) -> None:
    """The migrations are files that Alembic looks up: neither the repository nor the working directory may matter."""
    root, site = Path(__file__).parents[3], tmp_path / "site-packages"
    for package in ("consent", "server"):
        shutil.copytree(root / package, site / package, ignore=shutil.ignore_patterns("__pycache__"))
    use = (
        "import sys, pathlib, server; from server.registry import open_registry; "
        "assert server.__file__.startswith(sys.argv[1]), server.__file__; "
        "open_registry(pathlib.Path(sys.argv[1]) / 'r.sqlite3', bytes(32)).close()"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", use, str(site)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
