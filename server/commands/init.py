"""``sysmetric-server init``: a new installation, with the first enrolment link."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.clock import clock_ms
from server.commands.terminal import AsJson, DataDir, NoInput, emit, is_interactive, say
from server.config import PREFIX, Config, checked, config_of, data_dir_of, initial_values
from server.data_dir import check_vacant
from server.errors import ConfigError
from server.settings import SETTINGS, Setting

if TYPE_CHECKING:
    from server.setup import Installed

_BY_NAME = {setting.name: setting for setting in SETTINGS}
#: Asked for on a terminal when no flag gives them, in this order.
_ASKED = ("controller_name", "controller_address", "controller_contact")


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(init)


# pylint: disable-next=too-many-arguments,too-many-locals  # each is a flag
def init(
    *,
    name: Annotated[str | None, typer.Option(help="Who is responsible: your or your organisation's name.")] = None,
    address: Annotated[str | None, typer.Option(help="Your postal address.")] = None,
    contact: Annotated[str | None, typer.Option(help="How volunteers reach you: an e-mail address.")] = None,
    origin: Annotated[str | None, typer.Option(help="The address volunteers and browsers use.")] = None,
    listen: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where this server listens.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Where your day ends.")] = None,
    enrolment: Annotated[str | None, typer.Option(help="invite, or open to anyone with the link.")] = None,
    retention_hours: Annotated[int | None, typer.Option(help="At midnight, older samples are deleted.")] = None,
    proof_days: Annotated[int | None, typer.Option(help="How long the proof outlives a consent.")] = None,
    period_seconds: Annotated[int | None, typer.Option(help="Shortest time between two samples.")] = None,
    storage_location: Annotated[str | None, typer.Option(help="Where samples are stored.")] = None,
    recipient: Annotated[list[str] | None, typer.Option(help="Who else gets them; may be repeated.")] = None,
    transfers: Annotated[str | None, typer.Option(help="Transfers to other countries.")] = None,
    dpo: Annotated[str | None, typer.Option(help="Data protection officer.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="The law that applies.")] = None,
    authority: Annotated[str | None, typer.Option(help="Supervisory authority for complaints.")] = None,
    no_input: NoInput = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Set up a server and ask for what is missing.

    It makes the settings, the keys, the registry, the signed agreement and a first enrolment link.

    \b
    Examples:
      sysmetric-server init
      sysmetric-server init --origin https://metrics.example.org --name 'Example Lab' \\
          --address 'Street 1, Warsaw' --contact privacy@example.org --no-input
    """
    from server.setup import install  # pylint: disable=import-outside-toplevel  # heavy, and no other command needs it

    flags: dict[str, Any] = {
        "controller_name": name,
        "controller_address": address,
        "controller_contact": contact,
        "origin": origin,
        "listen": listen,
        "timezone": timezone,
        "enrolment": enrolment,
        "retention_hours": retention_hours,
        "proof_days": proof_days,
        "period_seconds": period_seconds,
        "storage_location": storage_location,
        "recipients": recipient or None,
        "transfers": transfers,
        "dpo": dpo,
        "jurisdiction": jurisdiction,
        "authority": authority,
    }
    config = _config(data_dir_of(os.environ, data_dir), flags, ask=not no_input and is_interactive())
    installed = install(config, clock_ms)
    emit(_value(installed), as_json, lambda: _show(installed, config, data_dir))


def _config(directory: Path, flags: dict[str, Any], *, ask: bool) -> Config:
    """The settings, asked for where they are missing. Raises ConfigError before anything is asked if it is in vain."""
    values: dict[str, Any] = initial_values(os.environ, flags)
    missing = [name for name in _ASKED if name not in values]
    placeholder = {name: "-" for name in missing}
    check_vacant(config_of(directory, values | placeholder))
    if missing and not ask:
        wanted = ", ".join(f"--{name.removeprefix('controller_')}" for name in missing)
        raise ConfigError(f"missing: {wanted}; the agreement has to say who is responsible")
    for name in missing:
        values[name] = _asked(_BY_NAME[name])
    if ask and flags["origin"] is None and f"{PREFIX}ORIGIN" not in os.environ:
        values["origin"] = _asked(_BY_NAME["origin"])
    return config_of(directory, values)


def _asked(setting: Setting) -> Any:
    while True:
        answer = typer.prompt(setting.comment.splitlines()[0].rstrip("."), default=setting.default, err=True)
        try:
            return checked(setting, answer, "your answer")
        except ConfigError as error:
            say(str(error))


def _value(installed: "Installed") -> dict[str, Any]:
    return {
        "data_dir": str(installed.data_dir),
        "enrolment_url": installed.enrolment_url,
        "invite": installed.invite,
        "key_thumbprint": installed.thumbprint,
        "notice_version": installed.notice_version,
    }


def _show(installed: "Installed", config: Config, data_dir: Path | None) -> None:
    say(f"Set up in {installed.data_dir}; every setting is explained in config.toml there.")
    say(f"Agreement {installed.notice_version} is published; read it with: sysmetric-server notice show")
    say("Keep copies of operator-key.pem and key-encryption.key in a safe place.\n")
    once = "works once, for 7 days" if installed.invite else "anyone with it may join"
    say(f"Enrolment link ({once}):")
    typer.echo(installed.enrolment_url)
    flag = "" if data_dir is None else f" --data-dir {installed.data_dir}"
    say(f"\nNext, start the server: sysmetric-server run{flag}")
    if config.origin.startswith("https:") and not config.tls_cert:
        say("It listens on this machine only; put a proxy with TLS in front, or give --tls-cert and --tls-key.")
