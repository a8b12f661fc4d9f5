// @ts-check
// The tabs below the network: one panel at a time, and only its diagnostics are computed.

import { keep, kept } from "./keeping.js";

const KEY = "tab";

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 */
export function mount(root, app) {
  const panels = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".tab")]);
  const buttons = panels.map((panel) => {
    const button = document.createElement("button");
    button.type = "button";
    button.id = `${panel.id}-button`;
    button.role = "tab";
    button.textContent = panel.dataset.title ?? "";
    button.setAttribute("aria-controls", panel.id);
    panel.setAttribute("aria-labelledby", button.id);
    panel.tabIndex = 0;
    button.addEventListener("click", () => show(panel.id));
    root.append(button);
    return button;
  });

  /** @param {string} id */
  function show(id) {
    panels.forEach((panel, k) => {
      const on = panel.id === id;
      panel.hidden = !on;
      buttons[k].setAttribute("aria-selected", String(on));
      buttons[k].tabIndex = on ? 0 : -1;
      app.watch(panel.id.slice(4), on);
    });
    keep(KEY, id);
    app.emit("tab", id.slice(4));
    app.emit("resize", null);
  }

  root.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const steps = /** @type {Record<string, number>} */ ({ ArrowRight: at + 1, ArrowLeft: at - 1 + buttons.length, Home: 0, End: buttons.length - 1 });
    if (at < 0 || !(event.key in steps)) return;
    const to = steps[event.key] % buttons.length;
    event.preventDefault();
    buttons[to].focus();
    show(panels[to].id);
  });

  const before = kept(KEY, "");
  show(panels.some((panel) => panel.id === before) ? before : panels[0].id);
}
