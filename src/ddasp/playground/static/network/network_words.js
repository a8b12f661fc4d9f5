// @ts-check
// How the parts of the network are called, and their numbers now.

import { significant } from "../shell/axes.js";
import { offsetOf } from "../shell/frame.js";
import { shownInputs } from "./network_layout.js";

/** @typedef {import("../shell/app.js").App} App */
/**
 * @typedef {{kind: "unit"|"bias"|"link", layer: number, to: number, from: number}} Part
 *   a unit, its bias, or the weight from unit `from` of the layer before; -1 where there is none
 */

/** @param {Part} part */
export const keyOf = ({ kind, layer, to, from }) => `${kind}-${layer}-${to}-${from}`;

/**
 * @param {App} app
 * @param {number} layer
 * @param {number} unit
 */
export function unitName(app, layer, unit) {
  const last = app.spec.widths.length - 1;
  if (layer === 0) return shownInputs(app.inputs).filter((one) => one.on)[unit]?.name ?? `input ${unit + 1}`;
  if (layer < last) return `unit ${unit + 1} of layer ${layer}`;
  const classes = app.data?.classes ?? [];
  return app.spec.widths[last] > 1 ? `output “${classes[unit] ?? unit + 1}”` : "the output";
}

/** @param {App} app @param {Part} part */
export function partName(app, part) {
  const unit = unitName(app, part.layer, part.to);
  if (part.kind === "bias") return `bias of ${unit}`;
  if (part.kind === "link") return `weight from ${unitName(app, part.layer - 1, part.from)} to ${unit}`;
  return part.layer === 0 ? `input ${unit}` : unit;
}

/**
 * The parameter behind a weight or a bias as it is now; NaN where there is none.
 * @param {App} app
 * @param {Part} part
 */
export function valueOf(app, part) {
  if (!app.frame || part.kind === "unit") return NaN;
  return app.frame.theta[offsetOf(app.frame.widths, part.layer, part.kind === "bias" ? null : part.from, part.to)];
}

/**
 * Its name and number, for the card beside it and for those who hear the page.
 * @param {App} app
 * @param {Part} part
 * @returns {[string, string]}
 */
export function wordsOf(app, part) {
  const name = partName(app, part);
  if (part.kind !== "unit") return [capital(name), significant(valueOf(app, part), 4)];
  if (part.layer === 0) return [capital(name), app.inputs.filter((one) => one.on)[part.to]?.formula ?? ""];
  const bias = valueOf(app, { ...part, kind: "bias" });
  return [capital(name), `${app.spec.activations[part.layer - 1]}, bias ${significant(bias, 3)}`];
}

/** @param {string} text */
export const capital = (text) => (/^[a-z]/.test(text) && !/^[xy](?![a-z])/.test(text) ? text[0].toUpperCase() + text.slice(1) : text);
