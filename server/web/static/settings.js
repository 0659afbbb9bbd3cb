/**
 * Theme, units, zone and language. The server writes what is in force into the page (URL before cookie), so nothing
 * flashes. A choice goes into the URL when it is not the usual one and into a cookie; `settings` on document tells it.
 */

/** @type {Record<string, string>} */
const USUAL = { theme: "auto", units: "auto", zone: "local", lang: "" };
const YEAR = 31536000; // s

/** @typedef {"theme" | "units" | "zone"} Name */

/** What is in force. @param {Name} name */
export function setting(name) {
  return (name === "theme" ? document.documentElement : document.body).dataset[name] ?? USUAL[name];
}

/** Choose, remember and tell; the language needs a new page. @param {string} name @param {string} value */
function choose(name, value) {
  const usual = value === USUAL[name];
  document.cookie = `${name}=${value}; path=/; max-age=${usual ? 0 : YEAR}; samesite=lax`;
  const address = new URL(location.href);
  if (usual || name === "lang") address.searchParams.delete(name);
  else address.searchParams.set(name, value);
  if (name === "lang") return location.assign(address);
  history.replaceState(history.state, "", address);
  (name === "theme" ? document.documentElement : document.body).dataset[name] = value;
  for (const link of document.querySelectorAll(`#settings [data-setting="${name}"]`)) {
    if (/** @type {HTMLElement} */ (link).dataset.value === value) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  document.dispatchEvent(new CustomEvent("settings", { detail: name }));
}

const menu = /** @type {HTMLDetailsElement | null} */ (document.querySelector("#settings"));
menu?.addEventListener("click", (event) => {
  const link = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-setting]"));
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(link.dataset.setting ?? "", link.dataset.value ?? "");
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu?.open) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
});
document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (setting("theme") === "auto") document.dispatchEvent(new CustomEvent("settings", { detail: "theme" }));
});
