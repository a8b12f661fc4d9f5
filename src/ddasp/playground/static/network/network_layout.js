// @ts-check
// Where everything of the network stands: from widths and a box to places of units, biases and links.
//
// Pure geometry, in CSS pixels of the box. Columns stand at equal distances; what can be fed to the
// network stands in fixed rows on the left, so that an input keeps its place when others come or go.

/**
 * @typedef {{layer: number, unit: number, x: number, y: number, size: number}} Place  the middle of a unit, and its side
 * @typedef {{layer: number, from: number, to: number, a: Place, b: Place}} Link  from unit `from` of the layer before
 * @typedef {{x: number, y: number, key: string, name: string, formula: string, unit: number, size: number}} Row  one input; unit -1: not fed
 *
 * @typedef {object} Layout
 * @property {number} width
 * @property {number} height
 * @property {number} margin  empty on the left, where the network is narrower than its box
 * @property {number[]} columns  middle of the column of each layer
 * @property {Place[][]} units
 * @property {Link[]} links
 * @property {Row[]} rows
 * @property {number} pitch  between two columns
 */

// For text of 16 px; all of them grow with it.
const HEAD = 34; // room for what stands above a column
const FOOT = 8;
const NAMES = 84; // for the names of the inputs, left of them
const NARROW_NAMES = 62;
const RIGHT = 44; // right of the middle of the last column
const LEAST_PITCH = 58; // two buttons and a number stand above a column
const MOST_PITCH = 210;
const LARGEST_UNIT = 76;
const MOST_ROWS = 10; // more inputs than that are chosen elsewhere, and only those fed are shown

/**
 * The rows of the inputs, in their order.
 * @param {import("../shell/types.js").Input[]} inputs
 */
export function shownInputs(inputs) {
  return inputs.length <= MOST_ROWS ? inputs : inputs.filter((one) => one.on);
}

/**
 * @param {number[]} widths
 * @param {import("../shell/types.js").Input[]} inputs
 * @param {number} box  width that there is
 * @param {number} tall  height that there is
 * @param {number} [scale]  size of text, 1 for 16 px
 * @returns {Layout}
 */
export function layOut(widths, inputs, box, tall, scale = 1) {
  const n = widths.length;
  const names = scale * (box < 480 * scale ? NARROW_NAMES : NAMES);
  const [head, foot, right] = [HEAD * scale, FOOT * scale, RIGHT * scale];
  const height = Math.max(tall, head + foot + 8 * 34 * scale);
  const inner = height - head - foot;
  const shown = shownInputs(inputs);
  const rowPitch = inner / Math.max(shown.length, 8);
  const firstHalf = Math.min(rowPitch, 48 * scale) / 2;
  const width = Math.max(box, names + firstHalf + right + (n - 1) * LEAST_PITCH * scale);
  const pitch = Math.min((width - right - names - firstHalf) / (n - 1), MOST_PITCH * scale);
  const margin = Math.max(0, (width - names - firstHalf - right - pitch * (n - 1)) / 2); // a small network stands in the middle
  const left = margin + names + firstHalf;
  const most = Math.max(5, ...widths.slice(1));
  const size = Math.round(Math.max(24, Math.min((inner / most) * 0.7, pitch * 0.5, LARGEST_UNIT * scale)));
  const small = Math.round(Math.min(size, rowPitch * 0.8));
  const columns = widths.map((_, l) => Math.round(left + l * pitch));
  const middle = head + inner / 2;
  /** @type {Row[]} */
  const rows = [];
  let unit = 0;
  shown.forEach((one, k) => {
    const y = Math.round(middle + (k - (shown.length - 1) / 2) * rowPitch);
    rows.push({ x: columns[0], y, key: one.key, name: one.name, formula: one.formula, unit: one.on ? unit++ : -1, size: small });
  });
  const units = widths.map((count, layer) => {
    if (layer === 0) return rows.filter((row) => row.unit >= 0).map((row) => ({ layer, unit: row.unit, x: row.x, y: row.y, size: small }));
    const step = Math.min(inner / count, size * 1.6);
    return Array.from({ length: count }, (_, j) => ({ layer, unit: j, x: columns[layer], y: Math.round(middle + (j - (count - 1) / 2) * step), size }));
  });
  /** @type {Link[]} */
  const links = [];
  for (let layer = 1; layer < n; layer++) {
    units[layer - 1].forEach((a, from) => units[layer].forEach((b, to) => links.push({ layer, from, to, a, b })));
  }
  return { width, height, margin, columns, units, links, rows, pitch };
}

/**
 * The path of a link, from edge to edge of its units.
 * @param {Link} link
 */
export function pathOf({ a, b }) {
  const [x, z] = [a.x + a.size / 2, b.x - b.size / 2];
  const middle = (x + z) / 2;
  return `M${x} ${a.y}C${middle} ${a.y} ${middle} ${b.y} ${z} ${b.y}`;
}

/**
 * The side and the corner of the square that stands for a unit's bias.
 * @param {Place} place
 */
export function biasOf({ x, y, size }) {
  const side = Math.max(9, Math.round(size / 4.8));
  return { x: Math.round(x - size / 2 - side / 2), y: Math.round(y + size / 2 - side / 2), side };
}
