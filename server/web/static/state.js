/**
 * What the page shows, all of it in the URL: `?instance=…&range=1h`, or `&from=…&to=…` (ms) after a zoom, and
 * `&core=0`, `&device=sda`, `&sort=-cpu`, `&theme=dark`.
 */

/** @type {Record<string, number>} */
export const RANGES = { "5m": 300e3, "15m": 900e3, "1h": 3600e3, "6h": 21600e3, "24h": 86400e3 };
/** What is shown unless the URL says otherwise: agents sample every second or so, recordings are coarser. */
const USUAL = { volunteer: "5m", "open-server": "1h" };
/** Closer than this there is nothing to see: samples are at least a second apart. */
export const NARROWEST = 10e3;

/**
 * @typedef {{instance: string, range: string, from: number | null, to: number | null, core: string, device: string,
 *   sort: string, theme: string}} State
 * @typedef {{start: number, end: number, kind: "live" | "last" | "fixed"}} Window
 */

/** @param {string} query as in location.search @returns {State} */
export function parse(query) {
  const given = new URLSearchParams(query);
  const text = (/** @type {string} */ name) => given.get(name) ?? "";
  const [from, to] = [time(text("from")), time(text("to"))];
  const fixed = from !== null && to !== null && to - from >= NARROWEST;
  return {
    instance: text("instance"),
    range: text("range") in RANGES ? text("range") : "",
    from: fixed ? from : null,
    to: fixed ? to : null,
    core: /^\d{1,5}$/.test(text("core")) ? text("core") : "",
    device: text("device").slice(0, 64),
    sort: /^-?(name|state|seen|cpu|memory|read|write)$/.test(text("sort")) ? text("sort") : "",
    theme: ["light", "dark"].includes(text("theme")) ? text("theme") : "",
  };
}

/** The query that `parse` reads back; what is as usual is left out. @param {State} state */
export function query(state) {
  const parts = new URLSearchParams();
  if (state.instance) parts.set("instance", state.instance);
  if (state.range) parts.set("range", state.range);
  if (state.from !== null && state.to !== null) {
    parts.set("from", String(state.from));
    parts.set("to", String(state.to));
  }
  for (const name of /** @type {const} */ (["core", "device", "sort", "theme"])) {
    if (state[name]) parts.set(name, state[name]);
  }
  const text = parts.toString();
  return text ? `?${text}` : location.pathname;
}

/** The range that is in force, by name. @param {State} state @param {string | undefined} source of the machine */
export function rangeOf(state, source) {
  return state.range || (source === "open-server" ? USUAL["open-server"] : USUAL.volunteer);
}

/**
 * The range of time to show. A range counts back from now while samples come; for a machine that fell silent longer
 * ago than that, from its last sample, so that there is always something to see.
 * @param {State} state @param {number} now @param {{last_seen: number, source: string} | undefined} entry @returns {Window}
 */
export function windowOf(state, now, entry) {
  if (state.from !== null && state.to !== null) return { start: state.from, end: state.to, kind: "fixed" };
  const length = RANGES[rangeOf(state, entry?.source)];
  if (entry && now - entry.last_seen >= length) {
    const end = entry.last_seen + 1000;
    return { start: end - length, end, kind: "last" };
  }
  return { start: now - length, end: now, kind: "live" };
}

/** @param {Window} shown @param {string} move earlier, later, in or out @param {number} now @param {number} [at] ms */
export function moved(shown, move, now, at = (shown.start + shown.end) / 2) {
  const length = shown.end - shown.start;
  if (move === "earlier" || move === "later") {
    const end = Math.min(now, shown.end + (move === "later" ? length / 2 : -length / 2));
    return { from: Math.round(end - length), to: Math.round(end) };
  }
  const wanted = Math.min(Math.max(length * (move === "in" ? 0.5 : 2), NARROWEST), 7 * RANGES["24h"]);
  const end = Math.min(now, at + wanted / 2);
  return { from: Math.round(end - wanted), to: Math.round(end) };
}

/** @param {string} text @returns {number | null} */
function time(text) {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
