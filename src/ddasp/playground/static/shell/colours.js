// @ts-check
// Colours of pictures: tables of 256 colours, made once for a theme, so that a picture of ten
// thousand values costs ten thousand look-ups and no arithmetic.
//
// Signed quantities run from `negative` over `neutral` to `positive`, linear in sRGB: the same 256
// colours as ddasp.plot.signed, so that a figure of a lesson and the map agree. Several classes run
// from the neutral to the class' colour in OKLab, where equal steps look equally large; magnitudes
// are viridis (magma on dark).
//
// Conventions: a table is a Uint32Array of whole pixels in the machine's own byte order, ready to be
// written into an ImageData; colours of tokens are #rrggbb.
//
// Reference: B. Ottosson 2020, "A perceptual color space for image processing".

/** @typedef {[number, number, number]} Rgb */

const VIRIDIS =
  "440154460c5f47186a482273472c7b4536814240853e49893a528b365a8c32628d" +
  "2f6a8d2c728e287a8e26818e23898d20908c1e978a1e9e8821a68527ad8030b47a" +
  "3dbb744bc26c5bc8626dce5881d34c95d73faadb32bfdf24d4e11ae9e419fde724";
const MAGMA =
  "0000030303110a0722120d331c1046281159350f6a430f7550127b5d177e691c80" +
  "7621818225818f2a809c2e7fa9327cb63679c23a75ce4070da4769e55063ee5b5e" +
  "f4685bf8775cfb8660fd9567fda470feb37bfec286fdd193fddfa1fceeb0fbfcbf";

/**
 * Red, green and blue, 0 to 255, of "#rrggbb", "#rgb" or "rgb(r, g, b)".
 * @param {string} text
 * @returns {Rgb}
 */
export function rgb(text) {
  const plain = text.trim();
  if (plain.startsWith("#")) {
    const digits = plain.length === 4 ? plain.replace(/[0-9a-f]/gi, "$&$&") : plain;
    const value = parseInt(digits.slice(1, 7), 16);
    return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
  }
  const found = plain.match(/[\d.]+/g) ?? ["0", "0", "0"];
  return [Number(found[0]), Number(found[1]), Number(found[2])];
}

/**
 * A table from a function of 0 ... n-1.
 * @param {number} n
 * @param {(k: number) => Rgb} colourOf
 */
function table(n, colourOf) {
  const bytes = new Uint8ClampedArray(4 * n);
  for (let k = 0; k < n; k += 1) {
    const [r, g, b] = colourOf(k);
    bytes.set([Math.round(r), Math.round(g), Math.round(b), 255], 4 * k);
  }
  return new Uint32Array(bytes.buffer);
}

/**
 * @param {Rgb} from
 * @param {Rgb} to
 * @param {number} t
 * @returns {Rgb}
 */
const between = (from, to, t) => [
  from[0] + (to[0] - from[0]) * t,
  from[1] + (to[1] - from[1]) * t,
  from[2] + (to[2] - from[2]) * t,
];

/**
 * 256 colours of a signed quantity; entry 0 is the lowest value, the neutral lies in the middle.
 * @param {string} negative
 * @param {string} neutral
 * @param {string} positive
 */
export function signedTable(negative, neutral, positive) {
  const [low, middle, high] = [rgb(negative), rgb(neutral), rgb(positive)];
  return table(256, (k) => {
    const place = (2 * k) / 255 - 1;
    return place < 0 ? between(low, middle, place + 1) : between(middle, high, place);
  });
}

/**
 * The same, but only the sign is left: what is decided.
 * @param {string} negative
 * @param {string} positive
 */
export function decidedTable(negative, positive) {
  const [low, high] = [rgb(negative), rgb(positive)];
  return table(256, (k) => (k < 128 ? low : high));
}

/**
 * 256 colours for each of K classes, one class behind the other: entry 256 k + p is class k with
 * probability p / 255. At 1 / K nothing is known and the colour is the neutral's.
 * @param {string[]} colours
 * @param {string} neutral
 * @param {boolean} [decided]  only the class is shown, in its full colour
 */
export function classTable(colours, neutral, decided = false) {
  const from = toOklab(rgb(neutral));
  const ends = colours.map((colour) => toOklab(rgb(colour)));
  const chance = 1 / colours.length;
  return table(256 * colours.length, (k) => {
    const t = decided ? 1 : Math.max(0, (k % 256) / 255 - chance) / (1 - chance);
    return fromOklab(between(from, ends[k >> 8], t));
  });
}

/**
 * 256 colours of a magnitude.
 * @param {boolean} dark
 */
export function magnitudeTable(dark) {
  const stops = dark ? MAGMA : VIRIDIS;
  const n = stops.length / 6 - 1;
  /** @param {number} k @returns {Rgb} */
  const stop = (k) => rgb(`#${stops.slice(6 * k, 6 * k + 6)}`);
  /** @param {number} k */
  const place = (k) => Math.round((255 * k) / n); // the bytes at which the stops were taken
  return table(256, (k) => {
    let left = Math.min(Math.floor((k * n) / 255), n - 1);
    if (place(left) > k) left -= 1;
    if (place(left + 1) < k) left += 1;
    return between(stop(left), stop(left + 1), (k - place(left)) / (place(left + 1) - place(left)));
  });
}

/**
 * Entry k of a table as "#rrggbb".
 * @param {Uint32Array} colours
 * @param {number} k
 */
export function hex(colours, k) {
  const bytes = new Uint8Array(colours.buffer, 4 * k, 3);
  return `#${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * Black or white, whichever is easier to read on a colour.
 * @param {string} colour
 */
export function inkOn(colour) {
  const [r, g, b] = rgb(colour).map(linear);
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return luminance > 0.179 ? "#000000" : "#ffffff"; // where both have the same contrast
}

/**
 * A colour as it stands out from a picture that is painted in it: deeper on light pages, lighter on
 * dark ones.
 * @param {string} colour
 * @param {boolean} dark  the page
 */
export function standingOut(colour, dark) {
  const towards = dark ? 255 : 0;
  const mixed = between(rgb(colour), [towards, towards, towards], dark ? 0.45 : 0.35);
  return `#${mixed.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

/**
 * Whether a page with this surface is dark.
 * @param {string} surface
 */
export const isDark = (surface) => inkOn(surface) === "#ffffff";

/** @param {number} byte */
function linear(byte) {
  const c = byte / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
}

/** @param {number} c */
const encoded = (c) => 255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);

/**
 * @param {Rgb} colour
 * @returns {Rgb}
 */
function toOklab(colour) {
  const [r, g, b] = colour.map(linear);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/**
 * @param {Rgb} lab
 * @returns {Rgb}
 */
function fromOklab([lightness, a, b]) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encoded(Math.max(0, 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s)),
    encoded(Math.max(0, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s)),
    encoded(Math.max(0, -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s)),
  ];
}
