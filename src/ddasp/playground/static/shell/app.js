// @ts-check
// What all panels share: the newest of everything, and one way to hear of it and to ask for it.
//
// A panel is mounted as `mount(root, app)`. It reads `app.settings`, `app.frame`, ...; it hears of
// news by `app.on`; it wants something by `app.change`, `app.send`, `app.ask`. Frames are drawn in
// the browser's own beat: the newest one, at most one for each picture on the screen.

import { decode } from "./frame.js";
import { Line } from "./socket.js";

/** @typedef {import("./types.js").Settings} Settings */
/** @typedef {import("./types.js").Selection} Selection */
/** @typedef {import("./types.js").Unit} Unit */
/** @typedef {import("./frame.js").Frame} Frame */

/**
 * @typedef {object} Events
 * @property {import("./types.js").Hello} hello
 * @property {import("./types.js").SettingsMessage} settings
 * @property {import("./types.js").DataMessage} data
 * @property {import("./types.js").History} history
 * @property {Frame} frame
 * @property {import("./types.js").Stats} stats
 * @property {import("./types.js").Status} status
 * @property {any} answer
 * @property {{code: string, message: string}} error
 * @property {any} recording
 * @property {"light"|"dark"} theme
 * @property {{state: import("./types.js").Connection, seconds: number}} connection
 * @property {Selection} select
 * @property {Unit|null} focus
 * @property {string} tab
 * @property {null} resize
 */

const REMEMBERED = 2000; // gaps between drawn frames

/**
 * For measurements from outside (the benchmark, the soak test): how many frames were drawn, the
 * last gaps between them in ms (a ring, newest at `(frames - 1) % 2000`), what drawing one cost in
 * ms (the same ring), and the epoch on the screen.
 */
export const meter = {
  frames: 0,
  gaps: new Float64Array(REMEMBERED),
  costs: new Float64Array(REMEMBERED),
  epochs: 0,
};

export class App {
  constructor() {
    /** @type {Settings} */
    this.settings = {};
    /** @type {import("./types.js").Spec} */
    this.spec = { widths: [], activations: [], loss: "", n_parameters: 0 };
    /** @type {import("./types.js").Input[]} */
    this.inputs = [];
    /** @type {import("./types.js").View} */
    this.view = { kind: "plane", axes: [] };
    /** @type {import("./types.js").Schema|null} */
    this.schema = null;
    /** @type {import("./types.js").Hello|null} */
    this.hello = null;
    /** @type {import("./types.js").PointsOfData|null} */
    this.data = null;
    /** @type {import("./types.js").History} */
    this.history = {};
    /** @type {Frame|null} */
    this.frame = null;
    /** @type {import("./types.js").Stats} */
    this.stats = {};
    /** @type {import("./types.js").Status} */
    this.status = { running: false, reason: "", message: "", can_back: false };
    /** @type {import("./types.js").Connection} */
    this.connection = "connecting";
    /** @type {Selection} */
    this.selection = null;
    /** @type {Unit|null} the unit that the map shows large, null for the output */
    this.focused = null;
    /** @type {Unit|null} */
    this.peeked = null;

    /** @type {Map<string, Set<(value: any) => void>>} */
    this.listeners = new Map();
    /** @type {Map<number, {resolve: (value: any) => void, reject: (why: Error) => void}>} */
    this.questions = new Map();
    this.asked = 0;
    /** @type {Set<string>} */
    this.watched = new Set();
    this.watching = false;
    /** @type {ArrayBuffer|null} */
    this.newest = null;
    this.drawing = 0;
    this.drawnAt = 0;
    this.peekTimer = 0;
    /** @type {Map<string, string>} */
    this.colours = new Map();

    this.line = new Line({
      message: (message) => this.hear(message),
      frame: (bytes) => this.receive(bytes),
      state: (state, seconds) => this.connect(state, seconds ?? 0),
    });
    this.on("theme", () => this.colours.clear());
  }

  /**
   * Calls `fn` at every news of that name; gives back what ends it.
   * @template {keyof Events} K
   * @param {K} name
   * @param {(value: Events[K]) => void} fn
   * @returns {() => void}
   */
  on(name, fn) {
    const heard = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, heard.add(fn));
    return () => heard.delete(fn);
  }

  /**
   * @template {keyof Events} K
   * @param {K} name
   * @param {Events[K]} value
   */
  emit(name, value) {
    for (const fn of this.listeners.get(name) ?? []) {
      try {
        fn(value);
      } catch (error) {
        console.error(error); // one panel that fails takes no other with it
      }
    }
  }

  // --- To the server ---------------------------------------------------------------------------

  /** @param {object} message */
  send(message) {
    return this.line.send(message);
  }

  /**
   * A question to the server.
   * @param {string} what
   * @param {object} [more]
   * @returns {Promise<any>}
   */
  ask(what, more = {}) {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.questions.set(id, { resolve, reject });
      if (!this.send({ type: "ask", id, what, ...more })) this.answer(id, null, { code: "E-LINE", message: "not connected to the server" });
    });
  }

  /** @param {Settings} values */
  change(values) {
    this.send({ type: "change", set: values });
  }

  /**
   * The selection that all panels share: a unit, a point of the data, or nothing.
   * @param {Selection} selection
   */
  select(selection) {
    if (JSON.stringify(selection) === JSON.stringify(this.selection)) return;
    this.selection = selection;
    this.emit("select", selection);
    this.refocus();
  }

  /**
   * A unit looked at in passing: shown large while the pointer is on it.
   * @param {Unit|null} unit
   */
  peek(unit) {
    this.peeked = unit;
    clearTimeout(this.peekTimer);
    this.peekTimer = setTimeout(() => this.refocus(), unit ? 80 : 120); // no message for each unit that is crossed
  }

  refocus() {
    const selected = this.selection && "unit" in this.selection ? this.selection : null;
    const unit = this.peeked ?? selected;
    if (unit?.layer === this.focused?.layer && unit?.unit === this.focused?.unit) return;
    this.focused = unit;
    this.send({ type: "focus", layer: unit ? unit.layer : null, unit: unit ? unit.unit : 0 });
    this.emit("focus", unit);
  }

  /**
   * Asks for the slow diagnostics of a panel only while it is seen.
   * @param {string} panel
   * @param {boolean} visible
   */
  watch(panel, visible) {
    if (visible === this.watched.has(panel)) return;
    if (visible) this.watched.add(panel);
    else this.watched.delete(panel);
    if (this.watching) return;
    this.watching = true;
    queueMicrotask(() => {
      this.watching = false;
      this.send({ type: "watch", panels: [...this.watched] });
    });
  }

  /**
   * A request to the server with the token.
   * @param {string} path
   * @param {RequestInit} [options]
   */
  fetch(path, options) {
    return this.line.fetch(path, options);
  }

  get session() {
    return this.line.session;
  }

  // --- From the server -------------------------------------------------------------------------

  open() {
    this.line.open();
  }

  /**
   * @param {import("./types.js").Connection} state
   * @param {number} seconds
   */
  connect(state, seconds) {
    this.connection = state;
    if (state !== "open" && state !== "connecting") {
      for (const id of [...this.questions.keys()]) this.answer(id, null, { code: "E-LINE", message: "the line to the server broke" });
    }
    this.emit("connection", { state, seconds });
  }

  /** @param {any} message */
  hear(message) {
    switch (message.type) {
      case "hello":
        this.hello = message;
        this.schema = message.schema;
        this.send({ type: "watch", panels: [...this.watched] });
        if (this.focused) this.send({ type: "focus", layer: this.focused.layer, unit: this.focused.unit });
        break;
      case "settings":
        this.settings = message.settings;
        this.spec = message.spec;
        this.inputs = message.inputs;
        this.view = message.view;
        this.forgetLostUnits();
        break;
      case "data":
        this.data = message.points;
        if (this.selection && "sample" in this.selection && this.selection.sample >= message.points.y.length) this.select(null);
        break;
      case "history":
        this.history = message;
        break;
      case "status":
        this.status = message;
        break;
      case "stats":
        this.stats = message;
        break;
      case "answer":
        this.answer(message.id, message.value, message.error);
        break;
      case "error":
        this.say(message.message);
        break;
    }
    this.emit(message.type, message);
  }

  /**
   * @param {number} id
   * @param {any} value
   * @param {{code: string, message: string}} [error]
   */
  answer(id, value, error) {
    const question = this.questions.get(id);
    this.questions.delete(id);
    if (error) question?.reject(Object.assign(new Error(error.message), { code: error.code }));
    else question?.resolve(value);
  }

  forgetLostUnits() {
    const lost = (/** @type {Unit} */ at) => !(at.unit < (this.spec.widths[at.layer] ?? 0));
    if (this.peeked && lost(this.peeked)) this.peeked = null;
    if (this.selection && "unit" in this.selection && lost(this.selection)) this.select(null);
    this.refocus();
  }

  /** @param {ArrayBuffer} bytes */
  receive(bytes) {
    this.newest = bytes;
    if (!this.drawing) this.drawing = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.drawing = 0;
    if (!this.newest) return;
    const begun = performance.now();
    this.frame = decode(this.newest);
    this.newest = null;
    if (this.frame.widths.length !== this.spec.widths.length || this.frame.widths.some((n, l) => n !== this.spec.widths[l])) return; // its settings are still on the way
    this.emit("frame", this.frame);
    const place = meter.frames % REMEMBERED;
    meter.gaps[place] = this.drawnAt ? begun - this.drawnAt : NaN;
    meter.costs[place] = performance.now() - begun;
    meter.epochs = this.frame.epoch;
    meter.frames += 1;
    this.drawnAt = begun;
  }

  // --- To the person ---------------------------------------------------------------------------

  /**
   * Words for those who hear the page instead of seeing it, and for those who look at its foot.
   * @param {string} text
   */
  say(text) {
    const region = document.getElementById("said");
    if (region) region.textContent = region.textContent === text ? `${text}\u00a0` : text;
  }

  /**
   * The value of a colour token in the theme that is on.
   * @param {string} name
   */
  colour(name) {
    let value = this.colours.get(name);
    if (value === undefined) {
      value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
      this.colours.set(name, value);
    }
    return value;
  }
}
