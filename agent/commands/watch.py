"""``sysmetric watch``."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

import typer


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(watch)


def watch() -> None:
    """
    Look at this machine live, in the terminal. Cores, memory, disks, what the agent sends. This window sends nothing.

    \b
    Examples:
      sysmetric watch
      NO_COLOR=1 sysmetric watch

    Reads only what you agreed to. q or Ctrl-C leaves. For one look, or for a program: sysmetric status --json
    """
    from rich.console import Console

    from agent.documents import active_consent
    from agent.errors import AgentError
    from agent.keyboard import single_keys
    from agent.paths import AgentPaths
    from agent.watch import Clocks, Watch, show

    paths, clocks = AgentPaths.from_environment(), Clocks()
    consent = active_consent(paths, clocks.now_ms())
    console = Console(highlight=False)
    if not console.is_terminal:
        raise AgentError("watch needs a terminal; for one look, run: sysmetric status --json")
    try:
        with single_keys() as wait:
            show(Watch(paths, consent, clocks), console, wait)
    except KeyboardInterrupt:
        pass  # Ctrl-C is how many people leave a window
