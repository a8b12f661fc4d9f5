// @ts-check
// Runs that a person has kept to compare: for this visit, in the tab's own storage, so many and no
// more. Chart and table look at the same ones.
//
// Conventions: a run is plain JSON. Weights are kept with it while there is room; the oldest give
// theirs up first.

import { Curve, shortened } from "../map/curve.js";

const KEY = "ddasp.playground.runs";
const MOST = 12;
const MOST_ROWS = 240; // of a kept curve
const MOST_TEXT = 3_000_000; // characters of all of them; a tab may store about five million
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/**
 * @typedef {object} Run
 * @property {string} letter
 * @property {string} name
 * @property {Record<string, any>} settings
 * @property {string} data  title of the points
 * @property {number} n_parameters
 * @property {number} epoch
 * @property {(number|null)[]} losses  training, validation, test
 * @property {(number|null)[]} scores  accuracy or R² of the three sets
 * @property {string} score  "accuracy" or "R²"
 * @property {Record<string, (number|null)[]>} curve
 * @property {boolean} charted
 * @property {any} [state]  all of the experiment, weights and memory included
 *
 * @typedef {{letter: string, curve: Curve}} ShownRun
 */

export class KeptRuns {
  constructor() {
    /** @type {Run[]} */
    this.runs = [];
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    /** @type {Map<string, Curve>} */
    this.curves = new Map();
    /** The curve of the run that is on. @type {Curve} */
    this.curve = new Curve();
    try {
      const found = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
      if (Array.isArray(found)) this.runs = found.filter((run) => run && typeof run.letter === "string" && run.curve && run.settings).slice(-MOST);
    } catch {
      // What another version left can't be read: it begins empty.
    }
  }

  /** @param {() => void} fn */
  on(fn) {
    this.listeners.add(fn);
  }

  changed() {
    this.store();
    for (const fn of this.listeners) fn();
  }

  /** What does not fit loses its weights, the oldest first; then the oldest run goes itself. */
  store() {
    for (let tries = 0; tries <= 2 * MOST; tries += 1) {
      const text = JSON.stringify(this.runs);
      if (text.length <= MOST_TEXT) {
        try {
          sessionStorage.setItem(KEY, text);
          return;
        } catch {
          // the tab has less room than most: give up some, as below
        }
      }
      const heavy = this.runs.find((run) => run.state !== undefined);
      if (heavy) delete heavy.state;
      else if (!this.runs.length) return;
      else this.remove(this.runs[0].letter, true);
    }
  }

  /** The first letter that no run has. */
  freeLetter() {
    const taken = new Set(this.runs.map((run) => run.letter));
    return Array.from(LETTERS).find((letter) => !taken.has(letter)) ?? "Z";
  }

  /** @param {Omit<Run, "letter"|"curve"|"charted">} run */
  add(run) {
    if (this.runs.length === MOST) this.remove(this.runs[0].letter, true);
    const added = { ...run, letter: this.freeLetter(), curve: shortened(this.curve, MOST_ROWS), charted: true };
    this.runs.push(added);
    this.changed();
    return added;
  }

  /**
   * @param {string} letter
   * @param {boolean} [quietly]
   */
  remove(letter, quietly = false) {
    this.runs = this.runs.filter((run) => run.letter !== letter);
    this.curves.delete(letter);
    if (!quietly) this.changed();
  }

  /** The runs that the chart shows. @returns {ShownRun[]} */
  shown() {
    return this.runs.filter((run) => run.charted).map((run) => {
      let curve = this.curves.get(run.letter);
      if (!curve) {
        curve = new Curve();
        curve.replace(run.curve);
        this.curves.set(run.letter, curve);
      }
      return { letter: run.letter, curve };
    });
  }
}

/** @type {WeakMap<object, KeptRuns>} */
const ofApp = new WeakMap();

/**
 * The runs that belong to an app.
 * @param {import("../shell/app.js").App} app
 */
export function runsOf(app) {
  let runs = ofApp.get(app);
  if (!runs) ofApp.set(app, (runs = new KeptRuns()));
  return runs;
}

/**
 * In which settings runs differ, as rows [key, value of each]; `ignored` are those that only change
 * what is shown.
 * @param {Record<string, any>[]} settings
 * @param {Set<string>} ignored
 * @returns {Map<string, any[]>}
 */
export function differing(settings, ignored) {
  /** @type {Map<string, any[]>} */
  const found = new Map();
  const keys = new Set(settings.flatMap((one) => Object.keys(one)));
  for (const key of keys) {
    if (ignored.has(key)) continue;
    const values = settings.map((one) => one[key]);
    if (values.some((value) => JSON.stringify(value) !== JSON.stringify(values[0]))) found.set(key, values);
  }
  return found;
}

/**
 * Rows in the order of a column; what is missing stands last, whichever way is up.
 * @template T
 * @param {T[]} rows
 * @param {(row: T) => number|string|null|undefined} valueOf
 * @param {boolean} down
 * @returns {T[]}
 */
export function sorted(rows, valueOf, down) {
  const missing = (/** @type {any} */ value) => value === null || value === undefined || Number.isNaN(value);
  return rows.slice().sort((a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    if (missing(x) || missing(y)) return Number(missing(x)) - Number(missing(y));
    const order = typeof x === "string" || typeof y === "string" ? String(x).localeCompare(String(y), "en", { numeric: true }) : Number(x) - Number(y);
    return down ? -order : order;
  });
}
