// @ts-check
// The binary frame: one moment of the training, as the server sends it up to sixty times a second.
//
// Little endian; ddasp.playground.training.frames documents it byte for byte. Decoding copies nothing: the
// pictures and the parameters are views of the bytes that came.

const MAGIC = 0x46504444; // "DDPF"
const VERSION = 1;
const FIXED = 74; // bytes before the widths

export const RUNNING = 1;
export const DIVERGED = 2;
export const CLASSES = 4;
export const LINE = 8;
export const FOCUS = 16;

/**
 * @typedef {object} Frame
 * @property {number} number
 * @property {number} generation  of the data that the frame belongs to
 * @property {number} flags
 * @property {boolean} running
 * @property {boolean} diverged
 * @property {boolean} focus  whether the picture shows one unit instead of the output
 * @property {number} epoch
 * @property {number} updates
 * @property {[number, number, number]} losses  train, validation, test; NaN where there is none
 * @property {[number, number]} band  of the test loss
 * @property {[number, number]} scale  values that map bytes 0 and 255 stand for
 * @property {number} speed  epochs a second
 * @property {number} gradient  norm of the gradient
 * @property {number} samples  seen of the batch
 * @property {number} side  of the map
 * @property {number} thumbnail  side of a unit's picture
 * @property {number[]} widths  units of layers 0..L
 * @property {Uint8Array} map  side x side, row 0 on top; empty where one of the next two is the picture
 * @property {Uint8Array|null} classes  side x side codes of the likeliest class, with three or more
 * @property {Uint8Array|null} probabilities  side x side, of that class
 * @property {Float32Array|null} curve  side x outputs along the line (one value each with `focus`)
 * @property {Uint8Array} thumbnails  one after the other, layers 0..L; 128 is zero
 * @property {Float32Array} theta  W1 row by row, b1, W2, ...
 */

/**
 * The number of a frame, to say that it has come.
 * @param {ArrayBuffer} bytes
 */
export const numberOf = (bytes) => new DataView(bytes).getUint32(8, true);

/**
 * @param {ArrayBuffer} bytes
 * @returns {Frame}
 */
export function decode(bytes) {
  const view = new DataView(bytes);
  if (bytes.byteLength < FIXED || view.getUint32(0, true) !== MAGIC) throw new Error("these bytes are no frame");
  if (view.getUint16(4, true) !== VERSION) throw new Error(`frame version ${view.getUint16(4, true)}, this page reads ${VERSION}`);
  const flags = view.getUint16(6, true);
  const side = view.getUint16(70, true), thumbnail = view.getUint8(72), nWidths = view.getUint8(73);
  const widths = Array.from(new Uint8Array(bytes, FIXED, nWidths));
  let at = padded(FIXED + nWidths);
  const take = (/** @type {number} */ n) => new Uint8Array(bytes, (at += n) - n, n);
  const map = take(flags & (CLASSES | LINE) ? 0 : side * side);
  const classes = flags & CLASSES ? take(side * side) : null;
  const probabilities = flags & CLASSES ? take(side * side) : null;
  /** @type {Float32Array|null} */
  let curve = null;
  if (flags & LINE) {
    const n = side * (flags & FOCUS ? 1 : widths[nWidths - 1]);
    curve = new Float32Array(bytes, at, n);
    at += 4 * n;
  }
  const thumbnails = take(thumbnail * thumbnail * widths.reduce((a, b) => a + b, 0));
  at = padded(at);
  const theta = new Float32Array(bytes, at, nParameters(widths));
  const f32 = (/** @type {number} */ offset) => view.getFloat32(offset, true);
  return {
    number: view.getUint32(8, true),
    generation: view.getUint32(12, true),
    flags,
    running: (flags & RUNNING) !== 0,
    diverged: (flags & DIVERGED) !== 0,
    focus: (flags & FOCUS) !== 0,
    epoch: view.getFloat64(16, true),
    updates: view.getFloat64(24, true),
    losses: [f32(32), f32(36), f32(40)],
    band: [f32(44), f32(48)],
    scale: [f32(52), f32(56)],
    speed: f32(60),
    gradient: f32(64),
    samples: view.getUint16(68, true),
    side,
    thumbnail,
    widths,
    map,
    classes,
    probabilities,
    curve,
    thumbnails,
    theta,
  };
}

const padded = (/** @type {number} */ n) => (n + 3) & ~3;

/** @param {number[]} widths */
export function nParameters(widths) {
  let n = 0;
  for (let l = 1; l < widths.length; l++) n += (widths[l - 1] + 1) * widths[l];
  return n;
}

/**
 * Where a weight or a bias stands in the flat parameters: from unit i of layer l - 1 (null: the
 * bias) to unit j of layer l.
 * @param {number[]} widths
 * @param {number} l
 * @param {number|null} i
 * @param {number} j
 */
export function offsetOf(widths, l, i, j) {
  let at = 0;
  for (let k = 1; k < l; k++) at += (widths[k - 1] + 1) * widths[k];
  return at + (i === null ? widths[l - 1] : i) * widths[l] + j;
}
