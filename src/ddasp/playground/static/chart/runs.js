// @ts-check
// Runs side by side: keep the present one, see in which settings they differ and what came of it,
// go back to one. Which is better is decided on validation data; the test column is there to be
// looked at once, at the end.

import { percent, significant } from "../shell/axes.js";
import { epochText } from "./chart.js";
import { differing, runsOf, sorted } from "./kept_runs.js";
import { fill, make, write } from "../shell/make.js";

/** @typedef {import("./kept_runs.js").Run} Run */
/** @typedef {{key: string, title: string, value: (run: Run) => number|string|null|undefined, text: (run: Run) => string, best?: "low"|"high"}} Column */

const SETS = ["training", "validation", "test"];

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  const runs = runsOf(app);
  let order = { key: "letter", down: false };

  const name = make("input", { type: "text", maxlength: 40, placeholder: "name it, if you like", "aria-label": "Name of the run", id: "run-name" });
  const keepButton = make("button", { type: "submit" }, "Keep this run");
  const form = make("form", { class: "runs-keep", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); void keepRun(); } }, keepButton, name);
  const empty = make("p", { class: "note" }, "No run is kept yet. Keep the present one, change a setting, train again: both curves stand in the chart then, and this table says in which settings they differ.");
  const table = make("table", { class: "runs-table" });
  const box = make("div", { class: "runs-scroll", tabindex: 0, role: "region", "aria-label": "Kept runs" }, table);
  const note = make("p", { class: "note" });
  root.classList.add("runs");
  root.append(form, empty, box, note);

  async function keepRun() {
    keepButton.disabled = true;
    const { frame, stats, settings, spec, data } = app;
    /** @type {any} */
    let state;
    try {
      state = await app.ask("state");
    } catch {
      state = undefined; // the settings are worth keeping without the weights
    }
    const regression = data?.kind === "regression";
    const score = (/** @type {string} */ set) => (regression ? stats.r2?.[set] : stats.accuracy?.[set]?.value) ?? null;
    const kept = runs.add({
      name: name.value.trim(),
      settings: { ...settings },
      data: data?.title ?? "",
      n_parameters: spec.n_parameters,
      epoch: frame?.epoch ?? 0,
      losses: (frame?.losses ?? [NaN, NaN, NaN]).map((loss) => (Number.isFinite(loss) ? loss : null)),
      scores: ["train", "validation", "test"].map(score),
      score: regression ? "R²" : "accuracy",
      ...(state === undefined ? {} : { state }),
    });
    name.value = "";
    keepButton.disabled = false;
    app.say(`Kept as run ${kept.letter}.`);
  }

  // --- The table -------------------------------------------------------------------------------

  /** Settings that only change what is shown. */
  function ofView() {
    return new Set((app.schema?.controls ?? []).filter((control) => control.effect === "view").map((control) => control.key));
  }

  /** @returns {Column[]} */
  function columns() {
    const labels = new Map((app.schema?.controls ?? []).map((control) => [control.key, control.label]));
    const differences = differing(runs.runs.map((run) => run.settings), ofView());
    /** @type {Column[]} */
    const found = [
      { key: "letter", title: "Run", value: (run) => run.letter, text: (run) => run.letter },
      { key: "name", title: "Name", value: (run) => run.name || null, text: (run) => run.name || run.data },
    ];
    for (const key of differences.keys()) {
      found.push({ key, title: labels.get(key) ?? key, value: (run) => run.settings[key], text: (run) => shown(run.settings[key]) });
    }
    found.push({ key: "epoch", title: "Epochs", value: (run) => run.epoch, text: (run) => epochText(run.epoch) });
    found.push({ key: "n_parameters", title: "Parameters", value: (run) => run.n_parameters, text: (run) => String(run.n_parameters) });
    SETS.forEach((set, k) => found.push({
      key: `loss ${set}`, title: `Loss, ${set}`, value: (run) => run.losses[k], best: set === "validation" ? "low" : undefined,
      text: (run) => (run.losses[k] === null ? "–" : significant(Number(run.losses[k]))),
    }));
    SETS.forEach((set, k) => found.push({
      key: `score ${set}`, title: `${scoreName()}, ${set}`, value: (run) => run.scores[k], best: set === "validation" ? "high" : undefined,
      text: (run) => (run.scores[k] === null ? "–" : run.score === "R²" ? significant(Number(run.scores[k])) : percent(Number(run.scores[k]))),
    }));
    return found.filter((column) => column.key !== "name" || runs.runs.some((run) => run.name || run.data));
  }

  function scoreName() {
    const names = new Set(runs.runs.map((run) => run.score));
    return names.size === 1 ? (names.has("R²") ? "R²" : "Accuracy") : "Accuracy or R²";
  }

  function show() {
    const list = runs.runs;
    empty.hidden = list.length > 0;
    box.hidden = note.hidden = list.length === 0;
    if (root.hidden || !list.length) return;
    const all = columns();
    const by = all.find((column) => column.key === order.key) ?? all[0];
    const head = make("tr", {}, make("th", { scope: "col" }, "In chart"), ...all.map((column) => make("th", {
      scope: "col", "aria-sort": column.key === order.key ? (order.down ? "descending" : "ascending") : "none",
    }, make("button", { type: "button", class: "runs-sort", onclick: () => sortBy(column.key), "data-column": column.key }, column.title))), make("th", { scope: "col" }, "Go back to"));
    const rows = sorted(list, by.value, order.down).map((run) => make("tr", { "data-run": run.letter },
      make("td", {}, make("input", { type: "checkbox", checked: run.charted, "aria-label": `Run ${run.letter} in the chart`, onchange: (/** @type {Event} */ event) => {
        run.charted = /** @type {HTMLInputElement} */ (event.target).checked;
        runs.changed();
      } })),
      ...all.map((column) => cell(column, run)),
      make("td", { class: "runs-actions" },
        make("button", { type: "button", onclick: () => restoreSettings(run), title: "Its settings, and training from the beginning" }, "Settings"),
        make("button", { type: "button", disabled: run.state === undefined, onclick: () => restoreAll(run), title: run.state === undefined ? "Its weights gave way to those of newer runs" : "Settings, data, weights and epoch as they were" }, "Weights"),
        make("button", { type: "button", "aria-label": `Delete run ${run.letter}`, onclick: () => { runs.remove(run.letter); app.say(`Run ${run.letter} is deleted.`); } }, "Delete"))));
    fill(table, make("caption", {}, list.length === 1 ? "One run is kept" : `${list.length} runs are kept; settings that are the same for all are left out`), make("thead", {}, head), make("tbody", {}, ...rows));
    const validated = list.some((run) => run.losses[1] !== null);
    write(note, validated
      ? "Marked: the best of the validation data, which is there to choose by. Choosing by the test columns would turn the test data into validation data. Thin lines in the chart: validation losses."
      : "Nothing was validated: thin lines in the chart are training losses. A share of validation data is needed to choose between runs.");
  }

  /**
   * @param {Column} column
   * @param {Run} run
   */
  function cell(column, run) {
    const value = column.value(run);
    const values = runs.runs.map((one) => column.value(one)).filter((one) => typeof one === "number");
    const best = column.best && typeof value === "number" && values.length > 1 && value === (column.best === "low" ? Math.min(...values) : Math.max(...values));
    const text = column.text(run);
    const numeric = typeof value === "number" || value === null;
    if (column.key === "letter") return make("th", { scope: "row" }, text);
    return make("td", { class: numeric && column.key !== "name" ? "number" : "" }, best ? make("strong", {}, text, make("span", { class: "unseen" }, " (best)")) : text);
  }

  /** @param {string} key */
  function sortBy(key) {
    order = { key, down: order.key === key ? !order.down : false };
    show();
    /** @type {HTMLElement|null} */ (table.querySelector(`[data-column="${CSS.escape(key)}"]`))?.focus();
  }

  /** @param {Run} run */
  function restoreSettings(run) {
    app.change(run.settings);
    app.send({ type: "reset" });
    app.say(`The settings of run ${run.letter} are set, from its first weights.`);
  }

  /** @param {Run} run */
  function restoreAll(run) {
    app.send({ type: "load", state: run.state });
    app.say(`Run ${run.letter} is back, at epoch ${epochText(run.epoch)}.`);
  }

  runs.on(show);
  app.on("hello", show);
  app.on("tab", show);
  show();
}

/** @param {any} value */
function shown(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return significant(value, 6).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  return value === "" || value === null || value === undefined ? "–" : String(value);
}
