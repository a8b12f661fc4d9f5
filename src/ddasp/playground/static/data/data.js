// @ts-check
// Where the points come from and how they are dealt: drawn sets, own points, or sounds; the share of
// each set; the seed. Painting is done in the map itself.

import { columnsPane } from "./columns.js";
import { toyPane } from "./data_sets.js";
import { fill, freshId, make, tabs, write } from "../shell/make.js";
import { ownPane } from "./own_data.js";
import { soundPane } from "./sound_source.js";
import { splitBar } from "./split_bar.js";

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  const panes = [
    { key: "toy", title: "Drawn", pane: toyPane(app) },
    { key: "own", title: "Own", pane: ownPane(app) },
    { key: "sound", title: "Sound", pane: soundPane(app) },
  ];
  const chooser = tabs("Source of the points", panes, (key) => {
    if (key === app.settings.source) return;
    // Hertz beside decibels would drown each other: sounds begin standardised, drawn sets as they are.
    const before = app.settings.source;
    app.change({ source: key, ...(key === "sound" ? { scale: "standard" } : before === "sound" ? { scale: "none" } : {}) });
  });
  const split = splitBar(({ train, validation }) => app.change({ percTrainData: train, percValidation: validation }));
  const seed = make("input", { type: "number", id: freshId("data-seed"), min: 0, max: 2147483647, step: 1, inputmode: "numeric", onchange: () => {
    if (seed.checkValidity() && seed.value !== "") app.change({ dataSeed: seed.valueAsNumber });
    else seed.value = String(app.settings.dataSeed ?? 0);
  } });
  const again = make("button", { type: "button", onclick: () => app.send({ type: "regenerate" }) }, "Regenerate");
  const seedRow = make("div", { class: "seed-row" }, make("label", { for: seed.id }, "Data seed"), seed, again);
  fill(root, chooser.list, ...panes.map(({ pane }) => pane), columnsPane(app),
    make("section", { class: "split-section" }, make("h3", {}, "Training, validation, test"), split.root), seedRow);

  function update() {
    const { source, percTrainData, percValidation, dataSeed } = app.settings;
    chooser.show(source ?? "toy");
    write(again, source === "toy" ? "Regenerate" : "Deal again");
    again.title = source === "toy" ? "Draw new points with a new data seed" : "Deal the points to the sets with a new data seed";
    if (document.activeElement !== seed && dataSeed !== undefined) seed.value = String(dataSeed);
    const counts = [0, 0, 0];
    for (const set of app.data?.sets ?? []) counts[set] += 1;
    const train = percTrainData ?? 50;
    split.show({ train, validation: Math.min(percValidation ?? 20, Math.max(0, 95 - train)) }, counts);
  }

  app.on("settings", update);
  app.on("data", update);
}
