// @ts-check
// The controls, from the server's table of settings: nothing is listed here but their places.
//
// A control is shown while it is of use (`when`) and not hidden for a class (`hide`). What belongs
// to a picture is set at the picture: data sets, inputs, layers, the axes of the map.

import { field } from "./fields.js";
import { make } from "./make.js";

/** @typedef {import("./types.js").Control} Control */
/** @typedef {import("./types.js").Settings} Settings */

const PLACES = /** @type {Record<string, string[]>} */ ({
  bar: ["learningRate", "batchSize", "optimizer", "momentum", "loss", "regularization", "regularizationRate", "speed"],
  "network-controls": ["activation", "init", "seed", "scale"],
});
const STOPS = ["stopEpoch", "stopLoss", "patience"];

/**
 * Whether a control is of use with these settings.
 * @param {Control} control
 * @param {Settings} settings
 */
export const isOfUse = (control, settings) =>
  Object.entries(control.when ?? {}).every(([key, values]) => values.includes(String(settings[key])));

/**
 * The controls that are left out.
 * @param {Settings} settings
 */
export const hidden = (settings) => new Set(String(settings.hide ?? "").split(",").filter(Boolean));

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 */
export function mount(root, app) {
  /** @type {{control: Control, root: HTMLElement, show: (value: any) => void}[]} */
  let fields = [];
  const summary = make("summary", {}, "Stop by itself");
  const stops = make("details", { class: "stops" }, summary, make("div", { class: "stops-fields" }));

  const dice = make("button", { type: "button", class: "step", "aria-label": "New seed", title: "New seed", "data-hint": "Other first weights and another order of the points.", onclick: () => app.send({ type: "reseed" }) }, "⟳");

  app.on("hello", () => {
    const controls = new Map(app.schema?.controls.map((control) => [control.key, control]));
    fields = [];
    const build = (/** @type {string} */ key) => {
      const control = controls.get(key);
      if (!control) return [];
      const made = field(control, (value) => app.change({ [key]: value }));
      if (key === "seed") made.root.append(make("span", { class: "joined" }, made.input, dice));
      fields.push({ control, root: made.root, show: made.show });
      return [made.root];
    };
    for (const [place, keys] of Object.entries(PLACES)) document.getElementById(place)?.replaceChildren(...keys.flatMap(build));
    stops.lastElementChild?.replaceChildren(...STOPS.flatMap(build));
    root.append(stops);
  });

  app.on("settings", ({ settings }) => {
    const out = hidden(settings);
    for (const { control, root: one, show } of fields) {
      // With three or more classes there is one loss only, whatever is set.
      const fixed = control.key === "loss" && (app.spec.widths.at(-1) ?? 1) > 1;
      one.hidden = fixed || out.has(control.key) || !isOfUse(control, settings);
      show(settings[control.key]);
    }
    stops.hidden = STOPS.every((key) => out.has(key));
    const armed = STOPS.filter((key) => Number(settings[key]) > 0).length;
    summary.textContent = armed ? `Stop by itself (${armed} set)` : "Stop by itself";
  });

  document.addEventListener("pointerdown", (event) => {
    if (stops.open && !stops.contains(/** @type {Node} */ (event.target))) stops.open = false;
  });
  stops.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !stops.open) return;
    stops.open = false;
    summary.focus();
  });
}
