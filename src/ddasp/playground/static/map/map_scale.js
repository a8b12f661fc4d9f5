// @ts-check
// The colour scale beside the map: which colour is which value, with the boundary marked in it.

import { fixed, roundStep } from "../shell/axes.js";
import { hex } from "../shell/colours.js";
import { addShape, shapeOf, tokenOf } from "../shell/markers.js";

/** @typedef {import("./map_picture.js").Box} Box */
/** @typedef {import("../shell/axes.js").Look} Look */

/**
 * One bar from the lowest value (below) to the highest.
 * @param {CanvasRenderingContext2D} context
 * @param {import("../shell/frame.js").Frame} frame
 * @param {Uint32Array} table
 * @param {Box} box
 * @param {Look} look
 * @param {number} boundary
 */
export function drawSignedScale(context, frame, table, box, look, boundary) {
  const [low, high] = frame.scale;
  drawBar(context, table, 0, box, look);
  /** @param {number} value */
  const at = (value) => box.top + box.height * (1 - (value - low) / (high - low));
  const values = [low, boundary, high].filter((value, k) => k === 1 || Math.abs(value - boundary) > 0.05 * (high - low));
  const places = Math.max(0, -Math.floor(Math.log10(roundStep(high - low, 20)) + 1e-9));
  context.font = `${look.size}px ${look.font}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = look.quiet;
  for (const value of values) {
    const y = Math.min(Math.max(at(value), box.top + 5), box.top + box.height - 5);
    context.fillText(short(value, places), box.left + box.width + 6, y + 1);
  }
  const y = Math.round(at(boundary)) + 0.5;
  context.beginPath();
  context.moveTo(box.left, y);
  context.lineTo(box.left + box.width, y);
  context.lineWidth = 1.5;
  context.strokeStyle = look.ink;
  context.stroke();
}

/**
 * One bar for each class, from chance (below) to certainty.
 * @param {CanvasRenderingContext2D} context
 * @param {import("../shell/app.js").App} app
 * @param {import("./map_picture.js").Picture} picture
 * @param {Box} box
 * @param {Look} look
 */
export function drawClassScale(context, app, picture, box, look) {
  picture.prepare();
  const classes = app.data?.classes ?? [];
  const n = Math.min(classes.length, 8);
  if (!n || !picture.categories.length) return;
  const width = Math.max(2, Math.min(8, Math.floor(26 / n)));
  const height = box.height - 18; // the class' marker stands below its bar
  for (let k = 0; k < n; k += 1) {
    const first = 256 * k + Math.round(255 / classes.length);
    const bar = { left: box.left + k * width, top: box.top, width: width - 1, height };
    drawBar(context, picture.categories, first, bar, look, 256 * (k + 1) - 1);
    if (width < 6) continue;
    const path = new Path2D();
    addShape(path, shapeOf(k), bar.left + bar.width / 2, box.top + height + 9, 2.9);
    context.fillStyle = app.colour(tokenOf(k, classes.length));
    context.fill(path);
  }
  context.font = `${look.size}px ${look.font}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = look.quiet;
  const left = box.left + n * width + 3;
  context.fillText("1", left, box.top + 6);
  context.fillText(fixed(1 / classes.length, 2).replace(/^0/, ""), left, box.top + height - 5);
  context.textBaseline = "bottom";
  context.fillText("p", box.left + (n * width) / 2 - 4, box.top - 8);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Uint32Array} table
 * @param {number} first  entry at the lower end
 * @param {Box} box
 * @param {Look} look
 * @param {number} [last]  entry at the upper end
 */
function drawBar(context, table, first, box, look, last = first + 255) {
  for (let row = 0; row < box.height; row += 1) {
    context.fillStyle = hex(table, Math.round(last + ((first - last) * row) / (box.height - 1)));
    context.fillRect(box.left, box.top + row, box.width, 1);
  }
  context.lineWidth = 1;
  context.strokeStyle = look.rule;
  context.strokeRect(box.left - 0.5, box.top - 0.5, box.width + 1, box.height + 1);
}

/**
 * @param {number} value
 * @param {number} places
 */
function short(value, places) {
  const text = fixed(value, places);
  return text.includes(".") ? text.replace(/\.?0+$/, "") || "0" : text;
}
