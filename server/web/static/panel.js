/** One panel of the page: a chart, its numbers, its table, and the choice of a core or a disk. */

import { address } from "./api.js";
import { Chart } from "./charts.js";
import { find, make, say } from "./dom.js";
import { iso, span } from "./format.js";
import { drawn } from "./series.js";
import { Stats } from "./stats.js";
import { csv, fill, save, sentence } from "./table.js";

/**
 * @typedef {{zoom: (from: number, to: number) => void, back: () => void, move: (move: string, at?: number) => void,
 *   part: (kind: string, part: string) => void}} Hooks
 * @typedef {{instance: string, alias: string, part: string, start: number, end: number, points: number, now: number}} Context
 */

export class PanelView {
  /** @param {import("./panels.js").Panel} panel @param {Hooks} hooks */
  constructor(panel, hooks) {
    this.panel = panel;
    this.root = /** @type {HTMLElement} */ (find(`[data-panel=${panel.id}]`));
    this.host = /** @type {HTMLElement} */ (find("[data-role=plot]", this.root));
    this.stats = new Stats(this.root);
    /** @type {number | null} */
    this.held = null;
    this.chart = new Chart(this.host, panel.height, {
      cursor: (place) => {
        this.held = place;
        this.stats.at(place);
      },
      zoom: hooks.zoom,
      back: hooks.back,
    });
    /** @type {import("./series.js").Drawn | null} */
    this.shown = null;
    /** @type {Context | null} */
    this.context = null;
    this.filled = "";
    this.more = /** @type {HTMLDetailsElement} */ (find("[data-role=more]", this.root));
    this.more.addEventListener("toggle", () => this.#table());
    find("[data-role=csv]", this.root).addEventListener("click", () => this.#save());
    this.host.addEventListener("keydown", (event) => this.#key(/** @type {KeyboardEvent} */ (event), hooks));
    this.host.addEventListener("blur", () => this.chart.leave());
    if (panel.part) {
      this.select = /** @type {HTMLSelectElement | null} */ (this.root.querySelector("[data-role=part]"));
      this.select?.addEventListener("change", () => hooks.part(panel.part, this.select?.value ?? ""));
    }
  }

  /** @param {import("./api.js").Series} answer @param {Context} context */
  show(answer, context) {
    if (this.chart.dragging) return;
    const shown = drawn(answer, context.part);
    const lines = this.panel.lines(shown);
    const values = (/** @type {string} */ name) => lines.map((line) => shown.columns[line.column]?.[name] ?? []);
    const picture = {
      time: shown.time,
      bucket: shown.bucket,
      step: shown.step,
      lines,
      means: values("mean"),
      peaks: values("max"),
      start: context.start,
      end: context.end,
      reach: this.panel.reach(shown),
      unit: this.panel.unit(shown),
    };
    this.shown = shown;
    this.context = context;
    this.root.toggleAttribute("data-empty", shown.empty);
    this.chart.show(picture);
    this.stats.show(picture, shown.summary);
    this.stats.at(this.held !== null && this.held < shown.time.length ? this.held : null);
    say(find("[data-role=big]", this.root), shown.empty ? "no samples" : this.panel.big(shown));
    say(find("[data-role=step]", this.root), `each point = ${span(shown.step)}`);
    say(find("[data-role=note]", this.root), shown.empty ? "" : this.panel.note(shown));
    say(find("[data-role=words]", this.root), sentence(this.panel.label, picture, shown, this.panel.main, context.now));
    const { instance, part, start, end, points } = context;
    const question = { instance, table: this.panel.table, start, end, points, ...(part ? { by: "part" } : {}) };
    find("[data-role=json]", this.root).setAttribute("href", address("/api/v1/series", question));
    this.#table();
  }

  /** The cores or disks to choose from; one alone is no choice. @param {string[]} parts @param {string} chosen */
  offer(parts, chosen) {
    if (!this.select) return;
    const names = parts.length > 1 ? ["", ...parts] : [];
    const there = [...this.select.options].map((option) => option.value);
    if (names.join("\n") !== there.join("\n")) {
      this.select.replaceChildren(...names.map((name) => make("option", { value: name }, name || "all")));
    }
    this.select.value = chosen;
    /** @type {HTMLElement} */ (this.select.parentElement).hidden = !names.length;
  }

  /** Not while somebody reads in it, unless it is about something else now. */
  #table() {
    const { picture } = this.chart;
    if (!this.more.open || !picture || !this.context) {
      this.filled = "";
      return;
    }
    const { instance, part, start, end } = this.context;
    const subject = [instance, part, end - start].join();
    if (subject === this.filled && find(".tall", this.more).matches(":hover, :focus-within")) return;
    this.filled = subject;
    fill(this.root, this.panel.label, picture, this.context.now);
  }

  #save() {
    if (!this.shown || !this.context) return;
    const { alias, part, start } = this.context;
    const name = [alias, this.panel.table, part, iso(start).replaceAll(":", "")].filter(Boolean).join("-");
    save(`${name}.csv`, csv(this.panel.table, this.shown));
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
