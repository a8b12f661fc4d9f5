// @ts-check
// The points on the map: where each one lies, how it looks, which one is near.
//
// Each kind of marker is drawn once into a small canvas and then stamped, so that thousands of
// points cost little. Points beyond the borders are not dropped: an arrow at the border points there.

import { boundaryValue } from "./map_picture.js";
import { addArrow, addShape, paintShape, shapeOf, tokenOf } from "../shell/markers.js";
import { hex, isDark, signedTable, standingOut } from "../shell/colours.js";

/** @typedef {import("../shell/app.js").App} App */
/** @typedef {import("../shell/axes.js").Scale} Scale */
/** @typedef {{x: Scale, y: Scale, left: number, top: number, width: number, height: number, line: boolean}} Geometry */

const LEVELS = 64; // colours of targets in regression

export class Points {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.n = 0;
    this.px = new Float32Array(0);
    this.py = new Float32Array(0);
    /** Direction of a point that lies outside, NaN for one inside. */
    this.away = new Float32Array(0);
    /** @type {number[]} which points are shown, those on top last */
    this.shown = [];
    this.radius = 3.5;
    /** @type {Map<string, HTMLCanvasElement>} */
    this.stamps = new Map();
    this.stampsFor = "";
    this.targets = new Uint32Array(256);
  }

  /** Points that training does not see are shown when asked for. @param {number} set */
  isShown(set) {
    return set === 0 || Boolean(this.app.settings.showTestData);
  }

  /**
   * Where each point lies.
   * @param {Geometry} geometry
   */
  place(geometry) {
    const { data } = this.app;
    this.n = data ? data.y.length : 0;
    this.shown = [];
    if (!data) return;
    if (this.px.length < this.n) {
      this.px = new Float32Array(this.n);
      this.py = new Float32Array(this.n);
      this.away = new Float32Array(this.n);
    }
    const { left, top, width, height } = geometry;
    this.radius = Math.max(2.4, Math.min(5, width / (this.n > 800 ? 130 : 100)));
    const inner = this.radius + 1;
    for (let set = 0; set < 3; set += 1) {
      if (!this.isShown(set)) continue;
      for (let k = 0; k < this.n; k += 1) if (data.sets[k] === set) this.shown.push(k);
    }
    for (let k = 0; k < this.n; k += 1) {
      const x = geometry.x.at(data.x[k][0]);
      const y = geometry.y.at(geometry.line ? this.height(k) : data.x[k][1]);
      const [cx, cy] = [clamp(x, left, left + width), clamp(y, top, top + height)];
      this.px[k] = clamp(cx, left + inner, left + width - inner);
      this.py[k] = clamp(cy, top + inner, top + height - inner);
      this.away[k] = cx === x && cy === y ? NaN : Math.atan2(y - cy, x - cx);
      if (!Number.isNaN(this.away[k])) [this.px[k], this.py[k]] = [cx, cy];
      else [this.px[k], this.py[k]] = [x, y];
    }
  }

  /**
   * On a line, the height of a point: its target, or where its class stands.
   * @param {number} k
   */
  height(k) {
    const { data, spec } = this.app;
    if (!data) return 0;
    if (data.kind === "regression") return data.y[k];
    const last = spec.activations[spec.activations.length - 1];
    if (data.classes.length > 2) return 1.04 + 0.05 * data.y[k]; // lanes above the probabilities
    return data.y[k] === 1 ? 1 : last === "tanh" ? -1 : 0;
  }

  /** @param {CanvasRenderingContext2D} context */
  draw(context) {
    const { app } = this;
    const { data, frame } = app;
    if (!data) return;
    this.forget();
    const [low, high] = data.kind === "regression" && frame ? frame.scale : [-1, 1];
    const middle = frame ? boundaryValue(app, frame) : 0;
    const reach = Math.max(high - middle, middle - low) || 1;
    for (const k of this.shown) {
      const code = data.kind === "regression"
        ? Math.round((LEVELS - 1) * clamp(0.5 + (data.y[k] - middle) / (2 * reach), 0, 1))
        : data.y[k];
      const outside = !Number.isNaN(this.away[k]);
      this.stamp(context, this.px[k], this.py[k], code, data.sets[k], outside ? this.away[k] : null);
    }
  }

  /** Stamps of another theme, size or set of classes are of no use any more. */
  forget() {
    const { app } = this;
    const now = [app.colour("surface"), app.colour("negative"), app.data?.classes.length, app.data?.kind, this.radius, devicePixelRatio].join();
    if (now === this.stampsFor) return;
    this.stampsFor = now;
    this.stamps.clear();
    this.targets = signedTable(app.colour("negative"), app.colour("neutral"), app.colour("positive"));
  }

  /** @param {number} code @returns {string} */
  colourOf(code) {
    const { app } = this;
    if (app.data?.kind === "regression") return hex(this.targets, Math.round((255 * code) / (LEVELS - 1)));
    return standingOut(app.colour(tokenOf(code, app.data?.classes.length ?? 2)), isDark(app.colour("surface")));
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} x
   * @param {number} y
   * @param {number} code
   * @param {number} set
   * @param {number|null} angle
   */
  stamp(context, x, y, code, set, angle) {
    const look = { paper: this.app.colour("surface"), ink: this.app.colour("ink"), quiet: this.app.colour("quiet") };
    const valued = this.app.data?.kind === "regression";
    if (angle !== null) {
      const path = new Path2D();
      addArrow(path, x, y, angle, 1.3 * this.radius);
      paintShape(context, path, set, this.colourOf(code), look, valued ? new Path2D() : null);
      return;
    }
    const key = `${code} ${set}`;
    const half = Math.ceil(1.5 * this.radius + 3);
    let stamp = this.stamps.get(key);
    if (!stamp) {
      stamp = document.createElement("canvas");
      stamp.width = stamp.height = Math.round(2 * half * devicePixelRatio);
      const small = stamp.getContext("2d");
      if (!small) return;
      small.scale(stamp.width / (2 * half), stamp.width / (2 * half));
      const path = new Path2D();
      addShape(path, valued ? "circle" : shapeOf(code), half, half, this.radius);
      const heart = valued ? new Path2D() : null;
      if (heart) addShape(heart, "circle", half, half, 0.5 * this.radius);
      paintShape(small, path, set, this.colourOf(code), look, heart);
      this.stamps.set(key, stamp);
    }
    const ratio = devicePixelRatio; // on whole pixels of the screen a stamp stays sharp
    context.drawImage(stamp, Math.round((x - half) * ratio) / ratio, Math.round((y - half) * ratio) / ratio, 2 * half, 2 * half);
  }

  /**
   * The shown point nearest to a place, within a reach in pixels; -1 where there is none.
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   */
  nearest(x, y, reach) {
    let best = -1, least = reach * reach;
    for (const k of this.shown) {
      const distance = (this.px[k] - x) ** 2 + (this.py[k] - y) ** 2;
      if (distance <= least) [best, least] = [k, distance];
    }
    return best;
  }

  /**
   * All shown points within a circle.
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   */
  within(x, y, reach) {
    return this.shown.filter((k) => (this.px[k] - x) ** 2 + (this.py[k] - y) ** 2 <= reach * reach);
  }

  /**
   * The next point in a direction: near, and rather straight ahead than beside.
   * @param {number} from  -1: from the middle
   * @param {number} dx
   * @param {number} dy
   * @param {Geometry} geometry
   */
  next(from, dx, dy, geometry) {
    const x = from >= 0 ? this.px[from] : geometry.left + geometry.width / 2;
    const y = from >= 0 ? this.py[from] : geometry.top + geometry.height / 2;
    let best = -1, least = Infinity;
    for (const k of this.shown) {
      if (k === from) continue;
      const ahead = (this.px[k] - x) * dx + (this.py[k] - y) * dy;
      const beside = Math.abs((this.px[k] - x) * dy) + Math.abs((this.py[k] - y) * dx);
      if (ahead <= 0) continue;
      const cost = ahead + 2.5 * beside;
      if (cost < least) [best, least] = [k, cost];
    }
    return best;
  }
}

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
