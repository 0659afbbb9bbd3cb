/**
 * Theme, units, zone and language. The server writes what is in force into the page (URL before cookie), so nothing
 * flashes; `settings.py` says the rules. What is not as usual stands in the URL, so that a copied link shows the same,
 * and in a cookie, so that it stays. The event `settings` on document tells that something was chosen.
 */

const root = document.documentElement;
const body = document.body;
/** @type {Record<string, string>} */
const USUAL = { theme: "auto", units: "auto", zone: "local", lang: body.dataset.asked ?? root.lang };
const YEAR = 31536000; // s

/** @typedef {"theme" | "units" | "zone" | "lang"} Name */

/** What is in force. @param {Name} name */
export function setting(name) {
  if (name === "lang") return root.lang;
  return (name === "theme" ? root : body).dataset[name] ?? USUAL[name];
}

/** Choose, remember and tell; the language needs a new page. @param {Name} name @param {HTMLAnchorElement} link of the menu */
function choose(name, link) {
  const value = link.dataset.value ?? USUAL[name];
  const usual = value === USUAL[name];
  const secure = location.protocol.endsWith("s:") ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=${usual ? 0 : YEAR}; samesite=lax${secure}`;
  const address = new URL(location.href);
  put(address, name, usual ? "" : value);
  if (name === "lang") return location.assign(address);
  history.replaceState(history.state, "", address);
  (name === "theme" ? root : body).dataset[name] = value;
  for (const other of document.querySelectorAll(`#settings [data-setting="${name}"]`)) {
    if (other === link) other.setAttribute("aria-current", "true");
    else other.removeAttribute("aria-current");
  }
  takeAlong(name, usual ? "" : value);
  document.dispatchEvent(new CustomEvent("settings", { detail: name }));
}

/** @param {URL} address @param {string} name @param {string} value "" takes it out */
function put(address, name, value) {
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
}

/** Links and forms that carry the earlier choice carry this one. @param {string} name @param {string} value */
function takeAlong(name, value) {
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("a[href]"))) {
    const address = new URL(link.href);
    if (!address.searchParams.has(name) || link.dataset.setting === name) continue;
    put(address, name, value);
    link.href = address.pathname + address.search + address.hash;
  }
  for (const field of document.querySelectorAll(`input[type="hidden"][name="${name}"]`)) {
    /** @type {HTMLInputElement} */ (field).value = value || USUAL[name];
  }
}

/** What only the cookie says stands in the URL too. */
function complete() {
  const address = new URL(location.href);
  for (const name of /** @type {Name[]} */ (Object.keys(USUAL))) {
    if (setting(name) !== USUAL[name]) address.searchParams.set(name, setting(name));
  }
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}

const menu = /** @type {HTMLDetailsElement | null} */ (document.querySelector("#settings"));
menu?.addEventListener("click", (event) => {
  const link = /** @type {HTMLAnchorElement | null} */ (/** @type {Element} */ (event.target).closest("[data-setting]"));
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(/** @type {Name} */ (link.dataset.setting), link);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu?.open) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
  event.stopImmediatePropagation(); // one key, one thing: a zoomed chart stays as it is
});
for (const moment of ["click", "focusin"]) {
  document.addEventListener(moment, (event) => {
    if (menu?.open && !menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  });
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (setting("theme") === "auto") document.dispatchEvent(new CustomEvent("settings", { detail: "theme" }));
});
if (menu) complete();
