// @ts-check
// A drawing surface in CSS pixels: canvases one above the other that follow their box and the
// screen's density, and words for those who don't see them.

import { freshId, make } from "./make.js";

/**
 * @typedef {object} Stage
 * @property {HTMLElement} element
 * @property {CanvasRenderingContext2D[]} layers  bottom first; one unit is one CSS pixel
 * @property {number} width
 * @property {number} height
 * @property {(text: () => string) => void} describe  the finding, at most once a second
 * @property {() => boolean} seen  whether it has a size
 * @property {() => void} fit  takes the size of its box, where something else changed it
 */

/**
 * A box of layers. `heightOf` gives the height for a width; `draw` is called whenever everything has
 * to be drawn again.
 * @param {number} nLayers
 * @param {{label: string, class: string, heightOf: (width: number) => number, draw: (stage: Stage) => void}} options
 * @returns {Stage}
 */
export function makeStage(nLayers, options) {
  const canvases = Array.from({ length: nLayers }, () => make("canvas", { "aria-hidden": "true" }));
  const picture = make("div", { role: "img", "aria-label": options.label, id: freshId("picture"), class: "picture" }, ...canvases);
  const element = make("div", { class: `stage ${options.class}` }, picture);
  /** @type {Stage} */
  const stage = {
    element,
    layers: canvases.map((canvas) => {
      const context = canvas.getContext("2d");
      if (!context) throw new Error("this browser gives no canvas to draw on");
      return context;
    }),
    width: 0,
    height: 0,
    describe: slowly(1000, (text) => picture.setAttribute("aria-label", text)),
    seen: () => stage.width > 0,
    fit: () => fit(),
  };

  let density = 0;
  const fit = () => {
    const width = Math.floor(element.clientWidth);
    if (!width) {
      stage.width = 0; // in a closed tab: nothing is drawn until it is opened
      return;
    }
    const height = Math.round(options.heightOf(width));
    if (width === stage.width && height === stage.height && density === devicePixelRatio) return;
    [stage.width, stage.height, density] = [width, height, devicePixelRatio];
    picture.style.height = `${height}px`;
    for (const context of stage.layers) {
      context.canvas.width = Math.round(width * density);
      context.canvas.height = Math.round(height * density);
      context.setTransform(density, 0, 0, density, 0, 0);
    }
    options.draw(stage);
  };
  new ResizeObserver(fit).observe(element);
  addEventListener("resize", fit); // a change of density alone leaves the box as it is
  return stage;
}

/**
 * A function of words that is called at once, and then at most once in so many milliseconds, with
 * the newest words in the end. The words are only made when they are needed.
 * @param {number} ms
 * @param {(text: string) => void} tell
 * @returns {(text: () => string) => void}
 */
export function slowly(ms, tell) {
  let last = -Infinity, waiting = 0, before = "";
  /** @type {() => string} */
  let newest = () => "";
  const now = () => {
    waiting = 0;
    last = performance.now();
    const text = newest();
    if (text !== before) tell(text);
    before = text;
  };
  return (text) => {
    newest = text;
    if (waiting) return;
    const rest = last + ms - performance.now();
    if (rest <= 0) now();
    else waiting = setTimeout(now, rest);
  };
}

/**
 * Calls `fn` in the browser's next beat, once, however often it is asked.
 * @param {() => void} fn
 */
export function nextBeat(fn) {
  let asked = 0;
  return () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      fn();
    });
  };
}
