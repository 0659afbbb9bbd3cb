/** One chart: uPlot, vendored. What it shows is handed in whole; it is built anew only when its lines change. */

import { css } from "./dom.js";
import { clock, day } from "./format.js";

/**
 * @typedef {import("./panels.js").Line} Line
 * @typedef {{time: number[], bucket: number, step: number, lines: Line[], means: (number | null)[][], peaks: (number | null)[][],
 *   start: number, end: number, reach: [number, number], unit: import("./format.js").Unit}} Picture
 * @typedef {{cursor: (place: number | null) => void, zoom: (from: number, to: number) => void, back: () => void}} Hooks
 */

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
/** Same name, same crosshair. */
const SYNC = "sysmetric";

/**
 * The chart that the mouse was pressed on, and whether it still is. All charts show its selection, but only it zooms;
 * and none is redrawn meanwhile, for uPlot would take that as a movement of the mouse.
 * @type {{chart: Chart | null, down: boolean}}
 */
const press = { chart: null, down: false };
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (press.down = false), true);
addEventListener("blur", () => (press.down = false)); // of the window; not captured, or it would be that of any element

/** A point between two gaps has no line, so it gets a dot. @param {any} u @param {number} index */
function alone(u, index) {
  const values = u.data[index];
  /** @type {number[]} */
  const places = [];
  values.forEach((/** @type {number | null} */ value, /** @type {number} */ at) => {
    if (value != null && values[at - 1] == null && values[at + 1] == null) places.push(at);
  });
  return places.length ? places : null;
}

/** `share` of one colour over another, both as #rrggbb. @param {string} over @param {string} under @param {number} share */
function blend(over, under, share) {
  const channel = (/** @type {string} */ hex, /** @type {number} */ at) => parseInt(hex.slice(at, at + 2), 16);
  return `#${[1, 3, 5]
    .map((at) => Math.round(channel(over, at) * share + channel(under, at) * (1 - share)).toString(16).padStart(2, "0"))
    .join("")}`;
}

/** Labels of the time axis: the day where a new one begins. @param {number[]} splits @param {number} step ms */
function times(splits, step) {
  return splits.map((at, index) => {
    const midnight = new Date(at).getHours() === 0 && new Date(at).getMinutes() === 0;
    if (midnight && step >= 60e3 && (index || splits.length > 2)) return day(at);
    return clock(at, step < 60e3);
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
    /** @type {any} */
    this.plot = null;
    this.shape = "";
    new ResizeObserver(() => this.#fit()).observe(host);
    host.addEventListener("pointerdown", () => Object.assign(press, { chart: this, down: true }), true);
  }

  /** Whether somebody is selecting with the mouse, on any chart; new data would pull it away. */
  get dragging() {
    return press.down;
  }

  /** @param {Picture} picture */
  show(picture) {
    this.picture = picture;
    const shape = JSON.stringify(picture.lines);
    if (!this.plot || shape !== this.shape) {
      this.#build();
      this.shape = shape;
    } else {
      this.plot.setData(this.#data());
    }
  }

  /** Move the window without new data: time goes on. @param {number} start @param {number} end */
  slide(start, end) {
    if (!this.picture || !this.plot || this.dragging) return;
    Object.assign(this.picture, { start, end });
    this.plot.setScale("x", { min: start, max: end });
  }

  /** Build again, with the colours of the theme that is on now. */
  repaint() {
    if (this.picture) this.#build();
  }

  /** Move the crosshair of all charts by so many points; from nothing, to the newest. @param {number} by */
  step(by) {
    if (!this.plot || !this.picture?.time.length) return;
    const lastPlace = this.picture.time.length - 1;
    const at = this.plot.cursor.left >= 0 ? this.plot.cursor.idx : null;
    const wanted = at == null && Number.isFinite(by) ? lastPlace : (at ?? 0) + by;
    const place = Math.min(Math.max(wanted, 0), lastPlace);
    this.plot.setCursor({ left: this.plot.valToPos(this.#middle(place), "x"), top: this.height / 3 }, true, true);
  }

  /** The time under the crosshair in ms, if there is one. */
  get at() {
    const place = this.plot?.cursor.left >= 0 ? this.plot.cursor.idx : null;
    return place == null ? undefined : this.#middle(place);
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

  /** What is drawn, back to front: peaks first, the top of a stack before its bottom. */
  #layers() {
    const { lines, means, peaks } = /** @type {Picture} */ (this.picture);
    const layers = lines.flatMap((line, index) => {
      if (line.style === "none") return [];
      const upright = (/** @type {(number | null)[]} */ values) =>
        line.sign ? values.map((value) => (value == null ? null : -value)) : values;
      const layer = { line, peak: false, values: upright(means[index]) };
      return line.style === "area" && line.colour !== "used" ? [{ line, peak: true, values: upright(peaks[index]) }, layer] : [layer];
    });
    const stack = layers.filter((layer) => layer.line.style === "stack");
    stack.forEach((layer, index) => {
      if (!index) return;
      const below = stack[index - 1].values;
      layer.values = layer.values.map((value, at) => (value == null ? null : value + (below[at] ?? 0)));
    });
    return stack.length ? stack.reverse() : layers;
  }

  #data() {
    const { time, bucket } = /** @type {Picture} */ (this.picture);
    return [time.map((at) => at + bucket / 2), ...this.#layers().map((layer) => layer.values)];
  }

  #series() {
    const surface = css("surface");
    return this.#layers().map(({ line, peak }) => {
      const colour = css(`c-${line.colour}`);
      const fill = { stack: blend(colour, surface, 0.78), area: blend(colour, surface, 0.3), line: undefined, dash: undefined };
      return {
        stroke: peak ? "transparent" : colour,
        fill: peak ? blend(colour, surface, 0.16) : fill[/** @type {"stack"} */ (line.style)],
        width: line.style === "stack" ? 1 : 1.75,
        dash: line.style === "dash" ? [5, 5] : undefined,
        spanGaps: false,
        points: { show: false, filter: alone, size: 5, fill: colour, stroke: colour },
      };
    });
  }

  #build() {
    const left = this.plot?.cursor.left ?? -10;
    this.plot?.destroy();
    const picture = () => /** @type {Picture} */ (this.picture);
    const axis = {
      stroke: css("muted"),
      font: FONT,
      grid: { stroke: css("grid"), width: 1 },
      ticks: { stroke: css("grid"), width: 1, size: 4 },
    };
    const binary = picture().unit.name.endsWith("iB") ? Array.from({ length: 60 }, (_, power) => 2 ** power) : undefined;
    const layers = this.#layers();
    // @ts-ignore: uPlot comes from a classic script before this module
    this.plot = new uPlot(
      {
        width: this.host.clientWidth || 300,
        height: this.height,
        ms: 1,
        padding: [10, 14, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          sync: { key: SYNC, setSeries: false },
          drag: { x: true, y: false, setScale: false, dist: 4 },
          points: { size: 9, fill: (/** @type {any} */ _, /** @type {number} */ index) => css(`c-${layers[index - 1].line.colour}`), show: (/** @type {any} */ u, /** @type {number} */ index) => this.#dot(u, index, layers) },
          bind: {
            dblclick: () => () => {
              this.hooks.back();
              return null;
            },
          },
        },
        scales: {
          x: { time: true, range: () => [picture().start, picture().end] },
          y: { range: () => picture().reach },
        },
        axes: [
          { ...axis, size: 30, space: 76, values: (/** @type {any} */ _, /** @type {number[]} */ splits, /** @type {any} */ __, /** @type {any} */ ___, /** @type {number} */ step) => times(splits, step) },
          {
            ...axis,
            size: 66,
            gap: 6,
            space: 34,
            incrs: binary,
            values: (/** @type {any} */ _, /** @type {number[]} */ splits) => this.#amounts(splits),
          },
        ],
        series: [{}, ...this.#series()],
        hooks: {
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

  /** The dot on a line under the crosshair; peaks have none. @param {any} u @param {number} index @param {any[]} layers */
  #dot(u, index, layers) {
    if (layers[index - 1]?.peak) return false;
    const dot = document.createElement("div");
    dot.className = "dot";
    return dot;
  }

  /** @param {number[]} splits */
  #amounts(splits) {
    const { unit } = /** @type {Picture} */ (this.picture);
    const most = Math.max(...splits.map(Math.abs)) / unit.size;
    const step = splits.length > 1 ? (splits[1] - splits[0]) / unit.size : 1;
    const places = most === 0 || Number.isInteger(step) ? 0 : Math.min(3, Math.max(1, -Math.floor(Math.log10(step) + 1e-9)));
    return splits.map((value) => (value === 0 ? "0" : `${(Math.abs(value) / unit.size).toFixed(places)}`) + (unit.name === "%" ? "%" : ` ${unit.name}`));
  }

  /** @param {any} u */
  #selected(u) {
    const { left, width } = u.select;
    const [from, to] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (width >= 4 && press.chart === this) this.hooks.zoom(Math.round(from), Math.round(to));
  }
}
