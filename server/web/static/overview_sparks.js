/**
 * The small lines of the last hour. One question for all that is missing or a minute old; a minute without samples is
 * a gap in the line, and each line says in words what it shows.
 */

import { get } from "./api.js";
import { find } from "./dom.js";
import { percent, rate } from "./format.js";
import { t } from "./locale.js";

const AGE = 60e3;
const [WIDTH, HEIGHT] = [120, 24];
/** @typedef {(number | null)[]} Values */
/** @typedef {{cpu_busy: Values, memory_used_ratio: Values, disk_bytes_per_second: Values}} Spark */

/** Cell, column of the answer, how to write a value; a share goes up to 1, a rate up to its own largest. @type {[string, keyof Spark, (value: number | null) => string, boolean][]} */
const LINES = [
  ["cpu", "cpu_busy", percent, true],
  ["memory", "memory_used_ratio", percent, true],
  ["disk", "disk_bytes_per_second", rate, false],
];

export class Sparks {
  constructor() {
    /** @type {Map<string, {asked: number, upTo: number, spark: Spark | undefined}>} */
    this.known = new Map();
    /** @type {AbortController | null} */
    this.asking = null;
  }

  /**
   * Draw what is known of these rows, and ask once for the rest.
   * @param {{instance: string, last: number, row: Element}[]} rows @param {number} now
   */
  async want(rows, now) {
    const old = rows.filter(({ instance, last }) => {
      const known = this.known.get(instance);
      return !known || (now - known.asked >= AGE && (last > known.upTo || known.spark));
    });
    if (!old.length) return;
    this.asking?.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    try {
      const names = new URLSearchParams(old.map(({ instance }) => ["instance", instance]));
      const { sparks } = await get(`/api/v1/sparks?${names}`, {}, signal);
      for (const { instance, last, row } of old) {
        this.known.set(instance, { asked: now, upTo: last, spark: sparks[instance] });
        draw(row, sparks[instance]);
      }
    } catch {
      // overtaken by another page of rows, or no server: the next beat asks again, and the feed says why
    }
  }

  /** A row that is new in the page. @param {string} instance @param {Element} row */
  show(instance, row) {
    const known = this.known.get(instance);
    if (known) draw(row, known.spark);
  }
}

/** @param {Element} row @param {Spark | undefined} spark */
export function draw(row, spark) {
  for (const [cell, column, write, share] of LINES) {
    const values = spark?.[column] ?? [];
    const picture = find(`[data-cell=${cell}] .spark`, row);
    const there = /** @type {number[]} */ (values.filter((value) => value !== null));
    const most = Math.max(0, ...there);
    const { line, fill } = paths(values, share ? 1 : most || 1);
    put(/** @type {Element} */ (picture.lastElementChild), line);
    put(/** @type {Element} */ (picture.firstElementChild), fill);
    picture.removeAttribute("aria-hidden");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", words(cell, there, values.length - there.length, write));
  }
}

/** @param {Element} path @param {string} d */
function put(path, d) {
  if (path.getAttribute("d") !== d) path.setAttribute("d", d);
}

/**
 * The line, broken where there is nothing, and what is below it. A minute alone is a short dash.
 * @param {Values} values @param {number} most
 */
export function paths(values, most) {
  const wide = WIDTH / Math.max(values.length, 1);
  const x = (/** @type {number} */ place) => Math.round(place * wide * 10) / 10;
  const y = (/** @type {number} */ value) => (HEIGHT - 2 - (Math.min(value, most) / most) * (HEIGHT - 4)).toFixed(1);
  let [line, fill, start] = ["", "", -1];
  for (let at = 0; at <= values.length; at += 1) {
    const value = values[at] ?? null;
    if (value !== null && start < 0) start = at;
    if (value !== null || start < 0) continue;
    const run = /** @type {number[]} */ (values.slice(start, at));
    const points = run.map((each, index) => `${x(start + index + 0.5)} ${y(each)}`);
    if (run.length === 1) points.splice(0, 1, `${x(start)} ${y(run[0])}`, `${x(at)} ${y(run[0])}`);
    line += `M${points.join("L")}`;
    const [first, last] = [points[0].split(" ")[0], points[points.length - 1].split(" ")[0]];
    fill += `M${first} ${HEIGHT}L${points.join("L")}L${last} ${HEIGHT}Z`;
    start = -1;
  }
  return { line, fill };
}

/** @param {string} cell @param {number[]} there @param {number} missing minutes @param {(value: number | null) => string} write */
function words(cell, there, missing, write) {
  const what = t(`overview.spark.${cell}`);
  if (!there.length) return t("overview.spark.none", { what });
  const mean = there.reduce((sum, value) => sum + value, 0) / there.length;
  const said = t("overview.spark.words", { what, mean: write(mean), most: write(Math.max(...there)) });
  return missing ? t("overview.spark.gap", { words: said, minutes: missing }) : said;
}
