/**
 * How busy each core is: a strip under the CPU chart, one row per core, on the same time axis. Under the crosshair, or
 * for the newest point, the cores are told in numbers too. Pressing a row chooses that core.
 */

import { blend } from "./charts_layers.js";
import { css, find, make, say } from "./dom.js";
import { clock, percent } from "./format.js";
import { t } from "./locale.js";
import { kept } from "./series.js";

const TALLEST = 200; // px for all rows together
const SHADES = 64;
/** So many cores are told in numbers; more are looked up with the choice of a core. */
const MOST_TOLD = 64;

/** @typedef {{core: string, values: (number | null)[]}} Core */

/** Each core's busy shares at the times that were sampled. @param {import("./api.js").Series} answer */
export function coresOf(answer) {
  const groups = answer.groups.filter((group) => group.part !== null).sort((a, b) => Number(a.part) - Number(b.part));
  const all = groups.map((group) => ({ core: group.part ?? "", values: group.columns.busy?.mean ?? [] }));
  const sampled = answer.time.map((_, at) => all.some(({ values }) => values[at] != null));
  const { keep, step } = kept(answer.time, sampled);
  const cores = all.map(({ core, values }) => ({ core, values: keep.map((at) => values[at]) }));
  return { time: keep.map((at) => answer.time[at]), step: Math.max(step, answer.bucket_ms), cores };
}

export class Heat {
  /** @param {HTMLElement} panel @param {{point: (left: number) => void, leave: () => void, choose: (core: string) => void}} hooks */
  constructor(panel, hooks) {
    this.host = /** @type {HTMLElement} */ (find("[data-role=heat]", panel));
    this.canvas = /** @type {HTMLCanvasElement} */ (find("canvas", this.host));
    this.list = /** @type {HTMLElement} */ (find("[data-role=cores]", panel));
    this.line = make("div", { class: "heat-line", hidden: "" });
    this.host.append(this.line);
    /** @type {ReturnType<typeof coresOf> | null} */
    this.shown = null;
    this.chosen = "";
    this.window = { start: 0, end: 1 };
    this.frame = { left: 0, width: 0 };
    this.row = 0;
    /** @type {string[]} */
    this.shades = [];
    this.canvas.addEventListener("pointermove", (event) => {
      const left = event.offsetX - this.frame.left;
      if (left >= 0 && left <= this.frame.width) hooks.point(left);
    });
    this.canvas.addEventListener("pointerleave", hooks.leave);
    this.canvas.addEventListener("click", (event) => {
      const core = this.shown?.cores[Math.floor(event.offsetY / this.row)]?.core;
      if (core !== undefined) hooks.choose(core === this.chosen ? "" : core);
    });
  }

  /** @param {import("./api.js").Series} answer @param {string} chosen @param {{start: number, end: number}} window */
  show(answer, chosen, window) {
    this.shown = coresOf(answer);
    this.chosen = chosen;
    this.window = { ...window };
    const several = this.shown.cores.length > 1;
    this.host.hidden = !several;
    this.list.hidden = !several || this.shown.cores.length > MOST_TOLD;
  }

  /** The colours are others. */
  repaint() {
    this.shades = [];
  }

  /** Under the drawing of the chart. @param {{left: number, width: number}} frame px */
  draw(frame) {
    if (!this.shown || this.host.hidden || !frame.width) return;
    this.frame = frame;
    const { cores, time, step } = this.shown;
    this.row = Math.max(3, Math.min(16, Math.floor(TALLEST / cores.length)));
    const ratio = devicePixelRatio;
    const width = this.host.clientWidth;
    const height = this.row * cores.length;
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    this.canvas.style.height = `${height}px`;
    const pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    pen.scale(ratio, ratio);
    const { start, end } = this.window;
    const whole = (/** @type {number} */ px) => Math.round(px * ratio) / ratio; // no pale seams between cells
    const x = (/** @type {number} */ at) => whole(frame.left + Math.min(Math.max((at - start) / (end - start), 0), 1) * frame.width);
    const gap = this.row > 6 ? 1 : 0;
    time.forEach((at, place) => {
      const next = time[place + 1];
      const from = x(at);
      const to = x(next !== undefined && next - at <= 2 * step ? next : at + step);
      if (to <= from) return;
      cores.forEach(({ values }, row) => {
        const value = values[place];
        if (value === null) return;
        pen.fillStyle = this.#shade(value);
        pen.fillRect(from, row * this.row, to - from, this.row - gap);
      });
    });
    this.#names(pen, frame.left);
  }

  /** The cores at a time, or the newest ones. @param {number | undefined} at ms */
  at(at) {
    if (!this.shown || this.host.hidden) return;
    const { time, step, cores } = this.shown;
    let place = time.length - 1;
    if (at !== undefined) while (place >= 0 && time[place] > at) place -= 1;
    if (at !== undefined && at - (time[place] ?? -Infinity) > 2 * step) place = -1;
    say(find("p", this.list), at === undefined ? t("instance.heat.now") : t("instance.heat.at", { time: clock(time[place] ?? at) }));
    const items = find("ul", this.list);
    if (items.childElementCount !== cores.length) {
      items.replaceChildren(...cores.map(({ core }) => make("li", {}, make("i", { "aria-hidden": "true" }), make("span", {}, t("instance.heat.core", { core })), make("b"))));
    }
    cores.forEach(({ core, values }, index) => {
      const item = /** @type {HTMLElement} */ (items.children[index]);
      const value = values[place] ?? null;
      item.toggleAttribute("data-chosen", core === this.chosen);
      say(item.children[2], percent(value));
      /** @type {HTMLElement} */ (item.children[0]).style.backgroundColor = value === null ? "" : this.#shade(value);
    });
    this.line.hidden = at === undefined;
    if (at === undefined) return;
    const share = (at - this.window.start) / (this.window.end - this.window.start);
    this.line.style.transform = `translateX(${this.frame.left + share * this.frame.width}px)`;
  }

  /** @param {number} value 0..1 */
  #shade(value) {
    if (!this.shades.length) {
      const [colour, ground] = [css("c-user"), css("surface")];
      this.shades = Array.from({ length: SHADES }, (_, step) => blend(colour, ground, 0.07 + 0.93 * (step / (SHADES - 1))));
    }
    return this.shades[Math.round(Math.min(Math.max(value, 0), 1) * (SHADES - 1))];
  }

  /** The numbers of the rows, as many as fit. @param {CanvasRenderingContext2D} pen @param {number} left */
  #names(pen, left) {
    const cores = this.shown?.cores ?? [];
    const every = Math.ceil(12 / this.row);
    pen.font = '10px system-ui, "Segoe UI", Roboto, sans-serif';
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    cores.forEach(({ core }, row) => {
      pen.fillStyle = core === this.chosen ? css("accent") : css("muted");
      if (row % every === 0 || core === this.chosen) pen.fillText(core === this.chosen ? `▸ ${core}` : core, left - 6, row * this.row + this.row / 2);
    });
  }
}
