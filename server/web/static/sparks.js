/** Small CPU lines in the list: the last 15 minutes, one question at a time, only for rows that are in view. */

import { series } from "./api.js";
import { make, svg } from "./dom.js";

const RANGE = 900e3;
const POINTS = 60;
/** How long a line stays as it is while samples come. */
const AGE = 15e3;
const [WIDTH, HEIGHT] = [76, 22];

export class Sparks {
  constructor() {
    /** @type {Map<string, {drawn: number, upTo: number}>} */
    this.known = new Map();
    /** @type {Map<string, SVGElement>} */
    this.lines = new Map();
    this.inView = new Set();
    this.busy = false;
    this.watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const instance = /** @type {HTMLElement} */ (entry.target).dataset.spark;
        if (entry.isIntersecting) this.inView.add(instance);
        else this.inView.delete(instance);
      }
    });
  }

  /** The element for the number in a cell that also holds a line. @param {Element} cell @param {string} instance */
  number(cell, instance) {
    if (!cell.querySelector(".spark")) {
      const line = svg("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", "data-spark": instance });
      line.append(svg("path", { class: "fill" }), svg("path", { class: "line" }));
      cell.replaceChildren(line, make("span"));
      this.lines.set(instance, /** @type {SVGElement} */ (line));
      this.watcher.observe(line);
    }
    return /** @type {Element} */ (cell.lastElementChild);
  }

  /** @param {import("./api.js").Instance[]} entries @param {number} now */
  async want(entries, now) {
    if (this.busy) return;
    this.busy = true;
    try {
      for (const entry of entries) {
        const known = this.known.get(entry.instance);
        const old = !known || (known.upTo < entry.last_seen && now - known.drawn > AGE);
        if (!old || !this.inView.has(entry.instance)) continue;
        this.known.set(entry.instance, { drawn: now, upTo: entry.last_seen }); // also when it fails: not every second
        const end = now - entry.last_seen < RANGE ? now : entry.last_seen + 1000;
        const answer = await series({ instance: entry.instance, table: "cpu", start: end - RANGE, end, points: POINTS });
        this.#draw(entry.instance, answer.groups[0]?.columns.busy?.mean ?? []);
      }
    } catch {
      // a machine that just went away, or no server: the list says so itself
    } finally {
      this.busy = false;
    }
  }

  /** @param {string} instance @param {(number | null)[]} values */
  #draw(instance, values) {
    const [fill, line] = this.lines.get(instance)?.children ?? [];
    if (!line) return;
    const x = (/** @type {number} */ at) => ((at / Math.max(values.length - 1, 1)) * WIDTH).toFixed(1);
    const y = (/** @type {number} */ value) => (HEIGHT - 1.5 - value * (HEIGHT - 3)).toFixed(1);
    let [path, area, begun] = ["", "", -1];
    values.forEach((value, at) => {
      if (value !== null) {
        path += `${begun < 0 ? "M" : "L"}${x(at)} ${y(value)}`;
        area += `${begun < 0 ? `M${x(at)} ${HEIGHT}L` : "L"}${x(at)} ${y(value)}`;
        if (begun < 0) begun = at;
      }
      if (begun >= 0 && (value === null || at === values.length - 1)) {
        area += `L${x(value === null ? at - 1 : at)} ${HEIGHT}Z`;
        begun = -1;
      }
    });
    line.setAttribute("d", path);
    fill.setAttribute("d", area);
  }
}
