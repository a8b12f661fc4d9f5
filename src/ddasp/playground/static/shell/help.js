// @ts-check
// The keys of the page, in a dialog that any key can fetch: "?".

import { make } from "./make.js";

const KEYS = /** @type {[string, string][]} */ ([
  ["space", "train, or stand still"],
  ["s, b, e", "step by a sample, a batch, an epoch"],
  ["z", "step back"],
  ["r", "back to epoch 0 with the same first weights"],
  ["← ↑ → ↓", "in the network: from unit to link to unit; in the map: from point to point"],
  ["Enter", "in the network: look closer at a unit, edit a weight or a bias"],
  ["Escape", "leave what is being edited or was chosen"],
  ["?", "these keys"],
]);

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 */
export function mount(root, app) {
  const title = make("h2", { id: "keys-title" }, "Keys");
  const close = make("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const dialog = make("dialog", { class: "keys", "aria-labelledby": title.id }, title,
    make("dl", {}, ...KEYS.map(([key, words]) => make("div", {}, make("dt", {}, ...key.split(", ").flatMap((one, k) => (k ? [" ", make("kbd", {}, one)] : [make("kbd", {}, one)]))), make("dd", {}, words)))),
    make("p", { class: "note" }, "Every control can be reached with Tab; its help stands at the foot of the page."), close);
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });
  const open = () => dialog.open || dialog.showModal();
  root.append(make("button", { type: "button", "aria-haspopup": "dialog", "data-hint": "What the keyboard does here (?).", onclick: open }, "Keys"));
  document.addEventListener("keydown", (event) => {
    const at = /** @type {HTMLElement} */ (event.target);
    if (event.key !== "?" || event.ctrlKey || event.metaKey || at.closest("input,textarea,select,dialog")) return;
    event.preventDefault();
    open();
  });
  app.on("connection", ({ state }) => {
    if (state === "refused" || state === "no-token") dialog.close();
  });
}
