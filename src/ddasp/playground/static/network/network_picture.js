// @ts-check
// Links and units on one canvas: width and strength of a link by the size of its weight, colour and
// dashes by its sign (negative ones are dashed), a unit's own picture in its square.
//
// Only what is seen differently is drawn again: a weight becomes one of a hundred levels, and when
// neither a level nor a picture has changed, nothing is drawn. Dashes are the dearest thing to draw
// without a graphics processor, so they are long; they run along while it trains (not with reduced
// motion, and not in networks of many links, where running lines only confuse). Links lie on a canvas
// of their own: where there are many, they are drawn eight times a second while it trains, for a line
// does not visibly change its width within a sixtieth of a second; few are drawn at every second frame. The
// pictures of few units are drawn at every frame, those of many at every second one.

import { signedTable } from "../shell/colours.js";
import { biasOf, pathOf } from "./network_layout.js";
import { offsetOf } from "../shell/frame.js";

/** @typedef {import("./network_layout.js").Layout} Layout */
/** @typedef {import("../shell/frame.js").Frame} Frame */
/** @typedef {import("../shell/types.js").Unit} Unit */

const LEVELS = 50; // of |w| up to LARGEST, on each side of zero
const LARGEST = 5;
const DASH = [7, 5];
const MOST_MOVING = 60; // links; more of them stand still and are drawn less often
const PATIENCE = 120; // ms between two drawings of many links
const MOST_AT_EVERY_FRAME = 24; // units
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

export class Picture {
  /**
   * @param {HTMLCanvasElement} under  for the links
   * @param {HTMLCanvasElement} over  for the units
   * @param {import("../shell/app.js").App} app
   */
  constructor(under, over, app) {
    this.app = app;
    const lines = under.getContext("2d");
    const context = over.getContext("2d");
    const atlas = document.createElement("canvas");
    const pictures = atlas.getContext("2d");
    if (!lines || !context || !pictures) throw new Error("this browser gives no canvas to draw on");
    this.lines = lines;
    this.context = context;
    this.drawnAt = 0;
    this.turn = false;
    this.linksAreOld = true;
    this.atlas = pictures;
    /** @type {Layout|null} */
    this.layout = null;
    /** @type {Path2D[]} */
    this.paths = [];
    this.offsets = new Int32Array(0);
    this.levels = new Int8Array(0);
    this.biasOffsets = new Int32Array(0);
    this.biasLevels = new Int8Array(0);
    /** @type {ImageData|null} */
    this.image = null;
    this.pixels = new Uint32Array(0);
    /** @type {Uint32Array[]} one table for each unit */
    this.tables = [];
    /** @type {Unit|null} */
    this.near = null; // the unit whose links stand out
    this.stale = true;
    this.shift = 0;
    this.scale = 1;
    app.on("theme", () => {
      this.stale = true;
      this.tables = [];
    });
  }

  /** @param {Layout} layout @param {number[]} widths @param {number} scale */
  place(layout, widths, scale) {
    this.scale = scale;
    this.layout = layout;
    const density = devicePixelRatio;
    for (const context of [this.lines, this.context]) {
      context.canvas.width = Math.round(layout.width * density);
      context.canvas.height = Math.round(layout.height * density);
      context.setTransform(density, 0, 0, density, 0, 0);
    }
    this.paths = layout.links.map((link) => new Path2D(pathOf(link)));
    this.offsets = Int32Array.from(layout.links, (link) => offsetOf(widths, link.layer, link.from, link.to));
    this.levels = new Int8Array(layout.links.length);
    const behind = layout.units.slice(1).flat();
    this.biasOffsets = Int32Array.from(behind, (at) => offsetOf(widths, at.layer, null, at.unit));
    this.biasLevels = new Int8Array(behind.length);
    this.tables = [];
    this.stale = true;
  }

  /** @param {Unit|null} unit */
  emphasise(unit) {
    if (unit?.layer === this.near?.layer && unit?.unit === this.near?.unit) return;
    this.near = unit;
    this.stale = true;
    if (this.app.frame) this.draw(this.app.frame);
  }

  /**
   * Draws a frame; gives back whether there was something to draw.
   * @param {Frame} frame
   */
  draw(frame) {
    const { layout, context } = this;
    if (!layout || frame.widths.length !== layout.units.length || frame.widths.some((n, l) => n !== layout.units[l].length)) return false; // of the network before
    const few = layout.links.length <= MOST_MOVING;
    const moving = frame.running && !CALM.matches && few;
    this.turn = !this.turn;
    const unitsDue = this.turn || this.stale || !frame.running || this.biasLevels.length <= MOST_AT_EVERY_FRAME;
    const picturesChanged = unitsDue && this.paint(frame);
    const biasesChanged = unitsDue && relevel(this.biasLevels, this.biasOffsets, frame.theta);
    if (relevel(this.levels, this.offsets, frame.theta) || moving || this.stale) this.linksAreOld = true;
    const now = performance.now();
    const linksDue = this.linksAreOld && (this.stale || !frame.running || (few ? this.turn : now - this.drawnAt > PATIENCE));
    if (linksDue) {
      this.linksAreOld = false;
      this.drawnAt = now;
      if (moving) this.shift = (this.shift + 0.5) % (DASH[0] + DASH[1]);
      this.drawLinks(moving);
    }
    if (this.stale || biasesChanged || picturesChanged) {
      context.clearRect(0, 0, layout.width, layout.height);
      this.drawUnits(frame);
      this.drawBiases();
    }
    this.stale = false;
    return linksDue || biasesChanged || picturesChanged;
  }

  /** @param {boolean} moving */
  drawLinks(moving) {
    const { lines: context, layout, near, levels, paths, app } = this;
    if (!layout) return;
    const [negative, positive] = [app.colour("negative"), app.colour("positive")];
    context.clearRect(0, 0, layout.width, layout.height);
    context.lineCap = "butt";
    for (let k = 0; k < paths.length; k++) {
      const level = levels[k], size = Math.abs(level) / LEVELS;
      const link = layout.links[k];
      const far = near !== null && !(link.layer === near.layer && link.to === near.unit) && !(link.layer === near.layer + 1 && link.from === near.unit);
      context.globalAlpha = (0.22 + 0.78 * Math.min(1, 2.2 * size)) * (far ? 0.18 : 1);
      context.lineWidth = this.scale * (0.8 + 7 * size);
      context.strokeStyle = level < 0 ? negative : positive;
      if (level < 0) {
        context.setLineDash(DASH);
        context.lineDashOffset = moving ? -this.shift : 0;
      } else {
        context.setLineDash(NONE);
      }
      context.stroke(paths[k]);
    }
    context.globalAlpha = 1;
    context.setLineDash(NONE);
  }

  /** @param {Frame} frame */
  drawUnits(frame) {
    const { context, layout, atlas } = this;
    if (!layout) return;
    const T = frame.thumbnail;
    context.imageSmoothingEnabled = false;
    let k = 0;
    for (const column of layout.units) {
      for (const at of column) {
        context.drawImage(atlas.canvas, 0, T * k, T, T, Math.round(at.x - at.size / 2), Math.round(at.y - at.size / 2), at.size, at.size);
        k += 1;
      }
    }
  }

  drawBiases() {
    const { context, layout, biasLevels, app } = this;
    if (!layout) return;
    let k = 0;
    for (const column of layout.units.slice(1)) {
      for (const at of column) {
        const { x, y, side } = biasOf(at);
        const level = biasLevels[k++];
        context.fillStyle = app.colour("surface");
        context.fillRect(x, y, side, side);
        context.globalAlpha = 0.25 + 0.75 * Math.min(1, (2.2 * Math.abs(level)) / LEVELS);
        context.fillStyle = app.colour(level < 0 ? "negative" : "positive");
        context.fillRect(x, y, side, side);
        context.globalAlpha = 1;
        context.lineWidth = 1;
        context.strokeStyle = app.colour("ink");
        context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
        context.beginPath(); // a minus or a plus: the sign without colour
        context.moveTo(x + 2.5, y + side / 2);
        context.lineTo(x + side - 2.5, y + side / 2);
        if (level >= 0) {
          context.moveTo(x + side / 2, y + 2.5);
          context.lineTo(x + side / 2, y + side - 2.5);
        }
        context.stroke();
      }
    }
  }

  /**
   * The units' pictures, one below the other; whether one has changed.
   * @param {Frame} frame
   */
  paint(frame) {
    const { thumbnails, thumbnail: T } = frame;
    if (!T) return false;
    const area = T * T, n = thumbnails.length / area;
    if (this.tables.length !== n) this.prepare(frame, n);
    if (!this.image || this.image.height !== n * T || this.image.width !== T) {
      this.atlas.canvas.width = T;
      this.atlas.canvas.height = n * T;
      this.image = new ImageData(T, n * T);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const { pixels, tables } = this;
    let changed = false;
    for (let k = 0; k < n; k++) {
      const table = tables[k];
      for (let p = k * area; p < (k + 1) * area; p++) {
        const colour = table[thumbnails[p]];
        if (colour !== pixels[p]) {
          pixels[p] = colour;
          changed = true;
        }
      }
    }
    if (changed) this.atlas.putImageData(this.image, 0, 0);
    return changed;
  }

  /** @param {Frame} frame @param {number} n */
  prepare(frame, n) {
    const { app } = this;
    const [low, middle, high] = ["negative", "neutral", "positive"].map((name) => app.colour(name));
    const signed = signedTable(low, middle, high);
    this.tables = Array.from({ length: n }, () => signed);
    const nOut = frame.widths[frame.widths.length - 1];
    if (nOut > 1) for (let j = 0; j < nOut; j++) this.tables[n - nOut + j] = signedTable(middle, middle, app.colour(`category-${(j % 8) + 1}`));
  }
}

/** @type {number[]} */
const NONE = [];

/**
 * Each parameter as a level; whether one has changed. A number that is none is drawn as zero.
 * @param {Int8Array} levels
 * @param {Int32Array} offsets
 * @param {Float32Array} theta
 */
function relevel(levels, offsets, theta) {
  let changed = false;
  for (let k = 0; k < offsets.length; k++) {
    const value = theta[offsets[k]];
    let level = Math.round((Math.min(Math.abs(value), LARGEST) / LARGEST) * LEVELS) || 0;
    if (value < 0) level = -Math.max(1, level);
    if (level !== levels[k]) {
      levels[k] = level;
      changed = true;
    }
  }
  return changed;
}
