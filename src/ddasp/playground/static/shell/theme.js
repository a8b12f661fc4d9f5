// @ts-check
// Light or dark: as the system says, or as was chosen here.

import { keep, kept } from "./keeping.js";

const KEY = "theme";
const CHOICES = /** @type {const} */ (["auto", "light", "dark"]);
const WORDS = { auto: "System", light: "Light", dark: "Dark" };
const SYSTEM = matchMedia("(prefers-color-scheme: dark)");

const chosen = () => {
  const now = kept(KEY, /** @type {string} */ ("auto"));
  return now === "light" || now === "dark" ? now : "auto";
};

/** Before anything is drawn, so that no page flashes in the wrong light. */
export function applyTheme() {
  const theme = chosen();
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** @returns {"light"|"dark"} */
export function theme() {
  const now = chosen();
  if (now !== "auto") return now;
  return SYSTEM.matches ? "dark" : "light";
}

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 */
export function mount(root, app) {
  const select = document.createElement("select");
  select.id = "theme";
  select.setAttribute("aria-label", "Theme");
  for (const choice of CHOICES) select.append(new Option(WORDS[choice], choice));
  select.value = chosen();
  select.addEventListener("change", () => {
    keep(KEY, select.value);
    applyTheme();
    app.emit("theme", theme());
  });
  SYSTEM.addEventListener("change", () => {
    if (chosen() === "auto") app.emit("theme", theme());
  });
  root.append(select);
}
