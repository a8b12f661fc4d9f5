// @ts-check
// What stands beside the curves of the chart: the band of the test loss, kept runs, the marks of the
// rules at which training stops, and the names at the ends of the lines.

import { significant } from "../shell/axes.js";
import { EPOCH, TRAIN, VALIDATION, tracePath } from "../map/curve.js";

/** @typedef {import("../shell/axes.js").Scale} Scale */
/** @typedef {import("../shell/axes.js").Look} Look */
/** @typedef {import("../map/curve.js").Curve} Curve */

/**
 * The bootstrap band of the test loss. It is known only now and then; between two looks it is drawn
 * straight.
 * @param {CanvasRenderingContext2D} context
 * @param {Curve} curve
 * @param {Scale} x
 * @param {Scale} y
 * @param {string} colour
 */
export function drawBand(context, curve, x, y, colour) {
  const { bands } = curve;
  context.beginPath();
  for (const band of bands) context.lineTo(x.at(band.epoch), y.at(Math.max(band.high, y.low)));
  for (let k = bands.length - 1; k >= 0; k -= 1) context.lineTo(x.at(bands[k].epoch), y.at(Math.max(bands[k].low, y.low)));
  context.closePath();
  context.globalAlpha = 0.18;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 1;
}

/**
 * Kept runs, thin: their validation loss, or their training loss where nothing was validated, for a
 * choice between runs that looks at test losses makes them training losses.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./kept_runs.js").ShownRun[]} shown
 * @param {Scale} x
 * @param {Scale} y
 * @param {Look} look
 */
export function drawKeptRuns(context, shown, x, y, look) {
  context.font = `600 ${look.size - 1}px ${look.font}`;
  context.textBaseline = "bottom";
  context.textAlign = "center";
  for (const { letter, curve } of shown) {
    const column = curve.n && Number.isFinite(curve.at(curve.n - 1, VALIDATION)) ? VALIDATION : TRAIN;
    context.beginPath();
    tracePath(context, curve, column, x, y);
    context.lineWidth = 1;
    context.strokeStyle = look.quiet;
    context.stroke();
    if (!curve.n) continue;
    // Where the line is well visible, each letter at another place.
    const row = Math.floor((curve.n - 1) * (0.35 + 0.12 * (letter.charCodeAt(0) % 5)));
    const value = curve.at(row, column);
    if (!(value > 0)) continue;
    context.fillStyle = look.quiet;
    context.fillText(letter, x.at(curve.at(row, EPOCH)), y.at(value) - 2);
  }
}

/**
 * Where training will stop, or has stopped, by itself.
 * @param {CanvasRenderingContext2D} context
 * @param {import("../shell/app.js").App} app
 * @param {Curve} curve
 * @param {Scale} x
 * @param {Scale} y
 * @param {Look} look
 */
export function drawStops(context, app, curve, x, y, look) {
  const { stopEpoch, stopLoss, patience } = app.settings;
  context.font = `${look.size - 1}px ${look.font}`;
  context.fillStyle = look.ink;
  context.strokeStyle = look.ink;
  context.lineWidth = 1;
  context.setLineDash([1, 3]);
  if (stopEpoch > 0 && stopEpoch <= x.high) {
    const px = Math.round(x.at(stopEpoch)) + 0.5;
    stroke(context, px, y.from, px, y.to);
    write(context, `stop`, px - 3, y.to + 2, "right", "top");
  }
  if (stopLoss > 0 && stopLoss <= y.high && stopLoss >= y.low) {
    const py = Math.round(y.at(stopLoss)) + 0.5;
    stroke(context, x.from, py, x.to, py);
    write(context, `stop: training ≤ ${significant(stopLoss, 2)}`, x.from + 5, py - 3, "left", "bottom");
  }
  if (patience > 0 && curve.n) {
    const column = Number.isFinite(curve.at(curve.n - 1, VALIDATION)) ? VALIDATION : TRAIN;
    let best = 0;
    for (let row = 1; row < curve.n; row += 1) if (curve.at(row, column) < curve.at(best, column)) best = row;
    const [px, py] = [x.at(curve.at(best, EPOCH)), y.at(curve.at(best, column))];
    const end = Math.round(x.at(Math.min(curve.at(best, EPOCH) + patience, x.high))) + 0.5;
    stroke(context, px, py, end, py);
    if (end < x.to) stroke(context, end, py - 5, end, py + 5);
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(px, py - 5);
    context.lineTo(px + 5, py);
    context.lineTo(px, py + 5);
    context.lineTo(px - 5, py);
    context.closePath();
    context.stroke();
    write(context, "best", px, py + 7, "center", "top");
  }
  context.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 */
function stroke(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {CanvasTextAlign} align
 * @param {CanvasTextBaseline} baseline
 */
function write(context, text, x, y, align, baseline) {
  context.textAlign = align;
  context.textBaseline = baseline;
  context.fillText(text, x, y);
}

/**
 * The name of each line at its end; names that would touch are moved apart and keep their order.
 * @param {CanvasRenderingContext2D} context
 * @param {{name: string, colour: string, value: number}[]} lines
 * @param {Scale} x
 * @param {Scale} y
 * @param {number} epoch
 * @param {Look} look
 */
export function drawLabels(context, lines, x, y, epoch, look) {
  const gap = look.size + 3;
  const labels = lines.filter(({ value }) => value > 0 || (!y.log && value === 0))
    .map((line) => ({ ...line, end: Math.min(Math.max(y.at(line.value), y.to), y.from) }))
    .sort((a, b) => a.end - b.end);
  const places = spread(labels.map(({ end }) => end), gap, y.to, y.from);
  context.font = `${look.size}px ${look.font}`;
  const px = Math.min(x.at(epoch), x.to);
  labels.forEach(({ name, colour, end }, k) => {
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.beginPath(); // from the line's end to its name
    context.moveTo(px + 2, end);
    context.lineTo(x.to + 3, end);
    context.lineTo(x.to + 9, places[k]);
    context.globalAlpha = 0.55;
    context.stroke();
    context.globalAlpha = 1;
    context.fillStyle = look.ink;
    write(context, name, x.to + 12, places[k] + 1, "left", "middle");
  });
}

/**
 * Places as near as can be to the wanted ones (which rise), at least `gap` apart, within low ... high.
 *
 * Places less `gap` times their number must not fall: an isotonic regression, whose solution pools
 * neighbours that stand in each other's way and puts the pool at its mean.
 * @param {number[]} wanted
 * @param {number} gap
 * @param {number} low
 * @param {number} high
 */
export function spread(wanted, gap, low, high) {
  /** @type {{sum: number, n: number}[]} */
  const pools = [];
  wanted.forEach((place, k) => {
    let pool = { sum: place - k * gap, n: 1 };
    let before = pools[pools.length - 1];
    while (before && before.sum / before.n > pool.sum / pool.n) {
      pool = { sum: pool.sum + before.sum, n: pool.n + before.n };
      pools.pop();
      before = pools[pools.length - 1];
    }
    pools.push(pool);
  });
  const top = high - (wanted.length - 1) * gap;
  return pools.flatMap(({ sum, n }) => new Array(n).fill(Math.max(low, Math.min(top, sum / n)))).map((place, k) => place + k * gap);
}
