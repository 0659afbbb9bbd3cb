/** The compare page: which machines and which time stand in the URL; here the lines are asked for, drawn and told in numbers. */

import { Refused } from "./api.js";
import { CHARTS, STROKES, ask, subjects } from "./compare_lines.js";
import { css, find, make, say, svg } from "./dom.js";
import { clock, iso, moment, span } from "./format.js";
import { start } from "./live.js";
import { t } from "./locale.js";
import { RANGES } from "./state.js";

/** @typedef {import("./compare_lines.js").Line} Line */

const STATISTICS = /** @type {const} */ (["mean", "median", "p95", "min", "max"]);
const HEIGHT = 200;
const page = /** @type {HTMLElement} */ (find("#compared"));
const chosen = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#chosen li"))].map((item) => ({
  instance: item.dataset.instance ?? "",
  alias: item.dataset.alias ?? "",
}));
const lines = subjects(chosen, page.dataset.earlier ?? "");
const length = RANGES[page.dataset.range ?? "1h"];
const given = new URLSearchParams(location.search);
const [from, to] = [Number(given.get("from")), Number(given.get("to"))];
const fixed = from > 0 && to - from >= 10e3;

/** @type {AbortController | null} */
let asking = null;
let cursor = 0;
let drawn = 0;
/** @type {Map<string, View>} */
const views = new Map();

/** The swatch of a line: its colour and its dashes. @param {number} place */
function stroke(place) {
  const picture = svg("svg", { class: "stroke", viewBox: "0 0 34 8", "aria-hidden": "true" });
  picture.append(svg("line", { x1: "0", y1: "4", x2: "34", y2: "4" }));
  paint(/** @type {Element} */ (picture.firstElementChild), place);
  return picture;
}

/** @param {Element} line @param {number} place */
function paint(line, place) {
  const [colour, dash] = STROKES[place % STROKES.length];
  line.setAttribute("stroke", css(`c-${colour}`));
  if (dash.length) line.setAttribute("stroke-dasharray", dash.join(" "));
}

class View {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.chart = CHARTS[id];
    this.root = /** @type {HTMLElement} */ (find(`[data-chart=${id}]`));
    this.host = /** @type {HTMLElement} */ (find(".plot", this.root));
    this.details = /** @type {HTMLDetailsElement} */ (find("details", this.root));
    /** @type {Line[]} */
    this.lines = [];
    /** @type {any[]} */
    this.data = [[]];
    /** @type {any} */
    this.plot = null;
    this.window = { start: 0, end: 1 };
    this.details.addEventListener("toggle", () => this.#table());
    this.host.addEventListener("keydown", (event) => this.#key(event));
    this.host.addEventListener("blur", () => this.plot?.setCursor({ left: -10, top: -10 }, true, true));
    new ResizeObserver(() => this.plot?.setSize({ width: this.host.clientWidth, height: HEIGHT })).observe(this.host);
    find("tbody", this.root).replaceChildren(
      ...lines.map(({ label }, place) => make("tr", {}, make("th", { scope: "row" }, stroke(place), label), ...["newest", ...STATISTICS].map(() => make("td")))),
    );
  }

  /** @param {Line[]} shown @param {{start: number, end: number}} window */
  show(shown, window) {
    this.lines = shown;
    this.window = window;
    // @ts-ignore: uPlot comes from a classic script before this module
    this.data = uPlot.join(shown.map(({ time, values }) => [time, values]), shown.map(() => [0, 2]));
    if (this.plot) this.plot.setData(this.data);
    else this.build();
    say(find("[data-role=step]", this.root), t("compare.step", { span: span(Math.max(...shown.map(({ step }) => step))) }));
    [...find("tbody", this.root).children].forEach((row, place) => {
      STATISTICS.forEach((name, at) => say(row.children[at + 2], this.chart.write(shown[place].summary?.[name] ?? null)));
    });
    this.at(null);
    this.#table();
  }

  /** The values under the line, or the newest. @param {number | null} place */
  at(place) {
    const held = place === null || this.data[0][place] === undefined ? null : place;
    say(find("[data-role=when]", this.root), held === null ? t("compare.newest") : clock(this.data[0][held]));
    [...find("tbody", this.root).children].forEach((row, line) => {
      const value = held === null ? this.lines[line]?.newest : this.data[line + 1][held];
      say(row.children[1], this.chart.write(value ?? null));
    });
  }

  build() {
    this.plot?.destroy();
    const axis = { stroke: css("muted"), font: "11px system-ui, sans-serif", grid: { stroke: css("grid"), width: 1 }, ticks: { stroke: css("grid"), width: 1, size: 4 } };
    const { write, share } = this.chart;
    // @ts-ignore: uPlot comes from a classic script before this module
    this.plot = new uPlot(
      {
        width: this.host.clientWidth || 300,
        height: HEIGHT,
        ms: 1,
        padding: [10, 14, 0, 0],
        legend: { show: false },
        cursor: { y: false, sync: { key: "compare", setSeries: false }, drag: { x: false, y: false } },
        scales: {
          x: { time: true, range: () => [this.window.start, this.window.end] },
          y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [0, Math.max(share ? 0.02 : 1, (most ?? 0) * 1.08)] },
        },
        axes: [
          { ...axis, size: 30, space: 76, values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((at) => clock(at, false)) },
          { ...axis, size: 74, gap: 6, space: 34, values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((value) => write(value)) },
        ],
        series: [
          {},
          ...lines.map((_, place) => {
            const [colour, dash] = STROKES[place];
            return { stroke: css(`c-${colour}`), width: 1.75, dash, spanGaps: false, points: { show: false } };
          }),
        ],
        hooks: { setCursor: [(/** @type {any} */ u) => this.at(u.cursor.left >= 0 ? u.cursor.idx : null)] },
      },
      this.data,
      this.host,
    );
    this.plot.root.setAttribute("aria-hidden", "true"); // the numbers and the table say it in words
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const count = this.data[0].length;
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || !count || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const now = this.plot.cursor.left >= 0 ? this.plot.cursor.idx : count - 1;
    const place = Math.min(Math.max(now + by, 0), count - 1);
    this.plot.setCursor({ left: this.plot.valToPos(this.data[0][place], "x"), top: HEIGHT / 3 }, true, true);
  }

  /** Newest first; filled only while it is open, and not under somebody's eyes. */
  #table() {
    const table = find("table.values", this.details);
    if (!this.details.open || (table.childElementCount && find(".tall", this.details).matches(":hover, :focus-within"))) return;
    const now = Date.now();
    const rows = /** @type {number[]} */ (this.data[0]).map((at, place) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, make("time", { datetime: iso(at) }, moment(at, now))),
        ...lines.map((_, line) => {
          const value = this.data[line + 1][place];
          return value === null ? make("td", { class: "gap" }, t("compare.gap")) : make("td", {}, value === undefined ? "" : this.chart.write(value));
        }),
      ),
    );
    const head = lines.map(({ label }) => make("th", { scope: "col" }, label));
    table.replaceChildren(make("thead", {}, make("tr", {}, make("th", { scope: "col" }, t("compare.from")), ...head)), make("tbody", {}, ...rows.reverse()));
  }
}

async function draw() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  drawn = Date.now();
  const window = fixed ? { start: from, end: to } : { start: drawn - length, end: drawn };
  try {
    const answers = await Promise.all(lines.map((subject) => ask(subject, window, innerWidth < 700 ? 160 : 300, signal)));
    for (const [id, view] of views) view.show(answers.map((answer) => answer[id]), window);
    find("#trouble").toggleAttribute("hidden", true);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Refused && error.status === 404) location.reload(); // it left: the page says who is still there
    find("#trouble").toggleAttribute("hidden", false);
  }
}

document.querySelectorAll("[data-line]").forEach((line, place) => paint(line, place));
for (const select of document.querySelectorAll(".pick select")) {
  select.addEventListener("change", () => /** @type {HTMLSelectElement} */ (select).form?.requestSubmit());
}
if (lines.length) {
  for (const id of Object.keys(CHARTS)) views.set(id, new View(id));
  const repaint = () => {
    for (const view of views.values()) view.build();
    document.querySelectorAll(".stroke line").forEach((line) => paint(line, [.../** @type {Element} */ (line.closest("tbody, ul")).querySelectorAll(".stroke line")].indexOf(line)));
  };
  document.addEventListener("settings", () => {
    repaint();
    void draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  void draw();
  const pause = Math.max(2000, length / 600);
  start({
    cursor: () => cursor,
    changed: async (answer) => {
      const ours = answer.changed === null || lines.some(({ instance }) => answer.changed?.includes(instance));
      if (fixed || !ours) cursor = answer.cursor;
      else if (Date.now() - drawn >= pause) {
        cursor = answer.cursor;
        await draw();
      }
    },
    reached: (yes) => find("#trouble").toggleAttribute("hidden", yes),
  });
}
