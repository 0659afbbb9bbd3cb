/**
 * Numbers and times as people read them, by the language and the settings of the page. `numbers.py` says the same for
 * the HTML that is there before any script.
 */

import { LOCALE, number, t } from "./locale.js";
import { setting } from "./settings.js";

export const NONE = "–";

/** Three digits: 1.25, 12.5, 125. @param {number} value */
export function digits(value) {
  const size = Math.abs(value);
  return fixed(value, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

/** So many decimals, with the sign of the language. @param {number} value @param {number} places */
function fixed(value, places) {
  const text = value.toFixed(places);
  return LOCALE === "pl" ? text.replace(".", ",") : text;
}

/** @param {number | null | undefined} ratio 0..1 */
export function percent(ratio) {
  return ratio == null ? NONE : `${fixed(ratio * 100, 1)}%`;
}

/**
 * A unit and how to write a value in it: one for all numbers of a chart, so that they compare at a glance.
 * @typedef {{name: string, size: number, write: (value: number | null | undefined) => string}} Unit
 */

/** @param {string} name @param {number} size @param {(value: number) => string} [how] @returns {Unit} */
function unit(name, size, how = digits) {
  return { name, size, write: (value) => (value == null ? NONE : how(value / size)) };
}

export const PERCENT = unit("%", 0.01, (value) => fixed(value, 1));
const whole = (/** @type {number} */ value) => value.toFixed(0);
const SI = [unit("TB", 1e12), unit("GB", 1e9), unit("MB", 1e6), unit("kB", 1e3), unit("B", 1, whole)];
const IEC = [unit("TiB", 2 ** 40), unit("GiB", 2 ** 30), unit("MiB", 2 ** 20), unit("KiB", 2 ** 10), unit("B", 1, whole)];

/** Decimal, as disks are sold, unless IEC was chosen. @param {number} largest bytes per second @returns {Unit} */
export function rateUnit(largest) {
  const chosen = fitting(setting("units") === "iec" ? IEC : SI, largest);
  return { ...chosen, name: `${chosen.name}/s` };
}

/** Binary, as memory is built, unless SI was chosen. @param {number} largest bytes @returns {Unit} */
export function sizeUnit(largest) {
  return fitting(setting("units") === "si" ? SI : IEC, largest);
}

/** @param {Unit[]} units largest first @param {number} largest */
const fitting = (units, largest) => units.find((entry) => largest >= entry.size) ?? units[units.length - 1];

/** A whole number with the language's groups. @param {number | null | undefined} value */
export function count(value) {
  return value == null ? NONE : number(value);
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
  if (seconds < 2) return t("common.ago.now");
  if (seconds < 60) return t("common.ago.seconds", { count: seconds });
  if (seconds < 3600) return t("common.ago.minutes", { count: Math.floor(seconds / 60) });
  if (seconds < 2 * 86400) return t("common.ago.hours", { count: Math.floor(seconds / 3600) });
  return t("common.ago.days", { count: Math.floor(seconds / 86400) });
}

/** @type {typeof size} */
export const bytes = size;

/** `10 s`, `1 min`, `1 h 30 min`. @param {number} ms */
export function span(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120 && seconds % 60) return t("common.span.seconds", { count: seconds });
  const minutes = Math.round(seconds / 60);
  const rest = minutes % 60;
  if (minutes < 60) return t("common.span.minutes", { count: minutes });
  const hours = t("common.span.hours", { count: Math.floor(minutes / 60) });
  return rest ? `${hours} ${t("common.span.minutes", { count: rest })}` : hours;
}

const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");

/** `14:03:20`; without seconds where nobody asks for them. @param {number} ms @param {boolean} [seconds] */
export function clock(ms, seconds = true) {
  const at = new Date(ms);
  const [hours, minutes, rest] = utc()
    ? [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()]
    : [at.getHours(), at.getMinutes(), at.getSeconds()];
  return `${pad(hours)}:${pad(minutes)}${seconds ? `:${pad(rest)}` : ""}`;
}

const utc = () => setting("zone") === "utc";

/** `24 Nov`, `24 lis`. @param {number} ms */
export function day(ms) {
  const options = /** @type {Intl.DateTimeFormatOptions} */ ({ day: "numeric", month: "short" });
  return new Date(ms).toLocaleDateString(LOCALE === "pl" ? "pl-PL" : "en-GB", utc() ? { ...options, timeZone: "UTC" } : options);
}

/** With the day when that is not today. @param {number} ms @param {number} now */
export function moment(ms, now) {
  const date = (/** @type {number} */ at) => (utc() ? iso(at).slice(0, 10) : new Date(at).toDateString());
  return date(ms) === date(now) ? clock(ms) : `${day(ms)} ${clock(ms)}`;
}

/** ISO 8601 in UTC, to the second. @param {number} ms */
export function iso(ms) {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/** `Europe/Warsaw (UTC+01:00)`. */
export function zone() {
  if (utc()) return "UTC";
  const offset = -new Date().getTimezoneOffset();
  const sign = offset < 0 ? "−" : "+";
  const size = Math.abs(offset);
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const written = offset ? `UTC${sign}${pad(Math.floor(size / 60))}:${pad(size % 60)}` : "UTC";
  return name === written ? written : `${name} (${written})`;
}
