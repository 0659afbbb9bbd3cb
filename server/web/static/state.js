/**
 * What a page of charts shows, all of it in the URL: `?range=1h`, or `&from=…&to=…` (ms) after a zoom, and `&core=0`,
 * `&device=sda`, `&hide=cpu.user,swap.swap_total_bytes`. Whatever else stands there (language, theme, units, zone, and
 * what the compare page adds) stays.
 */

/** @type {Record<string, number>} */
export const RANGES = { "5m": 300e3, "15m": 900e3, "1h": 3600e3, "6h": 21600e3, "24h": 86400e3 };
/** What is shown unless the URL says otherwise: agents sample every second or so, recordings are coarser. */
const USUAL = { volunteer: "5m", "open-server": "1h" };
/** Closer than this there is nothing to see: samples are at least a second apart. */
export const NARROWEST = 10e3;
const WIDEST = 7 * 86400e3;
const LINE = /^[a-z]{1,16}\.[a-z_]{1,32}$/;
const MOST_HIDDEN = 64;

/**
 * @typedef {{range: string, from: number | null, to: number | null, core: string, device: string, hide: string[]}} State
 * @typedef {{start: number, end: number, kind: "live" | "last" | "fixed"}} Window
 */

/** @param {string} search as in location.search @returns {State} */
export function parse(search) {
  const given = new URLSearchParams(search);
  const text = (/** @type {string} */ name) => given.get(name) ?? "";
  const [from, to] = [time(text("from")), time(text("to"))];
  const fixed = from !== null && to !== null && to - from >= NARROWEST && to - from <= WIDEST;
  return {
    range: Object.hasOwn(RANGES, text("range")) ? text("range") : "",
    from: fixed ? from : null,
    to: fixed ? to : null,
    core: /^\d{1,5}$/.test(text("core")) ? text("core") : "",
    device: text("device").slice(0, 64),
    hide: [...new Set(text("hide").split(",").filter((line) => LINE.test(line)))].slice(0, MOST_HIDDEN),
  };
}

/** The address that `parse` reads back; what is as usual is left out. @param {State} state @param {string} search of now */
export function address(state, search) {
  const parts = new URLSearchParams(search);
  const values = { ...state, hide: [...state.hide].sort().join(",") };
  for (const name of /** @type {const} */ (["range", "from", "to", "core", "device", "hide"])) {
    if (values[name] === null || values[name] === "") parts.delete(name);
    else parts.set(name, String(values[name]));
  }
  const text = parts.toString().replaceAll("%2C", ",");
  return text ? `?${text}` : location.pathname;
}

/** The state with this line hidden, or shown again. @param {State} state @param {string} line `panel.column` @returns {State} */
export function toggled(state, line) {
  const hide = state.hide.includes(line) ? state.hide.filter((entry) => entry !== line) : [...state.hide, line];
  return { ...state, hide };
}

/** The range that is in force, by name. @param {State} state @param {string | undefined} source of the machine */
export function rangeOf(state, source) {
  return state.range || (source === "open-server" ? USUAL["open-server"] : USUAL.volunteer);
}

/**
 * The range of time to show. A range counts back from now while samples come; for a machine that fell silent longer
 * ago than that, from its last sample, so that there is always something to see.
 * @param {State} state @param {number} now @param {{last_seen: number, source: string} | null} entry @returns {Window}
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

/**
 * The window after a move; never beyond now, never narrower than NARROWEST.
 * @param {{start: number, end: number}} shown @param {"earlier" | "later" | "in" | "out"} move @param {number} now
 * @param {number} [at] ms, the middle of a zoom
 */
export function moved(shown, move, now, at = (shown.start + shown.end) / 2) {
  const length = shown.end - shown.start;
  if (move === "earlier" || move === "later") return shifted(shown, move === "later" ? length / 2 : -length / 2, now);
  const wanted = Math.min(Math.max(length * (move === "in" ? 0.5 : 2), NARROWEST), WIDEST);
  const end = Math.min(now, at + wanted / 2);
  return { from: Math.round(end - wanted), to: Math.round(end) };
}

/** The window moved by so many ms; never beyond now. @param {{start: number, end: number}} shown @param {number} by @param {number} now */
export function shifted(shown, by, now) {
  const end = Math.min(Math.max(now, shown.end), shown.end + by);
  return { from: Math.round(end - (shown.end - shown.start)), to: Math.round(end) };
}

/** A window that somebody selected, widened to what can be seen. @param {number} from @param {number} to */
export function selected(from, to) {
  const lacking = Math.max(0, NARROWEST - (to - from)) / 2;
  return { from: Math.round(from - lacking), to: Math.round(to + lacking) };
}

/** @param {string} text @returns {number | null} */
function time(text) {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
