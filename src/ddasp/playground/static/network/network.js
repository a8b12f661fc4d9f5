// @ts-check
// The network as it is: inputs, units, links, and every number of it within reach.
//
// The picture is a canvas (network_picture); above it lies an SVG of shapes that are not painted but
// can be pointed at, focused and named. The keyboard has one stop for all of it: arrow keys go from a
// unit to its links and on to the next unit; Enter selects a unit and edits a weight or a bias.

import { hidden } from "../shell/controls.js";
import { make, write } from "../shell/make.js";
import { makeEditor } from "./network_editor.js";
import { biasOf, layOut, pathOf } from "./network_layout.js";
import { Picture } from "./network_picture.js";
import { capital, keyOf, partName, wordsOf } from "./network_words.js";

/** @typedef {import("./network_words.js").Part} Part */

const SVG = "http://www.w3.org/2000/svg";
const MOST_LAYERS = 6, MOST_UNITS = 8;

/**
 * @param {string} tag
 * @param {Record<string, string|number>} attributes
 */
function shape(tag, attributes) {
  const one = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, String(value));
  return one;
}

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  const canvases = [make("canvas", { "aria-hidden": "true" }), make("canvas", { "aria-hidden": "true" })];
  const marks = /** @type {SVGSVGElement} */ (shape("svg", { class: "net-marks", role: "group", "aria-label": "Network" }));
  const heads = make("div", { class: "net-heads" });
  const rows = make("div", { class: "net-rows", role: "group", "aria-label": "Inputs" });
  const card = make("div", { class: "net-card", hidden: true, "aria-hidden": "true" }, make("span", { class: "name" }), make("span", { class: "number" }));
  const editor = makeEditor(app, () => focusOn(current));
  const net = make("div", { class: "net" }, ...canvases, heads, rows, marks, card, editor.root);
  const scroll = make("div", { class: "net-scroll" }, net);
  const words = make("p", { class: "net-words number" });
  root.append(scroll, words);

  const picture = new Picture(canvases[0], canvases[1], app);
  /** @type {import("./network_layout.js").Layout|null} */
  let layout = null;
  /** @type {Map<string, {element: Element, part: Part, x: number, y: number}>} */
  const parts = new Map();
  let built = "";
  let current = ""; // the part that the keyboard is at
  let hovered = ""; // the part whose card is open
  let cardText = "";

  // --- Building ----------------------------------------------------------------------------------

  function build() {
    const { widths } = app.spec;
    const box = scroll.clientWidth;
    if (!widths.length || !box) return;
    const tall = Math.max(300, Math.min(30 * rem(), 0.6 * innerHeight, 0.8 * box));
    const shown = `${widths} ${app.inputs.map((one) => `${one.name}:${one.formula}:${one.on}`)} ${app.spec.activations} ${app.spec.loss} ${box} ${tall} ${devicePixelRatio} ${app.data?.classes} ${app.settings.hide}`;
    if (shown === built) return;
    built = shown;
    const hadFocus = marks.contains(document.activeElement);
    layout = layOut(widths, app.inputs, box, tall, rem() / 16);
    for (const { style } of [net, ...canvases]) {
      style.width = `${layout.width}px`;
      style.height = `${layout.height}px`;
    }
    marks.setAttribute("viewBox", `0 0 ${layout.width} ${layout.height}`);
    marks.setAttribute("width", String(layout.width));
    marks.setAttribute("height", String(layout.height));
    picture.place(layout, widths, rem() / 16);
    buildParts();
    buildRows();
    buildHeads();
    if (!parts.has(current)) current = keyOf({ kind: "unit", layer: widths.length - 1, to: 0, from: -1 });
    parts.get(current)?.element.setAttribute("tabindex", "0");
    if (hadFocus) focusOn(current);
    showSelection();
    if (app.frame) picture.draw(app.frame);
  }

  function buildParts() {
    if (!layout) return;
    parts.clear();
    marks.replaceChildren();
    /** @param {Element} element @param {Part} part @param {number} x @param {number} y */
    const add = (element, part, x, y) => {
      element.setAttribute("role", "button");
      element.setAttribute("tabindex", "-1");
      element.setAttribute("aria-label", capital(partName(app, part)));
      element.setAttribute("data-part", keyOf(part));
      parts.set(keyOf(part), { element, part, x, y });
      marks.append(element);
    };
    for (const link of layout.links) {
      const part = /** @type {Part} */ ({ kind: "link", layer: link.layer, to: link.to, from: link.from });
      add(shape("path", { d: pathOf(link), class: "link" }), part, (link.a.x + link.b.x) / 2, (link.a.y + link.b.y) / 2);
    }
    for (const at of layout.units.flat()) {
      const part = /** @type {Part} */ ({ kind: "unit", layer: at.layer, to: at.unit, from: -1 });
      add(shape("rect", { class: "unit", x: Math.round(at.x - at.size / 2), y: Math.round(at.y - at.size / 2), width: at.size, height: at.size, rx: 2 }), part, at.x, at.y + at.size / 2);
      if (at.layer === 0) continue;
      const { x, y, side } = biasOf(at);
      add(shape("rect", { class: "bias", x: x - 4, y: y - 4, width: side + 8, height: side + 8 }), { ...part, kind: "bias" }, x + side / 2, y + side);
    }
    marks.setAttribute("aria-label", `Network with ${app.spec.widths.join(", ")} units from the inputs to the output. Arrow keys move, Enter edits.`);
  }

  function buildRows() {
    if (!layout) return;
    const out = hidden(app.settings);
    rows.replaceChildren(...layout.rows.filter((row) => row.unit >= 0 || !out.has(row.key)).map((row) => {
      const on = row.unit >= 0;
      const one = make("button", {
        type: "button", class: "net-row", "aria-pressed": String(on), "data-key": row.key, disabled: out.has(row.key),
        "data-hint": `${row.formula}. ${on ? "Feeds the network; press to leave it out." : "Press to feed it to the network as well."}`,
        onclick: () => toggle(row.key, !on),
      }, row.name);
      one.style.top = `${row.y}px`;
      one.style.left = `${layout?.margin ?? 0}px`;
      one.style.width = `${row.x - row.size / 2 - 6 - (layout?.margin ?? 0)}px`;
      return one;
    }), ...layout.rows.filter((row) => row.unit < 0 && !out.has(row.key)).map((row) => {
      const empty = make("span", { class: "net-empty", "aria-hidden": "true", onclick: () => toggle(row.key, true) });
      const size = row.size * 0.7;
      Object.assign(empty.style, { left: `${row.x - size / 2}px`, top: `${row.y - size / 2}px`, width: `${size}px`, height: `${size}px` });
      return empty;
    }));
  }

  /** @param {string} key @param {boolean} on */
  function toggle(key, on) {
    const fed = app.inputs.filter((one) => (one.key === key ? on : one.on));
    if (!fed.length) {
      app.say("The network needs at least one input.");
    } else if (key.startsWith("column:")) {
      app.change({ columns: fed.map((one) => one.key.slice(7)).join(",") });
    } else {
      app.change({ [key]: on });
    }
  }

  function buildHeads() {
    if (!layout) return;
    const { widths, activations, loss } = app.spec;
    const shapeNow = widths.slice(1, -1);
    const out = hidden(app.settings);
    const fixed = out.has("networkShape") || out.has("numHiddenLayers");
    const set = (/** @type {number[]} */ next) => app.change({ networkShape: next.join(",") });
    const head = (/** @type {number} */ x, /** @type {string} */ kind, /** @type {(Node|string)[]} */ ...content) => {
      const one = make("div", { class: `net-head ${kind}` }, ...content);
      one.style.left = `${x}px`;
      return one;
    };
    const button = (/** @type {string} */ name, /** @type {string} */ sign, /** @type {boolean} */ able, /** @type {() => void} */ act) =>
      make("button", { type: "button", class: "step", "aria-label": name, disabled: !able, onclick: act, "data-head": name }, sign);
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.head : undefined;
    heads.classList.toggle("tight", layout.pitch < 72 * (rem() / 16));
    heads.replaceChildren(
      ...shapeNow.map((n, k) => head(layout?.columns[k + 1] ?? 0, "hidden-layer",
        ...(fixed ? [] : [button(`Layer ${k + 1}: one unit less`, "−", n > 1, () => set(shapeNow.with(k, n - 1)))]),
        make("span", { class: "count number", title: `${n} ${n === 1 ? "unit" : "units"} in layer ${k + 1}` }, String(n)),
        ...(fixed ? [] : [button(`Layer ${k + 1}: one unit more`, "+", n < MOST_UNITS, () => set(shapeNow.with(k, n + 1)))]))),
      head(layout.columns[widths.length - 1], "last", make("span", { class: "name" }, activations[activations.length - 1])),
    );
    if (focused) /** @type {HTMLElement|null} */ (heads.querySelector(`[data-head="${focused}"]`))?.focus();
    layers.replaceChildren(
      make("span", { class: "name" }, "Hidden layers"),
      ...(fixed ? [] : [button("One hidden layer less", "−", shapeNow.length > 0, () => set(shapeNow.slice(0, -1)))]),
      make("span", { class: "count number" }, String(shapeNow.length)),
      ...(fixed ? [] : [button("One hidden layer more", "+", shapeNow.length < MOST_LAYERS, () => set([...shapeNow, 2]))]),
    );
    if (focused) /** @type {HTMLElement|null} */ (layers.querySelector(`[data-head="${focused}"]`))?.focus();
    write(words, `${widths.join("–")}: ${app.spec.n_parameters} parameters. Output: ${activations[activations.length - 1]}. Loss: ${LOSSES[loss] ?? loss}. Dashed lines are negative weights.`);
  }
  const layers = make("div", { class: "net-layers", role: "group", "aria-label": "Hidden layers" });
  document.getElementById("network-title")?.after(layers);

  const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

  // --- Pointing, focus, keys ---------------------------------------------------------------------

  /** @param {string} key */
  function focusOn(key) {
    const found = parts.get(key);
    if (!found) return;
    /** @type {SVGElement} */ (found.element).focus({ preventScroll: false });
  }

  /** @param {string} key  "" for none */
  function look(key) {
    if (key === hovered) return;
    hovered = key;
    const found = parts.get(key);
    const part = found?.part;
    app.peek(part?.kind === "unit" ? { layer: part.layer, unit: part.to } : null);
    picture.emphasise(part?.kind === "unit" ? { layer: part.layer, unit: part.to } : selectedUnit());
    for (const one of marks.querySelectorAll(".near")) one.classList.remove("near");
    found?.element.classList.add("near");
    card.hidden = !found;
    cardText = "";
    showCard();
  }

  function showCard() {
    const found = parts.get(hovered);
    if (!found || !layout) return;
    const [name, value] = wordsOf(app, found.part);
    if (name + value === cardText) return;
    const first = cardText === "";
    cardText = name + value;
    write(card.children[0], name);
    write(card.children[1], value);
    if (!first) return;
    card.style.left = `${Math.max(4, Math.min(found.x - card.offsetWidth / 2, layout.width - card.offsetWidth - 4))}px`;
    card.style.top = `${found.y + 10 + card.offsetHeight > layout.height ? found.y - card.offsetHeight - 70 : found.y + 10}px`;
  }

  const selectedUnit = () => (app.selection && "unit" in app.selection ? app.selection : null);

  /** @param {string} key */
  function act(key) {
    const found = parts.get(key);
    if (!found || !layout) return;
    const { part } = found;
    if (part.kind !== "unit") {
      editor.open(part, found.x, found.y, layout.width);
      return;
    }
    const same = selectedUnit()?.layer === part.layer && selectedUnit()?.unit === part.to;
    app.select(same ? null : { layer: part.layer, unit: part.to });
  }

  function showSelection() {
    const unit = selectedUnit();
    for (const { element, part } of parts.values()) {
      if (part.kind !== "unit") continue;
      const on = unit?.layer === part.layer && unit.unit === part.to;
      element.classList.toggle("chosen", on);
      element.setAttribute("aria-pressed", String(on));
    }
    if (!hovered) picture.emphasise(unit);
  }

  /** @param {Event} event */
  const partAt = (event) => (event.target instanceof Element && event.target.closest("[data-part]")?.getAttribute("data-part")) || "";
  // Where the pointer is on nothing, the part that has the focus keeps its card.
  const focusedPart = () => document.activeElement?.getAttribute("data-part") ?? "";
  net.addEventListener("pointerover", (event) => look(partAt(event) || focusedPart()));
  net.addEventListener("pointerleave", () => look(focusedPart()));
  net.addEventListener("click", (event) => {
    const key = partAt(event);
    if (key) {
      focusOn(key);
      act(key);
    } else if (event.target === net || event.target === rows || event.target === heads) {
      app.select(null);
    }
  });
  marks.addEventListener("focusin", (event) => {
    const key = partAt(event), found = parts.get(key);
    if (!found) return;
    parts.get(current)?.element.setAttribute("tabindex", "-1");
    current = key;
    found.element.setAttribute("tabindex", "0");
    found.element.setAttribute("aria-label", wordsOf(app, found.part).join(": "));
    look(key);
  });
  marks.addEventListener("focusout", () => look(""));

  let anchor = "to"; // the end of a link that stays while Up and Down go through links
  marks.addEventListener("keydown", (event) => {
    const part = parts.get(current)?.part;
    if (!part || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      act(current);
      return;
    }
    const next = neighbour(part, event.key);
    if (!next) return;
    event.preventDefault();
    focusOn(keyOf(next));
  });

  /**
   * Where an arrow key leads: from a unit to the left into its weights (its bias is the last of
   * them), to the right to the weights that leave it.
   * @param {Part} part
   * @param {string} key
   * @returns {Part|null}
   */
  function neighbour(part, key) {
    const { widths } = app.spec;
    const { kind, layer, to, from } = part;
    const unit = (/** @type {number} */ l, /** @type {number} */ j) => /** @type {Part} */ ({ kind: "unit", layer: l, to: j, from: -1 });
    const link = (/** @type {number} */ l, /** @type {number} */ i, /** @type {number} */ j) => /** @type {Part} */ ({ kind: "link", layer: l, from: i, to: j });
    const around = (/** @type {number} */ k, /** @type {number} */ n) => (k + n) % n;
    const step = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (key === "Home") return unit(0, 0);
    if (key === "End") return unit(widths.length - 1, 0);
    if (kind === "unit") {
      if (step) return unit(layer, around(to + step, widths[layer]));
      if (key === "ArrowLeft" && layer > 0) return (anchor = "to"), link(layer, Math.min(to, widths[layer - 1] - 1), to);
      if (key === "ArrowRight" && layer < widths.length - 1) return (anchor = "from"), link(layer + 1, to, Math.min(to, widths[layer + 1] - 1));
      return null;
    }
    if (key === "ArrowRight") return unit(layer, to);
    if (key === "ArrowLeft") return kind === "bias" ? null : unit(layer - 1, from);
    if (!step) return null;
    if (anchor === "from" && kind === "link") return link(layer, from, around(to + step, widths[layer]));
    const n = widths[layer - 1] + 1;
    const k = around((kind === "bias" ? n - 1 : from) + step, n);
    return k === n - 1 ? { kind: "bias", layer, to, from: -1 } : link(layer, k, to);
  }

  // The address holds the settings, so the link that skips to the network must not write into it.
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("network-title")?.focus();
  });

  // --- News --------------------------------------------------------------------------------------

  app.on("settings", build);
  app.on("data", build);
  app.on("resize", build);
  app.on("select", showSelection);
  app.on("theme", () => app.frame && picture.draw(app.frame));
  app.on("frame", (frame) => {
    if (!layout) build();
    picture.draw(frame);
    if (hovered) showCard();
  });
  new ResizeObserver(build).observe(scroll);
}

const LOSSES = /** @type {Record<string, string>} */ ({ squared_error: "half the squared error", mean_squared_error: "half the squared error", binary_cross_entropy: "cross-entropy", categorical_cross_entropy: "cross-entropy" });
