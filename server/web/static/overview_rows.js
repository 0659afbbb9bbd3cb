/** The rows of the overview: there already when the page comes; here they are filled, ordered, walked through, marked. */

import { find, say } from "./dom.js";
import { ago, iso, percent, rate } from "./format.js";
import { t } from "./locale.js";
import { Sparks } from "./overview_sparks.js";

/**
 * @typedef {import("./api.js").Instance & {disk_bytes_per_second: number | null}} Entry
 * @typedef {{mark: (instance: string) => void, turn: (by: number) => void}} Hooks
 */

/** Rows that PgUp and PgDn pass. */
const LEAP = 10;

export class Rows {
  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.body = /** @type {HTMLElement} */ (find("#rows"));
    this.blank = /** @type {HTMLElement} */ (/** @type {HTMLTemplateElement} */ (find("#row")).content.firstElementChild);
    this.sparks = new Sparks();
    /** @type {Map<string, HTMLElement>} */
    this.byInstance = new Map(this.#all().map((row) => [row.dataset.instance ?? "", row]));
    this.body.addEventListener("keydown", (event) => this.#key(event));
    this.body.addEventListener("click", (event) => this.#click(event));
    this.body.addEventListener("focusin", (event) => this.#walkable(rowOf(event.target)));
    this.#walkable(this.#all()[0]);
  }

  /**
   * Fill in what is new, and only that. While somebody points at a row or stands on it the order stays, or the row
   * would be pulled away under the hand; unless it was asked for.
   * @param {Entry[]} entries @param {number} now @param {string[]} marks @param {boolean} asked
   */
  show(entries, now, marks, asked) {
    const there = new Set(entries.map((entry) => entry.instance));
    const same = there.size === this.byInstance.size && entries.every((entry) => this.byInstance.has(entry.instance));
    const held = this.body.matches(":hover, :focus-within") && same && !asked;
    const place = this.#all().findIndex((row) => row.contains(document.activeElement));
    for (const [instance, row] of this.byInstance) {
      if (there.has(instance)) continue;
      row.remove();
      this.byInstance.delete(instance);
    }
    entries.forEach((entry, index) => {
      const row = this.byInstance.get(entry.instance) ?? this.#made(entry);
      fill(row, entry, now);
      if (!held && this.body.children[index] !== row) this.body.insertBefore(row, this.body.children[index] ?? null);
    });
    this.mark(marks);
    if (!this.body.querySelector("a[tabindex='0']")) this.#walkable(this.#all()[0]);
    if (place >= 0 && !this.body.contains(document.activeElement)) this.focus(Math.min(place, entries.length - 1));
  }

  /** @param {string[]} marks */
  mark(marks) {
    for (const [instance, row] of this.byInstance) {
      const on = marks.includes(instance);
      row.toggleAttribute("data-marked", on);
      /** @type {HTMLInputElement} */ (find("input", row)).checked = on;
    }
  }

  /** Time goes on. @param {number} now */
  tick(now) {
    for (const row of this.byInstance.values()) {
      const time = find("time", row);
      say(time, ago(seen(row), now));
    }
  }

  /** Ask for the lines that are missing or old. @param {number} now */
  draw(now) {
    const rows = [...this.byInstance].map(([instance, row]) => ({ instance, row, last: seen(row) }));
    return this.sparks.want(rows, now);
  }

  /** @param {number} place */
  focus(place) {
    const row = this.#all().at(place);
    if (row) link(row).focus();
  }

  /** @returns {HTMLElement[]} */
  #all() {
    return /** @type {HTMLElement[]} */ ([...this.body.children]);
  }

  /** @param {Entry} entry */
  #made(entry) {
    const row = /** @type {HTMLElement} */ (this.blank.cloneNode(true));
    row.dataset.instance = entry.instance;
    const box = /** @type {HTMLInputElement} */ (find("input", row));
    box.value = entry.instance;
    box.tabIndex = -1;
    box.setAttribute("aria-label", t("overview.mark", { name: entry.alias }));
    link(row).tabIndex = -1;
    this.byInstance.set(entry.instance, row);
    this.sparks.show(entry.instance, row);
    return row;
  }

  /** The Tab key stops at one row only; arrows go to the others. @param {HTMLElement | undefined} current */
  #walkable(current) {
    for (const row of this.#all()) {
      link(row).tabIndex = row === current ? 0 : -1;
      /** @type {HTMLInputElement} */ (find("input", row)).tabIndex = -1;
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rowOf(event.target);
    const rows = this.#all();
    const at = row ? rows.indexOf(row) : -1;
    if (!row || at < 0) return;
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: LEAP, PageUp: -LEAP, Home: -at, End: rows.length - 1 - at };
    if (event.key === " " && /** @type {Element} */ (event.target).tagName === "A") {
      this.hooks.mark(row.dataset.instance ?? "");
    } else if (event.key in steps) {
      const next = at + steps[event.key];
      const edge = (at === 0 && next < 0) || (at === rows.length - 1 && next >= rows.length);
      if (edge) this.hooks.turn(Math.sign(steps[event.key]));
      else this.focus(Math.min(Math.max(next, 0), rows.length - 1));
    } else return;
    event.preventDefault();
  }

  /** The whole row opens its machine; the first cell marks. @param {MouseEvent} event */
  #click(event) {
    const target = /** @type {Element} */ (event.target);
    const row = rowOf(target);
    if (!row || target.closest("a")) return;
    if (target.closest(".mark")) {
      if (target.tagName === "INPUT") event.stopPropagation();
      this.hooks.mark(row.dataset.instance ?? "");
    } else if (!getSelection()?.toString()) {
      if (event.ctrlKey || event.metaKey) open(link(row).href, "_blank", "noopener");
      else location.assign(link(row).href);
    }
  }
}

/** @param {EventTarget | null} target */
const rowOf = (target) => /** @type {HTMLElement | undefined} */ (/** @type {Element} */ (target).closest("tr") ?? undefined);

/** @param {HTMLElement} row @returns {HTMLAnchorElement} */
const link = (row) => /** @type {HTMLAnchorElement} */ (find("a", row));

/** When the machine sampled last, ms. @param {Element} row */
const seen = (row) => Date.parse(find("time", row).getAttribute("datetime") ?? "");

/** @param {HTMLElement} row @param {Entry} entry @param {number} now */
function fill(row, entry, now) {
  const name = find("[data-cell=name]", row);
  say(link(row), entry.alias);
  link(row).setAttribute("href", `/machines/${encodeURIComponent(entry.instance)}${settings()}`);
  say(find("small", name), entry.name ?? "");
  const badge = /** @type {HTMLElement} */ (find(".badge", row));
  badge.dataset.source = entry.source;
  say(badge, t(`overview.source.${entry.source}`));
  if (entry.source === "open-server") badge.title = t("overview.public");
  const state = /** @type {HTMLElement} */ (find(".state", row));
  state.dataset.state = entry.state;
  say(/** @type {Element} */ (state.firstElementChild), t(`overview.state.${entry.state}`));
  const time = find("time", row);
  if (time.getAttribute("datetime") !== iso(entry.last_seen)) time.setAttribute("datetime", iso(entry.last_seen));
  say(time, ago(entry.last_seen, now));
  number(row, "cpu", percent(entry.cpu_busy));
  number(row, "memory", percent(entry.memory_used_ratio));
  number(row, "disk", rate(entry.disk_bytes_per_second));
  const parts = { read: rate(entry.disk_read_bytes_per_second), write: rate(entry.disk_write_bytes_per_second) };
  /** @type {HTMLElement} */ (find("[data-cell=disk]", row)).title = t("overview.disk.parts", parts);
}

/** @param {Element} row @param {string} cell @param {string} text */
function number(row, cell, text) {
  say(find(`[data-cell=${cell}] > span`, row), text);
}

/** The settings that stand in the URL, as a query. */
function settings() {
  const given = [...new URLSearchParams(location.search)].filter(([name]) => ["lang", "theme", "units", "zone"].includes(name));
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
