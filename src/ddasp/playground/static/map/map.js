// @ts-check
// The map: what the network says at every place, and the points it learns from on top.
//
// Three layers: the picture (drawn with every frame), axes and points (only when data, view or size
// change), and what the pointer does (only when it moves). All of it can be reached by keyboard: the
// arrows go from point to point, Enter takes one up, and with a brush they move the brush.

import { drawAxes, scale, ticks } from "../shell/axes.js";
import { makeStage, nextBeat } from "../shell/canvas.js";
import { drawClassScale, drawSignedScale } from "./map_scale.js";
import { mountLegend } from "./map_legend.js";
import { Points } from "./map_points.js";
import { Picture, boundaryValue } from "./map_picture.js";
import { FOCUS, lineName, lineRange, mapWords } from "./map_words.js";
import { fill, make, write } from "../shell/make.js";
import { mountPainting } from "./painting.js";

/** @typedef {import("./map_points.js").Geometry} Geometry */

const MARGIN = { top: 26, right: 56, bottom: 44 };
const REACH = 14;

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  const picture = new Picture(app);
  const points = new Points(app);
  /** @type {Geometry|null} */
  let geometry = null;
  const words = mapWords(app, points, () => geometry);
  let hovered = -1;
  /** @type {{x: number, y: number}|null} */
  let pointer = null;
  /** @type {number[][]} places of recordings, newest last */
  let recordings = [];

  const stage = makeStage(3, { label: "Map", class: "map-stage", heightOf, draw: drawAll });
  const tip = make("div", { class: "map-tip", hidden: true, "aria-hidden": "true" });
  const empty = make("p", { class: "map-empty" }, "Waiting for the first points.");
  const surface = make("div", {
    class: "map-surface", tabindex: 0, role: "application", "aria-roledescription": "map",
    "aria-label": "Points of the map. Arrow keys go from point to point, Enter selects and plays.",
  });
  const caption = make("p", { class: "map-caption note" });
  stage.element.append(surface, tip, empty);
  const painting = mountPainting(app, { surface, points, place, toValues, redraw: () => drawOver(), geometry: () => geometry });
  const legend = mountLegend(app);
  root.classList.add("map");
  root.append(painting.toolbar, stage.element, legend, caption);
  const title = root.closest("section")?.querySelector("h2");

  const redraw = nextBeat(() => {
    stage.fit();
    drawAll();
  });

  // --- Layout ----------------------------------------------------------------------------------

  /** @param {number} width */
  function heightOf(width) {
    return plotSize(width) + MARGIN.top + MARGIN.bottom;
  }

  /** The plot is square, and never higher than the screen. @param {number} width */
  function plotSize(width) {
    return Math.round(Math.max(160, Math.min(width - leftMargin() - MARGIN.right, Math.max(0.72 * innerHeight, 320))));
  }

  /** As wide as the texts at the upright axis. */
  function leftMargin() {
    const upright = app.view.axes.length ? uprightRange() : { low: -6, high: 6 };
    return 16 + 7 * Math.max(2, ...ticks(upright.low, upright.high, 5).texts.map((text) => text.length));
  }

  function uprightRange() {
    return app.view.kind === "line" ? lineRange(app, app.frame) : app.view.axes[1];
  }

  function layOut() {
    const { view } = app;
    if (!stage.width || !view.axes.length) return null;
    const size = plotSize(stage.width);
    const line = view.kind === "line";
    const [first, upright] = [view.axes[0], uprightRange()];
    const [left, top] = [leftMargin(), MARGIN.top];
    return {
      x: scale(first.low, first.high, left, left + size),
      y: scale(upright.low, upright.high, top + size, top),
      left, top, width: size, height: size, line,
    };
  }

  // --- Drawing ---------------------------------------------------------------------------------

  function drawAll() {
    geometry = layOut();
    empty.hidden = Boolean(geometry && app.data && app.data.y.length);
    write(empty, app.data && !app.data.y.length ? "No points yet: choose Paint above and click here, or load a file." : "Waiting for the first points.");
    if (!geometry) return;
    for (const side of /** @type {const} */ (["left", "top", "width", "height"])) surface.style[side] = `${geometry[side]}px`;
    points.place(geometry);
    drawPicture();
    drawMarks();
    drawOver();
  }

  function drawPicture() {
    const { frame } = app;
    if (!geometry || !frame || !stage.seen()) return;
    const [context] = stage.layers;
    if (frame.curve) {
      context.clearRect(0, 0, stage.width, stage.height);
      picture.drawCurves(context, frame, geometry.x, geometry.y);
    } else if (!geometry.line) {
      picture.draw(context, frame, geometry);
    }
  }

  function drawMarks() {
    if (!geometry || !stage.seen()) return;
    const context = stage.layers[1];
    context.clearRect(0, 0, stage.width, stage.height);
    const { view, frame } = app;
    const look = { ink: app.colour("ink"), quiet: app.colour("quiet"), rule: app.colour("rule"), font: fontOf(), size: 12 };
    const count = Math.max(3, geometry.width / 64);
    drawAxes(context, {
      x: geometry.x, y: geometry.y, grid: geometry.line,
      xTicks: ticks(geometry.x.low, geometry.x.high, count), yTicks: ticks(geometry.y.low, geometry.y.high, count),
      xName: view.axes[0].name, yName: geometry.line ? lineName(app) : view.axes[1].name,
    }, look);
    if (frame && !geometry.line) {
      const box = { left: geometry.left + geometry.width + 12, top: geometry.top, width: 12, height: geometry.height };
      if (frame.classes) drawClassScale(context, app, picture, box, look);
      else drawSignedScale(context, frame, picture.table, box, look, boundaryValue(app, frame));
    }
    if (frame && geometry.line && app.data?.kind === "classification" && !frame.classes && app.spec.widths[app.spec.widths.length - 1] === 1) {
      const y = Math.round(geometry.y.at(boundaryValue(app, frame))) + 0.5; // where the decision changes
      context.beginPath();
      context.setLineDash([4, 4]);
      context.moveTo(geometry.left, y);
      context.lineTo(geometry.left + geometry.width, y);
      context.strokeStyle = look.quiet;
      context.stroke();
      context.setLineDash([]);
    }
    points.draw(context);
    for (const [x, y] of recordings) drawRecording(context, x, y);
  }

  function drawOver() {
    if (!geometry || !stage.seen()) return;
    const context = stage.layers[2];
    context.clearRect(0, 0, stage.width, stage.height);
    const { selection, data } = app;
    const selected = selection && "sample" in selection ? selection.sample : -1;
    if (data && selected >= 0 && selected < points.n) drawRing(context, selected, 2.5);
    if (hovered >= 0 && hovered < points.n && hovered !== selected) drawRing(context, hovered, 1.5);
    painting.draw(context);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} k
   * @param {number} width
   */
  function drawRing(context, k, width) {
    context.beginPath();
    context.arc(points.px[k], points.py[k], points.radius + 4.5, 0, 2 * Math.PI);
    context.lineWidth = width + 2.5;
    context.strokeStyle = app.colour("surface");
    context.stroke();
    context.lineWidth = width;
    context.strokeStyle = app.colour("ink");
    context.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} x
   * @param {number} y
   */
  function drawRecording(context, x, y) {
    if (!geometry) return;
    const [px, py, r] = [clamp(geometry.x.at(x), geometry.left, geometry.left + geometry.width), clamp(geometry.y.at(y), geometry.top, geometry.top + geometry.height), 9];
    context.beginPath();
    for (let k = 0; k < 10; k += 1) {
      const [angle, far] = [-Math.PI / 2 + (k * Math.PI) / 5, k % 2 ? 0.42 * r : r];
      context.lineTo(px + far * Math.cos(angle), py + far * Math.sin(angle));
    }
    context.closePath();
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = app.colour("surface");
    context.stroke();
    context.fillStyle = app.colour("ink");
    context.fill();
  }

  const fontOf = () => getComputedStyle(root).fontFamily;

  // --- Pointer and keys ------------------------------------------------------------------------

  /**
   * The place of an event in pixels of the stage.
   * @param {MouseEvent} event
   */
  function place(event) {
    const box = stage.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {{x: number, y: number}} at */
  function toValues(at) {
    return geometry ? [geometry.x.value(at.x), geometry.y.value(at.y)] : [NaN, NaN];
  }

  /** @param {{x: number, y: number}|null} at  in the stage */
  function look(at) {
    pointer = at;
    const before = hovered;
    hovered = at && !painting.busy() ? points.nearest(at.x, at.y, REACH) : -1;
    showTip();
    if (before !== hovered || painting.mode() !== "look") drawOver();
  }

  function showTip() {
    tip.hidden = !pointer || !geometry || painting.busy();
    if (!pointer || !geometry || tip.hidden) return;
    const on = hovered >= 0;
    const at = on ? { x: points.px[hovered], y: points.py[hovered] } : pointer;
    const values = on && app.data && !geometry.line ? app.data.x[hovered] : on ? [geometry.x.value(at.x), points.height(hovered)] : toValues(at);
    const lines = [words.placeWords(values[0], values[1]), on && !Number.isNaN(points.away[hovered]) ? "outside of the map" : words.saidAt(at.x, at.y)];
    if (on) lines.unshift(words.pointWords(hovered));
    fill(tip, ...lines.filter(Boolean).map((text) => make("span", {}, text)));
    const toLeft = at.x > geometry.left + geometry.width / 2;
    tip.style.left = toLeft ? "" : `${at.x + 14}px`;
    tip.style.right = toLeft ? `${stage.width - at.x + 14}px` : "";
    tip.style.top = `${Math.max(0, at.y - 10)}px`;
  }

  /** @param {number} k */
  function select(k) {
    if (k < 0) return app.select(null);
    const { selection } = app;
    // Taken up a second time, a point is played a second time.
    if (selection && "sample" in selection && selection.sample === k) app.select(null);
    app.select({ sample: k });
    return undefined;
  }

  const HEADINGS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });
  surface.addEventListener("pointermove", (event) => look(place(event)));
  surface.addEventListener("pointerleave", () => look(null));
  surface.addEventListener("click", (event) => {
    if (painting.mode() !== "look") return;
    const at = place(event);
    select(points.nearest(at.x, at.y, REACH));
  });
  surface.addEventListener("keydown", (event) => {
    if (painting.mode() !== "look" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in HEADINGS && geometry) {
      event.preventDefault();
      const from = hovered >= 0 ? hovered : app.selection && "sample" in app.selection ? app.selection.sample : -1;
      const [dx, dy] = HEADINGS[event.key];
      const to = points.next(from, dx, dy, geometry);
      if (to >= 0) {
        look({ x: points.px[to], y: points.py[to] });
        hovered = to;
        app.say(`${words.pointWords(to)}; ${words.saidAt(points.px[to], points.py[to])}`);
      }
    } else if ((event.key === "Enter" || event.key === " ") && hovered >= 0) {
      event.preventDefault();
      select(hovered);
    } else if (event.key === "Escape") {
      look(null);
      app.select(null);
    }
  });
  surface.addEventListener("blur", () => look(null));

  // --- News ------------------------------------------------------------------------------------

  let scaleShown = "";
  app.on("frame", (frame) => {
    if (!geometry || geometry.line !== (app.view.kind === "line")) drawAll();
    else drawPicture();
    const now = `${frame.scale} ${frame.flags & (4 | FOCUS)}`;
    if (now !== scaleShown) {
      scaleShown = now; // the scale beside the map belongs to the picture
      if (app.view.kind === "line") redraw();
      else drawMarks();
    }
    if (pointer) showTip();
    stage.describe(words.finding);
  });
  app.on("data", () => {
    hovered = -1;
    if (app.data && app.data.x.length && app.data.title !== dataTitle) recordings = [];
    dataTitle = app.data?.title ?? "";
    redraw();
  });
  let dataTitle = "";
  app.on("settings", () => {
    write(caption, String(app.view.words ?? ""));
    caption.hidden = !app.view.words;
    redraw();
  });
  app.on("select", () => drawOver());
  app.on("focus", () => {
    if (title) write(title, app.focused ? words.shownName().replace(/^./, (letter) => letter.toUpperCase()) : "Output");
  });
  app.on("theme", redraw);
  app.on("resize", redraw);
  app.on("recording", (message) => {
    if (!Array.isArray(message.x)) return;
    recordings = [...recordings.slice(-4), message.x];
    redraw();
  });
}

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
