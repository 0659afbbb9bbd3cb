/** One panel of the page: a chart, its numbers, its table, its files, and the choice of a core or a disk. */

import { address } from "./api.js";
import { Chart } from "./charts.js";
import { banded } from "./charts_layers.js";
import { pans } from "./charts_pan.js";
import { find, make, say } from "./dom.js";
import { iso, span } from "./format.js";
import { Heat } from "./heat.js";
import { t } from "./locale.js";
import { linesOf } from "./panels.js";
import { paint, save } from "./png.js";
import { drawn } from "./series.js";
import { Stats } from "./stats.js";
import { fill, sentence } from "./table.js";

/**
 * @typedef {{zoom: (from: number, to: number) => void, back: () => void, move: (move: string, at?: number) => void,
 *   part: (kind: string, part: string) => void, toggle: (line: string) => void, window: () => {start: number, end: number},
 *   slide: (by: number) => void, settle: () => void}} Hooks
 * @typedef {{instance: string, alias: string, part: string, start: number, end: number, points: number, now: number,
 *   hide: string[], gaps: import("./charts_gaps.js").Gap[], live: boolean}} Context `live`: nobody asked for it, time went on
 */

export class PanelView {
  /** @param {import("./panels.js").Panel} panel @param {Hooks} hooks */
  constructor(panel, hooks) {
    this.panel = panel;
    this.root = /** @type {HTMLElement} */ (find(`[data-panel=${panel.id}]`));
    this.title = find("h2", this.root).textContent ?? "";
    this.host = /** @type {HTMLElement} */ (find("[data-role=plot]", this.root));
    this.stats = new Stats(this.root, (column) => hooks.toggle(`${panel.id}.${column}`));
    /** @type {number | null} */
    this.held = null;
    this.chart = new Chart(this.host, panel.height, { cursor: (place) => this.#cursor(place), zoom: hooks.zoom, back: hooks.back, drawn: () => this.heat?.draw(this.chart.frame) });
    this.heat = this.root.querySelector("[data-role=heat]") ? this.#strip(hooks) : null;
    /** @type {{answer: import("./api.js").Series, heat: import("./api.js").Series | null, context: Context} | null} */
    this.given = null;
    /** @type {import("./series.js").Drawn | null} */
    this.shown = null;
    this.seen = true;
    this.behind = false;
    this.filled = "";
    this.more = /** @type {HTMLDetailsElement} */ (find("[data-role=more]", this.root));
    this.select = /** @type {HTMLSelectElement | null} */ (this.root.querySelector("[data-role=part]"));
    this.more.addEventListener("toggle", () => this.#table());
    this.select?.addEventListener("change", () => hooks.part(panel.part, this.select?.value ?? ""));
    find("[data-role=png]", this.root).addEventListener("click", () => this.#picture());
    this.host.addEventListener("keydown", (event) => this.#key(/** @type {KeyboardEvent} */ (event), hooks));
    this.host.addEventListener("blur", () => this.chart.leave());
    pans(this.host, hooks);
    new IntersectionObserver(([entry]) => this.#visible(entry.isIntersecting), { rootMargin: "200px" }).observe(this.root);
  }

  /** @param {import("./api.js").Series} answer @param {import("./api.js").Series | null} heat @param {Context} context */
  show(answer, heat, context) {
    if (this.chart.dragging && context.live) return;
    this.given = { answer, heat, context };
    this.#files(context);
    this.behind = context.live && !this.seen && this.shown !== null;
    if (!this.behind) this.#draw();
  }

  /** The same once more: in other colours, words or units. */
  repaint() {
    this.heat?.repaint();
    this.chart.shape = "";
    this.stats.shape = "";
    this.filled = "";
    if (this.given) this.#draw();
  }

  /** Time goes on, or somebody moves in it. @param {number} start @param {number} end */
  slide(start, end) {
    if (!this.seen) return;
    if (this.heat) Object.assign(this.heat.window, { start, end });
    this.chart.slide(start, end);
  }

  /** The cores or disks to choose from; one alone is no choice. @param {string[]} parts @param {string} chosen */
  offer(parts, chosen) {
    if (!this.select) return;
    const names = parts.length > 1 ? ["", ...parts] : [];
    const there = [...this.select.options].map((option) => option.value);
    if (names.join("\n") !== there.join("\n")) {
      this.select.replaceChildren(...names.map((name) => make("option", { value: name }, name || t("instance.part.all"))));
    }
    this.select.value = chosen;
    /** @type {HTMLElement} */ (this.select.parentElement).hidden = !names.length;
  }

  #draw() {
    const { answer, heat, context } = /** @type {NonNullable<PanelView["given"]>} */ (this.given);
    const shown = drawn(answer, context.part);
    const lines = linesOf(this.panel, shown);
    const values = (/** @type {string} */ name) => lines.map((line) => shown.columns[line.column]?.[name] ?? []);
    const hidden = new Set(context.hide.filter((line) => line.startsWith(`${this.panel.id}.`)).map((line) => line.split(".")[1]));
    const picture = {
      ...{ time: shown.time, bucket: shown.bucket, step: shown.step, lines, hidden },
      ...{ means: values("mean"), lows: values("p5"), highs: values("p95"), gaps: context.gaps },
      ...{ start: context.start, end: context.end, reach: this.panel.reach, unit: this.panel.unit(shown) },
    };
    this.shown = shown;
    const absent = lines.length > 0 && this.panel.absent?.(shown);
    const none = absent || shown.empty || !lines.length;
    this.root.toggleAttribute("data-empty", none);
    this.host.dataset.none = t(absent ? "instance.none.swap" : "instance.none");
    if (heat) this.heat?.show(heat, context.part, context);
    this.chart.show(picture); // and the strip with it
    this.stats.show(picture, shown.summary);
    this.#cursor(this.held !== null && this.held < shown.time.length ? this.held : null);
    say(find("[data-role=big]", this.root), none ? "" : this.panel.big(shown));
    const step = { span: span(shown.step), part: context.part };
    say(find("[data-role=step]", this.root), t(context.part && this.panel.table === "disk" ? "instance.step.of" : "instance.step", step));
    const notes = [this.panel.note, banded(this.chart.layers, this.chart.reach) ? "instance.note.band" : ""];
    say(find("[data-role=note]", this.root), notes.filter(Boolean).map((key) => t(key)).join(" "));
    say(find("[data-role=words]", this.root), sentence(this.title, picture, shown, this.panel.main, context.now));
    this.#table();
  }

  /** @param {Context} context */
  #files({ instance, alias, part, start, end, points }) {
    const { table } = this.panel;
    const question = { instance, table, start, end };
    const shown = { ...question, points, ...(part ? { by: "part" } : {}) };
    const name = [alias, table, part, iso(start).replaceAll(":", "")].filter(Boolean).join("-");
    const link = (/** @type {string} */ role, /** @type {string} */ href, /** @type {string} */ file) => {
      const anchor = find(`[data-role=${role}]`, this.root);
      anchor.setAttribute("href", href);
      anchor.setAttribute("download", file);
    };
    link("csv", address("/api/v1/series.csv", shown), `${name}.csv`);
    link("json", address("/api/v1/series", shown), `${name}.json`);
    link("rows", address("/api/v1/rows", { ...question, format: "csv" }), `${name}-rows.csv`);
  }

  /** @param {number | null} place */
  #cursor(place) {
    this.held = place;
    this.stats.at(place);
    this.heat?.at(place === null ? undefined : this.chart.at);
  }

  /** @param {Hooks} hooks */
  #strip(hooks) {
    return new Heat(this.root, { point: (left) => this.chart.point(left), leave: () => this.chart.leave(), choose: (core) => hooks.part("core", core) });
  }

  /** @param {boolean} yes */
  #visible(yes) {
    this.seen = yes;
    if (!yes || !this.behind) return;
    this.behind = false;
    this.#draw();
  }

  /** Not while somebody reads in it, unless it is about something else now. */
  #table() {
    const { picture } = this.chart;
    const context = this.given?.context;
    if (!this.more.open || !picture || !context) {
      this.filled = "";
      return;
    }
    const { part, start, end } = context;
    const subject = [part, end - start, context.live].join();
    if (subject === this.filled && find(".tall", this.more).matches(":hover, :focus-within")) return;
    this.filled = subject;
    fill(this.root, this.title, picture, context.now);
  }

  #picture() {
    const { picture } = this.chart;
    if (!picture || !this.given || !this.shown) return;
    const { alias, part, start, now } = this.given.context;
    const canvases = /** @type {HTMLCanvasElement[]} */ ([...this.root.querySelectorAll(".uplot canvas, [data-role=heat]:not([hidden]) canvas")]);
    const title = part ? `${this.title}, ${part}` : this.title;
    const name = [alias, this.panel.id, part, iso(start).replaceAll(":", "")].filter(Boolean).join("-");
    save(paint({ title, alias, canvases, picture, summary: this.shown.summary, now }), `${name}.png`);
  }

  /** @param {KeyboardEvent} event @param {Hooks} hooks */
  #key(event, hooks) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 10 : 1;
    /** @type {Record<string, () => void>} */
    const acts = {
      ArrowLeft: () => this.chart.step(-far),
      ArrowRight: () => this.chart.step(far),
      Home: () => this.chart.step(-Infinity),
      End: () => this.chart.step(Infinity),
      PageUp: () => hooks.move("earlier"),
      PageDown: () => hooks.move("later"),
      "+": () => hooks.move("in", this.chart.at),
      "=": () => hooks.move("in", this.chart.at),
      "-": () => hooks.move("out", this.chart.at),
      Escape: () => hooks.back(),
    };
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  }
}
