/**
 * The page of one machine: state in the URL, its charts and the beat, wired together.
 *
 * One rule for what is asked: a beat says which machines changed; only when this one did are its charts fetched again,
 * and those with wide points less often than those with narrow ones. A hidden tab asks nothing.
 */

import { Refused, Unreachable, machine } from "./api.js";
import { find } from "./dom.js";
import { Questions } from "./instance_data.js";
import { describe, freshness, tell } from "./instance_words.js";
import { start } from "./live.js";
import { PanelView } from "./panel.js";
import { PANELS } from "./panels.js";
import { RANGES, address, moved, parse, rangeOf, selected, shifted, toggled, windowOf } from "./state.js";

/** The machine is asked for again after this even when nothing changed: one that falls silent changes nothing. */
const ENTRY_AGE = 5000;
const MOST_CORES_TO_CHOOSE = 64;
/** The charts follow the time in steps that can be seen. */
const SLIDE = 0.5; // px

const detail = /** @type {HTMLElement} */ (find("#detail"));
const instance = detail.dataset.instance ?? "";
const alias = detail.dataset.alias ?? "";

let state = parse(location.search);
/** @type {import("./api.js").Instance | null} */
let entry = JSON.parse(detail.dataset.entry || "null");
let offset = Number(detail.dataset.now) - Date.now(); // the server's clock against ours
let cursor = Number(detail.dataset.cursor);
const server = { reachable: true, answered: Date.now() };
let asked = Date.now(); // for the entry
let drawnAt = 0;
let slidTo = 0;
let bucket = 1000;
let stale = false;
let gone = false;
/** @type {AbortController | null} */
let asking = null;
/** A window that somebody is moving. @type {{start: number, end: number} | null} */
let moving = null;

const questions = new Questions(instance);
const now = () => Date.now() + offset;
const windowNow = () => (moving ? { ...moving, kind: /** @type {const} */ ("fixed") } : windowOf(state, now(), entry));
const points = () => (innerWidth < 700 ? 240 : 480);
const back = () => go({ from: null, to: null });

const views = PANELS.map(
  (panel) =>
    new PanelView(panel, {
      zoom: (from, to) => go(selected(from, to)),
      back: () => state.from !== null && back(),
      move: (way, at) => arrange(moved(windowNow(), /** @type {"in"} */ (way), now(), at)),
      part: (kind, part) => go({ [kind]: part }),
      toggle: (line) => go({ hide: toggled(state, line).hide }),
      window: () => windowOf(state, now(), entry),
      slide: (by) => {
        const { from, to } = shifted(windowOf(state, now(), entry), by, now());
        moving = { start: from, end: to };
        slide();
      },
      settle: () => {
        const window = moving;
        moving = null;
        if (window) arrange({ from: window.start, to: window.end });
      },
    }),
);

/** The state is another one: show it at once, then with data. @param {Partial<import("./state.js").State>} part */
function go(part) {
  const before = address(state, location.search);
  state = { ...state, ...part };
  const after = address(state, location.search);
  if (after !== before) history.pushState(null, "", after);
  arrive();
}

/** A window that reaches now and is as wide as the range goes on with the time. @param {{from: number, to: number}} window */
function arrange(window) {
  const usual = RANGES[rangeOf(state, entry?.source)];
  const live = window.to >= now() - 2000 && Math.abs(window.to - window.from - usual) < 1000;
  go(live ? { from: null, to: null } : window);
}

function arrive() {
  tellAll();
  slide();
  draw(false);
}

function tellAll() {
  find("#empty").toggleAttribute("hidden", entry !== null || gone);
  find("#charts").toggleAttribute("hidden", entry === null || gone);
  find("#missing").toggleAttribute("hidden", !gone);
  detail.hidden = gone;
  if (entry) describe(entry, state, windowNow(), now());
  freshness(entry, server, now());
}

async function fetchEntry() {
  const answer = await machine(instance);
  asked = Date.now();
  offset = answer.now - asked;
  const first = !entry && answer.instances.length > 0;
  entry = answer.instances[0] ?? entry;
  gone = !answer.instances.length && (gone || (await questions.lost()));
  tellAll();
  if (first) draw(false);
}

/** Fetch and draw what is shown. A newer call makes an older one void. @param {boolean} live nobody asked for it */
async function draw(live) {
  if (!entry || gone) return;
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  stale = false;
  drawnAt = Date.now();
  const shown = windowNow();
  const frame = { start: Math.round(shown.start), end: Math.round(shown.end), points: points() };
  try {
    const answers = await questions.ask(frame, state, entry.cores ?? 0, live, signal);
    if (signal.aborted || moving) return;
    bucket = answers.cpu.bucket_ms;
    slidTo = frame.end;
    const parts = { core: state.core, device: state.device, "": "" };
    for (const view of views) {
      const context = { instance, alias, part: parts[view.panel.part], ...frame, now: now(), hide: state.hide, gaps: questions.gaps, live };
      view.show(answers[/** @type {"cpu"} */ (view.panel.table)], answers.heat, context);
    }
    tell("");
    offer(entry);
  } catch (error) {
    if (signal.aborted) return;
    stale = error instanceof Unreachable;
    if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
    if (error instanceof Refused && error.status !== 404) tell(error.message); // the entry says what 404 means
  }
}

/** What can be chosen: cores by number, disks by name. @param {import("./api.js").Instance} entry */
async function offer({ cores, last_seen: lastSeen }) {
  const numbers = cores && cores <= MOST_CORES_TO_CHOOSE ? Array.from({ length: cores }, (_, core) => String(core)) : [];
  const disks = await questions.disks(lastSeen);
  for (const view of views) {
    if (view.panel.part) view.offer(view.panel.part === "core" ? numbers : disks, state[view.panel.part]);
  }
}

function slide() {
  const { start: from, end } = windowNow();
  slidTo = end;
  for (const view of views) view.slide(from, end);
}

/** Once a second while somebody looks: time goes on. */
function tick() {
  if (document.hidden) return;
  freshness(entry, server, now());
  const { start: from, end, kind } = windowNow();
  const far = ((end - slidTo) / (end - from)) * detail.clientWidth;
  if (kind === "live" && far >= SLIDE && Date.now() - drawnAt > 900 && !views[0].chart.dragging) slide();
  refresh();
}

/** Fetch the charts again when they are stale and their points are wide enough to have moved. */
function refresh() {
  const pause = Math.min(Math.max(bucket / 10, 900), 10e3);
  return stale && !moving && Date.now() - drawnAt >= pause ? draw(true) : undefined;
}

/** @param {{cursor: number, now: number, changed: string[] | null}} answer */
async function changed(answer) {
  if (answer.changed === null || answer.changed.includes(instance)) {
    if (answer.changed === null) questions.forget();
    stale ||= windowNow().end > drawnAt + offset - 60e3 || answer.changed === null;
    await Promise.all([fetchEntry(), refresh()]);
  }
  cursor = answer.cursor;
}

find("#ranges").addEventListener("click", (event) => {
  const { range } = /** @type {HTMLElement} */ (event.target).dataset;
  if (range) go({ range, from: null, to: null });
});
find("#moves").addEventListener("click", (event) => {
  const way = /** @type {HTMLElement} */ (event.target).dataset.move;
  if (way) arrange(moved(windowNow(), /** @type {"in"} */ (way), now()));
});
find("#reset").addEventListener("click", back);
addEventListener("popstate", () => {
  state = parse(location.search);
  arrive();
});
document.addEventListener("settings", () => {
  views.forEach((view) => view.repaint());
  tellAll();
});
setInterval(tick, 1000);
start({
  cursor: () => cursor,
  changed,
  reached: (yes, serverNow) => {
    server.reachable = yes;
    if (yes) server.answered = Date.now();
    if (serverNow !== null) offset = serverNow - Date.now();
    freshness(entry, server, now());
    if (yes && Date.now() - asked > ENTRY_AGE) fetchEntry().catch(() => undefined); // the beat tries again
  },
});
arrive();
