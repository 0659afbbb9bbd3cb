/** What the compare page draws: the lines, how each is told apart, and the four charts with their numbers. */

import { series } from "./api.js";
import { percent, rate } from "./format.js";
import { kept, newest } from "./series.js";
import { RANGES } from "./state.js";

/** Colour and dashes of each line; no two have the same dashes. @type {[string, number[]][]} */
export const STROKES = [
  ["user", []],
  ["iowait", [9, 4]],
  ["system", [2, 3]],
  ["busy", [12, 3, 2, 3]],
  ["steal", [5, 5]],
  ["nice", [16, 4, 4, 4]],
];

/** @typedef {(number | null)[]} Values */
/** @typedef {import("./api.js").Series} Series */
/** @typedef {{mean: number | null, median: number | null, min: number | null, max: number | null, p95: number | null}} Summary */
/** @typedef {{instance: string, label: string, shift: number}} Subject */
/** @typedef {{time: number[], values: Values, step: number, summary: Summary | undefined, newest: number | null}} Line */

/** `table`, the column, what it is a share of, and how a value is written. @type {Record<string, {table: string, column: string, of?: string, write: (value: number | null) => string, share: boolean}>} */
export const CHARTS = {
  cpu: { table: "cpu", column: "busy", write: percent, share: true },
  memory: { table: "memory", column: "used_bytes", of: "total_bytes", write: percent, share: true },
  read: { table: "disk", column: "read_bytes_per_second", write: rate, share: false },
  write: { table: "disk", column: "write_bytes_per_second", write: rate, share: false },
};

/**
 * Ask for everything of one subject; `shift` ms earlier, and brought back onto the axis.
 * @param {Subject} subject @param {{start: number, end: number}} shown @param {number} points @param {AbortSignal} signal
 * @returns {Promise<Record<string, Line>>}
 */
export async function ask({ instance, shift }, shown, points, signal) {
  const frame = { start: Math.max(0, shown.start - shift), end: Math.max(0, shown.end - shift), points };
  const names = ["cpu", "memory", "disk"];
  const answers = await Promise.all(names.map((table) => series({ instance, table, ...frame }, signal)));
  const byTable = Object.fromEntries(answers.map((answer) => [answer.table, answer]));
  return Object.fromEntries(Object.entries(CHARTS).map(([id, chart]) => [id, lineOf(byTable[chart.table], chart, shift)]));
}

/** @param {Series} answer @param {(typeof CHARTS)[string]} chart @param {number} shift @returns {Line} */
export function lineOf(answer, chart, shift) {
  const group = answer.groups[0];
  const all = group?.columns[chart.column]?.mean ?? [];
  const of = chart.of ? (group?.columns[chart.of]?.mean ?? []) : null;
  const values = all.map((value, at) => (value === null || !of ? value : of[at] ? value / /** @type {number} */ (of[at]) : null));
  const { keep, step } = kept(answer.time, values.map((value) => value !== null));
  const whole = of ? newest(of).value : 1;
  const given = group?.summary[chart.column];
  const summary = given && whole ? /** @type {Summary} */ (Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value === null ? null : value / whole]))) : undefined;
  return {
    time: keep.map((at) => answer.time[at] + shift),
    values: keep.map((at) => values[at]),
    step: Math.max(step, answer.bucket_ms),
    summary,
    newest: newest(values).value,
  };
}

/** The chosen machines, or the one and itself at an earlier time. @param {{instance: string, alias: string}[]} chosen @param {string} earlier @returns {Subject[]} */
export function subjects(chosen, earlier) {
  const now = chosen.map(({ instance, alias }) => ({ instance, label: alias, shift: 0 }));
  if (now.length !== 1 || !(earlier in RANGES)) return now;
  return [...now, { ...now[0], label: `${now[0].label} −${earlier}`, shift: RANGES[earlier] }];
}
