/** The list of machines: the rows are in the page already; here they are kept up to date, sorted and filtered. */

import { find, make, say } from "./dom.js";
import { ago, iso, percent, rate } from "./format.js";
import { Sparks } from "./sparks.js";

/** @typedef {import("./api.js").Instance} Instance */

const FILTER_FROM = 8;
/** @type {Record<string, (entry: Instance) => string | number>} */
const KEYS = {
  name: (entry) => entry.alias,
  state: (entry) => ["live", "late", "gone"].indexOf(entry.state),
  seen: (entry) => -entry.last_seen,
  cpu: (entry) => -(entry.cpu_busy ?? -1),
  memory: (entry) => -(entry.memory_used_ratio ?? -1),
  read: (entry) => -(entry.disk_read_bytes_per_second ?? -1),
  write: (entry) => -(entry.disk_write_bytes_per_second ?? -1),
};

export class Machines {
  /** @param {{select: (instance: string) => void, sort: (key: string) => void}} hooks */
  constructor(hooks) {
    this.rows = find("#rows");
    this.filter = /** @type {HTMLInputElement} */ (find("#filter"));
    this.sparks = new Sparks();
    /** @type {Map<string, HTMLElement>} */
    this.byInstance = new Map();
    for (const row of this.rows.children) this.byInstance.set(/** @type {HTMLElement} */ (row).dataset.instance ?? "", /** @type {HTMLElement} */ (row));
    /** @type {Instance[]} */
    this.entries = [];
    this.sorting = "";
    this.rows.addEventListener("click", (event) => this.#click(/** @type {MouseEvent} */ (event), hooks.select));
    this.rows.addEventListener("keydown", (event) => this.#key(/** @type {KeyboardEvent} */ (event)));
    this.filter.addEventListener("input", () => this.#arrange());
    for (const head of document.querySelectorAll("th[data-sort]")) {
      const button = make("button", { type: "button" }, head.textContent ?? "");
      button.addEventListener("click", () => {
        const key = /** @type {HTMLElement} */ (head).dataset.sort ?? "";
        hooks.sort(this.sorting === key ? `-${key}` : this.sorting === `-${key}` ? "" : key);
      });
      head.replaceChildren(button);
    }
  }

  /** @param {Instance[]} entries @param {number} now @param {string} selected @param {string} sorting */
  show(entries, now, selected, sorting) {
    this.entries = entries;
    this.sorting = sorting;
    const there = new Set(entries.map((entry) => entry.instance));
    for (const [instance, row] of this.byInstance) {
      if (!there.has(instance)) {
        row.remove();
        this.byInstance.delete(instance);
      }
    }
    for (const entry of entries) this.#fill(entry, now);
    this.#arrange();
    this.mark(selected);
    find("#machines-scroll").toggleAttribute("hidden", !entries.length);
    find("#empty").toggleAttribute("hidden", entries.length > 0);
    this.filter.hidden = entries.length < FILTER_FROM;
    const count = find("#machines-count");
    if (count.textContent || entries.length > 1) say(count, String(entries.length || ""));
    this.sparks.want(entries, now);
  }

  /** Time goes on. @param {number} now */
  tick(now) {
    for (const entry of this.entries) {
      const row = this.byInstance.get(entry.instance);
      if (row) say(find("time", row), ago(entry.last_seen, now));
    }
  }

  /** @param {string} selected */
  mark(selected) {
    for (const [instance, row] of this.byInstance) {
      if (instance === selected) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  /** @param {Instance} entry @param {number} now */
  #fill(entry, now) {
    let row = this.byInstance.get(entry.instance);
    if (!row) {
      row = this.#row(entry);
      this.byInstance.set(entry.instance, row);
    }
    const cell = (/** @type {string} */ name) => find(`[data-cell=${name}]`, row);
    const state = /** @type {HTMLElement} */ (find(".state", row));
    state.dataset.state = entry.state;
    say(state, entry.state);
    const time = find("time", row);
    time.setAttribute("datetime", iso(entry.last_seen));
    say(time, ago(entry.last_seen, now));
    say(this.sparks.number(cell("cpu"), entry.instance), percent(entry.cpu_busy));
    say(cell("memory"), percent(entry.memory_used_ratio));
    say(cell("read"), rate(entry.disk_read_bytes_per_second));
    say(cell("write"), rate(entry.disk_write_bytes_per_second));
  }

  /** The same cells as in parts.html. @param {Instance} entry */
  #row(entry) {
    const link = make("a", { href: `?instance=${entry.instance}` }, entry.alias);
    const small = make("small", {}, entry.name ?? entry.source.replace("-", " "));
    const cell = (/** @type {string} */ name, /** @type {string} */ kind, /** @type {Node[]} */ ...children) =>
      make("td", { "data-cell": name, ...(kind ? { class: kind } : {}) }, ...children);
    return make(
      "tr",
      { "data-instance": entry.instance },
      make("th", { scope: "row", "data-cell": "name" }, link, small),
      cell("state", "", make("span", { class: "state" })),
      cell("seen", "seen", make("time")),
      cell("cpu", "number cpu"),
      cell("memory", "number"),
      cell("read", "number disk"),
      cell("write", "number disk"),
    );
  }

  #arrange() {
    const key = this.sorting.replace("-", "");
    const turn = this.sorting.startsWith("-") ? -1 : 1;
    const order = [...this.entries];
    const value = KEYS[key || "name"];
    order.sort((a, b) => {
      const [left, right] = [value(a), value(b)];
      return turn * (left < right ? -1 : left > right ? 1 : a.alias < b.alias ? -1 : 1);
    });
    const wanted = this.filter.value.trim().toLowerCase();
    order.forEach((entry, place) => {
      const row = /** @type {HTMLElement} */ (this.byInstance.get(entry.instance));
      if (this.rows.children[place] !== row) this.rows.insertBefore(row, this.rows.children[place] ?? null);
      row.hidden = !`${entry.alias} ${entry.name ?? ""} ${entry.source}`.toLowerCase().includes(wanted);
    });
    for (const head of document.querySelectorAll("th[data-sort]")) {
      const own = /** @type {HTMLElement} */ (head).dataset.sort === key;
      // the keys of numbers are negative: the first press brings the largest to the top
      const numeric = !["name", "state"].includes(key);
      if (own) head.setAttribute("aria-sort", (turn > 0) === numeric ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  /** @param {MouseEvent} event @param {(instance: string) => void} select */
  #click(event, select) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return; // the browser opens a tab
    const row = /** @type {HTMLElement} */ (event.target).closest("tr");
    if (!row?.dataset.instance || getSelection()?.toString()) return;
    event.preventDefault();
    select(row.dataset.instance);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = /** @type {HTMLElement} */ (event.target).closest("tr");
    if (!by || !row) return;
    const shown = [...this.rows.children].filter((entry) => !(/** @type {HTMLElement} */ (entry).hidden));
    const next = shown[shown.indexOf(row) + by];
    if (!next) return;
    event.preventDefault();
    /** @type {HTMLElement} */ (find("a", next)).focus();
  }
}
