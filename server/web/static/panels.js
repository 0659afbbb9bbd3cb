/** The charts: which columns each one shows, in which unit, how, and up to where its axis goes. */

import { PERCENT, percent, rateUnit, sizeUnit } from "./format.js";
import { t } from "./locale.js";
import { newest } from "./series.js";
import { OPERATIONS } from "./units.js";

/**
 * One row of the numbers, and a line or an area of the chart. `column` names it in the series; `style` says how it is
 * drawn (`none`: in the numbers only), `sign` -1 draws it downwards.
 * @typedef {{column: string, colour: string, style: "stack" | "area" | "line" | "dash" | "none", sign?: -1}} Line
 *
 * @typedef {import("./series.js").Drawn} Drawn
 * @typedef {{id: string, table: string, part: "core" | "device" | "", height: number, lines: Line[], main: string,
 *   unit: (shown: Drawn) => import("./format.js").Unit, reach: (up: number, down: number) => [number, number],
 *   big: (shown: Drawn) => string, note: string, absent?: (shown: Drawn) => boolean}} Panel `absent`: the machine has no such thing
 */

/** What a line is called. @param {Line} line */
export const label = (line) => t(`instance.line.${line.column}`);

/** @param {Drawn} shown @param {string} column */
const last = (shown, column) => newest(shown.columns[column]?.mean ?? []).value;

/** The largest sample of several columns. @param {Drawn} shown @param {...string} columns */
const most = (shown, ...columns) => Math.max(0, ...columns.map((column) => shown.summary[column]?.max ?? 0));

/** The next full step above a share. @param {number} up @returns {[number, number]} */
const share = (up) => [0, [0.05, 0.1, 0.25, 0.5, 1].find((step) => up <= step * 0.96) ?? 1];

/** From zero up. @param {number} up @returns {[number, number]} */
const upwards = (up) => [0, up * 1.06 || 1];

/** Both directions keep a strip, so that zero is never the edge. @param {number} up @param {number} down @returns {[number, number]} */
const bothWays = (up, down) => {
  const least = Math.max(up, down, 1) * 0.12;
  return [-Math.max(down, least) * 1.08, Math.max(up, least) * 1.08];
};

/** `1.60 of 4.00 GiB`. @param {Drawn} shown @param {string} used @param {string} total */
function amount(shown, used, total) {
  const unit = sizeUnit(most(shown, total));
  return t("instance.big.of", { used: unit.write(last(shown, used)), total: `${unit.write(last(shown, total))} ${unit.name}` });
}

/** Two rates in one unit. @param {Drawn} shown @param {string} key @param {string} read @param {string} write @param {(most: number) => import("./format.js").Unit} unitOf */
function both(shown, key, read, write, unitOf) {
  const values = [last(shown, read), last(shown, write)];
  const unit = unitOf(Math.max(values[0] ?? 0, values[1] ?? 0));
  const gap = unit.name.startsWith("/") ? "" : " ";
  const [first, second] = values.map((value) => `${unit.write(value)}${gap}${unit.name}`);
  return t(key, { read: first, write: second });
}

/** @type {Panel[]} */
export const PANELS = [
  {
    id: "cpu",
    table: "cpu",
    part: "core",
    main: "busy",
    height: 232,
    lines: [
      { column: "busy", colour: "", style: "none" },
      ...["user", "system", "nice", "iowait", "interrupt", "steal"].map((column) => ({ column, colour: column, style: /** @type {const} */ ("stack") })),
    ],
    unit: () => PERCENT,
    reach: share,
    big: (shown) => t("instance.big.cpu", { busy: percent(last(shown, "busy")) }),
    note: "instance.note.stack",
  },
  {
    id: "memory",
    table: "memory",
    part: "",
    main: "used_bytes",
    height: 208,
    lines: [
      { column: "used_bytes", colour: "used", style: "area" },
      { column: "available_bytes", colour: "available", style: "line" },
      { column: "total_bytes", colour: "total", style: "dash" },
    ],
    unit: (shown) => sizeUnit(most(shown, "total_bytes")),
    reach: upwards,
    big: (shown) => amount(shown, "used_bytes", "total_bytes"),
    note: "",
  },
  {
    id: "swap",
    table: "memory",
    part: "",
    main: "swap_used_bytes",
    height: 150,
    lines: [
      { column: "swap_used_bytes", colour: "swap", style: "area" },
      { column: "swap_total_bytes", colour: "total", style: "dash" },
    ],
    unit: (shown) => sizeUnit(most(shown, "swap_total_bytes")),
    reach: upwards,
    big: (shown) => amount(shown, "swap_used_bytes", "swap_total_bytes"),
    note: "",
    absent: (shown) => most(shown, "swap_total_bytes") === 0,
  },
  {
    id: "throughput",
    table: "disk",
    part: "device",
    main: "read_bytes_per_second",
    height: 208,
    lines: [
      { column: "read_bytes_per_second", colour: "read", style: "area" },
      { column: "write_bytes_per_second", colour: "write", style: "area", sign: -1 },
    ],
    unit: (shown) => rateUnit(most(shown, "read_bytes_per_second", "write_bytes_per_second")),
    reach: bothWays,
    big: (shown) => both(shown, "instance.big.throughput", "read_bytes_per_second", "write_bytes_per_second", rateUnit),
    note: "instance.note.mirror",
  },
  {
    id: "operations",
    table: "disk",
    part: "device",
    main: "reads_per_second",
    height: 180,
    lines: [
      { column: "reads_per_second", colour: "read", style: "area" },
      { column: "writes_per_second", colour: "write", style: "area", sign: -1 },
    ],
    unit: () => OPERATIONS,
    reach: bothWays,
    big: (shown) => both(shown, "instance.big.operations", "reads_per_second", "writes_per_second", () => OPERATIONS),
    note: "instance.note.mirror",
  },
  {
    id: "busy",
    table: "disk",
    part: "device",
    main: "busy",
    height: 150,
    lines: [{ column: "busy", colour: "busy", style: "area" }],
    unit: () => PERCENT,
    reach: share,
    big: (shown) => t("instance.big.busy", { busy: percent(last(shown, "busy")) }),
    note: "",
  },
];

/** What the operating system does not know has no row. @param {Panel} panel @param {Drawn} shown */
export const linesOf = (panel, shown) => panel.lines.filter((line) => shown.summary[line.column]?.mean != null);
