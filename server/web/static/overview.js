/**
 * The overview: state in the URL, one page of rows, their lines, and the beat, wired together.
 *
 * One rule for what is asked: a beat says whether anything changed; only then, and every few seconds for the ages of
 * the silent ones, the rows of this page are asked for again. The server filters, sorts and pages.
 */

import { Refused, get } from "./api.js";
import { find, make, say } from "./dom.js";
import { ago } from "./format.js";
import { start } from "./live.js";
import { t } from "./locale.js";
import { Rows } from "./overview_rows.js";
import { MOST_MARKED, address, nextSort, parse, question } from "./overview_state.js";

/** The rows are asked for again after this even when nothing changed: a machine that falls silent changes nothing. */
const ROWS_AGE = 5000;
/** Typing goes on this long before the server is asked. */
const PAUSE = 120;

/** @typedef {import("./overview_state.js").State} State */

const list = /** @type {HTMLElement} */ (find("#list"));
const filter = /** @type {HTMLInputElement} */ (find("#filter"));
const size = Number(list.dataset.size);

let state = parse(location.search);
let offset = Number(list.dataset.now) - Date.now(); // the server's clock against ours
let cursor = Number(list.dataset.cursor);
let total = Number(list.dataset.total);
let newest = Number(list.dataset.newest) || null;
/** @type {Record<string, number>} */
let counts = Object.fromEntries([...document.querySelectorAll("[data-count]")].map((each) => [/** @type {HTMLElement} */ (each).dataset.count, Number(each.textContent)]));
let reachable = true;
let answered = Date.now();
let listed = Date.now();
let stale = false;
let typing = false;
let later = 0;
/** @type {AbortController | null} */
let asking = null;

const now = () => Date.now() + offset;
const pages = () => Math.max(1, Math.ceil(total / size));
const rows = new Rows({
  mark,
  turn: async (by) => {
    const page = state.page + by;
    if (page < 1 || page > pages()) return;
    await go({ page });
    rows.focus(by > 0 ? 0 : -1);
  },
});

/** @param {Partial<State>} part @param {boolean} [silently] no new entry in the history */
function change(part, silently = false) {
  state = { ...state, ...part };
  const next = address(state, location.search);
  if (next === (location.search || location.pathname)) return;
  if (silently) history.replaceState(null, "", next);
  else history.pushState(null, "", next);
}

/** @param {Partial<State>} part */
function go(part) {
  change(part);
  around();
  return load(true);
}

/** Ask for the rows and show them. A newer call makes an older one void. @param {boolean} [asked] by the person */
async function load(asked = false) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  listed = Date.now();
  try {
    const answer = await get("/api/v1/instances", question(state, size), signal);
    if (signal.aborted) return;
    stale = false;
    offset = answer.now - Date.now();
    ({ total, newest, counts } = answer);
    if (answer.page !== state.page) change({ page: answer.page }, true);
    rows.show(answer.instances, now(), state.marks, asked);
    around();
    feed();
    void rows.draw(now());
  } catch (error) {
    if (signal.aborted) return;
    stale = true;
    if (error instanceof Refused) location.reload(); // the session ended: what is left to see is another page
  }
}

/** Everything about the rows but the rows: tiles, heads, pager, words. */
function around() {
  list.hidden = !counts.all;
  find("#empty").toggleAttribute("hidden", counts.all > 0);
  find("#nothing").toggleAttribute("hidden", total > 0 || !counts.all);
  for (const each of document.querySelectorAll("[data-count]")) say(each, String(counts[/** @type {HTMLElement} */ (each).dataset.count ?? ""] ?? 0));
  const tiles = /** @type {HTMLElement} */ (find("#tiles"));
  tiles.hidden = !counts.all || list.classList.contains("own");
  for (const tile of /** @type {NodeListOf<HTMLAnchorElement>} */ (tiles.querySelectorAll("a"))) {
    const { tile: what, value } = /** @type {{tile: "state" | "source", value: string}} */ (/** @type {unknown} */ (tile.dataset));
    const on = value ? state[what] === value : !state.state && !state.source;
    current(tile, on);
    tile.href = address({ ...state, page: 1, ...(value ? { [what]: on ? "" : value } : { state: "", source: "" }) }, location.search);
  }
  for (const head of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("th[data-column]"))) {
    const key = head.dataset.column ?? "";
    const way = state.sort === key ? "ascending" : state.sort === `-${key}` ? "descending" : "";
    if (way) head.setAttribute("aria-sort", way);
    else head.removeAttribute("aria-sort");
    const sort = nextSort(state.sort, key, "largest" in head.dataset);
    /** @type {HTMLAnchorElement} */ (find("a", head)).href = address({ ...state, sort, page: 1 }, location.search);
  }
  /** @type {HTMLAnchorElement} */ (find("#nothing a")).href = address({ ...state, q: "", state: "", source: "", page: 1 }, location.search);
  pager();
  marked();
}

function pager() {
  find("#pager").toggleAttribute("hidden", pages() < 2);
  say(find("#place"), t("overview.pager.page", { page: state.page, pages: pages() }));
  const first = (state.page - 1) * size;
  const range = { from: first + 1, to: Math.min(first + size, total), total };
  say(find("#found"), total > size ? t("overview.range", range) : t("overview.found", { count: total }));
  for (const turn of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("[data-turn]"))) {
    const page = state.page + Number(turn.dataset.turn);
    const there = page >= 1 && page <= pages();
    if (there) {
      turn.href = address({ ...state, page }, location.search);
      turn.removeAttribute("aria-disabled");
    } else {
      turn.removeAttribute("href");
      turn.setAttribute("aria-disabled", "true");
    }
  }
}

/** @param {Element} element @param {boolean} on */
function current(element, on) {
  if (on) element.setAttribute("aria-current", "true");
  else element.removeAttribute("aria-current");
}

/** @param {string} instance */
function mark(instance) {
  const without = state.marks.filter((each) => each !== instance);
  const added = without.length === state.marks.length && without.length < MOST_MARKED;
  const full = without.length === state.marks.length && !added;
  change({ marks: added ? [...without, instance] : without }, true);
  rows.mark(state.marks);
  around();
  if (full) say(find("#marked"), t("overview.marked.most"));
}

function marked() {
  const count = state.marks.length;
  const bar = /** @type {HTMLElement} */ (find("#marks"));
  bar.toggleAttribute("data-some", count > 0);
  if (count) say(find("#marked"), `${t("overview.marked", { count })}. ${count < 2 ? t("overview.marked.more") : ""}`.trim());
  /** @type {HTMLButtonElement} */ (find("#compare")).disabled = count < 2;
}

/** How fresh what you see is; never better than it is. */
function feed() {
  const last = newest === null ? "" : ago(newest, now());
  const [kind, words] = !reachable
    ? ["down", t("overview.feed.down", { ago: ago(answered, Date.now()) })]
    : newest === null
      ? ["off", t("overview.feed.waiting")]
      : counts.live
        ? ["live", t("overview.feed.live", { ago: last })]
        : [counts.late ? "late" : "gone", t("overview.feed.silent", { ago: last })];
  const pill = /** @type {HTMLElement} */ (find("#feed"));
  if (pill.dataset.state !== kind) say(find("#feed-said"), words); // not each second: that would be a chatterbox
  pill.dataset.state = kind;
  say(find("#feed-text"), words);
}

document.addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest("#tiles a, th[data-column] a, #pager a, #nothing a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const { href } = /** @type {HTMLAnchorElement} */ (link);
  if (!href) return;
  void go(parse(new URL(href).search));
  filter.value = state.q;
});
filter.addEventListener("input", () => {
  change({ q: filter.value.trim(), page: 1 }, typing);
  typing = true;
  clearTimeout(later);
  later = setTimeout(() => void load(true), PAUSE);
});
filter.addEventListener("blur", () => (typing = false));
find("#search").addEventListener("submit", (event) => {
  event.preventDefault();
  rows.focus(0);
});
filter.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") rows.focus(0);
  else if (event.key === "Escape" && !filter.value) filter.blur();
  else return;
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  const typed = /** @type {Element} */ (event.target).closest("input:not([type=checkbox]), select, textarea, dialog");
  if (event.key !== "/" || typed || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  filter.focus();
  filter.select();
});
find("#marks").addEventListener("submit", (event) => {
  event.preventDefault();
  const parts = new URLSearchParams(location.search);
  for (const name of ["q", "state", "source", "sort", "page", "mark"]) parts.delete(name);
  for (const instance of state.marks) parts.append("instance", instance);
  location.assign(`/compare?${parts}`);
});
find("#clear").addEventListener("click", () => {
  change({ marks: [] }, true);
  rows.mark([]);
  around();
});
addEventListener("popstate", () => {
  state = parse(location.search);
  filter.value = state.q;
  around();
  void load(true);
});
document.addEventListener("settings", () => {
  rows.sparks.known.clear();
  void load();
});

setInterval(() => {
  if (document.hidden) return;
  rows.tick(now());
  feed();
}, 1000);
start({
  cursor: () => cursor,
  most: size,
  changed: async (answer) => {
    cursor = answer.cursor;
    await load();
  },
  reached: (yes, serverNow) => {
    reachable = yes;
    if (yes) answered = Date.now();
    if (serverNow !== null) offset = serverNow - Date.now();
    feed();
    if (yes && (stale || Date.now() - listed > ROWS_AGE)) void load();
  },
});
// An enrolment link is for the terminal; opened here, it says so. Only what is safe between quotes is repeated.
if (/^#k=[\w-]{43}(&i=[\w.~-]{1,200})?$/.test(location.hash)) {
  const command = `sysmetric consent give '${location.origin}/${location.hash}'`;
  find("main").prepend(
    make("section", { class: "card empty join" }, make("h2", {}, t("overview.join.title")), make("p", {}, t("overview.join.words")), make("code", {}, command)),
  );
}
around();
feed();
void rows.draw(now());
