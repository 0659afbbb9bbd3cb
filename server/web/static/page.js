/**
 * The page: state in the URL, the list, the four charts and the beat, wired together.
 *
 * One rule for what is asked: a beat says which machines changed; only then the list, and the charts of the machine
 * that is shown, are fetched again, and charts with wide points less often than those with narrow ones.
 */

import { Refused, Unreachable, instances, series } from "./api.js";
import { find, make, press, say } from "./dom.js";
import { ago, moment, size, span, zone } from "./format.js";
import { start } from "./live.js";
import { Machines } from "./machines.js";
import { PanelView } from "./panel.js";
import { PANELS } from "./panels.js";
import { NARROWEST, RANGES, moved, parse, query, rangeOf, windowOf } from "./state.js";
import { apply, themes } from "./theme.js";

/** The list is fetched again after this even when nothing changed: a machine that falls silent changes nothing. */
const LIST_AGE = 5000;
const MOST_CORES_TO_CHOOSE = 32;
const siteTitle = document.title.split(" – ").at(-1);
const list = /** @type {HTMLElement} */ (find("table.machines"));

let state = parse(location.search);
let offset = Number(list.dataset.now) - Date.now(); // the server's clock against ours
let cursor = Number(list.dataset.cursor);
/** @type {import("./api.js").Instance[]} */
let entries = [];
let reachable = true;
let answered = Date.now();
let listed = 0;
let drawnAt = 0;
let bucket = 1000;
let stale = false;
/** @type {AbortController | null} */
let asking = null;
/** @type {Map<string, string[]>} */
const devices = new Map();

const now = () => Date.now() + offset;
const selected = () => entries.find((entry) => entry.instance === state.instance);
const windowNow = () => windowOf(state, now(), selected());
const points = () => (innerWidth < 700 ? 240 : 480);

const views = PANELS.map(
  (panel) => new PanelView(panel, { zoom, back: () => go({ from: null, to: null }), move, part: (kind, part) => go({ [kind]: part }) }),
);
const machines = new Machines({
  select: (instance) => go({ instance, from: null, to: null, core: "", device: "" }),
  sort: (sort) => {
    change({ sort }, true);
    machines.show(entries, now(), state.instance, state.sort);
  },
});

/** @param {Partial<import("./state.js").State>} part @param {boolean} [silently] no new entry in the history */
function change(part, silently = false) {
  const before = query(state);
  state = { ...state, ...part };
  if (query(state) === before) return;
  if (silently) history.replaceState(null, "", query(state));
  else history.pushState(null, "", query(state));
}

/** @param {Partial<import("./state.js").State>} part */
function go(part) {
  change(part);
  arrive();
}

/** The state is another one: show it at once, then with data. */
function arrive() {
  machines.mark(state.instance);
  describe();
  slide();
  draw();
}

/** @param {number} from @param {number} to */
function zoom(from, to) {
  const lacking = Math.max(0, NARROWEST - (to - from)) / 2;
  go({ from: Math.round(from - lacking), to: Math.round(to + lacking) });
}

/** @param {string} way @param {number} [at] */
function move(way, at) {
  const next = moved(windowNow(), way, now(), at);
  const caughtUp = next.to >= now() - 2000 && Math.abs(next.to - next.from - RANGES[rangeOf(state, selected()?.source)]) < 1000;
  go(caughtUp ? { from: null, to: null } : next);
}

async function fetchList() {
  const answer = await instances();
  offset = answer.now - Date.now();
  listed = Date.now();
  entries = answer.instances;
  if (!state.instance && entries.length) {
    const newest = entries.reduce((best, entry) => (entry.last_seen > best.last_seen ? entry : best));
    change({ instance: newest.instance }, true);
  }
  machines.show(entries, now(), state.instance, state.sort);
  describe();
}

/** Fetch and draw what is shown. A newer call makes an older one void. */
async function draw() {
  const entry = selected();
  if (!entry) return;
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  stale = false;
  drawnAt = Date.now();
  const shown = windowNow();
  const frame = { start: Math.round(shown.start), end: Math.round(shown.end), points: points() };
  const asked = (/** @type {string} */ table, /** @type {string} */ part) =>
    series({ instance: entry.instance, table, ...frame, ...(part ? { by: "part" } : {}) }, signal);
  const parts = { core: state.core, device: state.device, "": "" };
  try {
    const [cpu, memory, disk] = await Promise.all([asked("cpu", state.core), asked("memory", ""), asked("disk", state.device)]);
    if (signal.aborted) return;
    bucket = cpu.bucket_ms;
    const answers = /** @type {Record<string, import("./api.js").Series>} */ ({ cpu, memory, disk });
    for (const view of views) {
      const part = parts[view.panel.part];
      view.show(answers[view.panel.table], { instance: entry.instance, alias: entry.alias, part, ...frame, now: now() });
    }
    tell("");
    offer(entry);
  } catch (error) {
    if (signal.aborted) return;
    stale = error instanceof Unreachable;
    if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
    if (error instanceof Refused && error.status !== 404) tell(error.message); // the list says what 404 means
  }
}

/** What can be chosen: cores by number, disks by name. @param {import("./api.js").Instance} entry */
async function offer(entry) {
  const cores = entry.cores && entry.cores <= MOST_CORES_TO_CHOOSE ? Array.from({ length: entry.cores }, (_, core) => String(core)) : [];
  views[0].offer(cores, state.core);
  if (!devices.has(entry.instance)) {
    devices.set(entry.instance, []);
    const end = entry.last_seen + 1;
    const question = { instance: entry.instance, table: "disk", start: end - RANGES["24h"], end, points: 50, by: "part" };
    const answer = await series(question).catch(() => null);
    devices.set(entry.instance, answer?.groups.map((group) => group.part ?? "").filter(Boolean).sort() ?? []);
    if (!answer) devices.delete(entry.instance);
  }
  if (entry.instance === state.instance) views[2].offer(devices.get(entry.instance) ?? [], state.device);
}

/** Words around the charts. */
function describe() {
  const entry = selected();
  const missing = Boolean(state.instance) && !entry && listed > 0;
  find("#missing").toggleAttribute("hidden", !missing);
  find("#detail").toggleAttribute("hidden", !entry);
  if (!entry) return;
  say(find("#detail-title"), entry.alias);
  document.title = `${entry.alias} – ${siteTitle}`;
  const facts = [
    entry.source.replace("-", " "),
    entry.name,
    entry.cores && `${entry.cores} ${entry.cores === 1 ? "core" : "cores"}`,
    entry.memory_total_bytes && `${size(entry.memory_total_bytes)} memory`,
  ];
  const badge = make("span", { class: "state", "data-state": entry.state }, entry.state);
  find("#facts").replaceChildren(badge, ...facts.filter(Boolean).map((fact) => make("span", {}, String(fact))));
  press(find("#ranges"), "range", state.from === null ? rangeOf(state, entry.source) : "");
  const shown = windowNow();
  find("#reset").toggleAttribute("hidden", shown.kind !== "fixed");
  say(find("#reset"), entry.state === "gone" ? "Reset zoom" : "Back to live");
  const length = span(shown.end - shown.start);
  const silent = `Silent for ${ago(entry.last_seen, now()).replace(" ago", "")}; the ${length} up to its last sample, ${moment(entry.last_seen, now())}`;
  const texts = {
    live: `The last ${length}, live`,
    last: silent,
    fixed: `${moment(shown.start, now())} to ${moment(shown.end, now())} (${length})`,
  };
  say(find("#shown"), texts[shown.kind]);
}

/** @param {string} trouble */
function tell(trouble) {
  find("#trouble").toggleAttribute("hidden", !trouble);
  say(find("#trouble"), trouble);
}

function slide() {
  const shown = windowNow();
  for (const view of views) view.chart.slide(shown.start, shown.end);
}

/** How fresh what you see is; never better than it is. */
function feed() {
  const entry = selected();
  const last = entry ? `last update ${ago(entry.last_seen, now())}` : "waiting for the first sample";
  const words = !reachable
    ? `Server unreachable, last answer ${ago(answered, Date.now())}; trying again`
    : entry?.state === "live"
      ? `Live, ${last}`
      : last.charAt(0).toUpperCase() + last.slice(1);
  const pill = /** @type {HTMLElement} */ (find("#feed"));
  const before = pill.dataset.state;
  pill.dataset.state = reachable ? (entry?.state ?? "off") : "down";
  if (pill.dataset.state !== before) say(find("#feed-said"), words); // not each second: that would be a chatterbox
  say(find("#feed-text"), words);
}

/** Once a second while somebody looks: time goes on. */
function tick() {
  if (document.hidden) return;
  machines.tick(now());
  feed();
  if (windowNow().kind === "live") slide();
  refresh();
}

/** Fetch the charts again when they are stale and their points are wide enough to have moved. */
function refresh() {
  const pause = Math.min(Math.max(bucket / 10, 900), 30e3);
  if (stale && Date.now() - drawnAt >= pause) return draw();
  return undefined;
}

/** @param {{cursor: number, now: number, changed: string[] | null}} answer */
async function changed(answer) {
  await fetchList();
  cursor = answer.cursor;
  const shown = windowNow();
  if (answer.changed === null) devices.clear();
  if (answer.changed === null || (answer.changed.includes(state.instance) && shown.end > drawnAt + offset - 60e3)) stale = true;
  await refresh();
}

find("#ranges").addEventListener("click", (event) => {
  const { range } = /** @type {HTMLElement} */ (event.target).dataset;
  if (range) go({ range, from: null, to: null });
});
find("#moves").addEventListener("click", (event) => {
  const way = /** @type {HTMLElement} */ (event.target).dataset.move;
  if (way) move(way);
});
find("#reset").addEventListener("click", () => go({ from: null, to: null }));
addEventListener("popstate", () => {
  state = parse(location.search);
  apply(state.theme || document.cookie.match(/(?:^|; )theme=(light|dark)/)?.[1] || "auto");
  for (const view of views) view.chart.repaint();
  arrive();
});
themes(
  (theme) => change({ theme }, true),
  () => views.forEach((view) => view.chart.repaint()),
);
say(find("#zone"), zone());
setInterval(tick, 1000);
start({
  cursor: () => cursor,
  changed,
  reached: (yes, serverNow) => {
    reachable = yes;
    if (yes) answered = Date.now();
    if (serverNow !== null) offset = serverNow - Date.now();
    feed();
    if (yes && Date.now() - listed > LIST_AGE) {
      stale ||= listed === 0;
      fetchList().then(feed, () => undefined);
    }
  },
});
// An enrolment link is for the terminal; opened here, it says so. Only what is safe between quotes is repeated.
if (/^#k=[\w-]{43}(&i=[\w.~-]{1,200})?$/.test(location.hash)) {
  const command = `sysmetric consent give '${location.origin}/${location.hash}'`;
  find("main").prepend(
    make("section", { class: "card empty join" }, make("h2", {}, "This link lets a machine join"),
      make("p", {}, "On that machine, with sysmetric installed, run this in a terminal; it shows the agreement and asks you:"),
      make("code", {}, command)),
  );
}
fetchList().then(draw, () => feed()); // where this fails the beat tries again
