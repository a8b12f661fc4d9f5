// @ts-check
// A drawer from the side, on the browser's own <dialog>: it holds the focus while it is open, Escape
// closes it, and the focus goes back to where it came from.

import { fill, freshId, make } from "./make.js";

/**
 * Open a drawer.
 * @param {string} title
 * @param {...import("./make.js").Child} content
 */
export function openDrawer(title, ...content) {
  const heading = make("h2", { id: freshId("drawer") }, title);
  const body = make("div", { class: "drawer-body", tabindex: 0, role: "region", "aria-labelledby": heading.id });
  const close = make("button", { type: "button", class: "drawer-close", "aria-label": "Close" , onclick: () => dialog.close() }, "✕");
  const dialog = make("dialog", { class: "drawer", "aria-labelledby": heading.id },
    make("header", { class: "drawer-head" }, heading, close), body);
  const before = document.activeElement;
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // the backdrop belongs to the dialog itself
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before instanceof HTMLElement || before instanceof SVGElement) before.focus({ preventScroll: true });
  });
  fill(body, ...content);
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, body, heading };
}
