// @ts-check
// The losses over epochs: of training, validation and test, with the band of the test loss, kept runs
// behind them, and the marks of the rules at which training stops.
//
// Two layers: the curves (drawn when a row was added) and the line that reads them off. Limits move in
// round steps, so that the picture stands still while it fills.

import { calmLimits, drawAxes, fixed, logTicks, scale, significant, ticks } from "../shell/axes.js";
import { makeStage, nextBeat } from "../shell/canvas.js";
import { drawBand, drawKeptRuns, drawLabels, drawStops } from "./chart_marks.js";
import { Curve, EPOCH, TEST, TRAIN, UPDATES, VALIDATION, tracePath } from "../map/curve.js";
import { keep, kept } from "../shell/keeping.js";
import { runsOf } from "./kept_runs.js";
import { make, write } from "../shell/make.js";

/** @typedef {import("../shell/axes.js").Scale} Scale */

export const LINES = /** @type {const} */ ([
  { name: "training", token: "train", column: TRAIN, dash: [] },
  { name: "validation", token: "validation", column: VALIDATION, dash: [7, 4] },
  { name: "test", token: "test", column: TEST, dash: [2, 3] },
]);
const CALM_MS = 100; // between two drawings while it trains
const MARGIN = { left: 58, top: 28, right: 82, bottom: 44 };
const NARROW = 380; // below it the names at the ends of the lines have no room
const READ_EVERY = 100; // ms between numbers that a person can still read

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  const curve = new Curve();
  const runs = runsOf(app);
  runs.curve = curve;
  let log = kept("chart.log", true);
  /** @type {{low: number, high: number}|null} */
  let limits = null;
  /** @type {{x: Scale, y: Scale}|null} */
  let axes = null;
  /** @type {number|null} epoch that is read off */
  let read = null;
  let drawnVersion = -1;

  const stage = makeStage(2, { label: "Loss over epochs", class: "chart-stage", heightOf, draw: () => drawAll() });
  const surface = make("div", {
    class: "chart-surface", tabindex: 0, role: "slider", "aria-label": "Read off the losses at an epoch",
    "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0, "aria-valuetext": "no epoch yet",
  });
  const empty = make("p", { class: "chart-empty" }, "Press play: the losses appear here, epoch by epoch.");
  stage.element.append(surface, empty);
  /** The numbers above the picture: of the newest row, or of the one that is read off. */
  const values = LINES.map(({ name, token, dash }) => {
    const number = make("output", { class: "number" });
    const more = make("span", { class: "chart-more number", title: name === "test" ? "95 % bootstrap band: what other test points might have said" : null });
    return { number, more, item: make("div", { class: "chart-value", "data-set": token }, make("span", {}, sample(dash), name), number, more) };
  });
  const axisButton = make("button", { type: "button", class: "chart-log", "aria-pressed": String(log), title: "Logarithmic axis of the loss", onclick: () => {
    log = !log;
    keep("chart.log", log);
    limits = null;
    axisButton.setAttribute("aria-pressed", String(log));
    drawAll();
  } }, "log");
  root.classList.add("chart");
  stage.element.append(axisButton);
  root.append(make("div", { class: "chart-head" }, ...values.map(({ item }) => item)), stage.element);

  const redraw = nextBeat(() => drawAll());

  /** @param {number} width */
  function heightOf(width) {
    return Math.round(Math.min(Math.max(190, 0.52 * width), 0.5 * innerHeight, 460));
  }

  // --- Drawing ---------------------------------------------------------------------------------

  function layOut() {
    const shown = runs.shown();
    const extents = [curve.extent(log), ...shown.map((run) => run.curve.extent(log))];
    let low = Math.min(...extents.map((one) => one.low)), high = Math.max(...extents.map((one) => one.high));
    if (!(high >= low)) [low, high] = log ? [0.01, 1] : [0, 1];
    const begin = curve.n ? curve.at(0, TRAIN) : NaN;
    if (begin > 0 && high > 20 * begin) high = 20 * begin; // a blow-up must not press all else flat
    if (log) low = Math.max(low, high * 1e-9);
    else low = 0;
    limits = calmLimits(low, Math.max(high, low), log, limits);
    const last = Math.max(curve.lastEpoch, ...shown.map((run) => run.curve.lastEpoch));
    return {
      x: scale(0, roundedUp(Math.max(last, 1)), MARGIN.left, Math.max(MARGIN.left + 60, stage.width - (stage.width < NARROW ? 20 : MARGIN.right))),
      y: scale(limits.low, limits.high, stage.height - MARGIN.bottom, MARGIN.top, log),
    };
  }

  function drawAll() {
    if (!stage.width) return;
    drawnVersion = curve.version;
    empty.hidden = curve.n > 1 || runs.shown().length > 0;
    axes = layOut();
    const { x, y } = axes;
    surface.style.left = `${x.from}px`;
    surface.style.width = `${x.to - x.from}px`;
    surface.style.top = `${y.to}px`;
    surface.style.height = `${y.from - y.to}px`;
    const context = stage.layers[0];
    context.clearRect(0, 0, stage.width, stage.height);
    const look = { ink: app.colour("ink"), quiet: app.colour("quiet"), rule: app.colour("rule"), font: font(), size: 12 };
    const across = Math.max(3, (x.to - x.from) / 74), up = Math.max(3, (y.from - y.to) / 40);
    drawAxes(context, {
      x, y, grid: true, xTicks: ticks(0, x.high, across), yTicks: log ? logTicks(y.low, y.high, up) : ticks(y.low, y.high, up),
      xName: "epoch", yName: lossName(),
    }, look);

    context.save();
    context.beginPath();
    context.rect(x.from, y.to - 2, x.to - x.from + 2, y.from - y.to + 4);
    context.clip();
    drawBand(context, curve, x, y, app.colour("test"));
    drawKeptRuns(context, runs.shown(), x, y, look);
    context.lineJoin = "round";
    for (const { token, column, dash } of LINES) {
      context.beginPath();
      tracePath(context, curve, column, x, y);
      context.setLineDash(dash);
      context.lineWidth = 1.75;
      context.strokeStyle = app.colour(token);
      context.stroke();
    }
    context.setLineDash([]);
    context.restore();
    drawStops(context, app, curve, x, y, look);
    if (stage.width >= NARROW) drawLabels(context, LINES.map(({ name, token, column }) => ({ name, colour: app.colour(token), value: lastFinite(column) })), x, y, curve.lastEpoch, look);
    drawReading();
  }

  let family = "";
  function font() {
    return (family ||= getComputedStyle(root).fontFamily);
  }

  function lossName() {
    return app.spec.loss === "squared_error" || !app.spec.loss ? "loss (half squared error)" : "loss (cross-entropy / nat)";
  }

  /** @param {number} column */
  function lastFinite(column) {
    const value = curve.n ? curve.at(curve.n - 1, column) : NaN;
    return Number.isFinite(value) ? value : NaN;
  }

  function drawReading() {
    if (!axes) return;
    const context = stage.layers[1];
    context.clearRect(0, 0, stage.width, stage.height);
    if (read === null || !curve.n) return;
    const row = curve.nearest(read);
    const { x, y } = axes;
    const px = Math.round(x.at(curve.at(row, EPOCH))) + 0.5;
    context.lineWidth = 1;
    context.strokeStyle = app.colour("ink");
    context.beginPath();
    context.moveTo(px, y.to);
    context.lineTo(px, y.from);
    context.stroke();
    drawTag(context, `epoch ${epochText(curve.at(row, EPOCH))}`, px, y.from + 4);
    for (const { column, token } of LINES) {
      const value = curve.at(row, column);
      if (!Number.isFinite(value) || (log && value <= 0) || value > y.high) continue;
      context.beginPath();
      context.arc(px, y.at(value), 3.5, 0, 2 * Math.PI);
      context.lineWidth = 3;
      context.strokeStyle = app.colour("surface");
      context.stroke();
      context.fillStyle = app.colour(token);
      context.fill();
    }
  }

  /**
   * A text on a ground of its own, below a place.
   * @param {CanvasRenderingContext2D} context
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  function drawTag(context, text, x, y) {
    context.font = `12px ${font()}`;
    const half = context.measureText(text).width / 2 + 5;
    const middle = Math.min(Math.max(x, half), stage.width - half);
    context.fillStyle = app.colour("ink");
    context.fillRect(middle - half, y, 2 * half, 18);
    context.fillStyle = app.colour("surface");
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, middle, y + 10);
  }

  // --- Numbers and words -----------------------------------------------------------------------

  let writtenAt = 0;
  /** @param {boolean} [now] */
  function writeValues(now = false) {
    const time = performance.now();
    if (!now && time - writtenAt < READ_EVERY) return;
    writtenAt = time;
    const row = read === null ? curve.n - 1 : curve.nearest(read);
    LINES.forEach(({ column }, k) => {
      const value = row < 0 ? NaN : curve.at(row, column);
      write(values[k].number, numberOf(value, row));
    });
    const band = row < 0 ? undefined : curve.bandAt(curve.at(row, EPOCH));
    write(values[2].more, band ? `${significant(band.low, 2)} to ${significant(band.high, 2)}` : "");
    surface.setAttribute("aria-valuemax", String(Math.floor(curve.lastEpoch)));
    surface.setAttribute("aria-valuenow", String(row < 0 ? 0 : curve.at(row, EPOCH)));
    if (read !== null || document.activeElement !== surface) surface.setAttribute("aria-valuetext", row < 0 ? "no epoch yet" : rowWords(row));
  }

  /**
   * @param {number} value
   * @param {number} row
   */
  function numberOf(value, row) {
    if (row < 0) return "–";
    if (Number.isNaN(value)) return app.frame?.diverged ? "not finite" : "–";
    return significant(value, 3);
  }

  /** @param {number} row */
  function rowWords(row) {
    const parts = LINES.filter(({ column }) => Number.isFinite(curve.at(row, column))).map(({ name, column }) => `${name} ${significant(curve.at(row, column))}`);
    return `epoch ${epochText(curve.at(row, EPOCH))}: ${parts.join(", ")}`;
  }

  function finding() {
    if (!curve.n) return "Loss over epochs: nothing trained yet.";
    if (curve.lastEpoch === 0) return `Loss before training: ${rowWords(curve.n - 1).replace(/^epoch 0: /, "")}.`;
    const courses = LINES.filter(({ column }) => Number.isFinite(curve.at(0, column))).map(({ name, column }) => `${name} from ${significant(curve.at(0, column))} to ${significant(lastFinite(column))}`);
    const band = curve.bands[curve.bands.length - 1];
    const bandWords = band ? ` 95 % band of the test loss ${significant(band.low, 2)} to ${significant(band.high, 2)}.` : "";
    const nKept = runs.shown().length;
    const others = nKept ? ` ${nKept} kept ${nKept === 1 ? "run" : "runs"} behind it.` : "";
    return `Loss over ${epochText(curve.lastEpoch)} epochs: ${courses.join("; ")}.${bandWords}${others}`;
  }

  // --- Pointer and keys ------------------------------------------------------------------------

  /** @param {number|null} epoch */
  function readOff(epoch) {
    read = epoch === null ? null : Math.min(Math.max(epoch, 0), curve.lastEpoch);
    drawReading();
    writeValues(true);
  }

  surface.addEventListener("pointermove", (event) => {
    if (axes) readOff(axes.x.value(event.offsetX + axes.x.from));
  });
  surface.addEventListener("pointerleave", () => readOff(null));
  surface.addEventListener("blur", () => readOff(null));
  surface.addEventListener("keydown", (event) => {
    const from = read === null ? curve.n - 1 : curve.nearest(read);
    const leap = Math.max(1, Math.round(curve.n / 20));
    const steps = /** @type {Record<string, number>} */ ({ ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: from + 1, ArrowUp: from + 1, PageDown: from - leap, PageUp: from + leap, Home: 0, End: curve.n - 1 });
    if (event.key === "Escape") return readOff(null);
    if (!(event.key in steps) || !curve.n) return undefined;
    event.preventDefault();
    readOff(curve.at(Math.min(Math.max(steps[event.key], 0), curve.n - 1), EPOCH));
    return undefined;
  });

  // --- News ------------------------------------------------------------------------------------

  app.on("history", (history) => {
    curve.replace(history);
    limits = null;
    redraw();
    writeValues(true);
  });
  let waiting = 0;
  app.on("frame", (frame) => {
    if (frame.updates < (curve.n ? curve.at(curve.n - 1, UPDATES) : 0)) limits = null;
    curve.add(frame.epoch, frame.updates, frame.losses);
    if (curve.version !== drawnVersion && !frame.running) drawAll();
    else if (curve.version !== drawnVersion) waiting ||= setTimeout(() => ((waiting = 0), drawAll()), CALM_MS); // a curve over all epochs hardly moves in a sixtieth of a second
    writeValues(!frame.running);
    stage.describe(finding);
  });
  app.on("stats", (stats) => {
    const [low, high] = stats.band ?? [NaN, NaN];
    if (low === null || high === null || stats.n_updates === undefined) return;
    curve.addBand({ epoch: stats.epoch, updates: stats.n_updates, low, high });
    redraw();
    writeValues(!app.status.running);
  });
  app.on("settings", redraw);
  app.on("theme", redraw);
  app.on("resize", redraw);
  runs.on(() => {
    redraw();
    stage.describe(finding);
  });
}

/** A piece of the line as it is drawn, in front of its name. @param {readonly number[]} dash */
function sample(dash) {
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  mark.setAttribute("viewBox", "0 0 24 8");
  mark.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [name, value] of [["x1", "0"], ["x2", "24"], ["y1", "4"], ["y2", "4"], ["stroke-dasharray", dash.join(" ")]]) line.setAttribute(name, value);
  mark.append(line);
  return mark;
}

/** @param {number} epoch */
export const epochText = (epoch) => (Number.isInteger(epoch) ? fixed(epoch, 0) : fixed(epoch, 2));

/** The next of 1, 1.5, 2, 3, 4, 5, 6, 8, 10 times a power of ten. @param {number} value */
export function roundedUp(value) {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-12);
  return power * ([1, 1.5, 2, 3, 4, 5, 6, 8].find((lead) => lead * power >= value - 1e-9) ?? 10);
}
