// @ts-check
// Sounds as data: where they come from, what of them is measured, and the switch that shows what a
// split by file pretends. The plainest of all models tells it at once; the network's own test
// accuracies under both splits are kept side by side as they are reached.

import { radioRow } from "./data_sets.js";
import { fill, freshId, make, write } from "../shell/make.js";
import { messageOf } from "../numbers/source.js";

/** @param {import("../shell/app.js").App} app */
export function soundPane(app) {
  const state = make("p", { class: "sound-state", role: "status" });
  const features = make("select", { id: freshId("features"), onchange: () => app.change({ featureSet: features.value }) });
  const featureRow = make("div", { class: "field-row", hidden: true }, make("label", { for: features.id }, "Features"), features);
  const split = radioRow("Split by", [["group", "By group"], ["file", "By file"]], (key) => app.change({ split: key }));
  const card = make("div", { class: "leak" });
  const root = make("div", { class: "sound-pane" }, state, featureRow,
    make("section", { class: "leak-section" }, make("h3", {}, "Who is tested"), split.root, card));

  /** @type {any} */
  let leak = null;
  let fault = "";
  let asked = "";
  /** @type {Record<string, {test: number, epoch: number}>} */
  let reached = {};
  let data = "";

  async function askLeak() {
    if (app.settings.source !== "sound" || !app.data?.y.length) return;
    const state = [app.data.title, app.data.y.length, app.settings.columns, app.settings.featureSet, app.settings.percTrainData, app.settings.percValidation, app.settings.dataSeed].join("\n");
    if (state === asked) return;
    asked = state;
    reached = {};
    try {
      leak = await app.ask("leak");
      fault = "";
    } catch (error) {
      leak = null;
      fault = messageOf(error);
      asked = "";
    }
    draw();
  }

  /** @param {number} share */
  const percent = (share) => `${Math.round(100 * share)} %`;

  function draw() {
    if (fault) {
      fill(card, make("p", { class: "fault", role: "alert" }, `What the split costs could not be worked out: ${fault}`));
      return;
    }
    if (!leak) {
      fill(card, make("p", { class: "quiet" }, "Working out what the split costs …"));
      return;
    }
    if (!leak.known) {
      fill(card, make("p", { class: "quiet" }, leak.words));
      return;
    }
    const measure = leak.measure === "accuracy" ? percent : (/** @type {number} */ value) => value.toFixed(2).replace("-", "−");
    const own = (/** @type {string} */ key) => (reached[key] ? measure(reached[key].test) : "–");
    const column = (/** @type {string} */ key, /** @type {string} */ title) => make("th", { scope: "col", class: app.settings.split === key ? "chosen" : null }, title);
    fill(card,
      make("table", { class: "leak-table" },
        make("caption", {}, `Test ${leak.measure}`),
        make("thead", {}, make("tr", {}, make("td"), column("group", "by group"), column("file", "by file"))),
        make("tbody", {},
          make("tr", {}, make("th", { scope: "row" }, "nearest training sound"), make("td", {}, measure(leak.by_group)), make("td", {}, measure(leak.by_file))),
          make("tr", {}, make("th", { scope: "row" }, "this network, so far"), make("td", { class: "own-group" }, own("group")), make("td", { class: "own-file" }, own("file"))),
          make("tr", {}, make("th", { scope: "row" }, "test sounds whose group is in training"), make("td", {}, "0 %"), make("td", {}, percent(leak.shared))))),
      make("p", {}, "Split by file, sounds of one group stand on both sides, and remembering the group passes for knowing the class. Split by group, the test is what a new voice, room or device would meet: believe that number."));
  }

  function remember() {
    const test = leak?.measure === "R²" ? app.stats.r2?.test : app.stats.accuracy?.test?.value;
    if (app.settings.source !== "sound" || typeof test !== "number" || !(app.stats.epoch > 0) || !leak?.known) return;
    const key = app.settings.split;
    if (reached[key]?.test === test) return;
    reached[key] = { test, epoch: app.stats.epoch };
    const cell = card.querySelector(`.own-${key}`);
    if (cell) write(cell, leak.measure === "accuracy" ? percent(test) : test.toFixed(2).replace("-", "−"));
  }

  function update() {
    const source = app.hello?.sources.find((one) => one.key === "sound");
    const on = app.settings.source === "sound";
    split.show(app.settings.split);
    const points = app.data;
    if (!on) write(state, source ? `${source.title}: choose this tab to learn from them.` : "No sounds were given.");
    else {
      const groups = points?.groups ? new Set(points.groups).size : 0;
      write(state, points?.sounds?.some(Boolean) ? `${points.title}: ${points.y.length} sounds${points.classes.length ? ` of ${points.classes.length} classes` : ""}${groups ? ` in ${groups} groups` : ""}.` : "Measuring the sounds …");
    }
    const sets = /** @type {any} */ (points)?.feature_sets ?? /** @type {any} */ (source)?.feature_sets ?? [];
    featureRow.hidden = !on || sets.length < 2;
    const names = sets.map((/** @type {any} */ set) => set.key ?? set).join("\n");
    if (names !== features.dataset.names) {
      features.dataset.names = names;
      fill(features, ...sets.map((/** @type {any} */ set) => new Option(set.title ?? set, set.key ?? set)));
    }
    if (app.settings.featureSet) features.value = app.settings.featureSet;
    if (data !== app.settings.split) draw();
    data = app.settings.split;
  }

  app.on("hello", update);
  app.on("settings", () => {
    update();
    void askLeak();
  });
  app.on("data", () => {
    update();
    void askLeak();
  });
  app.on("stats", remember);
  draw();
  return root;
}
