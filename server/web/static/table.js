/** What a chart shows as a table for the eye and the screen reader, and in one sentence. */

import { reason } from "./charts_gaps.js";
import { find, make } from "./dom.js";
import { NONE, iso, moment, span } from "./format.js";
import { t } from "./locale.js";
import { label } from "./panels.js";

/** @typedef {import("./charts.js").Picture} Picture @typedef {import("./series.js").Drawn} Drawn */

/** Fill the table, newest first. @param {HTMLElement} panel @param {string} title @param {Picture} picture @param {number} now */
export function fill(panel, title, picture, now) {
  const { lines, means, time, unit, step, gaps } = picture;
  const head = lines.map((line) => make("th", { scope: "col" }, `${label(line)} (${unit.name})`));
  const columns = String(lines.length);
  const row = (/** @type {number} */ at, /** @type {Node[]} */ ...cells) =>
    make("tr", {}, make("th", { scope: "row" }, make("time", { datetime: iso(at) }, moment(at, now))), ...cells);
  const empty = (/** @type {string} */ words) => make("td", { colspan: columns, class: "gap" }, words);
  const within = (/** @type {number} */ at) => gaps.some((gap) => at >= gap.start && at < (gap.end ?? Infinity));
  /** @type {[number, HTMLElement][]} */
  const rows = time.flatMap((at, place) => {
    const missing = means.every((values) => values[place] == null);
    if (missing && within(at)) return []; // said once, with its reason
    return [[at, missing ? row(at, empty(t("instance.table.none"))) : row(at, ...means.map((values) => make("td", {}, unit.write(values[place]))))]];
  });
  for (const gap of gaps) {
    const at = Math.max(gap.start, picture.start);
    const words = t("instance.table.none.why", { reason: reason(gap), span: span(Math.min(gap.end ?? picture.end, picture.end) - at) });
    rows.push([at, row(at, empty(words))]);
  }
  rows.sort(([a], [b]) => b - a);
  find("table.values", panel).replaceChildren(
    make("caption", {}, t("instance.table.caption", { panel: title, span: span(step) })),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, t("instance.table.from")), ...head)),
    make("tbody", {}, ...rows.map(([, entry]) => entry)),
  );
}

/** The chart in words, for those who do not see it. @param {string} title @param {Picture} picture @param {Drawn} shown @param {string} column @param {number} now */
export function sentence(title, picture, shown, column, now) {
  const summary = shown.summary[column];
  const between = { panel: title, from: moment(picture.start, now), to: moment(picture.end, now) };
  if (summary?.mean == null) return t("instance.words.none", between);
  const line = picture.lines.find((entry) => entry.column === column);
  const said = (/** @type {number | null} */ value) => (value == null ? NONE : `${picture.unit.write(value)} ${picture.unit.name}`);
  const values = { mean: said(summary.mean), median: said(summary.median), max: said(summary.max), p95: said(summary.p95) };
  const gaps = picture.gaps.map((gap) =>
    t("instance.words.gap", { from: moment(gap.start, now), to: moment(gap.end ?? picture.end, now), reason: reason(gap) }),
  );
  return [t("instance.words", { ...between, line: line ? label(line) : column, ...values }), ...gaps.slice(-5)].join(" ");
}
