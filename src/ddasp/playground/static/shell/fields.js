// @ts-check
// One field for one setting: its name, something to set it with, and its help.
//
// A field never jumps under the hand: while it has the focus and holds a text that was not sent
// yet, news from the server leave it alone. Help is a sentence that assistive technology reads with
// the field; for everybody else the line at the foot of the page shows it.

import { freshId, make } from "./make.js";

/** @typedef {import("./types.js").Control} Control */
/**
 * @typedef {object} Field
 * @property {HTMLElement} root
 * @property {HTMLElement} input  what takes the focus
 * @property {(value: any) => void} show
 */

const BATCHES = [1, 2, 5, 10, 15, 20, 25, 30, 50, 100, 200, 500, 1000];

/**
 * @param {Control} control
 * @param {(value: any) => void} change
 * @returns {Field}
 */
export function field(control, change) {
  const id = freshId(control.key);
  const help = make("span", { id: `${id}-help`, class: "unseen" }, control.help);
  const made = widget(control, id, change);
  made.input.setAttribute("aria-describedby", help.id);
  const label = make("label", { for: id, class: "name" }, control.label);
  const root = make("div", { class: `field of-${control.kind}`, "data-key": control.key, "data-hint": control.help });
  if (control.kind === "switch") root.append(...made.parts, label, help);
  else root.append(label, ...made.parts, help);
  return { root, input: made.input, show: made.show };
}

/**
 * @param {Control} control
 * @param {string} id
 * @param {(value: any) => void} change
 * @returns {{parts: HTMLElement[], input: HTMLElement, show: (value: any) => void}}
 */
function widget(control, id, change) {
  if (control.choices) return choice(control, id, change);
  if (control.kind === "switch") return toggle(id, change);
  if (control.kind === "speed") return speed(control, id, change);
  if (control.menu?.length) return stepper(control, id, change, control.menu.map(Number));
  if (control.key === "batchSize") return stepper(control, id, change, BATCHES);
  if (control.kind === "number" && (control.high ?? Infinity) <= 100) return slider(control, id, change);
  return plain(control, id, change);
}

/** @param {Control} control @param {string} id @param {(value: any) => void} change */
function choice(control, id, change) {
  const input = make("select", { id, onchange: () => change(input.value) }, ...(control.choices ?? []).map(({ value, words }) => make("option", { value }, words)));
  return { parts: [input], input, show: (/** @type {any} */ value) => (input.value = value) };
}

/** @param {Control} control @param {string} id @param {(value: any) => void} change */
function speed(control, id, change) {
  const words = (/** @type {any} */ value) => (value === "max" ? "as fast as it goes" : `${value} ${value === 1 ? "epoch" : "epochs"} a picture`);
  const input = make("select", { id, onchange: () => change(input.value === "max" ? "max" : Number(input.value)) }, ...(control.menu ?? []).map((value) => make("option", { value }, words(value))));
  const show = (/** @type {any} */ value) => {
    if (![...input.options].some((option) => option.value === String(value))) input.append(make("option", { value }, words(value)));
    input.value = String(value);
  };
  return { parts: [input], input, show };
}

/** @param {string} id @param {(value: any) => void} change */
function toggle(id, change) {
  const input = make("input", { id, type: "checkbox", onchange: () => change(input.checked) });
  return { parts: [input], input, show: (/** @type {any} */ value) => (input.checked = value === true) };
}

/** @param {Control} control @param {string} id @param {(value: any) => void} change */
function slider(control, id, change) {
  const output = make("output", { for: id, class: "value" });
  const input = make("input", { id, type: "range", min: control.low ?? 0, max: control.high ?? 1, step: control.step ?? 1 });
  input.addEventListener("input", () => {
    output.textContent = input.value;
    change(input.valueAsNumber);
  });
  const show = (/** @type {any} */ value) => {
    if (input.matches(":active")) return;
    input.value = String(value);
    output.textContent = String(value);
  };
  return { parts: [input, output], input, show };
}

/** @param {Control} control @param {string} id @param {(value: any) => void} change */
function plain(control, id, change) {
  const input = make("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", size: 7 });
  const take = typed(input, control, change);
  return { parts: [input], input, show: take.show };
}

/**
 * A number with a menu: typed freely, or moved along the menu by its buttons and the arrow keys.
 * @param {Control} control @param {string} id @param {(value: any) => void} change @param {number[]} menu
 */
function stepper(control, id, change, menu) {
  const input = make("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", size: 7 });
  const take = typed(input, control, change);
  /** @param {number} by */
  const move = (by) => {
    const now = take.value();
    const next = by > 0 ? menu.find((value) => value > now * (1 + 1e-9)) : menu.findLast((value) => value < now * (1 - 1e-9));
    if (next === undefined) return;
    take.show(next);
    change(next);
  };
  input.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    move(event.key === "ArrowUp" ? 1 : -1);
  });
  // The arrow keys of the field do what these do, so that Tab needs no extra stops.
  const less = make("button", { type: "button", class: "step", tabindex: -1, "aria-label": `${control.label}: smaller`, onclick: () => move(-1) }, "−");
  const more = make("button", { type: "button", class: "step", tabindex: -1, "aria-label": `${control.label}: larger`, onclick: () => move(1) }, "+");
  return { parts: [make("span", { class: "stepper" }, less, input, more)], input, show: take.show };
}

/**
 * A number that is typed: sent with Enter or when the field is left, taken back with Escape.
 * @param {HTMLInputElement} input
 * @param {Control} control
 * @param {(value: any) => void} change
 */
export function typed(input, control, change) {
  let known = Number(control.default);
  let dirty = false;
  const low = control.low ?? -Infinity, high = control.high ?? Infinity;
  function take() {
    if (!dirty) return;
    dirty = false;
    const value = Number(input.value.replace(",", "."));
    const fits = input.value.trim() !== "" && value >= low && value <= high && (control.kind !== "whole" || Number.isInteger(value));
    input.setAttribute("aria-invalid", String(!fits));
    if (fits && value !== known) change(value);
    if (!fits) dirty = true; // it stays to be mended
  }
  input.addEventListener("input", () => (dirty = true));
  input.addEventListener("change", take);
  input.addEventListener("blur", () => {
    if (input.getAttribute("aria-invalid") === "true") show(known, true);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") take();
    if (event.key === "Escape") show(known, true);
  });
  /** @param {any} value @param {boolean} [force] */
  function show(value, force = false) {
    known = Number(value);
    if (dirty && !force && document.activeElement === input) return;
    dirty = false;
    input.removeAttribute("aria-invalid");
    if (input.value !== String(value)) input.value = String(value);
  }
  return { show, value: () => known };
}
