"""Opening an installation to serve it: the same under Granian and under ``flask run``.

Rules, in this order, before anything is served:

* The notice in force says how long a sample lives at most. A configuration that keeps them longer is not served.
* Erasures that an earlier process left half done are finished.
* A missed end of day is caught up, and the next one is scheduled.
"""

from collections.abc import Callable, Mapping

from server import end_of_day
from server.config import Config, data_dir_of, load_config
from server.days import longest_life_hours
from server.errors import ConfigError, NotFound
from server.lock import Lock
from server.runtime import Runtime, open_runtime
from server.withdrawal import finish_withdrawals


def open_to_serve(environ: Mapping[str, str], base_url: Callable[[Config], str]) -> Runtime:
    """The installation that ``environ`` names, open and ready. ``base_url`` says where this process will answer.

    Raises ServerError, ConsentError; then nothing is left open.
    """
    config = load_config(data_dir_of(environ), environ)
    runtime = open_runtime(config, lock=Lock.acquire_patiently(config.lock_path, base_url(config)))
    try:
        check_promise(runtime)
        finish_withdrawals(runtime)
        end_of_day.schedule(runtime)
    except BaseException:
        runtime.close()
        raise
    return runtime


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
