/** One chart: uPlot, vendored. What it shows is handed in whole; it is built anew only when its lines change. */

import { alone, blend, extent, layersOf } from "./charts_layers.js";
import { paintGaps } from "./charts_gaps.js";
import { css } from "./dom.js";
import { clock, day } from "./format.js";
import { setting } from "./settings.js";
import { BINARY, labels } from "./units.js";

/**
 * @typedef {import("./charts_layers.js").Picture} Picture
 * @typedef {import("./charts_layers.js").Layer} Layer
 * @typedef {{cursor: (place: number | null) => void, zoom: (from: number, to: number) => void, back: () => void,
 *   drawn?: () => void}} Hooks `drawn`: uPlot draws a moment later, and only then its frame has a size
 */

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
/** Same name, same crosshair. */
const SYNC = "sysmetric";
const FILL = { stack: 0.78, area: 0.24, line: 0, dash: 0, none: 0 };

/**
 * The chart that the mouse was pressed on, and whether it still is. All charts show its selection, but only it zooms;
 * and none is redrawn meanwhile, for uPlot would take that as a movement of the mouse.
 * @type {{chart: Chart | null, down: boolean}}
 */
const press = { chart: null, down: false };
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (press.down = false), true);
addEventListener("blur", () => (press.down = false)); // of the window; not captured, or it would be that of any element

/** Labels of the time axis: the day where a new one begins. @param {number[]} splits @param {number} step ms */
function times(splits, step) {
  return splits.map((at, index) => {
    const midnight = clock(at) === "00:00:00";
    return midnight && step >= 60e3 && (index || splits.length > 2) ? day(at) : clock(at, step < 60e3);
  });
}

export class Chart {
  /** @param {HTMLElement} host @param {number} height px @param {Hooks} hooks */
  constructor(host, height, hooks) {
    this.host = host;
    this.height = height;
    this.hooks = hooks;
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {Layer[]} */
    this.layers = [];
    /** @type {[number, number]} */
    this.reach = [0, 1];
    /** @type {any} */
    this.plot = null;
    this.shape = "";
    new ResizeObserver(() => this.#fit()).observe(host);
    host.addEventListener("pointerdown", () => Object.assign(press, { chart: this, down: true }), true);
  }

  /** Whether somebody holds the mouse down on any chart; new data would pull it away. */
  get dragging() {
    return press.down;
  }

  /** @param {Picture} picture */
  show(picture) {
    this.picture = picture;
    this.layers = layersOf(picture);
    const { up, down } = extent(this.layers);
    this.reach = picture.reach(up, down);
    const shape = JSON.stringify([this.layers.map(({ line, kind }) => [line.column, line.style, kind]), picture.unit.name]);
    if (!this.plot || shape !== this.shape) {
      this.shape = shape;
      this.#build();
    } else {
      this.plot.setData(this.#data());
    }
  }

  /** Move the window without new data. @param {number} start @param {number} end */
  slide(start, end) {
    if (!this.picture || !this.plot) return;
    Object.assign(this.picture, { start, end });
    this.plot.setScale("x", { min: start, max: end });
  }

  /** Build again, with the colours of the theme and the words of the units that are in force now. */
  repaint() {
    if (this.picture) this.#build();
  }

  /** Move the crosshair of all charts by so many points; from nothing, to the newest. @param {number} by */
  step(by) {
    if (!this.plot || !this.picture?.time.length) return;
    const lastPlace = this.picture.time.length - 1;
    const at = this.plot.cursor.left >= 0 ? this.plot.cursor.idx : null;
    const wanted = at == null && Number.isFinite(by) ? lastPlace : (at ?? 0) + by;
    this.point(this.plot.valToPos(this.#middle(Math.min(Math.max(wanted, 0), lastPlace)), "x"));
  }

  /** Put the crosshair of all charts so many px from the left of the drawing. @param {number} left */
  point(left) {
    this.plot?.setCursor({ left, top: this.height / 3 }, true, true);
  }

  /** The time under the crosshair in ms, if there is one. */
  get at() {
    const place = this.plot?.cursor.left >= 0 ? this.plot.cursor.idx : null;
    return place == null || place >= (this.picture?.time.length ?? 0) ? undefined : this.#middle(place);
  }

  /** Where the drawing is inside the host, in px. */
  get frame() {
    const over = /** @type {HTMLElement | undefined} */ (this.plot?.over);
    return { left: over?.offsetLeft ?? 0, width: over?.clientWidth ?? 0 };
  }

  /** Take the crosshair away; not while the mouse is pressed, whose selection would jump to it. */
  leave() {
    if (!press.down) this.plot?.setCursor({ left: -10, top: -10 }, true, true);
  }

  /** @param {number} place */
  #middle(place) {
    const { time, bucket } = /** @type {Picture} */ (this.picture);
    return time[place] + bucket / 2;
  }

  #fit() {
    if (this.plot && this.host.clientWidth && this.host.clientWidth !== this.plot.width) {
      this.plot.setSize({ width: this.host.clientWidth, height: this.height });
    }
  }

  #data() {
    const { time, bucket } = /** @type {Picture} */ (this.picture);
    return [time.map((at) => at + bucket / 2), ...this.layers.map((layer) => layer.values)];
  }

  #series() {
    const surface = css("surface");
    return this.layers.map(({ line, kind }) => {
      const colour = css(`c-${line.colour}`);
      const behind = this.layers.some((other) => other.kind === "high" && other.line === line); // a band is darker than its area
      const fill = kind !== "line" ? 0 : behind ? FILL[line.style] / 2 : FILL[line.style];
      return {
        stroke: kind === "line" ? colour : "transparent",
        fill: fill ? blend(colour, surface, fill) : undefined,
        width: kind !== "line" ? 0 : line.style === "stack" ? 1 : 1.75,
        dash: line.style === "dash" ? [5, 5] : undefined,
        spanGaps: false,
        points: { show: false, filter: kind === "line" ? alone : undefined, size: 5, fill: colour, stroke: colour },
      };
    });
  }

  /** The areas between p95 and p5; uPlot counts from the time. */
  #bands() {
    return this.layers.flatMap(({ line, kind }, index) =>
      kind === "high"
        ? [{ series: line.sign ? [index + 2, index + 1] : [index + 1, index + 2], fill: blend(css(`c-${line.colour}`), css("surface"), 0.34) }]
        : [],
    );
  }

  #build() {
    const left = this.plot?.cursor.left ?? -10;
    this.plot?.destroy();
    // @ts-ignore: uPlot comes from a classic script before this module
    const Plot = uPlot;
    this.plot = new Plot(
      {
        width: this.host.clientWidth || 300,
        height: this.height,
        ms: 1,
        tzDate: (/** @type {number} */ at) => (setting("zone") === "utc" ? Plot.tzDate(new Date(at), "UTC") : new Date(at)),
        padding: [10, 14, 0, 0],
        legend: { show: false },
        cursor: this.#cursor(),
        scales: {
          x: { time: true, range: () => [this.picture?.start, this.picture?.end] },
          y: { range: () => this.reach },
        },
        axes: this.#axes(),
        series: [{}, ...this.#series()],
        bands: this.#bands(),
        hooks: {
          draw: [() => this.hooks.drawn?.()],
          drawAxes: [(/** @type {any} */ u) => paintGaps(u, this.picture?.gaps ?? [])],
          setCursor: [(/** @type {any} */ u) => this.hooks.cursor(u.cursor.left >= 0 ? u.cursor.idx : null)],
          setSelect: [(/** @type {any} */ u) => this.#selected(u)],
        },
      },
      this.#data(),
      this.host,
    );
    this.plot.root.setAttribute("aria-hidden", "true"); // the numbers and the table say it in words
    if (left >= 0) this.plot.setCursor({ left, top: 10 }, true, false);
  }

  #cursor() {
    return {
      y: false,
      sync: { key: SYNC, setSeries: false },
      drag: { x: true, y: false, setScale: false, dist: 4 },
      points: {
        size: 9,
        fill: (/** @type {any} */ _, /** @type {number} */ index) => css(`c-${this.layers[index - 1]?.line.colour}`),
        show: (/** @type {any} */ _, /** @type {number} */ index) => {
          if (this.layers[index - 1]?.kind !== "line") return false;
          const dot = document.createElement("div");
          dot.className = "dot";
          return dot;
        },
      },
      bind: {
        dblclick: () => () => {
          this.hooks.back();
          return null;
        },
      },
    };
  }

  #axes() {
    const shared = {
      stroke: css("muted"),
      font: FONT,
      grid: { stroke: css("grid"), width: 1 },
      ticks: { stroke: css("grid"), width: 1, size: 4 },
    };
    const unit = () => /** @type {Picture} */ (this.picture).unit;
    return [
      { ...shared, size: 30, space: 76, values: (/** @type {any} */ _, /** @type {number[]} */ splits, /** @type {any} */ __, /** @type {any} */ ___, /** @type {number} */ step) => times(splits, step) },
      {
        ...shared,
        size: 70,
        gap: 6,
        space: 34,
        incrs: /iB/.test(unit().name) ? BINARY : undefined,
        values: (/** @type {any} */ _, /** @type {number[]} */ splits) => labels(splits, unit()),
      },
    ];
  }

  /** @param {any} u */
  #selected(u) {
    const { left, width } = u.select;
    const [from, to] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (width >= 4 && press.chart === this) this.hooks.zoom(Math.round(from), Math.round(to));
  }
}
