/**
 * What the overview shows, all of it in the URL: `?q=…&state=live&source=volunteer&sort=-cpu&page=2&mark=…&mark=…`.
 * Whatever else stands there (language, theme, units, zone) stays.
 */

export const MOST_MARKED = 6;
const STATES = ["live", "late", "paused", "gone"];
const SOURCES = ["volunteer", "open-server"];

/** @typedef {{q: string, state: string, source: string, sort: string, page: number, marks: string[]}} State */

/** @param {string} search as in location.search @returns {State} */
export function parse(search) {
  const given = new URLSearchParams(search);
  const text = (/** @type {string} */ name) => given.get(name) ?? "";
  const among = (/** @type {string} */ name, /** @type {string[]} */ allowed) => (allowed.includes(text(name)) ? text(name) : "");
  return {
    q: text("q").slice(0, 100),
    state: among("state", STATES),
    source: among("source", SOURCES),
    sort: /^-?(name|source|state|seen|cpu|memory|disk)$/.test(text("sort")) ? text("sort") : "name",
    page: /^[1-9]\d{0,5}$/.test(text("page")) ? Number(text("page")) : 1,
    marks: given.getAll("mark").slice(0, MOST_MARKED),
  };
}

/** The address that `parse` reads back; what is as usual is left out. @param {State} state @param {string} search of now */
export function address(state, search) {
  const parts = new URLSearchParams(search);
  const usual = { q: "", state: "", source: "", sort: "name", page: 1 };
  for (const [name, value] of Object.entries(usual)) {
    const now = state[/** @type {keyof typeof usual} */ (name)];
    if (now === value) parts.delete(name);
    else parts.set(name, String(now));
  }
  parts.delete("mark");
  for (const mark of state.marks) parts.append("mark", mark);
  const text = parts.toString();
  return text ? `?${text}` : location.pathname;
}

/** What the server is asked. @param {State} state @param {number} size rows of a page */
export function question(state, size) {
  const { q, sort, page, source } = state;
  return { q, sort, page, size, source, state: state.state };
}

/** The sorting that pressing a head brings: the usual direction first. @param {string} current @param {string} key @param {boolean} largestFirst */
export function nextSort(current, key, largestFirst) {
  const [first, second] = largestFirst ? [`-${key}`, key] : [key, `-${key}`];
  return current === first ? second : first;
}
