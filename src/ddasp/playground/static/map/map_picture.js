// @ts-check
// The picture under the points: what the output, or one unit, says at each place of the plane.
//
// One frame is ten thousand bytes; each is looked up in a table of colours, the small picture is
// scaled to the plot, and the boundary is drawn as a line, so that it can be read without colour.
// Between samples the browser interpolates, as between the samples of any smooth function; decisions
// are not interpolated. With one coordinate the picture is a curve instead.

import { classTable, decidedTable, hex, signedTable } from "../shell/colours.js";
import { classBorders, flatness, levelLine, room, smooth } from "./contour.js";
import { tokenOf } from "../shell/markers.js";

/** @typedef {import("../shell/app.js").App} App */
/** @typedef {import("../shell/frame.js").Frame} Frame */
/** @typedef {import("../shell/axes.js").Scale} Scale */
/** @typedef {{left: number, top: number, width: number, height: number}} Box */

const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

export class Picture {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.small = document.createElement("canvas");
    this.side = 0;
    /** @type {ImageData|null} */
    this.image = null;
    this.pixels = new Uint32Array(0);
    this.pieces = new Float32Array(0);
    this.levels = new Float32Array(0);
    this.between = new Float32Array(0);
    this.signed = new Uint32Array(256);
    this.decided = new Uint32Array(256);
    /** @type {Uint32Array} K tables of 256 */
    this.categories = new Uint32Array(0);
    /** What the tables were made for. */
    this.made = "";
  }

  /** The tables of the theme that is on, made again only when theme or classes change. */
  prepare() {
    const { app } = this;
    const names = app.data?.classes ?? [];
    const wanted = [app.colour("negative"), app.colour("neutral"), app.colour("positive"), names.length, app.settings.discretize].join();
    if (wanted === this.made) return;
    this.made = wanted;
    const [low, middle, high] = ["negative", "neutral", "positive"].map((name) => app.colour(name));
    this.signed = signedTable(low, middle, high);
    this.decided = decidedTable(low, high);
    const colours = names.map((_, k) => app.colour(tokenOf(k, names.length)));
    this.categories = names.length > 2 ? classTable(colours, middle, Boolean(app.settings.discretize)) : new Uint32Array(0);
  }

  /** The table of a picture of values. */
  get table() {
    return this.app.settings.discretize ? this.decided : this.signed;
  }

  /**
   * Draws a frame into a box of the context.
   * @param {CanvasRenderingContext2D} context
   * @param {Frame} frame
   * @param {Box} box
   */
  draw(context, frame, box) {
    this.prepare();
    this.fit(frame.side);
    if (frame.classes && frame.probabilities && this.categories.length) {
      const { categories, pixels } = this;
      for (let k = 0; k < pixels.length; k += 1) pixels[k] = categories[(frame.classes[k] << 8) | frame.probabilities[k]];
    } else {
      const { table, pixels } = this;
      for (let k = 0; k < pixels.length; k += 1) pixels[k] = table[frame.map[k]];
    }
    const small = this.small.getContext("2d");
    if (!small || !this.image) return;
    small.putImageData(this.image, 0, 0);
    context.imageSmoothingEnabled = !this.app.settings.discretize;
    context.imageSmoothingQuality = "low"; // enlarging needs no more
    context.drawImage(this.small, box.left, box.top, box.width, box.height);
    this.drawBoundary(context, frame, box);
  }

  /** @param {number} side */
  fit(side) {
    if (side === this.side) return;
    this.side = side;
    this.small.width = this.small.height = side;
    this.image = new ImageData(side, side);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.pieces = room(side);
    this.levels = new Float32Array(side * side);
    this.between = new Float32Array(side * side);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Frame} frame
   * @param {Box} box
   */
  drawBoundary(context, frame, box) {
    const { pieces, side } = this;
    const n = frame.classes && frame.probabilities
      ? classBorders(frame.classes, frame.probabilities, side, pieces)
      : levelLine(this.smoothed(frame.map), side, byteOf(boundaryValue(this.app, frame), frame), pieces);
    if (!n) return;
    const [dx, dy] = [box.width / side, box.height / side];
    const [x0, y0] = [box.left + dx / 2, box.top + dy / 2];
    context.beginPath();
    for (let k = 0; k < 4 * n; k += 4) {
      context.moveTo(x0 + dx * pieces[k], y0 + dy * pieces[k + 1]);
      context.lineTo(x0 + dx * pieces[k + 2], y0 + dy * pieces[k + 3]);
    }
    context.lineCap = "round";
    context.lineWidth = 1.5;
    context.strokeStyle = this.app.colour("ink");
    context.stroke();
  }

  /** @param {Uint8Array} map @returns {ArrayLike<number>} */
  smoothed(map) {
    const times = flatness(map);
    if (!times) return map;
    smooth(map, this.side, times, this.levels, this.between);
    return this.levels;
  }

  /**
   * The curve of the output over the only coordinate; with classes, one curve for each.
   * @param {CanvasRenderingContext2D} context
   * @param {Frame} frame
   * @param {Scale} x
   * @param {Scale} y
   */
  drawCurves(context, frame, x, y) {
    this.prepare();
    if (!frame.curve) return;
    const n = Math.round(frame.curve.length / frame.side);
    const step = (x.high - x.low) / frame.side;
    context.save();
    context.beginPath();
    context.rect(x.from, y.to, x.to - x.from, y.from - y.to);
    context.clip();
    context.lineJoin = "round";
    for (let k = 0; k < n; k += 1) {
      context.beginPath();
      for (let i = 0; i < frame.side; i += 1) {
        const value = frame.curve[i * n + k];
        const shown = this.app.settings.discretize ? decide(value, boundaryValue(this.app, frame), frame) : value;
        const [px, py] = [x.at(x.low + (i + 0.5) * step), y.at(shown)];
        if (i === 0) context.moveTo(px, py);
        else context.lineTo(px, py);
      }
      context.lineWidth = 2.5;
      context.setLineDash(DASHES[k % DASHES.length]);
      context.strokeStyle = n > 1 ? this.app.colour(tokenOf(k, Math.max(n, 3))) : this.app.colour("ink");
      context.stroke();
    }
    context.setLineDash([]);
    context.restore();
  }

  /** @param {number} byte */
  colourOf(byte) {
    return hex(this.table, byte);
  }
}

/**
 * The value at which the decision, or the sign of a unit, changes.
 * @param {App} app
 * @param {Frame} frame
 */
export function boundaryValue(app, frame) {
  const [low, high] = frame.scale;
  const last = app.spec.activations[app.spec.activations.length - 1];
  const hidden = app.focused && app.focused.layer < app.spec.widths.length - 1;
  if (!hidden && last === "sigmoid") return 0.5;
  return low < 0 && high > 0 ? 0 : (low + high) / 2;
}

/**
 * @param {number} value
 * @param {Frame} frame
 */
export function byteOf(value, frame) {
  const [low, high] = frame.scale;
  return (255 * (value - low)) / (high - low);
}

/**
 * @param {number} value
 * @param {number} boundary
 * @param {Frame} frame
 */
const decide = (value, boundary, frame) => (value >= boundary ? frame.scale[1] : frame.scale[0]);

/**
 * What the picture says at a place: the value, or class and probability.
 * @param {Frame} frame
 * @param {number} u  0 (left) ... 1
 * @param {number} v  0 (top) ... 1
 * @returns {{value: number}|{code: number, probability: number}}
 */
export function readAt(frame, u, v) {
  const { side } = frame;
  const [i, j] = [u, v].map((share) => Math.min(side - 1, Math.max(0, Math.floor(share * side))));
  if (frame.classes && frame.probabilities) {
    return { code: frame.classes[j * side + i], probability: frame.probabilities[j * side + i] / 255 };
  }
  // Between four samples, as the picture is drawn.
  const [x, y] = [u, v].map((share) => Math.min(side - 1, Math.max(0, share * side - 0.5)));
  const [x0, y0] = [Math.min(Math.floor(x), side - 2), Math.min(Math.floor(y), side - 2)];
  const [s, t] = [x - x0, y - y0];
  const at = y0 * side + x0;
  const byte = (1 - t) * ((1 - s) * frame.map[at] + s * frame.map[at + 1])
    + t * ((1 - s) * frame.map[at + side] + s * frame.map[at + side + 1]);
  return { value: frame.scale[0] + (byte / 255) * (frame.scale[1] - frame.scale[0]) };
}

/**
 * The output of a curve at a place, one number for each output.
 * @param {Frame} frame
 * @param {number} u  0 (left) ... 1
 */
export function readCurve(frame, u) {
  if (!frame.curve) return [];
  const n = Math.round(frame.curve.length / frame.side);
  const i = Math.min(frame.side - 1, Math.max(0, Math.floor(u * frame.side)));
  return Array.from(frame.curve.subarray(i * n, (i + 1) * n));
}
