/** Light, dark or as the system has it. A choice is kept in the URL and in a cookie, so that no page flashes. */

import { find, press } from "./dom.js";

/** @param {(theme: string) => void} chosen "" for as the system has it @param {() => void} repaint */
export function themes(chosen, repaint) {
  const group = find("#themes");
  group.addEventListener("click", (event) => {
    const theme = /** @type {HTMLElement} */ (event.target).closest("button")?.dataset.themeChoice;
    if (!theme) return;
    apply(theme);
    const age = theme === "auto" ? 0 : 31536000;
    document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax`;
    chosen(theme === "auto" ? "" : theme);
    repaint();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
}

/** @param {string} theme */
export function apply(theme) {
  document.documentElement.dataset.theme = theme;
  press(find("#themes"), "themeChoice", theme);
}
