// @ts-check
// Below the map: which shape is which class, which outline is which set, and what to show of both.

import { isDark, standingOut } from "../shell/colours.js";
import { addShape, paintShape, shapeOf, tokenOf } from "../shell/markers.js";
import { fill, make } from "../shell/make.js";

const SETS = ["training", "validation", "test"];

/** @param {import("../shell/app.js").App} app */
export function mountLegend(app) {
  const classes = make("ul", { class: "map-key", "aria-label": "Classes" });
  const sets = make("ul", { class: "map-key", "aria-label": "Sets" });
  const switches = make("div", { class: "map-switches" });
  const root = make("div", { class: "map-legend" }, classes, sets, switches);
  /** @type {Record<string, HTMLInputElement>} */
  const boxes = {};
  for (const [key, label] of [["showTestData", "Show validation and test points"], ["discretize", "Discretise output"]]) {
    const box = make("input", { type: "checkbox", "data-key": key, onchange: () => app.change({ [key]: box.checked }) });
    boxes[key] = box;
    switches.append(make("label", { "data-for": key }, box, ` ${label}`));
  }

  function show() {
    const { data, settings } = app;
    for (const [key, box] of Object.entries(boxes)) {
      box.checked = Boolean(settings[key]);
      if (box.parentElement) box.parentElement.hidden = String(settings.hide ?? "").split(",").includes(key);
    }
    if (!data) return;
    const n = data.classes.length;
    const counts = [0, 0, 0];
    for (const set of data.sets) counts[set] += 1;
    const members = data.classes.map(() => 0);
    if (n) for (const code of data.y) members[code] += 1;
    fill(classes, ...data.classes.map((name, k) => make("li", {}, icon(app, shapeOf(k), 0, standingOut(app.colour(tokenOf(k, n)), isDark(app.colour("surface")))), `${name} `, make("span", { class: "number" }, String(members[k])))));
    classes.hidden = !n;
    const shape = n ? shapeOf(0) : "circle";
    const colour = n ? app.colour("quiet") : app.colour("neutral");
    fill(sets, ...SETS.map((name, set) => {
      const off = set > 0 && !settings.showTestData;
      return make("li", { class: off ? "off" : "", title: off ? "not shown" : "" }, icon(app, shape, set, colour), `${name} `, make("span", { class: "number" }, String(counts[set])));
    }));
  }
  for (const name of /** @type {const} */ (["data", "settings", "theme"])) app.on(name, show);
  return root;
}

/**
 * A marker as a small picture.
 * @param {import("../shell/app.js").App} app
 * @param {string} shape
 * @param {number} set
 * @param {string} colour
 */
export function icon(app, shape, set, colour) {
  const size = 16;
  const canvas = make("canvas", { class: "map-icon", "aria-hidden": "true" });
  canvas.width = canvas.height = Math.round(size * Math.max(devicePixelRatio, 2));
  const context = canvas.getContext("2d");
  if (context) {
    context.scale(canvas.width / size, canvas.width / size);
    const path = new Path2D();
    addShape(path, shape, size / 2, size / 2, 4.6);
    const heart = app.data?.kind === "regression" ? new Path2D() : null;
    if (heart) addShape(heart, shape, size / 2, size / 2, 2.3);
    paintShape(context, path, set, colour, { paper: app.colour("surface"), ink: app.colour("ink"), quiet: app.colour("quiet") }, heart);
  }
  return canvas;
}
