"""Each setting once: its name, its default, what to say about it in ``config.toml``, and what is allowed.

``None`` as a default means that ``init`` has to ask. A ``check`` returns the value in its final form or raises
ValueError with the rest of a sentence that begins with the setting's name.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from consent.notice import locales, versions

_LONGEST_TEXT = 500
#: The languages that a volunteer can be asked in.
LOCALES = tuple(locales(versions()[-1]))


@dataclass(frozen=True, slots=True)
class Setting:
    """``check`` takes a value as TOML has it; ``parse`` makes one from an environment variable's text."""

    name: str
    default: Any
    comment: str
    check: Callable[[Any], Any]
    parse: Callable[[str], Any] = str


def is_loopback(host: str) -> bool:
    """Whether a host name or IP literal (no brackets) means this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(value: Any) -> str:
    """``https://host[:port]``, or plain http for a loopback host; lower case, no default port, no path."""
    wrong = "must be https://host, or http://127.0.0.1:PORT for this machine only; no path, no user"
    if not isinstance(value, str) or not value.isascii() or any(not 32 < ord(letter) < 127 for letter in value):
        raise ValueError(wrong)
    try:
        parts = urlsplit(value.rstrip("/"))
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(wrong) from None
    if not host or parts.path or any(letter in value for letter in "@?#"):
        raise ValueError(wrong)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError(wrong)
    shown = f"[{host}]" if ":" in host else host
    default_port = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{shown}" + ("" if port in (None, default_port) else f":{port}")


def listen(value: Any) -> str:
    """``host:port`` with an IP address (IPv6 in brackets) or ``localhost``."""
    wrong = "must be an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080"
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[0-9.]+|localhost):([0-9]{1,5})", str(value), re.ASCII)
    if match is None or not 1 <= int(match[2]) <= 65535:
        raise ValueError(wrong)
    if match[1] != "localhost":
        try:
            ipaddress.ip_address(match[1].strip("[]"))
        except ValueError:
            raise ValueError(wrong) from None
    return str(value)


def timezone(value: Any) -> str:
    """A name of the IANA time zone database."""
    try:
        return ZoneInfo(value).key
    except (LookupError, ValueError, TypeError, OSError):  # missing, malformed, no text, a directory of zones
        raise ValueError(f"must be a time zone such as Europe/Warsaw; {str(value)[:40]!r} is unknown here") from None


def store(value: Any) -> str:
    """``duckdb``, ``kdb://host:port``, or ``kdbs://host:port`` for TLS. A login has no place here."""
    if value != "duckdb" and not (
        isinstance(value, str) and re.fullmatch(r"kdbs?://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\]):[1-9][0-9]{0,4}", value)
    ):
        raise ValueError("must be duckdb or kdb://host:port (kdbs:// for TLS)")
    return str(value)


def _whole(low: int, high: int, unit: str) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"must be a whole number of {unit} from {low} to {high}")
        return value

    return check


def _text(required: bool = True) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST_TEXT:
            raise ValueError(f"must be one line of text of at most {_LONGEST_TEXT} characters")
        if required and not value.strip():
            raise ValueError("must not be empty")
        return value.strip()

    return check


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError('must be a list of lines, such as ["none"]')
    return tuple(_text()(item) for item in value)


def _in_locales(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """One value for all locales of the agreement, or a table with one for each."""

    def check_each(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return check(value)
        if set(value) != set(LOCALES):
            raise ValueError(f"must be one text, or a table with one for each of: {', '.join(LOCALES)}")
        return {locale: check(value[locale]) for locale in LOCALES}

    return check_each


def _choice(*allowed: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"must be {' or '.join(allowed)}")
        return str(value)

    return check


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _parse_int(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", text, re.ASCII):
        raise ValueError("must be a whole number")
    return int(text)


def _parse_truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _parse_texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";"))


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "origin",
        "http://127.0.0.1:8080",
        "The address volunteers and browsers use: https, or http for this machine only.\n"
        "It is part of every consent: a volunteer's agent sends to this address and no other.",
        origin,
    ),
    Setting("listen", "127.0.0.1:8080", "The IP address and port this server listens on.", listen),
    Setting(
        "behind_proxy",
        False,
        "true when a reverse proxy in front ends TLS; only then may `listen` be open to a network without TLS.",
        _truth,
        _parse_truth,
    ),
    Setting("tls_cert", "", "Certificate chain (PEM file), when this server ends TLS itself.", _text(False)),
    Setting("tls_key", "", "Private key of the certificate (PKCS#8 PEM file).", _text(False)),
    Setting("threads", 16, "Requests handled at the same time.", _whole(1, 256, "threads"), _parse_int),
    Setting(
        "store",
        "duckdb",
        "Where samples are kept: duckdb (embedded), kdb://host:port, or kdbs://host:port for TLS.\n"
        "After a change, sysmetric-server migrate takes along what is there.",
        store,
    ),
    Setting(
        "store_credentials_file",
        "",
        "File with the kdb+ login, one line user:password, mode 0600. Empty: kdb-credentials in the data directory.",
        _text(False),
    ),
    Setting("timezone", "Europe/Warsaw", "The time zone in which a day ends; IANA name.", timezone),
    Setting(
        "retention_hours",
        24,
        "At each midnight, samples older than this many hours are deleted. The notice states the longest life that\n"
        "follows: this plus 25 hours (up to a whole day until the next midnight, and a day can have 25 hours).",
        _whole(1, 8760, "hours"),
        _parse_int,
    ),
    Setting(
        "proof_days",
        1096,
        "For how many days after a consent has ended its proof (never a sample) is kept.",
        _whole(1, 3660, "days"),
        _parse_int,
    ),
    Setting("controller_name", None, "Who is responsible (GDPR Art. 13): your name or your organisation's.", _text()),
    Setting("controller_address", None, "Postal address of whoever is responsible.", _text()),
    Setting("controller_contact", None, "How a volunteer reaches you about their data: an e-mail address.", _text()),
    Setting(
        "dpo",
        {"en": "There is no data protection officer.", "pl": "Nie wyznaczono inspektora ochrony danych."},
        "Data protection officer, or that there is none. This and the next five are read by volunteers: one text for\n"
        "every language, or one for each.",
        _in_locales(_text()),
    ),
    Setting(
        "recipients",
        {"en": ("No one but the controller.",), "pl": ("Nikt poza administratorem.",)},
        "Who else gets the samples (hosting companies count); a list. In the environment: separated by semicolons.",
        _in_locales(_texts),
        _parse_texts,
    ),
    Setting(
        "transfers",
        {
            "en": "Samples are not transferred outside the European Economic Area.",
            "pl": "Próbki nie są przekazywane poza Europejski Obszar Gospodarczy.",
        },
        "Transfers to other countries, or that there are none.",
        _in_locales(_text()),
    ),
    Setting(
        "jurisdiction",
        {"en": "Poland; European Union (GDPR)", "pl": "Polska; Unia Europejska (RODO)"},
        "The law that applies.",
        _in_locales(_text()),
    ),
    Setting(
        "authority",
        {
            "en": "President of the Personal Data Protection Office (UODO), Warsaw, uodo.gov.pl",
            "pl": "Prezes Urzędu Ochrony Danych Osobowych (UODO), Warszawa, uodo.gov.pl",
        },
        "The supervisory authority to which a volunteer may complain.",
        _in_locales(_text()),
    ),
    Setting(
        "storage_location",
        {"en": "the controller's own server", "pl": "własny serwer administratora"},
        "Where the samples are stored.",
        _in_locales(_text()),
    ),
    Setting(
        "period_seconds",
        1,
        "The shortest time between two samples of one machine, in seconds.",
        _whole(1, 3600, "seconds"),
        _parse_int,
    ),
    Setting(
        "enrolment",
        "invite",
        "invite: joining takes a single-use invite (sysmetric-server invite create). open: anyone with the link joins.",
        _choice("invite", "open"),
    ),
    Setting("public_title", "System metrics", "The title of the dashboard.", _text()),
)
