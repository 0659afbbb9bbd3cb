/** Numbers and times as people read them. `words.py` says the same for the HTML that is there before any script. */

export const NONE = "–";

/** Three digits: 1.25, 12.5, 125. @param {number} value */
export function digits(value) {
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

/** @param {number | null | undefined} ratio 0..1 */
export function percent(ratio) {
  return ratio == null ? NONE : `${(ratio * 100).toFixed(1)}%`;
}

/**
 * A unit and how to write a value in it: one for all numbers of a chart, so that they compare at a glance.
 * @typedef {{name: string, size: number, write: (value: number | null | undefined) => string}} Unit
 */

/** @param {string} name @param {number} size @param {(value: number) => string} [how] @returns {Unit} */
function unit(name, size, how = digits) {
  return { name, size, write: (value) => (value == null ? NONE : how(value / size)) };
}

export const PERCENT = unit("%", 0.01, (value) => value.toFixed(1));
const RATES = [unit("GB/s", 1e9), unit("MB/s", 1e6), unit("kB/s", 1e3), unit("B/s", 1, (value) => value.toFixed(0))];
const SIZES = [unit("TiB", 2 ** 40), unit("GiB", 2 ** 30), unit("MiB", 2 ** 20), unit("KiB", 2 ** 10)];

/** Decimal, as disks are sold. @param {number} largest bytes per second @returns {Unit} */
export function rateUnit(largest) {
  return RATES.find((entry) => largest >= entry.size) ?? RATES[3];
}

/** Binary, as memory is built. @param {number} largest bytes @returns {Unit} */
export function sizeUnit(largest) {
  return SIZES.find((entry) => largest >= entry.size) ?? SIZES[3];
}

/** @param {number | null | undefined} value bytes per second */
export function rate(value) {
  if (value == null) return NONE;
  const chosen = rateUnit(value);
  return `${chosen.write(value)} ${chosen.name}`;
}

/** @param {number | null | undefined} value bytes */
export function size(value) {
  if (value == null) return NONE;
  const chosen = sizeUnit(value);
  return `${chosen.write(value)} ${chosen.name}`;
}

/** `3 min ago`. @param {number} then @param {number} now both ms */
export function ago(then, now) {
  const seconds = Math.max(0, Math.floor((now - then) / 1000));
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 2 * 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} days ago`;
}

/** `10 s`, `1 min`, `1 h 30 min`. @param {number} ms */
export function span(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120 && seconds % 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ""}`;
}

const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");

/** `14:03:20`; without seconds where nobody asks for them. @param {number} ms @param {boolean} [seconds] */
export function clock(ms, seconds = true) {
  const at = new Date(ms);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}${seconds ? `:${pad(at.getSeconds())}` : ""}`;
}

/** `24 Nov`. @param {number} ms */
export function day(ms) {
  return new Date(ms).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

/** With the day when that is not today. @param {number} ms @param {number} now */
export function moment(ms, now) {
  return new Date(ms).toDateString() === new Date(now).toDateString() ? clock(ms) : `${day(ms)} ${clock(ms)}`;
}

/** ISO 8601 in UTC, to the second. @param {number} ms */
export function iso(ms) {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/** `Europe/Warsaw (UTC+01:00)`. */
export function zone() {
  const offset = -new Date().getTimezoneOffset();
  const sign = offset < 0 ? "−" : "+";
  const size = Math.abs(offset);
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const utc = offset ? `UTC${sign}${pad(Math.floor(size / 60))}:${pad(size % 60)}` : "UTC";
  return name === utc ? utc : `${name} (${utc})`;
}
