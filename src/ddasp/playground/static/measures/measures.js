// @ts-check
// What the outputs are worth, in numbers: how often right and how sure of that, what is mistaken for
// what, whether probabilities can be believed, and how many parameters learn from how many points.

import { drawAxes, fixed, percent, scale, significant } from "../shell/axes.js";
import { makeStage } from "../shell/canvas.js";
import { hex, inkOn, magnitudeTable } from "../shell/colours.js";
import { fill, make, write } from "../shell/make.js";

const SETS = /** @type {const} */ ([["train", "training"], ["validation", "validation"], ["test", "test"]]);
const MARGIN = { left: 48, top: 26, right: 12, bottom: 62 };

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  let chosen = "validation";
  let magnitude = magnitudeTable(false);

  const empty = make("p", { class: "note" }, "The measures come with the first state of the network.");
  const scores = make("table", { class: "measures-scores" });
  const chance = make("p", { class: "note" });
  const setBox = make("select", { id: "measures-set", onchange: () => { chosen = setBox.value; show(); } }, ...SETS.map(([key, name]) => make("option", { value: key, selected: key === chosen }, `${name} points`)));
  const picker = make("label", { class: "measures-picker", for: "measures-set" }, "Of the ", setBox);
  const confusion = make("table", { class: "measures-confusion" });
  const confusionWords = make("p", { class: "note" });
  const diagram = makeStage(1, { label: "Reliability diagram", class: "measures-diagram", heightOf: (width) => Math.min(width, 300) - MARGIN.left - MARGIN.right + MARGIN.top + MARGIN.bottom, draw: () => drawDiagram() });
  const calibrationWords = make("p", {});
  const calibrationAbout = make("p", { class: "note" });
  const parameters = make("p", {});
  const meter = make("div", { class: "measures-meter", "aria-hidden": "true" }, make("span", {}), make("span", {}));
  const parametersNote = make("p", { class: "note" });

  const accuracyPart = make("section", {}, make("h3", {}, "Accuracy"), scores, chance);
  const title = /** @type {HTMLElement} */ (accuracyPart.firstElementChild);
  const confusionPart = make("section", {}, make("h3", {}, "What is taken for what"), make("div", { class: "measures-scroll" }, confusion), confusionWords);
  const calibrationPart = make("section", {}, make("h3", {}, "Can its probabilities be believed?"), diagram.element, calibrationWords, calibrationAbout);
  const sizePart = make("section", {}, make("h3", {}, "Parameters and points"), parameters, meter, parametersNote);
  const parts = make("div", { class: "measures-parts" }, accuracyPart, confusionPart, calibrationPart, sizePart);
  root.classList.add("measures");
  root.append(empty, picker, parts);

  function show() {
    const { stats, data } = app;
    const regression = data?.kind === "regression";
    const ready = Boolean(data && (stats.accuracy || stats.r2));
    empty.hidden = ready;
    parts.hidden = picker.hidden = !ready;
    if (!ready || root.hidden) return;
    confusionPart.hidden = calibrationPart.hidden = picker.hidden = regression;
    if (regression) showR2();
    else {
      // The set that was chosen may be empty.
      const there = SETS.filter(([key]) => stats.accuracy?.[key]);
      if (there.length && !stats.accuracy?.[chosen]) chosen = there[there.length - 1][0];
      setBox.value = chosen;
      for (const option of setBox.options) option.disabled = !stats.accuracy?.[option.value];
      showAccuracy();
      showConfusion();
      showCalibration();
    }
    showSize();
  }

  // --- How often it is right -------------------------------------------------------------------

  function showAccuracy() {
    const { stats, data } = app;
    write(title, "Accuracy");
    const counts = (data?.classes ?? []).map(() => 0);
    for (const code of data?.y ?? []) counts[code] += 1;
    const most = Math.max(...counts) / Math.max(1, data?.y.length ?? 1);
    const low = Math.min(0.5, Math.floor(10 * Math.min(most, ...SETS.map(([key]) => stats.accuracy?.[key]?.low ?? 1))) / 10);
    const largest = Math.max(...SETS.map(([key]) => stats.accuracy?.[key]?.n ?? 0)); // one number of digits for all
    const rows = SETS.map(([key, name]) => {
      const of = stats.accuracy?.[key];
      if (!of) return make("tr", { class: "off" }, make("th", { scope: "row" }, name), make("td", { colspan: 4 }, "no points"));
      return make("tr", {}, make("th", { scope: "row" }, name),
        make("td", { class: "number strong" }, percent(of.value, largest)),
        make("td", { class: "number" }, `${fixed(100 * of.low, 0)} to ${fixed(100 * of.high, 0)} %`),
        make("td", { class: "measures-range" }, range(key, of, low, most)),
        make("td", { class: "number" }, `${of.right} of ${of.n}`));
    });
    fill(scores, make("caption", { class: "unseen" }, "Accuracy of the three sets"),
      make("thead", {}, make("tr", {}, ...["set", "right", "95 % interval"].map((text) => make("th", { scope: "col" }, text)),
        make("th", { scope: "col", class: "measures-range" }, make("span", { class: "ends" }, make("span", {}, percent(low, 10)), make("span", {}, "100 %"))), make("th", { scope: "col" }, "points"))),
      make("tbody", {}, ...rows));
    write(chance, `Always saying the most frequent class would be right for ${percent(most, 10)} (the thin line). Intervals: Wilson${data?.groups ? ", with as many independent points as the groups leave" : ""}.`);
  }

  /**
   * The interval as a bar with its value, on a common scale.
   * @param {string} key
   * @param {{value: number, low: number, high: number}} of
   * @param {number} from
   * @param {number} most
   */
  function range(key, of, from, most) {
    const at = (/** @type {number} */ value) => `${(100 * (value - from)) / (1 - from)}%`;
    return make("span", { class: "range", "data-set": key, "aria-hidden": "true", "--low": at(of.low), "--high": at(of.high), "--value": at(of.value), "--chance": at(most) },
      make("span", { class: "chance" }), make("span", { class: "bar" }), make("span", { class: "dot" }));
  }

  function showR2() {
    const { stats } = app;
    write(title, "R²");
    const losses = stats.losses ?? [];
    fill(scores, make("caption", { class: "unseen" }, "R² of the three sets"),
      make("thead", {}, make("tr", {}, ...["set", "R²", "typical error"].map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...SETS.map(([key, name], k) => {
        const value = stats.r2?.[key];
        const loss = losses[k];
        return make("tr", { class: value === null || value === undefined ? "off" : "" }, make("th", { scope: "row" }, name),
          make("td", { class: "number strong" }, typeof value === "number" ? fixed(value, 3) : "–"),
          make("td", { class: "number" }, typeof loss === "number" ? `± ${significant(Math.sqrt(2 * loss), 2)}` : "–"));
      })));
    write(chance, "R² is the share of the targets’ variance that the output explains: 1 is exact, 0 as good as always saying the mean, below 0 worse than that. Typical error: root of the mean squared error.");
  }

  // --- What is taken for what ------------------------------------------------------------------

  function showConfusion() {
    const { stats, data } = app;
    /** @type {number[][]} */
    const counts = stats.confusion?.[chosen] ?? [];
    const classes = data?.classes ?? [];
    const totals = counts.map((row) => row.reduce((sum, n) => sum + n, 0));
    fill(confusion, make("caption", {}, "Rows: what it is. Columns: what it is taken for."),
      make("thead", {}, make("tr", {}, make("td", {}), ...classes.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...counts.map((row, i) => make("tr", {}, make("th", { scope: "row" }, classes[i]), ...row.map((n, j) => {
        const share = totals[i] ? n / totals[i] : 0;
        const colour = hex(magnitude, Math.round(255 * share));
        const cell = make("td", { class: i === j ? "right" : "", title: `${n} of ${totals[i]} points of ${classes[i]} are taken for ${classes[j]}` }, String(n), make("small", {}, totals[i] ? percent(share, 10) : ""));
        cell.style.backgroundColor = colour;
        cell.style.color = inkOn(colour);
        return cell;
      })))));
    let worst = { n: 0, i: 0, j: 0 };
    counts.forEach((row, i) => row.forEach((n, j) => { if (i !== j && n > worst.n) worst = { n, i, j }; }));
    write(confusionWords, worst.n
      ? `Most often ${classes[worst.i]} is taken for ${classes[worst.j]}: ${worst.n} of ${totals[worst.i]}. Colour: share of the row.`
      : "Nothing is taken for anything else. Colour: share of the row.");
  }

  // --- Whether its probabilities hold ----------------------------------------------------------

  function showCalibration() {
    const of = app.stats.calibration?.[chosen];
    calibrationPart.hidden = !of;
    if (!of) return;
    const n = of.bins.reduce((/** @type {number} */ sum, /** @type {any} */ bin) => sum + bin.n, 0);
    write(calibrationWords, `On average the stated probability is ${fixed(100 * of.error, 1)} percentage points away from what comes true (expected calibration error of ${n} ${SETS.find(([key]) => key === chosen)?.[1]} points in ten bins).`);
    write(calibrationAbout, `${sentence(app.stats.calibration_words ?? "")} On the diagonal they are equal. Circles grow with the points of a bin; bars show 95 % of what chance alone would give.`);
    drawDiagram();
    diagram.describe(() => `Reliability diagram. ${of.bins.filter((/** @type {any} */ bin) => bin.n).map((/** @type {any} */ bin) => `Stated ${fixed(bin.probability, 2)}: came true ${fixed(bin.share, 2)} of ${bin.n}`).join("; ")}.`);
  }

  function drawDiagram() {
    const of = app.stats.calibration?.[chosen];
    if (!diagram.seen() || !of || root.hidden) return;
    const [context] = diagram.layers;
    context.clearRect(0, 0, diagram.width, diagram.height);
    const side = Math.min(diagram.width, 300) - MARGIN.left - MARGIN.right;
    const x = scale(0, 1, MARGIN.left, MARGIN.left + side), y = scale(0, 1, MARGIN.top + side, MARGIN.top);
    const look = { ink: app.colour("ink"), quiet: app.colour("quiet"), rule: app.colour("rule"), font: getComputedStyle(root).fontFamily, size: 12 };
    const at = { values: [0, 0.25, 0.5, 0.75, 1], texts: ["0", "0.25", "0.5", "0.75", "1"] };
    drawAxes(context, { x, y, xTicks: at, yTicks: at, xName: "stated probability", yName: "share that came true", grid: true }, look);
    context.beginPath();
    context.moveTo(x.at(0), y.at(0));
    context.lineTo(x.at(1), y.at(1));
    context.strokeStyle = look.quiet;
    context.setLineDash([4, 4]);
    context.stroke();
    context.setLineDash([]);
    const most = Math.max(1, ...of.bins.map((/** @type {any} */ bin) => bin.n));
    const colour = app.colour(chosen === "train" ? "train" : chosen);
    const floor = diagram.height - 16;
    for (const bin of of.bins) {
      if (!bin.n) continue;
      const px = x.at(bin.probability), py = y.at(bin.share);
      const [low, high] = bin.interval;
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.beginPath();
      context.moveTo(px, y.at(low));
      context.lineTo(px, y.at(high));
      context.stroke();
      context.beginPath();
      context.arc(px, py, 3 + 5 * Math.sqrt(bin.n / most), 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.fill();
      context.strokeStyle = app.colour("surface");
      context.stroke();
    }
    context.fillStyle = look.quiet;
    context.font = `11px ${look.font}`;
    context.textAlign = "right";
    context.textBaseline = "top";
    context.fillText("n", MARGIN.left - 7, floor);
    context.textAlign = "center";
    for (const bin of of.bins) if (bin.n) context.fillText(fixed(bin.n, 0), x.at((bin.low + bin.high) / 2), floor);
  }

  // --- How large it is -------------------------------------------------------------------------

  function showSize() {
    const { spec, data } = app;
    const points = (data?.sets ?? []).filter((set) => set === 0).length;
    const ratio = points / Math.max(1, spec.n_parameters);
    write(parameters, `${fixed(spec.n_parameters, 0)} parameters learn from ${fixed(points, 0)} training points: ${ratio >= 1 ? `${significant(ratio, 2)} points for each parameter` : `${significant(1 / ratio, 2)} parameters for each point`}.`);
    const all = Math.max(points, spec.n_parameters, 1);
    meter.style.setProperty("--parameters", `${(100 * spec.n_parameters) / all}%`);
    meter.style.setProperty("--points", `${(100 * points) / all}%`);
    write(parametersNote, ratio >= 10 ? "So few parameters can hardly learn the points by heart."
      : ratio >= 1 ? "With so few points for each parameter, training and test may part: watch the validation loss."
        : "There are more parameters than points: it can learn them by heart. Only validation and test say what it has understood.");
  }

  function theme() {
    magnitude = magnitudeTable(getComputedStyle(document.documentElement).colorScheme.includes("dark"));
    show();
  }
  for (const name of /** @type {const} */ (["stats", "data", "settings", "tab"])) app.on(name, show);
  app.on("theme", theme);
  theme();
}

/** @param {string} text */
const sentence = (text) => (text ? `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.` : "");
