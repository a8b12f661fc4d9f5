// @ts-check
// The picture of a sound: waveform above spectrogram on one time axis. The picture is drawn once for
// a sound, a size and a theme; while the sound plays only a line is moved across it.

import { make } from "../shell/make.js";

/**
 * @typedef {object} Picture
 * @property {number} duration  s
 * @property {boolean} cut  whether the sound goes on behind what is shown
 * @property {{low: number[], high: number[], step: number}} waveform  lowest and highest sample of each column
 * @property {object} spectrogram
 * @property {number} spectrogram.rows
 * @property {number} spectrogram.columns
 * @property {string} spectrogram.data  base64 of rows x columns bytes, 0 the floor, 255 the loudest; top row first
 * @property {number} spectrogram.floor  dB
 * @property {{first: number, step: number}} spectrogram.times  s
 * @property {number[]} spectrogram.frequencies  Hz, of the rows
 */

const GUTTER = 44; // px for the words at the vertical axes
const WAVE = 56;
const GAP = 8;
const SPECTRUM = 132;
const AXIS = 34;
export const HEIGHT = WAVE + GAP + SPECTRUM + AXIS;

// Evenly spaced colours of viridis and magma (S. van der Walt and N. Smith, matplotlib, CC0).
const MAPS = {
  light: ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"],
  dark: ["000004", "180f3d", "440f76", "721f81", "9e2f7f", "cd4071", "f1605d", "fd9668", "feca8d", "fcfdbf"],
};

/** @type {Record<string, Uint8ClampedArray>} */
const tables = {};

/** @param {"light" | "dark"} theme  256 colours, four bytes each */
export function loudnessColours(theme) {
  if (!tables[theme]) {
    const anchors = MAPS[theme].map((text) => [0, 2, 4].map((at) => parseInt(text.slice(at, at + 2), 16)));
    const table = new Uint8ClampedArray(256 * 4);
    for (let i = 0; i < 256; i++) {
      const place = (i / 255) * (anchors.length - 1);
      const k = Math.min(anchors.length - 2, Math.floor(place));
      for (let c = 0; c < 3; c++) table[4 * i + c] = anchors[k][c] + (place - k) * (anchors[k + 1][c] - anchors[k][c]);
      table[4 * i + 3] = 255;
    }
    tables[theme] = table;
  }
  return tables[theme];
}

/**
 * A figure that shows one sound at a time, with a cursor.
 * @param {(name: string) => string} colour
 * @param {(share: number) => void} [sought]  a click at this share of the time axis
 */
export function soundFigure(colour, sought) {
  const canvas = make("canvas", { class: "sound-canvas", role: "img", "aria-label": "No sound chosen" });
  const cursor = make("div", { class: "sound-cursor", "aria-hidden": "true", hidden: true });
  const hint = make("p", { class: "sound-empty", "aria-hidden": "true" }, "No sound chosen");
  const root = make("div", { class: "sound-figure", "--figure-height": `${HEIGHT}px` }, canvas, cursor, hint);
  /** @type {Picture | null} */
  let picture = null;
  let drawn = "";

  if (sought) {
    canvas.addEventListener("click", (event) => {
      const width = canvas.clientWidth - GUTTER;
      if (picture && width > 0) sought(Math.min(1, Math.max(0, (event.offsetX - GUTTER) / width)));
    });
  }

  /** Draw if the sound, the size or the theme is another than before. */
  function draw() {
    const width = canvas.clientWidth;
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    const state = [width, ratio, colour("ink"), colour("surface")].join();
    if (state === drawn) return;
    drawn = state;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.scale(ratio, ratio);
    pen.clearRect(0, 0, width, HEIGHT);
    if (picture) paint(pen, picture, width, colour);
  }

  new ResizeObserver(draw).observe(canvas);
  return {
    root,
    /** @param {Picture | null} next @param {string} words  what there is to see */
    show(next, words) {
      picture = next;
      drawn = "";
      canvas.setAttribute("aria-label", words);
      hint.hidden = picture !== null;
      hint.textContent = words;
      cursor.hidden = true;
      draw();
    },
    redraw() {
      drawn = "";
      draw();
    },
    /** @param {number | null} seconds */
    moveCursor(seconds) {
      cursor.hidden = seconds === null || !picture;
      if (seconds === null || !picture) return;
      const share = Math.min(1, seconds / picture.duration);
      cursor.style.transform = `translateX(${GUTTER + share * (canvas.clientWidth - GUTTER)}px)`;
    },
  };
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Picture} picture
 * @param {number} width
 * @param {(name: string) => string} colour
 */
function paint(pen, picture, width, colour) {
  const plot = width - GUTTER;
  const top = WAVE + GAP;
  pen.font = "11px system-ui, sans-serif";

  // The waveform: one upright stroke for each column.
  const { low, high } = picture.waveform;
  const n = low.length;
  const peak = Math.max(1e-6, ...high.map(Math.abs), ...low.map(Math.abs));
  const y = (/** @type {number} */ value) => WAVE / 2 - (value / peak) * (WAVE / 2 - 1);
  pen.fillStyle = colour("rule");
  pen.fillRect(GUTTER, WAVE / 2, plot, 1);
  pen.fillStyle = colour("accent");
  for (let x = 0; x < plot; x++) {
    const from = Math.floor((x / plot) * n);
    const to = Math.min(n, Math.max(from + 1, Math.floor(((x + 1) / plot) * n)));
    const least = Math.min(...low.slice(from, to));
    const most = Math.max(...high.slice(from, to));
    if (most >= least) pen.fillRect(GUTTER + x, y(most), 1, Math.max(1, y(least) - y(most)));
  }

  // The spectrogram: its rows are mel bands, so the picture is put in as it is and the axis bends.
  const { rows, columns, data, times, frequencies } = picture.spectrogram;
  if (columns > 0) {
    const levels = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const colours = loudnessColours(isDark(colour("surface")) ? "dark" : "light");
    const held = document.createElement("canvas"); // putImageData would ignore the pen's scale
    held.width = columns;
    held.height = rows;
    const image = new ImageData(columns, rows);
    for (let i = 0; i < rows * columns; i++) image.data.set(colours.subarray(4 * levels[i], 4 * levels[i] + 4), 4 * i);
    /** @type {CanvasRenderingContext2D} */ (held.getContext("2d")).putImageData(image, 0, 0);
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, top, plot, SPECTRUM);
    pen.fillStyle = `rgb(${colours[0]} ${colours[1]} ${colours[2]})`;
    pen.fill();
    pen.clip();
    pen.imageSmoothingEnabled = false;
    const perSecond = plot / picture.duration;
    pen.drawImage(held, GUTTER + (times.first - times.step / 2) * perSecond, top, columns * times.step * perSecond, SPECTRUM);
    pen.restore();
  }

  // Axes: quantity and unit, few ticks.
  pen.fillStyle = colour("quiet");
  pen.strokeStyle = colour("rule");
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  let last = Infinity;
  for (const frequency of [100, 300, 1000, 3000, 10000]) {
    // Where it lies among the centres of the rows, which fall from the top down.
    const below = frequencies.findIndex((centre) => centre <= frequency);
    if (below <= 0) continue;
    const row = below - (frequency - frequencies[below]) / (frequencies[below - 1] - frequencies[below]) + 0.5;
    const at = top + (row / rows) * SPECTRUM;
    if (last - at < 13) continue; // mel bands crowd the low ones
    last = at;
    pen.fillText(frequency < 1000 ? `${frequency}` : `${frequency / 1000} k`, GUTTER - 6, Math.max(top + 6, Math.min(top + SPECTRUM - 6, at)));
    pen.fillRect(GUTTER - 4, at, 4, 1);
  }
  pen.save();
  pen.translate(8, top + SPECTRUM / 2);
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText("frequency / Hz", 0, 0);
  pen.restore();
  pen.textBaseline = "top";
  const step = niceStep(picture.duration, Math.max(2, plot / 90));
  for (let t = 0; t <= picture.duration + 1e-9; t += step) {
    const x = GUTTER + (t / picture.duration) * plot;
    pen.textAlign = t === 0 ? "left" : x > width - 20 ? "right" : "center";
    pen.fillRect(Math.min(x, width - 1), top + SPECTRUM, 1, 4);
    pen.fillText(Number(t.toPrecision(6)).toString(), x, top + SPECTRUM + 6);
  }
  pen.textAlign = "center";
  pen.textBaseline = "bottom";
  pen.fillText("time / s", GUTTER + plot / 2, HEIGHT);
}

/** @param {string} text  #rrggbb */
function isDark(text) {
  const value = parseInt(text.trim().slice(1), 16);
  return ((value >> 16) & 255) + ((value >> 8) & 255) + (value & 255) < 384;
}

/**
 * A step of 1, 2 or 5 times a power of ten that gives at most so many ticks.
 * @param {number} span @param {number} ticks
 */
export function niceStep(span, ticks) {
  const rough = span / ticks;
  const power = 10 ** Math.floor(Math.log10(rough));
  return (rough / power <= 1 ? 1 : rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10) * power;
}
