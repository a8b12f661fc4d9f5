// @ts-check
// One weight or bias under the hand: a small field beside it, where Enter sets the number, the arrow
// keys move it by tenths at once, and Escape leaves it as it was.

import { freshId, make } from "../shell/make.js";
import { keyOf, partName, valueOf } from "./network_words.js";

/** @typedef {import("./network_words.js").Part} Part */

/**
 * @param {import("../shell/app.js").App} app
 * @param {() => void} closed  gives the focus back
 */
export function makeEditor(app, closed) {
  const id = freshId("weight");
  const label = make("label", { for: id });
  const input = make("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", size: 9 });
  const set = make("button", { type: "submit", class: "main" }, "Set");
  const root = make("form", { class: "net-editor", hidden: true, novalidate: true }, label, make("span", { class: "joined" }, input, set));
  /** @type {Part|null} */
  let part = null;
  let before = 0;

  /** @param {number} value */
  function send(value) {
    if (part) app.send({ type: "edit", layer: part.layer, i: part.kind === "bias" ? null : part.from, j: part.to, value });
  }
  /** @param {boolean} focus */
  function close(focus) {
    if (root.hidden) return;
    root.hidden = true;
    part = null;
    if (focus) closed();
  }
  const typed = () => (input.value.trim() === "" ? NaN : Number(input.value.replace("−", "-").replace(",", ".")));

  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = typed();
    if (!Number.isFinite(value)) {
      input.setAttribute("aria-invalid", "true");
      app.say("A weight is a number, such as −0.25.");
      return;
    }
    send(value);
    close(true);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      if (typed() !== before && nudged) send(before);
      close(true);
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      const step = (event.shiftKey ? 1 : 0.1) * (event.key === "ArrowUp" ? 1 : -1);
      const value = Math.round(((Number.isFinite(typed()) ? typed() : before) + step) * 1e6) / 1e6;
      input.value = String(value);
      nudged = true;
      send(value);
    }
  });
  let nudged = false;
  root.addEventListener("focusout", (event) => {
    if (!root.contains(/** @type {Node|null} */ (event.relatedTarget))) close(false);
  });

  return {
    root,
    /** @param {Part} next @param {number} x @param {number} y @param {number} width of the box that it must stay in */
    open(next, x, y, width) {
      part = next;
      before = Number(valueOf(app, next).toPrecision(6));
      nudged = false;
      label.textContent = partName(app, next).replace(/^./, (letter) => letter.toUpperCase());
      input.removeAttribute("aria-invalid");
      input.value = String(before);
      root.hidden = false;
      root.style.left = `${Math.max(4, Math.min(x - root.offsetWidth / 2, width - root.offsetWidth - 4))}px`;
      root.style.top = `${y + 14}px`;
      input.focus();
      input.select();
    },
    close,
    key: () => (part ? keyOf(part) : ""),
  };
}
