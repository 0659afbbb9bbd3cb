"""What a data directory holds, whether one is free for a new installation, and whose it is."""

import os
from pathlib import Path

from server.config import Config
from server.errors import ConfigError


def check_vacant(config: Config) -> None:
    """Raises ConfigError if anything of an installation is there."""
    if config.config_path.exists():
        raise ConfigError(f"{config.data_dir} holds an installation already; it was left as it is")
    found = [path.name for path in installation_files(config) if path.exists()]
    if found:
        raise ConfigError(
            f"{config.data_dir} holds parts of an installation ({', '.join(found)}) but no config.toml; "
            "put that back, or choose another --data-dir"
        )


def installation_files(config: Config) -> tuple[Path, ...]:
    """Every file of an installation but ``config.toml`` and the store's."""
    registry = config.registry_path
    return (
        config.operator_key_path,
        config.key_encryption_path,
        config.operator_token_path,
        registry,
        registry.with_name(registry.name + "-journal"),
        config.lock_path,
    )


def keep_private(data_dir: Path) -> None:
    """What this process makes from now on is for its user alone. Raises ConfigError for a directory that another user
    owns or others can write to: what root made there, the server could not use."""
    if os.name != "posix" or not data_dir.exists():
        return
    found = data_dir.stat()
    if found.st_uid != os.geteuid():
        raise ConfigError(f"{data_dir} belongs to another user; run this as its owner: sudo -u '#{found.st_uid}'")
    if found.st_mode & 0o022:
        raise ConfigError(f"{data_dir} can be written to by others; run: chmod go-w '{data_dir}'")
    os.umask(0o077)
