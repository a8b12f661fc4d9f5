// @ts-check
// The drawn data sets: one picture each to choose from, and in words what is drawn and what noise
// does to it, because under one slider it moves labels in some sets and points in others.

import { fill, freshId, make, write } from "../shell/make.js";
import { messageOf } from "../numbers/source.js";
import { drawThumbnail } from "./thumbnails.js";

const SIDE = 52; // px of a picture

/** @typedef {import("./thumbnails.js").Thumbnail} Thumbnail */

/** @param {import("../shell/app.js").App} app */
export function toyPane(app) {
  const problem = radioRow("Problem", [["classification", "Classification"], ["regression", "Regression"]], (key) => app.change({ problem: key }));
  const grid = make("div", { class: "set-grid", role: "radiogroup", "aria-label": "Data set" }, make("p", { class: "quiet" }, "Fetching the data sets …"));
  const about = make("p", { class: "set-about" });
  const formula = make("p", { class: "set-formula" });
  const noise = slider("Noise", 0, 50, 5, (value) => app.change({ noise: value }));
  const acts = make("p", { class: "quiet", id: freshId("noise-words") });
  noise.input.setAttribute("aria-describedby", acts.id);
  const root = make("div", { class: "toy-pane" }, problem.root, grid, about,
    make("details", { class: "set-details" }, make("summary", {}, "How it is drawn"), formula), noise.root, acts);

  /** @type {Thumbnail[]} */
  let sets = [];
  /** @type {Map<string, {input: HTMLInputElement, canvas: HTMLCanvasElement}>} */
  const choices = new Map();
  let shown = "";
  let asking = false;

  async function fetchSets() {
    if (sets.length || asking) return;
    asking = true;
    try {
      sets = listOf(await app.ask("thumbnails"));
      update();
    } catch (error) {
      fill(grid, make("p", { class: "fault", role: "alert" }, `The pictures of the data sets did not come: ${messageOf(error)} `,
        make("button", { type: "button", onclick: fetchSets }, "Try again")));
    } finally {
      asking = false;
    }
  }

  /** @param {string} kind */
  function build(kind) {
    const name = freshId("dataset");
    choices.clear();
    fill(grid, ...sets.filter((set) => set.kind === kind).map((set) => {
      const input = make("input", { type: "radio", name, value: set.key, class: "unseen", onchange: () => app.change({ [kind === "regression" ? "regDataset" : "dataset"]: set.key }) });
      const canvas = make("canvas", { class: "set-picture", "aria-hidden": "true" });
      choices.set(set.key, { input, canvas });
      return make("label", { class: "set-choice", title: set.description ?? "", "data-key": set.key }, input, canvas, make("span", { class: "set-name" }, set.title.replace(/([A-Za-z]{7})([a-z]{4,})/g, "$1\u00ad$2")));
    }));
    draw();
  }

  function draw() {
    for (const set of sets) {
      const canvas = choices.get(set.key)?.canvas;
      if (canvas) drawThumbnail(canvas, set, SIDE, (name) => app.colour(name));
    }
  }

  function update() {
    const { problem: kind, dataset, regDataset, noise: amount } = app.settings;
    problem.show(kind);
    noise.show(amount ?? 0, `${Math.round((amount ?? 0) * 10) / 10} %`);
    if (!sets.length) return;
    if (shown !== kind) build(kind);
    shown = kind;
    const key = kind === "regression" ? regDataset : dataset;
    const choice = choices.get(key);
    if (choice && !choice.input.checked) choice.input.checked = true;
    const set = sets.find((one) => one.key === key);
    write(about, set?.description ?? "");
    write(formula, set?.formula ?? "");
    write(acts, set?.noise ?? "");
  }

  app.on("hello", fetchSets);
  app.on("settings", update);
  app.on("theme", draw);
  return root;
}

/**
 * @param {any} answer
 * @returns {Thumbnail[]}
 */
function listOf(answer) {
  const list = Array.isArray(answer) ? answer : Object.entries(answer.sets ?? answer).map(([key, set]) => ({ key, .../** @type {any} */ (set) }));
  return list.map((set) => ({ classes: [], ...set, x: set.x ?? set.points ?? [] }));
}

/**
 * Two or three choices side by side.
 * @param {string} label
 * @param {string[][]} options  key and word
 * @param {(key: string) => void} chosen
 */
export function radioRow(label, options, chosen) {
  const name = freshId("choice");
  const inputs = options.map(([key]) => make("input", { type: "radio", name, value: key, class: "unseen", onchange: () => chosen(key) }));
  const root = make("div", { class: "radio-row", role: "radiogroup", "aria-label": label }, ...options.map(([, word], k) => make("label", {}, inputs[k], make("span", {}, word))));
  return {
    root,
    inputs,
    /** @param {string} key */
    show(key) {
      for (const input of inputs) if (input.value === key && !input.checked) input.checked = true;
    },
  };
}

/**
 * A range with its name and its value in words; it does not jump while it is held.
 * @param {string} label @param {number} low @param {number} high @param {number} step
 * @param {(value: number) => void} changed
 */
export function slider(label, low, high, step, changed) {
  const id = freshId("slider");
  const output = make("output", { for: id, class: "slider-value" });
  const input = make("input", { type: "range", id, min: low, max: high, step, oninput: () => changed(input.valueAsNumber) });
  const root = make("div", { class: "slider" }, make("label", { for: id }, label), output, input);
  return {
    root,
    input,
    /** @param {number} value @param {string} words */
    show(value, words) {
      write(output, words);
      input.setAttribute("aria-valuetext", words);
      if (!input.matches(":active") && input.valueAsNumber !== value) input.value = String(value);
    },
  };
}
