"""``/own``: what a volunteer agreed to, their documents, what was sent, everything to take along, and how to stop.

Rules:

* Only a session of the volunteer whose machine it is opens it. The operator and everybody else get an explanation and
  learn nothing about anyone.
* What is shown is read from the signed documents themselves, after they were verified as one chain; each is handed
  out byte for byte as it was signed.
* Counting stops at ``MOST_COUNTED`` rows, and the page says so; the export always holds everything.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from flask import Response, abort, make_response, render_template, url_for

from consent.alias import alias_of
from consent.catalogue import TABLES, Column, Table
from consent.chain import Chain, verify_chain
from consent.notice import parse
from consent.wire import MAX_AHEAD_MS, Value
from server.api.downloads import stream
from server.api.state import runtime
from server.api.viewer import current_viewer
from server.registry import Evidence
from server.row_formats import NDJSON_TYPE, every_table
from server.store.protocol import Row
from server.web import numbers
from server.web.archive import archive
from server.web.locale import fixed, locale_of_request
from server.web.pages import blueprint
from server.web.withdraw import documents, jws_response

MOST_COUNTED = 300_000
NEWEST = 5
#: What there is before the end, in the order in which it came about.
DOCUMENTS = ("notice", "record", "receipt")


@dataclass
class Held:
    """What is held of one granted table; times in ms, None while nothing is."""

    table: Table
    granted: bool
    period_seconds: int
    rows: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    newest: deque[Row] = field(default_factory=lambda: deque(maxlen=NEWEST))


@blueprint.get("/own")
def own() -> Response:
    """The page."""
    found = _mine()
    if found is None:
        viewer = current_viewer()
        return _private(render_template("own_none.html", viewer=viewer), 403)
    instance, evidence = found
    chain = verify_chain(evidence.documents)
    held, whole = _held(instance, chain)
    status = runtime().registry.consent_of(instance)
    page = render_template(
        "own.html",
        viewer=current_viewer(),
        instance=instance,
        alias=alias_of(instance),
        chain=chain,
        notice=parse(chain.offer.text),
        held=held,
        whole=whole,
        now=runtime().now_ms(),
        documents=DOCUMENTS,
        has_code=status is not None and runtime().registry.has_code(status.record_id),
        locale=locale_of_request(),
        shown=shown,
        csv=partial(_rows_link, instance),
    )
    return _private(page)


@blueprint.get("/own/<name>.jws")
def own_document(name: str) -> Response:
    """One of the volunteer's documents, byte for byte."""
    found = _mine()
    compact = None if found is None else documents(found[1]).get(name)
    if compact is None:
        abort(404)
    return jws_response(name, compact)


@blueprint.get("/own/everything.zip")
def own_everything() -> Response:
    """Documents, text and every sample."""
    found = _mine()
    if found is None:
        abort(404)
    instance, evidence = found
    files = {f"{name}.jws": compact for name, compact in documents(evidence).items()}
    files["notice.md"] = verify_chain(evidence.documents).offer.text
    response = stream(lambda: archive(files, every_table(runtime().store.rows(instance))), "application/zip")
    return _download(response, f"sysmetric-{alias_of(instance)}.zip")


@blueprint.get("/own/samples.ndjson")
def own_samples() -> Response:
    """Every sample as one JSON object per line, as ``sysmetric data export`` writes them."""
    found = _mine()
    if found is None:
        abort(404)
    response = stream(lambda: every_table(runtime().store.rows(found[0])), NDJSON_TYPE)
    return _download(response, f"sysmetric-{alias_of(found[0])}.ndjson")


def _rows_link(instance: str, table: str) -> str:
    """Everything that is held of one table, as CSV."""
    end_ms = runtime().now_ms() + MAX_AHEAD_MS
    return url_for("rows.get_rows", instance=instance, table=table, start=0, end=end_ms, format="csv")


def shown(column: Column, value: Value) -> str:
    """A value as people read it, by the unit of its column."""
    if value is None:
        return "–"
    write: dict[str, Callable[[Value], str]] = {
        "ms": lambda at: numbers.iso(int(at or 0)),
        "1": lambda ratio: numbers.percent(float(ratio or 0)),
        "By": lambda size: numbers.memory(int(size or 0)),
        "By/s": lambda speed: numbers.rate(float(speed or 0)),
        "{operation}/s": lambda count: f"{fixed(float(count or 0), 1)}/s",
    }
    return write.get(column.unit, str)(value)


def _mine() -> tuple[str, Evidence] | None:
    """The instance of this request's volunteer and its documents."""
    viewer = current_viewer()
    if viewer.role != "volunteer" or viewer.instance is None:
        return None
    status = runtime().registry.consent_of(viewer.instance)
    return None if status is None else (viewer.instance, runtime().registry.evidence(status.record_id))


def _held(instance: str, chain: Chain) -> tuple[list[Held], bool]:
    """What is held per table, and whether all of it was counted."""
    held = {
        entry.table: Held(TABLES[entry.table], entry.granted, entry.period_seconds) for entry in chain.record.processing
    }
    counted = 0
    for table, row in _rows(instance):
        if counted == MOST_COUNTED:
            return list(held.values()), False
        counted += 1
        here, time = held[table], int(row["time"] or 0)
        here.rows += 1
        here.first_ms = time if here.first_ms is None else here.first_ms
        here.last_ms = time
        here.newest.append(row)
    return list(held.values()), True


def _rows(instance: str) -> Iterator[tuple[str, Row]]:
    return runtime().store.rows(instance)


def _download(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _private(page: str, status: int = 200) -> Response:
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response
