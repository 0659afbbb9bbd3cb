"""What ``sysmetric consent`` prints: for people with Rich, for programs as JSON values.

Rules: words of the operator are cleaned; the JSON holds the documents' own values, times in ms, and nothing prettified.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.documents import STANDING_WORDS, Standing
from agent.enrolment import Proposal
from agent.notice_view import answer, how_often, inline, labelled, note, panel
from agent.phrases import ENGLISH, Phrases, phrases_for
from agent.terminal import WIDEST
from agent.times import utc_day, utc_minute
from agent.untrusted import clean_line
from agent.verification import DOES_NOT_PROVE, PROVES, CheckedLink
from consent.alias import alias_of
from consent.chain import valid_until_ms
from consent.document import to_payload
from consent.record import ConsentRecord, ErasureReceipt, Receipt
from consent.withdrawal_code import WithdrawalCode

_STATE_STYLE = {Standing.GIVEN: "bold green", Standing.PENDING: "bold yellow", Standing.EXPIRED: "bold yellow"}


def print_people(*renderables: RenderableType) -> None:
    """On stdout, no wider than reads well."""
    console = Console(highlight=False)
    console.print(Group(*renderables), width=min(console.width, WIDEST))


def notice_json(proposal: Proposal) -> dict[str, Any]:
    """``consent notice --json``."""
    reference = proposal.offer.notice
    return {
        "id": reference.id,
        "version": reference.version,
        "locale": reference.locale,
        "locales": list(proposal.locales),
        "sha256": reference.sha256,
        "offered": [entry.table for entry in proposal.offer.offered],
        "text": proposal.offer.text,
    }


def given(record: ConsentRecord, receipt: Receipt, code: WithdrawalCode | None) -> Group:
    """After the yes: what holds now, the code for a lost machine, and what one can do next."""
    words = phrases_for(record.notice.locale)
    until = utc_day(valid_until_ms(record, receipt))
    commands = Table.grid(padding=(0, 2, 0, 0))
    commands.add_column(style="bold cyan", no_wrap=True)
    commands.add_column()
    for command, meaning in (
        ("sysmetric preview", words.next_preview),
        ("sysmetric run", words.next_run),
        ("sysmetric dashboard", words.next_dashboard),
        ("sysmetric consent revoke", words.next_revoke),
    ):
        commands.add_row(command, meaning)
    return Group(
        Text(),
        note(f"✔ {words.done}", "bold green"),
        note(words.done_until.format(date=until, alias=alias_of(record.instance_id))),
        Text(),
        *(() if code is None else (code_panel(code, receipt.origin, words), Text())),
        panel(commands, title=words.next_title),
    )


def code_panel(code: WithdrawalCode, server: str, words: Phrases) -> RenderableType:
    """The withdrawal code, once, and what it is for."""
    shown = Text(str(code), "bold", no_wrap=True, justify="center")
    where = Text(f"{clean_line(server)}/withdraw", "cyan", overflow="fold")
    return panel(
        Group(note(words.code_write_down), Text(), shown, Text(), note(words.code_use), where), title=words.code_title
    )


def code_json(code: WithdrawalCode | None, server: str) -> dict[str, Any]:
    """The code as ``consent give --json`` and ``consent code --new --json`` have it; None where there is none."""
    if code is None:
        return {"withdrawal_code": None, "withdrawal_url": None}
    return {"withdrawal_code": str(code), "withdrawal_url": f"{server}/withdraw"}


def code_kept(made_ms: int | None, words: Phrases) -> Text:
    """Whether there is a code; it cannot be shown again."""
    return inline(words.code_none if made_ms is None else words.code_kept.format(date=utc_minute(made_ms)))


def given_json(record: ConsentRecord, receipt: Receipt, code: WithdrawalCode | None) -> dict[str, Any]:
    """The outcome of ``consent give``."""
    return {
        "state": receipt.state,
        "record_id": record.record_id,
        "instance": record.instance_id,
        "alias": alias_of(record.instance_id),
        "server": receipt.origin,
        "granted": sorted(record.granted),
        "valid_until": valid_until_ms(record, receipt),
        **code_json(code, receipt.origin),
    }


def consent(record: ConsentRecord, state: Standing, server: str, code_made_ms: int | None) -> Group:
    """``consent show``: the consent on one screen."""
    answers = [(entry.table, answer(entry.granted, entry.table, ENGLISH)) for entry in record.processing]
    controller = record.controller
    how = f"{record.ceremony.method.value}, {record.ceremony.seconds} s, questions {record.ceremony.quiz.value}"
    rows = [
        ("State", Text(STANDING_WORDS[state], _STATE_STYLE.get(state, "bold red"))),
        *answers,
        ("How often", how_often(record.granted, ENGLISH)),
        ("Given", Text(f"{utc_day(record.event.time)}, {how}")),
        ("Until", Text(utc_day(record.event.valid_until))),
        ("Controller", inline(f"{controller.name}, {controller.address}, {controller.contact}")),
        ("Server", Text(clean_line(server))),
        ("You are", Text(f"{alias_of(record.instance_id)} ({record.instance_id})")),
        ("Samples", Text(f"live at most {record.retention.samples_hours} hours")),
        ("Proof", Text(f"kept {record.retention.proof_days} days after the end")),
        ("Text", Text(f"{clean_line(record.notice.version)} {clean_line(record.notice.locale)}")),
        ("SHA-256", Text(record.notice.sha256)),
        ("Record", Text(record.record_id)),
        ("Lost machine", code_kept(code_made_ms, ENGLISH)),
    ]
    shown = panel(labelled(rows), title="Your consent")
    if state in (Standing.ERASED, Standing.ENDED):
        return Group(shown)
    return Group(shown, note("To withdraw: `sysmetric consent revoke`", "dim"))


def consent_json(record: ConsentRecord, state: Standing, server: str, code_made_ms: int | None) -> dict[str, Any]:
    """``consent show --json``."""
    return {
        "state": state.value,
        "alias": alias_of(record.instance_id),
        "server": server,
        "withdrawal_code_made": code_made_ms,
        "record": to_payload(record),
    }


def receipts(receipt: Receipt, erasure: ErasureReceipt | None) -> Group:
    """``consent receipt``."""
    rows = [
        ("State", Text(clean_line(receipt.state), "bold green")),
        ("Received", Text(utc_minute(receipt.received_at))),
        ("Until", Text(utc_minute(receipt.valid_until))),
        ("Server", Text(clean_line(receipt.origin))),
        ("Record", Text(receipt.record_id)),
        ("SHA-256", Text(receipt.record_sha256)),
        ("Notice", Text(receipt.notice_sha256)),
    ]
    parts: list[RenderableType] = [panel(labelled(rows), title="The operator's receipt")]
    if erasure is not None:
        parts.append(panel(labelled(_erasure_rows(erasure)), title="The operator's erasure receipt"))
    return Group(*parts)


def verified(links: Sequence[CheckedLink]) -> Group:
    """``consent verify``: each link, then what it proves and what not."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for link in links:
        mark = Text("✔", "bold green") if link.problem is None else Text("✘", "bold red")
        problem = Text(link.words) if link.problem is None else Text(clean_line(link.problem), "red")
        grid.add_row(mark, link.name, problem)
    parts: list[RenderableType] = [panel(grid, title="The chain, checked on this machine")]
    if all(link.problem is None for link in links):
        parts += [*_listed("This proves", PROVES, "green"), *_listed("This does not prove", DOES_NOT_PROVE, "yellow")]
    return Group(*parts)


def verified_json(links: Sequence[CheckedLink]) -> dict[str, Any]:
    """``consent verify --json``."""
    holds = all(link.problem is None for link in links)
    return {
        "holds": holds,
        "broken_link": next((link.name for link in links if link.problem is not None), None),
        "links": [{"name": link.name, "holds": link.problem is None, "problem": link.problem} for link in links],
        "proves": list(PROVES) if holds else [],
        "does_not_prove": list(DOES_NOT_PROVE),
    }


def revoked(erasure: ErasureReceipt | None, words: Phrases) -> Group:
    """``consent revoke`` once it has been delivered."""
    if erasure is None:
        return Group(note(f"✔ {words.revoked}", "bold green"), note(words.never_arrived))
    rows = [
        (words.rows, Text(_counts(erasure.rows))),
        (words.proof_until, Text(utc_day(erasure.proof_until))),
    ]
    return Group(
        note(f"✔ {words.revoked}", "bold green"),
        note(f"✔ {words.erased}", "bold green"),
        panel(labelled(rows), title="erasure-receipt.jws"),
    )


def revoked_json(erasure: ErasureReceipt | None) -> dict[str, Any]:
    """``consent revoke --json``."""
    return {"state": "withdrawn", "erasure": None if erasure is None else to_payload(erasure)}


def _erasure_rows(erasure: ErasureReceipt) -> list[tuple[str, Text]]:
    return [
        ("Erased", Text(_counts(erasure.rows), "bold green")),
        ("At", Text(utc_minute(erasure.erased_at))),
        ("Proof until", Text(utc_day(erasure.proof_until))),
        ("Record", Text(erasure.record_id)),
    ]


def _counts(rows: dict[str, int]) -> str:
    return ", ".join(f"{clean_line(table, 20)} {count:,}" for table, count in rows.items()) or "0"


def _listed(title: str, lines: Iterable[str], style: str) -> list[RenderableType]:
    grid = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        grid.add_row("  ·", line)
    return [Text(), note(title, f"bold {style}"), grid]
