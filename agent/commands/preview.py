"""``sysmetric preview``."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

import time
from typing import TYPE_CHECKING, Annotated

import typer

from agent.clock import clock_ms
from agent.commands.terminal import say

if TYPE_CHECKING:
    from consent.chain import ActiveConsent


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(preview)


def preview(
    as_json: Annotated[bool, typer.Option("--json", help="Print the bytes and no word about them.")] = False,
) -> None:
    """
    Print the very bytes that would be sent, and send nothing.

    \b
    Examples:
      sysmetric preview
      sysmetric preview --json | python3 -m json.tool

    Reads this machine for as long as two samples take. Opens no connection and writes no file.
    """
    import os
    import sys

    from agent.do_not_track import check_may_sample
    from agent.documents import active_consent
    from agent.paths import AgentPaths

    check_may_sample(os.environ)
    consent = active_consent(AgentPaths.from_environment(), clock_ms())
    body = _two_beats(consent)
    if not as_json:
        say(
            f"{len(body):,} bytes for {consent.origin}, before gzip; nothing is sent. "
            "The sequence is 0 here and the number of the batch when it is sent."
        )
    sys.stdout.buffer.write(body + b"\n")


def _two_beats(consent: "ActiveConsent") -> bytes:
    from agent.collectors import make_collectors
    from agent.packer import make_batch
    from agent.sampler import Sampler

    sampler = Sampler(
        consent,
        make_collectors(consent, time.monotonic),
        period_seconds=1.0,
        batch_seconds=3600.0,
        monotonic=time.monotonic,
        now_ms=clock_ms,
    )
    end = time.monotonic() + max(sampler.periods.values())
    sampler.sample()
    while time.monotonic() < end:
        time.sleep(max(0.0, sampler.wait_seconds()))
        sampler.sample()
    return make_batch(consent, 0, sampler.take() or {}).to_json()
