// @ts-check
// The course of the losses as the page remembers it: rows from the server's history and from the
// frames since, bounded, and thinned to the width of a picture when they are drawn.
//
// Conventions: rows of epoch, updates and the losses of training, validation and test, NaN where there
// is none, in the order of their updates. The band of the test loss is computed more slowly and has
// rows of its own.

export const COLUMNS = 5;
export const [EPOCH, UPDATES, TRAIN, VALIDATION, TEST] = [0, 1, 2, 3, 4];
const MOST = 4096;
const MOST_BANDS = 600;

/** @typedef {{epoch: number, updates: number, low: number, high: number}} Band */

export class Curve {
  constructor() {
    this.rows = new Float64Array(COLUMNS * MOST);
    this.n = 0;
    /** @type {Band[]} */
    this.bands = [];
    /** Counts changes, so that nobody draws twice what has not changed. */
    this.version = 0;
  }

  /**
   * Value of a column in a row.
   * @param {number} row
   * @param {number} column
   */
  at(row, column) {
    return this.rows[COLUMNS * row + column];
  }

  /**
   * Begin again from the history of the server.
   * @param {Record<string, (number|null)[]>} history
   */
  replace(history) {
    const [epochs, updates, ...losses] = [history.epoch, history.n_updates, history.train, history.validation, history.test].map((column) => column ?? []);
    this.n = 0;
    for (let row = Math.max(0, epochs.length - MOST); row < epochs.length; row += 1) {
      this.push(epochs[row] ?? NaN, updates[row] ?? NaN, losses.map((column) => column[row] ?? NaN));
    }
    this.forgetBands(this.n ? this.at(this.n - 1, UPDATES) : 0);
    this.version += 1;
  }

  /**
   * One row more. Rows with more updates are forgotten first: the training was taken back or began
   * again. Of several rows at the same update (a weight was edited) the last two stay, so that the
   * jump is seen.
   * @param {number} epoch
   * @param {number} updates
   * @param {number[]} losses
   * @returns {boolean} whether anything changed
   */
  add(epoch, updates, losses) {
    const before = this.n;
    while (this.n && this.at(this.n - 1, UPDATES) > updates) this.n -= 1;
    if (this.n < before) this.forgetBands(updates);
    if (this.n && this.at(this.n - 1, UPDATES) === updates) {
      const last = COLUMNS * (this.n - 1);
      const same = losses.every((loss, k) => Object.is(Math.fround(this.rows[last + TRAIN + k]), Math.fround(loss)));
      if (same) {
        if (this.n < before) this.version += 1;
        return this.n < before;
      }
      if (this.n > 1 && this.at(this.n - 2, UPDATES) === updates) this.n -= 1;
    }
    if (this.n === MOST) this.thin();
    this.push(epoch, updates, losses);
    this.version += 1;
    return true;
  }

  /**
   * @param {number} epoch
   * @param {number} updates
   * @param {number[]} losses
   */
  push(epoch, updates, losses) {
    this.rows.set([epoch, updates, ...losses], COLUMNS * this.n);
    this.n += 1;
  }

  /**
   * The band of the test loss, as it was some updates ago.
   * @param {Band} band
   */
  addBand(band) {
    if (!(band.high >= band.low)) return;
    this.forgetBands(band.updates - 1);
    if (this.bands.length === MOST_BANDS) this.bands = this.bands.filter((_, k) => k > (3 * MOST_BANDS) / 4 || k % 2 === 0);
    this.bands.push(band);
    this.version += 1;
  }

  /** @param {number} updates  the last that stay */
  forgetBands(updates) {
    while (this.bands.length && this.bands[this.bands.length - 1].updates > updates) this.bands.pop();
  }

  /**
   * The band nearest to an epoch, or none.
   * @param {number} epoch
   * @returns {Band|undefined}
   */
  bandAt(epoch) {
    /** @type {Band|undefined} */
    let best;
    for (const band of this.bands) if (!best || Math.abs(band.epoch - epoch) <= Math.abs(best.epoch - epoch)) best = band;
    return best;
  }

  /** Every second row of the older three quarters goes. */
  thin() {
    const older = Math.floor((3 * this.n) / 4);
    let to = 1;
    for (let row = 2; row < this.n; row += row < older ? 2 : 1) {
      this.rows.copyWithin(COLUMNS * to, COLUMNS * row, COLUMNS * (row + 1));
      to += 1;
    }
    this.n = to;
  }

  get lastEpoch() {
    return this.n ? this.at(this.n - 1, EPOCH) : 0;
  }

  /**
   * The row nearest to an epoch; -1 when there is none.
   * @param {number} epoch
   */
  nearest(epoch) {
    let [low, high] = [0, this.n - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.at(middle, EPOCH) < epoch) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && epoch - this.at(low - 1, EPOCH) < this.at(low, EPOCH) - epoch) return low - 1;
    return this.n ? low : -1;
  }

  /**
   * Lowest and highest finite value of the losses; with `positive`, of those above zero.
   * @param {boolean} positive
   */
  extent(positive) {
    let [low, high] = [Infinity, -Infinity];
    for (let at = 0; at < COLUMNS * this.n; at += COLUMNS) {
      for (let column = TRAIN; column <= TEST; column += 1) {
        const value = this.rows[at + column];
        if (!Number.isFinite(value) || (positive && value <= 0)) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    return { low, high };
  }
}

/**
 * Adds a column of a curve to a path: of all rows that share a column of pixels, the first, the
 * lowest, the highest and the last are kept, so the path is never longer than the picture is wide
 * and no spike is lost.
 * @param {CanvasRenderingContext2D | Path2D} path
 * @param {Curve} curve
 * @param {number} column
 * @param {import("../shell/axes.js").Scale} x
 * @param {import("../shell/axes.js").Scale} y
 */
export function tracePath(path, curve, column, x, y) {
  let down = false; // the pen
  let pixel = -1, first = 0, lowest = 0, highest = 0, last = 0;
  const flush = () => {
    if (pixel < 0) return;
    if (down) path.lineTo(pixel, first);
    else path.moveTo(pixel, first);
    down = true;
    if (lowest !== highest) {
      path.lineTo(pixel, lowest);
      path.lineTo(pixel, highest);
      path.lineTo(pixel, last);
    }
    pixel = -1;
  };
  for (let row = 0; row < curve.n; row += 1) {
    const value = curve.at(row, column);
    if (!Number.isFinite(value) || (y.log && value <= 0)) {
      flush();
      down = false;
      continue;
    }
    const px = Math.round(2 * x.at(curve.at(row, EPOCH))) / 2;
    const py = y.at(value);
    if (px !== pixel) {
      flush();
      [pixel, first, lowest, highest, last] = [px, py, py, py, py];
    } else {
      last = py;
      if (py < lowest) lowest = py;
      if (py > highest) highest = py;
    }
  }
  flush();
}

/**
 * A curve as short as can be told: about `most` rows, for a run that is kept.
 * @param {Curve} curve
 * @param {number} most
 */
export function shortened(curve, most) {
  const stride = Math.max(1, Math.ceil(curve.n / most));
  /** @type {number[]} */
  const rows = [];
  for (let row = 0; row < curve.n; row += stride) rows.push(row);
  if (curve.n && rows[rows.length - 1] !== curve.n - 1) rows.push(curve.n - 1);
  /** @param {number} column */
  const values = (column) => rows.map((row) => Number(curve.at(row, column).toPrecision(5)));
  return { epoch: values(EPOCH), n_updates: values(UPDATES), train: values(TRAIN), validation: values(VALIDATION), test: values(TEST) };
}
