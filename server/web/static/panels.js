/** The four charts: which columns each one shows, in which unit, how, and up to where its axis goes. */

import { PERCENT, rateUnit, sizeUnit } from "./format.js";
import { largest, newest } from "./series.js";

/**
 * One row of the numbers, and a line or an area of the chart. `column` names it in the series; `style` says how it is
 * drawn (`none`: in the numbers only), `sign` -1 draws it downwards.
 * @typedef {{column: string, label: string, colour: string, style: "stack" | "area" | "line" | "dash" | "none", sign?: -1}} Line
 *
 * @typedef {import("./series.js").Drawn} Drawn
 * @typedef {{id: string, table: string, part: "core" | "device" | "", height: number, label: string,
 *   lines: (shown: Drawn) => Line[], unit: (shown: Drawn) => import("./format.js").Unit,
 *   reach: (shown: Drawn) => [number, number], big: (shown: Drawn) => string, note: (shown: Drawn) => string, main: string}} Panel
 */

const MODES = [
  ["user", "user"],
  ["system", "system"],
  ["nice", "nice"],
  ["iowait", "disk wait"],
  ["interrupt", "interrupts"],
  ["steal", "stolen"],
];

/** What the operating system does not know has no row. @param {Drawn} shown @param {Line[]} lines */
const known = (shown, lines) => lines.filter((line) => shown.summary[line.column]?.mean != null);

/** @param {Drawn} shown @param {string} column */
const last = (shown, column) => newest(shown.columns[column]?.mean ?? []).value;

/** The next full step above a share. @param {number} most @returns {[number, number]} */
const share = (most) => [0, [0.05, 0.1, 0.25, 0.5, 1].find((step) => most <= step * 0.96) ?? 1];

const PEAKS = "Paler: the highest sample in each point.";
const widened = (/** @type {Drawn} */ shown) => (shown.bucket > 1000 ? PEAKS : "");

/** @type {Panel[]} */
export const PANELS = [
  {
    id: "cpu",
    table: "cpu",
    part: "core",
    label: "CPU",
    main: "busy",
    height: 232,
    lines: (shown) =>
      known(shown, [
        { column: "busy", label: "busy", colour: "", style: "none" },
        ...MODES.map(([column, label]) => ({ column, label, colour: column, style: /** @type {const} */ ("stack") })),
      ]),
    unit: () => PERCENT,
    reach: (shown) => share(largest(shown.columns.busy?.mean)),
    big: (shown) => `${PERCENT.write(last(shown, "busy"))}% busy`,
    note: () => "",
  },
  {
    id: "memory",
    table: "memory",
    part: "",
    label: "Memory",
    main: "used_bytes",
    height: 196,
    lines: (shown) =>
      known(shown, [
        { column: "used_bytes", label: "used", colour: "used", style: "area" },
        { column: "available_bytes", label: "available", colour: "available", style: "line" },
        { column: "total_bytes", label: "total", colour: "total", style: "dash" },
        ...(largest(shown.columns.swap_total_bytes?.max)
          ? [{ column: "swap_used_bytes", label: "swap used", colour: "swap", style: /** @type {const} */ ("line") }]
          : []),
      ]),
    unit: (shown) => sizeUnit(largest(shown.columns.total_bytes?.max)),
    reach: (shown) => [0, largest(shown.columns.total_bytes?.max, shown.columns.swap_used_bytes?.max) * 1.06 || 1],
    big: (shown) => {
      const unit = sizeUnit(largest(shown.columns.total_bytes?.max));
      return `${unit.write(last(shown, "used_bytes"))} of ${unit.write(last(shown, "total_bytes"))} ${unit.name}`;
    },
    note: () => "",
  },
  {
    id: "disk",
    table: "disk",
    part: "device",
    label: "Disk throughput",
    main: "read_bytes_per_second",
    height: 208,
    lines: (shown) =>
      known(shown, [
        { column: "read_bytes_per_second", label: "read ↑", colour: "read", style: "area" },
        { column: "write_bytes_per_second", label: "write ↓", colour: "write", style: "area", sign: -1 },
      ]),
    unit: (shown) => rateUnit(largest(shown.columns.read_bytes_per_second?.max, shown.columns.write_bytes_per_second?.max)),
    reach: (shown) => {
      const up = largest(shown.columns.read_bytes_per_second?.max);
      const down = largest(shown.columns.write_bytes_per_second?.max);
      const least = Math.max(up, down, 1) * 0.12; // both directions keep a strip, so that zero is never the edge
      return [-Math.max(down, least) * 1.08, Math.max(up, least) * 1.08];
    },
    big: (shown) => {
      const [read, write] = [last(shown, "read_bytes_per_second"), last(shown, "write_bytes_per_second")];
      const unit = rateUnit(Math.max(read ?? 0, write ?? 0));
      return `${unit.write(read)} read, ${unit.write(write)} written ${unit.name}`;
    },
    note: widened,
  },
  {
    id: "busy",
    table: "disk",
    part: "device",
    label: "Disk busy",
    main: "busy",
    height: 140,
    lines: (shown) => known(shown, [{ column: "busy", label: "busy", colour: "busy", style: "area" }]),
    unit: () => PERCENT,
    reach: (shown) => share(largest(shown.columns.busy?.max)),
    big: (shown) => `${PERCENT.write(last(shown, "busy"))}% of the time`,
    note: widened,
  },
];
