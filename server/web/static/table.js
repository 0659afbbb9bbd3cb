/** What a chart shows as a table for the eye and the screen reader, and as CSV with every statistic. */

import { TABLES } from "./units.js";
import { find, make } from "./dom.js";
import { NONE, iso, moment, span } from "./format.js";

/** @typedef {import("./charts.js").Picture} Picture @typedef {import("./series.js").Drawn} Drawn */

/** Fill the table, newest first. @param {HTMLElement} panel @param {string} label @param {Picture} picture @param {number} now */
export function fill(panel, label, picture, now) {
  const { lines, means, time, unit, step } = picture;
  const head = lines.map((line) => make("th", { scope: "col" }, `${line.label.replace(/ [↑↓]$/, "")} (${unit.name})`));
  const rows = time.map((at, place) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, make("time", { datetime: iso(at) }, moment(at, now))),
      ...(means.every((values) => values[place] == null)
        ? [make("td", { colspan: String(lines.length), class: "gap" }, "no samples")]
        : means.map((values) => make("td", {}, unit.write(values[place])))),
    ),
  );
  find("table.values", panel).replaceChildren(
    make("caption", {}, `${label}: mean of each ${span(step)}, newest first`),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "from"), ...head)),
    make("tbody", {}, ...rows.reverse()),
  );
}

/** One row per point; base units in the header, ISO 8601 in UTC. @param {string} table @param {Drawn} shown */
export function csv(table, shown) {
  const columns = Object.entries(shown.columns).flatMap(([column, statistics]) =>
    Object.entries(statistics).map(([name, values]) => ({ head: `${column} ${name} (${TABLES[table]?.[column] ?? "1"})`, values })),
  );
  const lines = shown.time.map((at, place) => [iso(at), ...columns.map(({ values }) => values[place] ?? "")].join(","));
  return [["time (UTC)", ...columns.map(({ head }) => head)].join(","), ...lines, ""].join("\r\n");
}

/** Hand a text to the person as a file. @param {string} name @param {string} text */
export function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10e3);
}

/** The chart in one sentence, for those who do not see it. @param {string} label @param {Picture} picture @param {Drawn} shown @param {string} column @param {number} now */
export function sentence(label, picture, shown, column, now) {
  const summary = shown.summary[column];
  const between = `${moment(picture.start, now)} to ${moment(picture.end, now)}`;
  if (summary?.mean == null) return `${label}, ${between}: no samples.`;
  const line = picture.lines.find((entry) => entry.column === column)?.label.replace(/ [↑↓]$/, "") ?? column;
  const said = (/** @type {number | null} */ value) => (value == null ? NONE : `${picture.unit.write(value)} ${picture.unit.name}`);
  return (
    `${label}, ${between}: ${line} was ${said(summary.mean)} on average, ${said(summary.median)} in the middle, ` +
    `at most ${said(summary.max)}; 95 of 100 samples were at or below ${said(summary.p95)}.`
  );
}
