"""What a data directory holds, and whether one is free for a new installation."""

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
