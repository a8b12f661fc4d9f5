// @ts-check
// The map in words: what is at a place, what a point is, what the whole picture shows. The tooltip
// and those who hear the page get the same ones.

import { fixed, percent, roundStep, significant } from "../shell/axes.js";
import { boundaryValue, byteOf, readAt, readCurve } from "./map_picture.js";

const SETS = ["training", "validation", "test"];
export const FOCUS = 16; // flag of a frame that shows one unit

/**
 * @param {import("../shell/app.js").App} app
 * @param {import("./map_points.js").Points} points
 * @param {() => import("./map_points.js").Geometry|null} where
 */
export function mapWords(app, points, where) {
  /**
   * What the picture says at a place, in words.
   * @param {number} px
   * @param {number} py
   */
  function saidAt(px, py) {
    const geometry = where();
    const { frame, data } = app;
    if (!frame || !geometry || !data) return "";
    const [u, v] = [(px - geometry.left) / geometry.width, (py - geometry.top) / geometry.height];
    if (frame.curve) {
      const outputs = readCurve(frame, u);
      if (outputs.length > 1) {
        const code = outputs.indexOf(Math.max(...outputs));
        return `${data.classes[code]} with probability ${fixed(outputs[code], 2)}`;
      }
      return `${shownName()} ${significant(outputs[0])}`;
    }
    if (geometry.line) return "";
    const read = readAt(frame, u, v);
    if ("code" in read) return `${data.classes[read.code]} with probability ${fixed(read.probability, 2)}`;
    const value = `${shownName()} ${fixed(read.value, 2)}`;
    if (frame.flags & FOCUS || data.kind === "regression") return value;
    return `${value}: ${data.classes[read.value >= boundaryValue(app, frame) ? 1 : 0]}`;
  }

  /** The output, or the unit that is looked at. */
  function shownName() {
    if (!app.focused) return "output";
    const { layer, unit } = app.focused;
    return layer === 0 ? (app.inputs.filter((one) => one.on)[unit]?.name ?? `input ${unit + 1}`) : `unit ${unit + 1} of layer ${layer}`;
  }

  /** @param {number} k */
  function pointWords(k) {
    const { data } = app;
    if (!data) return "";
    const label = data.kind === "regression" ? `target ${significant(data.y[k])}` : data.classes[data.y[k]];
    const group = data.groups?.[k] ? `, ${data.groups[k]}` : "";
    return `point ${k + 1}, ${label}, ${SETS[data.sets[k]]}${group}`;
  }

  /** @param {number} x @param {number} y */
  function placeWords(x, y) {
    const geometry = where();
    if (!geometry) return "";
    const [dx, dy] = [geometry.x.high - geometry.x.low, geometry.y.high - geometry.y.low].map((span) => Math.max(0, -Math.floor(Math.log10(roundStep(span, 200)))));
    const across = `${app.view.axes[0].name} ${fixed(x, dx)}`;
    return geometry.line && app.data?.kind !== "regression" ? across : `${across}   ${geometry.line ? lineName(app) : app.view.axes[1].name} ${fixed(y, dy)}`;
  }

  /** The finding of the picture for those who don't see it. */
  function finding() {
    const { frame, data } = app;
    if (!frame || !data) return "Map: nothing to show yet.";
    const shown = `${points.shown.length} of ${data.y.length} points are shown`;
    const [first, second] = app.view.axes;
    const over = app.view.kind === "line" ? `over ${first.name}` : `over ${first.name} and ${second.name}`;
    if (frame.classes) {
      const counts = new Array(data.classes.length).fill(0);
      for (const code of frame.classes) counts[code] += 1;
      const shares = counts.map((n, k) => `${data.classes[k]} ${percent(n / frame.side ** 2, 10)}`);
      return `Map of the likeliest class ${over}. Share of the area: ${shares.join(", ")}. ${shown}.`;
    }
    const values = frame.curve ?? frame.map;
    const boundary = frame.curve ? boundaryValue(app, frame) : byteOf(boundaryValue(app, frame), frame);
    let [above, low, high] = [0, Infinity, -Infinity];
    for (const value of values) {
      above += value >= boundary ? 1 : 0;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const toValue = (/** @type {number} */ value) => (frame.curve ? value : frame.scale[0] + (value / 255) * (frame.scale[1] - frame.scale[0]));
    const what = data.kind === "classification" && !(frame.flags & FOCUS) ? `decided ${data.classes[1]}` : `above ${fixed(boundaryValue(app, frame), 1)}`;
    return `${frame.curve ? "Curve" : "Map"} of ${shownName()} ${over}: ${percent(above / values.length, 10)} of it is ${what}; values from ${fixed(toValue(low), 2)} to ${fixed(toValue(high), 2)}. ${shown}.`;
  }

  return { saidAt, shownName, pointWords, placeWords, finding };
}

/**
 * The range of the upright axis when the view is a line.
 * @param {import("../shell/app.js").App} app
 * @param {import("../shell/frame.js").Frame|null} frame
 */
export function lineRange(app, frame) {
  const { data, spec, view } = app;
  if (frame && frame.flags & FOCUS) {
    const [low, high] = frame.scale;
    const margin = 0.06 * (high - low) || 1;
    return { low: low - margin, high: high + margin };
  }
  if (data?.kind === "regression") return view.axes[1] ?? { low: -1, high: 1 };
  if (spec.activations[spec.activations.length - 1] === "tanh") return { low: -1.2, high: 1.2 };
  return { low: -0.1, high: data && data.classes.length > 2 ? 1.06 + 0.05 * data.classes.length : 1.1 };
}

/** @param {import("../shell/app.js").App} app */
export function lineName(app) {
  if (app.focused) return "unit's output";
  if (app.data?.kind === "regression") return app.view.axes[1]?.name ?? "target";
  const last = app.spec.activations[app.spec.activations.length - 1];
  if (last === "tanh") return "output";
  return last === "sigmoid" ? `probability of ${app.data?.classes[1] ?? "class 1"}` : "probability";
}
