"""What the published notice promises against what the configuration does, looked at before anything is served.

Rule: the notice in force says how long a sample lives at most. A configuration that keeps them longer is not served.
"""

from server.days import longest_life_hours
from server.errors import ConfigError, NotFound
from server.runtime import Runtime


def check_promise(runtime: Runtime) -> None:
    """Raises ConfigError when the published notice promises a shorter life than the configuration gives, or there is
    no notice yet."""
    try:
        current = runtime.registry.current_notice("en")
    except NotFound as error:
        raise ConfigError(str(error)) from error
    promised = current.offer.retention.samples_hours
    if longest_life_hours(runtime.config) > promised:
        raise ConfigError(
            f"notice {current.version} promises that no sample is older than {promised} hours, and retention_hours = "
            f"{runtime.config.retention_hours} keeps them longer; lower it, or run: sysmetric-server notice publish"
        )
