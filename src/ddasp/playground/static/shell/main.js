// @ts-check
// The page begins here: one app, and each panel in its place.

import * as address from "./address.js";
import { App, meter } from "./app.js";
import * as chart from "../chart/chart.js";
import * as controls from "./controls.js";
import * as data from "../data/data.js";
import * as exporting from "../leaving/exporting.js";
import * as help from "./help.js";
import * as map from "../map/map.js";
import * as measures from "../measures/measures.js";
import * as missions from "../leaving/missions.js";
import * as network from "../network/network.js";
import * as notices from "./notices.js";
import * as numbers from "../numbers/numbers.js";
import * as runs from "../chart/runs.js";
import * as sound from "../sound/sound.js";
import * as stability from "../measures/stability.js";
import * as tabs from "./tabs.js";
import * as theme from "./theme.js";
import * as transport from "./transport.js";

theme.applyTheme();
const app = new App();

/** @type {[string, {mount: (root: HTMLElement, app: App) => void}][]} */
const PANELS = [
  ["actions", theme],
  ["actions", help],
  ["actions", address],
  ["transport", transport],
  ["notices", notices],
  ["bar", controls],
  ["data-panel", data],
  ["network-panel", network],
  ["map-panel", map],
  ["chart-panel", chart],
  ["tab-numbers", numbers],
  ["tab-sound", sound],
  ["tab-measures", measures],
  ["tab-stability", stability],
  ["tab-runs", runs],
  ["tab-missions", missions],
  ["tab-export", exporting],
  ["tabs", tabs],
];
for (const [id, panel] of PANELS) {
  const root = document.getElementById(id);
  if (root) panel.mount(root, app);
}

let resizing = 0;
addEventListener("resize", () => {
  cancelAnimationFrame(resizing);
  resizing = requestAnimationFrame(() => app.emit("resize", null));
});

Object.assign(window, { ddasp: meter }); // read by measurements from outside, by nothing here
app.open();
