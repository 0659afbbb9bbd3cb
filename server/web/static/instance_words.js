/** The words around the charts: what the machine is, what is shown, how fresh it is; never better than it is. */

import { find, make, press, say } from "./dom.js";
import { ago, moment, size, span, zone } from "./format.js";
import { t } from "./locale.js";
import { rangeOf } from "./state.js";

/** @typedef {import("./api.js").Instance} Instance */

/**
 * @param {Instance} entry @param {import("./state.js").State} state @param {import("./state.js").Window} shown @param {number} now
 */
export function describe(entry, state, shown, now) {
  const facts = [
    t(`instance.source.${entry.source}`),
    entry.name,
    entry.cores && t("instance.cores", { count: entry.cores }),
    entry.memory_total_bytes && t("instance.fact.memory", { size: size(entry.memory_total_bytes) }),
  ];
  const badge = make("span", { class: "state", "data-state": entry.state }, t(`instance.state.${entry.state}`));
  find("#facts").replaceChildren(badge, ...facts.filter(Boolean).map((fact) => make("span", {}, String(fact))));
  press(find("#ranges"), "range", state.from === null ? rangeOf(state, entry.source) : "");
  find("#reset").toggleAttribute("hidden", shown.kind !== "fixed");
  say(find("#reset"), t(entry.state === "live" || entry.state === "late" ? "instance.back.live" : "instance.back.range"));
  say(find("#zone"), zone());
  const length = span(shown.end - shown.start);
  const texts = {
    live: () => t("instance.shown.live", { span: length }),
    last: () => t("instance.shown.last", { age: span(now - entry.last_seen), span: length, moment: moment(entry.last_seen, now) }),
    fixed: () => t("instance.shown.fixed", { from: moment(shown.start, now), to: moment(shown.end, now), span: length }),
  };
  say(find("#shown"), texts[shown.kind]());
}

/** @param {Instance | null} entry @param {{reachable: boolean, answered: number}} server @param {number} now the server's time */
export function freshness(entry, { reachable, answered }, now) {
  const words = !reachable
    ? t("instance.feed.down", { ago: ago(answered, Date.now()) })
    : !entry
      ? t("instance.feed.waiting")
      : t(entry.state === "live" ? "instance.feed.live" : "instance.feed.silent", { ago: ago(entry.last_seen, now) });
  const pill = /** @type {HTMLElement} */ (find("#feed"));
  const before = pill.dataset.state;
  pill.dataset.state = reachable ? (entry?.state ?? "off") : "down";
  if (pill.dataset.state !== before) say(find("#feed-said"), words); // not each second: that would be a chatterbox
  say(find("#feed-text"), words);
}

/** @param {string} trouble "" when there is none */
export function tell(trouble) {
  find("#trouble").toggleAttribute("hidden", !trouble);
  say(find("#trouble"), trouble);
}
