// @ts-check
// Points by hand: paint new ones, move them, take them away, and take all that back.
//
// Pointer, finger and keys do the same: with a brush the arrows move it (with Shift further) and
// Enter or Space puts it down. What a stroke does is sent at most once in a picture of the screen;
// training may go on meanwhile. The server numbers points anew after each deletion, so the next one
// waits until its answer has come.

import { make, write } from "../shell/make.js";

/** @typedef {"look"|"paint"|"move"|"erase"} Mode */
/** @typedef {{x: number, y: number}} Place */
/**
 * @typedef {object} Canvas
 * @property {HTMLElement} surface
 * @property {import("./map_points.js").Points} points
 * @property {(event: MouseEvent) => Place} place
 * @property {(at: Place) => number[]} toValues
 * @property {() => void} redraw
 * @property {() => import("./map_points.js").Geometry|null} geometry
 */

/** Radius of the brush in pixels, and how many points it leaves at a time. */
const BRUSHES = { point: [0, 1], small: [16, 2], medium: [32, 4], large: [56, 8] };
const MODES = /** @type {[Mode, string, string][]} */ ([
  ["look", "Look", "Point at the map to read it, click a point to select it."],
  ["paint", "Paint", "Put down new points of the chosen class."],
  ["move", "Move", "Drag points to another place."],
  ["erase", "Erase", "Take points away."],
]);
const MOST = 5000;
const UNDOS = 20;
const GAP = 7; // pixels of a stroke between two dabs

/**
 * @param {import("../shell/app.js").App} app
 * @param {Canvas} canvas
 */
export function mountPainting(app, canvas) {
  const { surface, points } = canvas;
  /** @type {Mode} */
  let mode = "look";
  /** @type {keyof typeof BRUSHES} */
  let brush = "small";
  let label = 1; // a class, or a target
  let down = false;
  /** @type {Place|null} where the brush is */
  let at = null;
  /** @type {Place|null} where the last dab was */
  let dabbed = null;
  /** Points that a move has taken up, each with its distance from the brush. @type {{k: number, dx: number, dy: number}[]} */
  let held = [];
  /** @type {number[][]} */
  let adds = [];
  /** Painted, and not yet seen in the server's data. @type {number[][]} */
  let pending = [];
  /** @type {Map<number, number[]>} */
  let moves = new Map();
  /** @type {Place[]} places to erase at, as soon as the numbering is known */
  let erasures = [];
  let waiting = 0; // since when the answer to a deletion is awaited; 0: it is not
  /** @type {import("../shell/types.js").PointsOfData[]} */
  let past = [];

  // --- The tool bar ----------------------------------------------------------------------------

  const buttons = new Map(MODES.map(([key, text, help]) => [key, make("button", {
    type: "button", title: help, "aria-pressed": String(key === mode), "data-mode": key, onclick: () => setMode(key),
  }, text)]));
  const undo = make("button", { type: "button", disabled: true, title: "Take back the last stroke (Ctrl+Z)", onclick: () => takeBack() }, "Undo");
  const classBox = make("select", { "aria-label": "Class to paint", onchange: () => { label = Number(classBox.value); } });
  const valueBox = make("input", { type: "number", step: 0.1, value: 1, "aria-label": "Target to paint", onchange: () => { label = Number(valueBox.value) || 0; } });
  const brushBox = make("select", { "aria-label": "Brush", onchange: () => { brush = /** @type {keyof typeof BRUSHES} */ (brushBox.value); canvas.redraw(); } },
    ...Object.keys(BRUSHES).map((name) => make("option", { value: name, selected: name === brush }, name === "point" ? "one point" : `${name} brush`)));
  const hint = make("span", { class: "note" });
  const tools = make("div", { class: "map-tools" }, hint, classBox, valueBox, brushBox, undo);
  const toolbar = make("div", { class: "map-bar" },
    make("div", { class: "map-modes", role: "group", "aria-label": "What the pointer does on the map" }, ...buttons.values()), tools);

  /** @param {Mode} next */
  function setMode(next) {
    mode = next;
    for (const [key, button] of buttons) button.setAttribute("aria-pressed", String(key === mode));
    surface.dataset.mode = mode;
    surface.setAttribute("aria-label", mode === "look"
      ? "Points of the map. Arrow keys go from point to point, Enter selects and plays."
      : `${MODES.find(([key]) => key === mode)?.[2]} Arrow keys move the brush, Shift makes it faster, Enter uses it, Escape ends.`);
    showTools();
    release();
    canvas.redraw();
  }

  function showTools() {
    const regression = app.data?.kind === "regression";
    classBox.hidden = mode !== "paint" || regression || !app.data;
    valueBox.hidden = mode !== "paint" || !regression || app.view.kind === "line";
    brushBox.hidden = mode === "look";
    undo.hidden = mode === "look" && !past.length;
    undo.disabled = !past.length;
    hint.hidden = !undo.hidden;
    write(hint, app.settings.source === "sound" ? "Click a point to hear it." : "Click a point to select it.");
  }

  /** Points that were measured can't be moved; nor can a plane through many columns be painted on. */
  function whyNot() {
    if (app.settings.source === "sound") return "Sounds lie where they were measured: they can be looked at and played, not painted.";
    if ((app.data?.coordinates?.[0]?.length ?? 2) > 2) return "Points with more than two coordinates can't be painted on a plane.";
    return "";
  }

  function allow() {
    const why = whyNot();
    for (const [key, button] of buttons) {
      button.disabled = key !== "look" && why !== "";
      button.title = key !== "look" && why ? why : String(MODES.find(([name]) => name === key)?.[2]);
    }
    if (why && mode !== "look") setMode("look");
  }

  function showClasses() {
    const classes = app.data?.classes ?? [];
    if (classes.join("\n") !== Array.from(classBox.options, (option) => option.text).join("\n")) {
      classBox.replaceChildren(...classes.map((name, k) => new Option(name, String(k))));
      if (label >= classes.length) label = 0;
      classBox.value = String(label);
    }
    showTools();
  }

  // --- A stroke --------------------------------------------------------------------------------

  /** @param {Place} place */
  function begin(place) {
    if (mode === "look" || !app.data || !canvas.geometry()) return;
    past = [...past.slice(1 - UNDOS), app.data];
    down = true;
    dabbed = null;
    if (mode === "move") {
      const radius = BRUSHES[brush][0];
      const one = points.nearest(place.x, place.y, Math.max(radius, 14));
      const taken = radius ? points.within(place.x, place.y, radius) : [];
      held = [...new Set(one >= 0 ? [...taken, one] : taken)].map((k) => ({ k, dx: points.px[k] - place.x, dy: points.py[k] - place.y }));
      if (!held.length) app.say("No point here to move.");
    }
    use(place);
  }

  /** @param {Place} place */
  function use(place) {
    at = place;
    if (down) {
      if (mode === "paint") stroke(place);
      else if (mode === "erase") erasures.push(place);
      else for (const { k, dx, dy } of held) moves.set(k, inside(place.x + dx, place.y + dy));
      send();
    }
    canvas.redraw();
  }

  /** Dabs at even distances along the way of the brush. @param {Place} place */
  function stroke(place) {
    const [radius, n] = BRUSHES[brush];
    if (!dabbed) dab(place, radius, n);
    else if (!radius) return; // one press, one point
    else {
      const far = Math.hypot(place.x - dabbed.x, place.y - dabbed.y);
      const from = dabbed;
      for (let way = GAP; way <= far; way += GAP) {
        dab({ x: from.x + ((place.x - from.x) * way) / far, y: from.y + ((place.y - from.y) * way) / far }, radius, Math.max(1, n >> 1));
      }
    }
  }

  /**
   * @param {Place} place
   * @param {number} radius
   * @param {number} n
   */
  function dab(place, radius, n) {
    dabbed = place;
    const full = (app.data?.y.length ?? 0) + pending.length;
    if (full + n > MOST) {
      app.say(`The map holds ${MOST.toLocaleString("en-GB")} points at most: erase some first.`);
      return;
    }
    for (let k = 0; k < n; k += 1) {
      const [far, angle] = [radius * Math.sqrt(Math.random()), 2 * Math.PI * Math.random()]; // evenly over the disc
      const [x, y] = inside(place.x + far * Math.cos(angle), place.y + far * Math.sin(angle));
      const point = onLine() ? [x, 0, app.data?.kind === "regression" ? y : label] : [x, y, label];
      adds.push(point);
      pending.push(onLine() ? [x, y, label] : point);
    }
  }

  const onLine = () => canvas.geometry()?.line ?? false;

  /** The values of a place, kept within the map. @param {number} x @param {number} y */
  function inside(x, y) {
    const geometry = canvas.geometry();
    if (!geometry) return [0, 0];
    return canvas.toValues({
      x: Math.min(Math.max(x, geometry.left), geometry.left + geometry.width),
      y: Math.min(Math.max(y, geometry.top), geometry.top + geometry.height),
    });
  }

  function release() {
    down = false;
    held = [];
    dabbed = null;
    showTools();
  }

  // --- To the server, once a picture -----------------------------------------------------------

  let sending = 0;
  function send() {
    sending ||= requestAnimationFrame(() => {
      sending = 0;
      /** @type {Record<string, any>} */
      const message = {};
      if (adds.length) message.add = adds.map(rounded);
      if (moves.size && !waiting) message.move = Array.from(moves, ([k, [x, y]]) => [k, ...rounded([x, y])]);
      if (erasures.length && !waiting) {
        const gone = erased();
        if (gone.length) {
          message.delete = gone;
          waiting = performance.now();
        }
      }
      adds = [];
      if (message.move) moves = new Map();
      if (Object.keys(message).length) app.send({ type: "points", ...message });
    });
  }

  function erased() {
    const radius = Math.max(BRUSHES[brush][0], 9);
    const gone = new Set(erasures.flatMap((place) => points.within(place.x, place.y, radius)));
    erasures = [];
    return [...gone];
  }

  function takeBack() {
    const before = past.pop();
    if (!before) return;
    [adds, moves, erasures, pending] = [[], new Map(), [], []];
    app.send({ type: "points", clear: true, add: before.coordinates.map((row, k) => [row[0], row[1] ?? 0, before.y[k]]) });
    app.say(`Taken back: ${before.y.length} points.`);
    showTools();
  }

  // --- Pointer and keys ------------------------------------------------------------------------

  surface.addEventListener("pointerdown", (event) => {
    if (mode === "look" || event.button !== 0) return;
    event.preventDefault();
    surface.focus({ preventScroll: true });
    surface.setPointerCapture(event.pointerId);
    begin(canvas.place(event));
  });
  surface.addEventListener("pointermove", (event) => {
    if (mode === "look") return;
    for (const one of down && event.getCoalescedEvents ? event.getCoalescedEvents() : []) use(canvas.place(one));
    use(canvas.place(event));
  });
  for (const name of ["pointerup", "pointercancel"]) surface.addEventListener(name, () => release());
  surface.addEventListener("pointerleave", () => {
    if (down || mode === "look") return;
    at = null;
    canvas.redraw();
  });

  const HEADINGS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });
  surface.addEventListener("keydown", (event) => {
    const geometry = canvas.geometry();
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      event.preventDefault();
      takeBack();
      return;
    }
    if (mode === "look" || !geometry || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in HEADINGS) {
      event.preventDefault();
      const [dx, dy] = HEADINGS[event.key];
      const far = geometry.width / (event.shiftKey ? 10 : 60);
      const from = at ?? { x: geometry.left + geometry.width / 2, y: geometry.top + geometry.height / 2 };
      use({
        x: Math.min(Math.max(from.x + far * dx, geometry.left), geometry.left + geometry.width),
        y: Math.min(Math.max(from.y + far * dy, geometry.top), geometry.top + geometry.height),
      });
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (event.repeat) return;
      const place = at ?? { x: geometry.left + geometry.width / 2, y: geometry.top + geometry.height / 2 };
      if (mode === "move" && down) {
        release(); // the second Enter puts down what the first took up
        app.say("Put down.");
      } else {
        begin(place);
        if (mode !== "move") release();
        else if (held.length) app.say(`${held.length === 1 ? "One point" : `${held.length} points`} taken up: arrow keys move, Enter puts down.`);
        else release();
      }
    } else if (event.key === "Escape") {
      event.preventDefault();
      setMode("look");
    }
  });

  // --- News ------------------------------------------------------------------------------------

  app.on("data", () => {
    waiting = 0;
    pending = adds.slice();
    if (!app.data?.own && past.length && !down) past = [];
    showClasses();
    allow();
    if (erasures.length || moves.size) requestAnimationFrame(send); // the map has placed the points by then
  });
  app.on("settings", () => {
    allow();
    showTools();
  });
  app.on("error", () => {
    waiting = 0;
    pending = [];
  });

  showTools();
  return {
    toolbar,
    mode: () => mode,
    busy: () => down,
    /** The brush, and points that are still on their way. @param {CanvasRenderingContext2D} context */
    draw(context) {
      const geometry = canvas.geometry();
      if (!geometry || mode === "look") return;
      for (const [x, y, code] of pending) {
        points.stamp(context, geometry.x.at(x), geometry.y.at(y), app.data?.kind === "regression" ? 32 : code, 0, null);
      }
      if (!at) return;
      const radius = BRUSHES[brush][0] || 7;
      for (const [width, colour] of /** @type {[number, string][]} */ ([[3.5, app.colour("surface")], [1.5, app.colour("ink")]])) {
        context.beginPath();
        context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
        context.moveTo(at.x - 3, at.y);
        context.lineTo(at.x + 3, at.y);
        context.moveTo(at.x, at.y - 3);
        context.lineTo(at.x, at.y + 3);
        context.lineWidth = width;
        context.strokeStyle = colour;
        context.stroke();
      }
    },
  };
}

/** Six digits are more than a hand can place. @param {number[]} values */
const rounded = (values) => values.map((value) => Number(value.toPrecision(6)));
