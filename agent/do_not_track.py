"""``DO_NOT_TRACK``: a no for every program on the machine, set once."""

from collections.abc import Mapping

from agent.errors import NoConsent


def says_no(environ: Mapping[str, str]) -> bool:
    """Whether the variable is set to anything but a plain "off"."""
    return environ.get("DO_NOT_TRACK", "").strip().casefold() not in ("", "0", "false", "no", "off")


def check_may_sample(environ: Mapping[str, str]) -> None:
    """Raise NoConsent where it says no, also after a consent: the later word counts."""
    if says_no(environ):
        raise NoConsent("DO_NOT_TRACK is set, and that means no: nothing is read or sent")
