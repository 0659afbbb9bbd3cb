/** The numbers beside a chart: the value under the crosshair (or the newest), and statistics over all samples shown. */

import { find, make, say } from "./dom.js";
import { clock } from "./format.js";

/** In the order of the columns in the page. @type {("mean" | "median" | "p95" | "min" | "max")[]} */
const STATISTICS = ["mean", "median", "p95", "min", "max"];

export class Stats {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.body = find("[data-role=stats]", panel);
    this.when = find("[data-role=when]", panel);
    this.unit = find("[data-role=unit]", panel);
    /** @type {import("./charts.js").Picture | null} */
    this.picture = null;
    this.shape = "";
    /** @type {HTMLElement[]} */
    this.values = [];
  }

  /** @param {import("./charts.js").Picture} picture @param {Record<string, import("./api.js").Summary>} summary */
  show(picture, summary) {
    this.picture = picture;
    say(this.unit, picture.lines.length ? picture.unit.name : "");
    const shape = JSON.stringify(picture.lines);
    if (shape !== this.shape) this.#build(picture.lines);
    this.shape = shape;
    picture.lines.forEach((line, index) => {
      const cells = this.body.children[index].children;
      STATISTICS.forEach((name, at) => say(cells[at + 2], picture.unit.write(summary[line.column]?.[name])));
    });
  }

  /** The values of one point; null for the newest. @param {number | null} place */
  at(place) {
    const { picture } = this;
    if (!picture) return;
    const shown = place ?? picture.time.length - 1;
    say(this.when, place === null ? "newest" : clock(picture.time[shown] ?? 0));
    this.when.toggleAttribute("data-held", place !== null);
    this.values.forEach((cell, index) => say(cell, picture.unit.write(picture.means[index]?.[shown])));
  }

  /** @param {import("./panels.js").Line[]} lines */
  #build(lines) {
    this.body.replaceChildren(
      ...lines.map((line) => {
        const swatch = make("span", { class: "swatch", "data-colour": line.colour, "data-style": line.style, "aria-hidden": "true" });
        const cells = [0, ...STATISTICS].map((_, at) => make("td", at ? {} : { class: "now" }));
        return make("tr", {}, make("th", { scope: "row" }, swatch, line.label), ...cells);
      }),
    );
    this.values = [...this.body.querySelectorAll("td.now")].map((cell) => /** @type {HTMLElement} */ (cell));
  }
}
