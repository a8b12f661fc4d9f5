// @ts-check
// The numbers of one unit for one sample: what goes in, what comes out, how wrong it is, which way is
// down, and where the next update leads. Nothing is computed here: the server fills the formulas in,
// and every line leads to the line of the library that does it for all units at once.

import { formula, number, readable } from "./formula.js";
import { fill, freshId, make, write } from "../shell/make.js";
import { messageOf, openSource } from "./source.js";

const EVERY = 250; // ms between two refreshes
const LONG = 120; // characters of a sum that is shown whole

/** @type {Record<string, string>} */
const SECTIONS = {
  forward: "Forward",
  loss: "Loss",
  backward: "Backward",
  gradient: "Gradient",
  update: "Update",
};
/** @type {Record<string, string>} */
const MEANINGS = {
  forward: "what comes in, weighted and added, and what the unit makes of it",
  loss: "how wrong the output is for this sample",
  backward: "how much the loss would change with this unit’s sum",
  gradient: "mean over the minibatch",
  update: "the next step",
};

/** @typedef {{file: string, line: number, text: string}} Source */
/** @typedef {{section: string, symbolic: string, numeric: string, value: number | null, source: Source | null}} Line */
/** @typedef {{i: number | null, name: string, from?: string, value: number | null, gradient: number | null, new: number | null, lines: Line[]}} Parameter */

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  let layer = 1;
  let unit = 0;
  /** @type {number | null} */
  let sample = null;
  let asked = ""; // state that the shown numbers belong to
  let busy = false;
  let failed = "";
  let shape = ""; // which formulas stand there; only their numbers change while it stays
  /** @type {((answer: any) => void)[]} */
  let writers = [];
  /** @type {Set<string>} */
  const opened = new Set(["0"]);

  const unitSelect = make("select", { id: freshId("unit"), onchange: () => {
    const [l, j] = unitSelect.value.split(".").map(Number);
    app.select({ layer: l, unit: j });
  } });
  const sampleInput = make("input", { type: "number", id: freshId("sample"), min: 1, step: 1, inputmode: "numeric", onchange: () => goTo(sampleInput.valueAsNumber - 1) });
  const sampleWords = make("span", { class: "numbers-sample" });
  const badge = make("p", { class: "gradient-badge", role: "status" });
  const title = make("h3", { class: "numbers-title" });
  const content = make("div", { class: "numbers-content" });
  fill(root, make("div", { class: "numbers-head" },
    make("div", { class: "numbers-choice" }, make("label", { for: unitSelect.id }, "Unit"), unitSelect),
    make("div", { class: "numbers-choice" },
      make("label", { for: sampleInput.id }, "Sample"),
      make("button", { type: "button", class: "step", "aria-label": "Previous training sample", onclick: () => step(-1) }, "‹"),
      sampleInput,
      make("button", { type: "button", class: "step", "aria-label": "Next training sample", onclick: () => step(1) }, "›"),
      sampleWords),
    badge), title, content);
  fill(content, make("p", { class: "quiet" }, "The numbers come with the first training data."));

  /** @param {number} by  over the training samples */
  function step(by) {
    const sets = app.data?.sets ?? [];
    for (let k = 1, n = sets.length; k <= n; k++) {
      const at = ((sample ?? -1) + by * k + n * k) % n;
      if (sets[at] === 0) {
        goTo(at);
        return;
      }
    }
  }

  /** @param {number} to */
  function goTo(to) {
    const n = app.data?.y.length ?? 0;
    if (!n || !Number.isFinite(to)) return;
    sample = Math.min(n - 1, Math.max(0, Math.round(to)));
    sampleInput.value = String(sample + 1);
    describeSample();
    void refresh(true);
  }

  function describeSample() {
    const data = app.data;
    if (!data?.y.length) {
      sample = null;
      sampleInput.value = "";
      write(sampleWords, "");
      return;
    }
    if (sample === null || sample >= data.y.length) sample = Math.max(0, data.sets.indexOf(0));
    const set = ["training", "validation", "test"][data.sets[sample]];
    const label = data.kind === "classification" ? data.classes[data.y[sample]] : `target ${number(data.y[sample])}`;
    sampleInput.max = String(data.y.length);
    if (document.activeElement !== sampleInput) sampleInput.value = String(sample + 1);
    write(sampleWords, `of ${data.y.length} · ${set} · ${label}`);
  }

  function listUnits() {
    const { widths, activations } = app.spec;
    const last = widths.length - 1;
    if (last < 1) return;
    layer = Math.min(layer, last);
    unit = Math.min(unit, widths[layer] - 1);
    const names = app.inputs.filter((input) => input.on).map((input) => input.name);
    fill(unitSelect, ...widths.map((width, l) => make("optgroup", { label: l === 0 ? "Inputs" : l === last ? `Output, ${activations[l - 1]}` : `Layer ${l}, ${activations[l - 1]}` },
      ...Array.from({ length: width }, (_, j) => new Option(l === 0 ? `Input ${names[j] ?? j + 1}` : l === last ? (width > 1 ? `Output ${j + 1}` : "Output") : `Layer ${l}, unit ${j + 1}`, `${l}.${j}`)))));
    unitSelect.value = `${layer}.${unit}`;
  }

  const visible = () => !root.hidden && document.visibilityState === "visible";

  /** @param {boolean} [now]  even if nothing was computed since */
  async function refresh(now = false) {
    if (busy || !visible() || app.connection !== "open" || sample === null || app.spec.widths.length < 2) return;
    const state = [layer, unit, sample, app.frame?.updates, app.frame?.generation, app.frame?.number && !app.status.running ? app.frame.number : 0].join();
    if (!now && state === asked) return;
    busy = true;
    try {
      const answer = await app.ask("numbers", { layer, unit, sample });
      asked = state;
      failed = "";
      show(answer);
    } catch (error) {
      asked = state;
      const words = messageOf(error);
      if (words !== failed) fill(content, make("p", { class: "fault", role: "alert" }, `The numbers did not come: ${words}`));
      failed = words;
      shape = "";
    } finally {
      busy = false;
    }
    if (now && [layer, unit, sample].join() !== state.split(",").slice(0, 3).join()) void refresh(true);
  }

  /** @param {any} answer */
  function show(answer) {
    const lines = /** @type {Line[]} */ (answer.lines);
    const parameters = /** @type {Parameter[]} */ (answer.parameters);
    const next = JSON.stringify([answer.title, lines.map((line) => [split(line)[0], line.source?.line]), parameters.map((p) => [p.name, p.from, p.lines.map((line) => split(line)[0])])]);
    if (next !== shape) build(answer);
    shape = next;
    for (const writer of writers) writer(answer);
  }

  /** @param {any} answer */
  function build(answer) {
    writers = [];
    write(title, answer.title);
    const own = /** @type {Line[]} */ (answer.lines);
    const parameters = /** @type {Parameter[]} */ (answer.parameters);
    const sections = Object.keys(SECTIONS).filter((key) => own.some((line) => line.section === key));
    const left = make("div", { class: "numbers-unit" }, ...sections.map((key) => make("section", { class: `numbers-section is-${key}` },
      heading(SECTIONS[key], MEANINGS[key]),
      ...own.map((line, k) => (line.section === key ? equation(line, (a) => a.lines[k]) : null)))));
    fill(content, left, parameters.length ? parameterTable(answer) : layer === 0 ? make("p", { class: "quiet" }, "An input computes nothing and learns nothing: it hands the sample on.") : null);
  }

  /** @param {string} word @param {string} meaning */
  function heading(word, meaning) {
    return make("h4", {}, word, make("span", { class: "quiet" }, ` ${meaning}`));
  }

  /**
   * One line of arithmetic: formula, the same with numbers, value, and where the library does it.
   * @param {Line} line
   * @param {(answer: any) => Line} find  the same line in a later answer
   */
  function equation(line, find) {
    const numeric = make("span", { class: "eq-numeric" });
    const value = make("output", { class: "eq-value" });
    const more = make("button", { type: "button", class: "eq-more", "aria-expanded": "false", hidden: true, onclick: () => {
      const open = row.classList.toggle("unfolded");
      more.setAttribute("aria-expanded", String(open));
      write(more, open ? "less" : "all terms");
    } }, "all terms");
    const [symbolic, step] = split(line);
    const count = step ? make("span", { class: "quiet" }) : null;
    const row = make("div", { class: "eq" },
      make("div", { class: "eq-symbolic" }, formula(symbolic), count, sourceButton(line)),
      make("div", { class: "eq-filled" }, numeric, more),
      make("div", { class: "eq-filled" }, value));
    writers.push((answer) => {
      const now = find(answer);
      write(numeric, readable(now.numeric));
      if (count) write(count, ` with ${split(now)[1]}`);
      const long = now.numeric.length > LONG;
      if (more.hidden === long) more.hidden = !long;
      row.classList.toggle("long", long);
      write(value, number(now.value));
      value.classList.toggle("not-finite", now.value === null);
    });
    return row;
  }

  /** @param {Line} line */
  function sourceButton({ source, symbolic }) {
    if (!source) return null;
    return make("button", {
      type: "button", class: "eq-source", title: source.text, "aria-label": `${source.file}:${source.line}, the line that computes this`,
      onclick: () => openSource(app, source.file, source.line, `This line computes ${symbolic.split(" = ")[0]} for all units at once.`),
    }, `${source.file}:${source.line}`);
  }

  /** @param {any} answer */
  function parameterTable(answer) {
    const parameters = /** @type {Parameter[]} */ (answer.parameters);
    const caption = make("span", { class: "quiet" });
    writers.push((now) => write(caption, ` update ${now.update.toLocaleString("en")}, from ${now.batch_size === 1 ? "one sample" : `${now.batch_size} samples`}${now.in_batch ? ", this one among them" : ""}`));
    const rows = parameters.flatMap((parameter, k) => {
      const cells = ["value", "gradient", "new"].map(() => make("td"));
      const detail = make("tr", { class: "parameter-detail", id: freshId("parameter"), hidden: !opened.has(String(k)) });
      const button = make("button", { type: "button", class: "parameter-open", "aria-expanded": String(opened.has(String(k))), "aria-controls": detail.id, onclick: () => {
        detail.hidden = !detail.hidden;
        button.setAttribute("aria-expanded", String(!detail.hidden));
        if (detail.hidden) opened.delete(String(k));
        else opened.add(String(k));
      } }, formula(parameter.name));
      writers.push((now) => {
        const p = now.parameters[k];
        [p.value, p.gradient, p.new].forEach((x, c) => write(cells[c], number(x)));
      });
      detail.append(make("td", { colspan: 4 }, make("div", { class: "parameter-lines" }, ...parameter.lines.map((line, m) => equation(line, (a) => a.parameters[k].lines[m])))));
      return [make("tr", {}, make("th", { scope: "row" }, button, parameter.from ? make("span", { class: "quiet parameter-from" }, ` ${parameter.from}`) : null), ...cells), detail];
    });
    return make("section", { class: "numbers-parameters" }, make("h4", {}, "Gradient and update", caption),
      make("div", { class: "scroll-x" }, make("table", {},
        make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "parameter"), make("th", { scope: "col" }, "now"), make("th", { scope: "col" }, "gradient"), make("th", { scope: "col" }, "after the update"))),
        make("tbody", {}, ...rows))));
  }

  function showBadge() {
    const check = app.stats.gradient_check;
    badge.className = `gradient-badge ${!check ? "unknown" : check.ok ? "ok" : check.worst === null ? "unknown" : "not-ok"}`;
    if (!check) write(badge, "Gradients are checked against central differences …");
    else if (check.worst === null || check.worst === undefined) write(badge, check.words ?? "There is no gradient to check.");
    else write(badge, `${check.ok ? "✓ Gradients equal" : "✕ A gradient differs from"} central differences, now: worst ${readable(check.worst.toExponential(0))}`);
    badge.title = check?.words ?? "";
  }

  app.on("select", (selection) => {
    if (selection && "unit" in selection) ({ layer, unit } = selection);
    else if (selection && "sample" in selection) sample = selection.sample;
    if (unitSelect.options.length) unitSelect.value = `${layer}.${unit}`;
    describeSample();
    void refresh(true);
  });
  app.on("settings", () => {
    listUnits();
    asked = "";
    void refresh();
  });
  app.on("data", () => {
    describeSample();
    asked = "";
    void refresh();
  });
  app.on("stats", showBadge);
  app.on("tab", (name) => {
    if (name === "numbers") void refresh(true);
  });
  setInterval(refresh, EVERY);
  showBadge();
}

/**
 * A formula and the count of steps behind it: only the count differs from update to update.
 * @param {Line} line
 */
function split({ symbolic }) {
  const [text, step = ""] = symbolic.split(/, (?=t = \d+$)/);
  return [text, step];
}
