/**
 * The numbers beside a chart: the value under the crosshair (or the newest), and statistics over all samples shown. The
 * name of a line is a button that hides it and shows it again; its swatch is then hollow and its name struck through.
 */

import { find, make, say } from "./dom.js";
import { clock } from "./format.js";
import { t } from "./locale.js";
import { label } from "./panels.js";

/** In the order of the columns in the page. @type {("mean" | "median" | "p95" | "min" | "max")[]} */
const STATISTICS = ["mean", "median", "p95", "min", "max"];

export class Stats {
  /** @param {HTMLElement} panel @param {(column: string) => void} toggle */
  constructor(panel, toggle) {
    this.body = find("[data-role=stats]", panel);
    this.when = find("[data-role=when]", panel);
    this.unit = find("[data-role=unit]", panel);
    /** @type {import("./charts.js").Picture | null} */
    this.picture = null;
    this.shape = "";
    /** @type {HTMLElement[]} */
    this.values = [];
    this.body.addEventListener("click", (event) => {
      const column = /** @type {Element} */ (event.target).closest("button")?.dataset.column;
      if (column) toggle(column);
    });
  }

  /** @param {import("./charts.js").Picture} picture @param {Record<string, import("./api.js").Summary>} summary */
  show(picture, summary) {
    this.picture = picture;
    say(this.unit, picture.lines.length ? picture.unit.name : "");
    const shape = JSON.stringify(picture.lines);
    if (shape !== this.shape) this.#build(picture.lines);
    this.shape = shape;
    picture.lines.forEach((line, index) => {
      const row = this.body.children[index];
      row.querySelector("button")?.setAttribute("aria-pressed", String(!picture.hidden.has(line.column)));
      STATISTICS.forEach((name, at) => say(row.children[at + 2], picture.unit.write(summary[line.column]?.[name])));
    });
  }

  /** The values of one point; null for the newest that each line has. @param {number | null} place */
  at(place) {
    const { picture } = this;
    if (!picture) return;
    const shown = place ?? picture.time.length - 1;
    say(this.when, place === null ? t("instance.stats.newest") : clock(picture.time[shown] ?? 0));
    this.when.toggleAttribute("data-held", place !== null);
    this.values.forEach((cell, index) => say(cell, picture.unit.write(picture.means[index]?.[shown])));
  }

  /** @param {import("./panels.js").Line[]} lines */
  #build(lines) {
    this.body.replaceChildren(
      ...lines.map((line) => {
        const cells = [0, ...STATISTICS].map((_, at) => make("td", at ? {} : { class: "now" }));
        return make("tr", {}, make("th", { scope: "row" }, name(line, lines)), ...cells);
      }),
    );
    this.values = [...this.body.querySelectorAll("td.now")].map((cell) => /** @type {HTMLElement} */ (cell));
  }
}

/** A line that is alone cannot be hidden; one that is not drawn neither. @param {import("./panels.js").Line} line @param {import("./panels.js").Line[]} lines */
function name(line, lines) {
  const swatch = make("span", { class: "swatch", "data-colour": line.colour, "data-style": line.style, "aria-hidden": "true" });
  const words = make("span", { class: "line" }, label(line));
  if (line.style === "none" || lines.length < 2) return make("span", { class: "name" }, swatch, words);
  return make("button", { type: "button", class: "name", "data-column": line.column, "aria-pressed": "true", title: t("instance.line.toggle", { line: label(line) }) }, swatch, words);
}
