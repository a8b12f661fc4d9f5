// @ts-check
// Is this training stable, and why did it blow up? The steepest curvature of the loss over time
// against what the optimiser bears, the gradients against differences of the loss, and after a
// divergence its causes in words, each with the way back.

import { calmLimits, drawAxes, logTicks, scale, shortest, significant, ticks } from "../shell/axes.js";
import { makeStage } from "../shell/canvas.js";
import { spread } from "../chart/chart_marks.js";
import { roundedUp } from "../chart/chart.js";
import { fill, make, write } from "../shell/make.js";

const MARGIN = { left: 58, top: 26, right: 74, bottom: 44 };
const LIMITS = /** @type {Record<string, [string, string]>} */ ({
  sgd: ["2 / μ", "Gradient descent multiplies the distance along a direction of curvature h by 1 − μh at each step; it grows when h is above 2 / μ."],
  momentum: ["2 (1 + β) / μ", "With momentum β the steps bear more: a direction grows when its curvature is above 2 (1 + β) / μ."],
  adam: ["(2 + 2β₁) / ((1 − β₁) μ)", "Adam divides each gradient by its running size first; the curvature of the divided coordinates counts, and grows above (2 + 2β₁) / ((1 − β₁) μ)."],
});

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  const trouble = make("section", { class: "stability-trouble", hidden: true, "aria-label": "Why it diverged" });
  const words = make("p", { class: "stability-words" });
  const about = make("p", { class: "note" });
  const empty = make("p", { class: "note" }, "Press play: the sharpness is measured a few times a second while this tab is open.");
  const stage = makeStage(1, { label: "Sharpness over epochs", class: "stability-stage", heightOf: (width) => Math.min(Math.max(200, 0.4 * width), 320), draw: () => drawChart() });
  const badge = make("p", { class: "stability-badge" });
  const badgeWords = make("p", {});
  const badgeAbout = make("p", { class: "note" }, "The engine computes gradients by the chain rule, backwards. Here each is compared with (L(p + h) − L(p − h)) / 2h, two losses and nothing else.");
  root.classList.add("stability");
  root.append(trouble, make("div", { class: "stability-parts" },
    make("section", {}, make("h3", {}, "Sharpness, and what the learning rate bears"), stage.element, empty, words, about),
    make("section", {}, make("h3", {}, "Are the gradients right?"), badge, badgeWords, badgeAbout)));

  let shownFor = "";
  /** Why it blew up, and each cause with what would mend it. */
  function showTrouble() {
    const found = /** @type {any} */ (app.status).divergence;
    const blown = app.status.reason === "diverged";
    const now = blown ? JSON.stringify(found ?? app.status.message) : "";
    if (now === shownFor) return;
    shownFor = now;
    trouble.hidden = !blown;
    if (!blown) return;
    const back = () => app.send({ type: "finite" });
    const causes = (found?.causes ?? []).map((/** @type {any} */ cause, /** @type {number} */ k) => make("li", {},
      make("strong", {}, cause.title), make("p", {}, cause.text),
      Object.keys(cause.set ?? {}).length ? make("button", { type: "button", class: k === 0 ? "main" : "", onclick: () => { back(); app.change(cause.set); } }, `Go back, and set ${settingWords(cause.set)}`) : null));
    fill(trouble, make("h3", {}, found?.title ?? "The training diverged"),
      causes.length ? make("ol", {}, ...causes) : make("p", {}, app.status.message || "The loss is no longer a finite number."),
      make("button", { type: "button", onclick: back }, "Go back to the last finite state"));
  }

  /** @param {Record<string, any>} values */
  function settingWords(values) {
    const controls = new Map((app.schema?.controls ?? []).map((control) => [control.key, control]));
    return Object.entries(values).map(([key, value]) => {
      const control = controls.get(key);
      const choice = control?.choices?.find((one) => one.value === value);
      return `${(control?.label ?? key).toLowerCase()} to ${choice?.words.toLowerCase() ?? value}`;
    }).join(" and ");
  }

  function show() {
    showTrouble();
    if (root.hidden) return;
    const { sharpness, gradient_check: check } = app.stats;
    const [formula, why] = LIMITS[sharpness?.kind] ?? LIMITS.sgd;
    empty.hidden = Boolean(sharpness?.history?.length);
    stage.element.hidden = !sharpness?.history?.length;
    write(words, sharpness?.words ?? "");
    write(about, `Limit: ${formula}, with μ the learning rate ${shortest(Number(app.settings.learningRate))}. ${why} Sharpness: the steepest curvature, the largest eigenvalue of the Hessian of the training loss. It is that of all points together; a minibatch sees a few of them and can be steeper.`);
    showCheck(check);
    drawChart();
  }

  /** @param {any} check */
  function showCheck(check) {
    badge.hidden = badgeWords.hidden = !check;
    if (!check) return;
    const state = check.worst === null ? "none" : check.ok ? "good" : "bad";
    badge.dataset.state = state;
    write(badge, state === "good" ? `✓ gradients equal central differences: ${significant(check.worst, 1)}` : state === "bad" ? `✗ gradients differ: ${significant(check.worst, 1)}` : "no gradient to compare");
    write(badgeWords, check.words ?? "");
  }

  function drawChart() {
    /** @type {[number, number, number|null][]} */
    const rows = app.stats.sharpness?.history ?? [];
    if (!stage.seen() || root.hidden || !rows.length) return;
    const values = rows.flatMap(([, value, limit]) => [value, limit ?? NaN]).filter((value) => value > 0 && Number.isFinite(value));
    if (!values.length) return;
    const limits = calmLimits(Math.min(...values) / 1.05, Math.max(...values) * 1.05, true, null);
    // A long training is seen from where the memory of it begins.
    const [first, last] = [rows[0][0], rows[rows.length - 1][0]];
    const begin = first < 0.3 * last ? 0 : first;
    const x = scale(begin, begin ? Math.max(last, begin + 1) : roundedUp(Math.max(last, 1)), MARGIN.left, Math.max(MARGIN.left + 60, stage.width - MARGIN.right));
    const y = scale(limits.low, limits.high, stage.height - MARGIN.bottom, MARGIN.top, true);
    const [context] = stage.layers;
    context.clearRect(0, 0, stage.width, stage.height);
    const look = { ink: app.colour("ink"), quiet: app.colour("quiet"), rule: app.colour("rule"), font: getComputedStyle(root).fontFamily, size: 12 };
    // Above the limit is where it does not hold.
    context.beginPath();
    context.moveTo(x.from, y.to);
    for (const [epoch, , limit] of rows) context.lineTo(Math.max(x.from, x.at(epoch)), clampY(limit, y));
    context.lineTo(x.to, clampY(rows[rows.length - 1][2], y));
    context.lineTo(x.to, y.to);
    context.closePath();
    context.globalAlpha = 0.1;
    context.fillStyle = app.colour("bad");
    context.fill();
    context.globalAlpha = 1;
    drawAxes(context, { x, y, xTicks: ticks(x.low, x.high, Math.max(3, (x.to - x.from) / 80)), yTicks: logTicks(y.low, y.high, Math.max(3, (y.from - y.to) / 36)), xName: "epoch", yName: "sharpness", grid: true }, look);
    drawLine(context, rows.map(([epoch, , limit]) => [epoch, limit]), x, y, app.colour("bad"), [6, 4], 1.5, true);
    drawLine(context, rows.map(([epoch, value]) => [epoch, value]), x, y, app.colour("ink"), [], 2, false);
    const [epochNow, valueNow] = rows[rows.length - 1]; // the newest, also where there is no line yet
    if (valueNow > 0) {
      context.beginPath();
      context.arc(x.at(epochNow), clampY(valueNow, y), 3.5, 0, 2 * Math.PI);
      context.fillStyle = app.colour("ink");
      context.fill();
    }
    label(context, rows[rows.length - 1], x, y, look);
    stage.describe(() => {
      const [epoch, value, limit] = rows[rows.length - 1];
      return `Sharpness over epochs: ${significant(value)} at epoch ${significant(epoch)}, limit ${limit === null ? "none" : significant(limit)}; highest ${significant(Math.max(...rows.map((row) => row[1])))}.`;
    });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {[number, number, number|null]} row
   * @param {import("../shell/axes.js").Scale} x
   * @param {import("../shell/axes.js").Scale} y
   * @param {import("../shell/axes.js").Look} look
   */
  function label(context, row, x, y, look) {
    const names = [{ text: "sharpness", at: clampY(row[1], y) }, { text: "limit", at: clampY(row[2], y) }].sort((a, b) => a.at - b.at);
    const places = spread(names.map(({ at }) => at), look.size + 3, y.to, y.from);
    context.font = `${look.size}px ${look.font}`;
    context.fillStyle = look.ink;
    context.textAlign = "left";
    context.textBaseline = "middle";
    names.forEach(({ text }, k) => context.fillText(text, x.to + 8, places[k] + 1));
  }

  for (const name of /** @type {const} */ (["stats", "status", "settings", "tab"])) app.on(name, show);
  app.on("theme", drawChart);
  show();
}

/**
 * @param {number|null} value
 * @param {import("../shell/axes.js").Scale} y
 */
const clampY = (value, y) => (value === null || !(value > 0) ? y.to : Math.min(Math.max(y.at(value), y.to), y.from));

/**
 * @param {CanvasRenderingContext2D} context
 * @param {(number|null)[][]} rows
 * @param {import("../shell/axes.js").Scale} x
 * @param {import("../shell/axes.js").Scale} y
 * @param {string} colour
 * @param {number[]} dash
 * @param {number} width
 * @param {boolean} toTheEnd  goes on to the border, as what is true whatever comes
 */
function drawLine(context, rows, x, y, colour, dash, width, toTheEnd) {
  context.beginPath();
  for (const [epoch, value] of rows) if (epoch !== null && value !== null && value > 0) context.lineTo(x.at(epoch), clampY(value, y));
  const end = rows[rows.length - 1]?.[1];
  if (toTheEnd && end !== null) context.lineTo(x.to, clampY(end, y));
  context.setLineDash(dash);
  context.lineJoin = "round";
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
}
