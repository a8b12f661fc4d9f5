// @ts-check
// Axes: where ticks stand, what is written at them, and how a value becomes a place. Nothing here
// knows of the page but `drawAxes`, which strokes what the rest has decided.
//
// Conventions: places are CSS pixels; a scale goes from values to places and back.

/** @typedef {{low: number, high: number, from: number, to: number, log: boolean, at: (value: number) => number, value: (place: number) => number}} Scale */
/** @typedef {{values: number[], texts: string[]}} Ticks */

/**
 * Values low ... high onto places from ... to; logarithmic when asked.
 * @param {number} low
 * @param {number} high
 * @param {number} from
 * @param {number} to
 * @param {boolean} [log]
 * @returns {Scale}
 */
export function scale(low, high, from, to, log = false) {
  const a = log ? Math.log10(low) : low;
  const b = log ? Math.log10(high) : high;
  const slope = b === a ? 0 : (to - from) / (b - a);
  return {
    low, high, from, to, log,
    at: (value) => from + ((log ? Math.log10(value) : value) - a) * slope,
    value: (place) => {
      const inner = slope === 0 ? a : a + (place - from) / slope;
      return log ? 10 ** inner : inner;
    },
  };
}

/**
 * Distance of about `count` round ticks: 1, 2 or 5 times a power of ten.
 * @param {number} span
 * @param {number} count
 */
export function roundStep(span, count) {
  const raw = span / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  return (lead > 5 ? 10 : lead > 2 ? 5 : lead > 1 ? 2 : 1) * power;
}

/**
 * Round ticks within low ... high, about `count` of them.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 * @returns {Ticks}
 */
export function ticks(low, high, count) {
  if (!(high > low) || !Number.isFinite(high - low)) return { values: [low], texts: [shortest(low)] };
  const step = roundStep(high - low, count);
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) values.push(k * step);
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { values, texts: values.map((value) => fixed(value, places)) };
}

/**
 * Ticks of a logarithmic axis: powers of ten, with 2 and 5 between them while there is room.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 * @returns {Ticks}
 */
export function logTicks(low, high, count) {
  const decades = Math.log10(high) - Math.log10(low);
  if (decades < 0.7) return ticks(low, high, count);
  const leads = 3 * decades <= count ? [1, 2, 5] : [1];
  const stride = leads.length > 1 ? 1 : Math.max(1, Math.ceil(decades / count));
  const values = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high) + 1e-9; power += 1) {
    if (power % stride !== 0) continue;
    for (const lead of leads) {
      const value = lead * 10 ** power;
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) values.push(value);
    }
  }
  return { values, texts: values.map(shortest) };
}

/** @type {Map<number, Intl.NumberFormat>} by decimal places: making one costs more than using it */
const formats = new Map();

/** @param {number} places */
function formatOf(places) {
  let format = formats.get(places);
  if (!format) {
    format = new Intl.NumberFormat("en-GB", { minimumFractionDigits: places, maximumFractionDigits: places });
    formats.set(places, format);
  }
  return format;
}

/**
 * A value with a fixed number of decimal places, a true minus and commas between thousands.
 * @param {number} value
 * @param {number} places
 * @returns {string}
 */
export function fixed(value, places) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : value > 0 ? "∞" : "−∞";
  if (Math.abs(value) >= 1e15 || (places > 6 && value !== 0)) return significant(value, 3);
  const text = formatOf(places).format(Math.abs(value));
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/**
 * A value with so many significant digits; very small and very large ones with a power of ten.
 * @param {number} value
 * @param {number} [digits]
 * @returns {string}
 */
export function significant(value, digits = 3) {
  if (!Number.isFinite(value) || value === 0) return fixed(value, 0);
  const [lead, power] = Math.abs(value).toExponential(digits - 1).split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < Math.max(digits, 6)) return fixed(value, Math.max(0, digits - 1 - exponent));
  return `${value < 0 ? "−" : ""}${lead} × 10${raised(exponent)}`;
}

/**
 * As few digits as the value needs: "0.003", "10⁻⁶", "2,000".
 * @param {number} value
 */
export function shortest(value) {
  if (!Number.isFinite(value) || value === 0) return fixed(value, 0);
  const [lead, power] = Number(Math.abs(value).toPrecision(6)).toExponential().split("e");
  const exponent = Number(power);
  const places = Math.max(0, lead.replace(".", "").length - 1 - exponent);
  if (exponent >= -3 && exponent < 6) return fixed(value, places);
  const sign = value < 0 ? "−" : "";
  return lead === "1" ? `${sign}10${raised(exponent)}` : `${sign}${lead} × 10${raised(exponent)}`;
}

/** @param {number} exponent */
export function raised(exponent) {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return (exponent < 0 ? "⁻" : "") + Array.from(String(Math.abs(exponent)), (digit) => digits[Number(digit)]).join("");
}

/**
 * A share as percent with the digits that so many observations allow.
 * @param {number} share
 * @param {number} [n]
 */
export function percent(share, n = 1000) {
  return `${fixed(100 * share, n >= 200 ? 1 : 0)} %`;
}

/**
 * Limits of a plotted quantity that stay still: the smallest round range around low ... high, kept
 * from `before` while the data stay inside it and fill at least half of it.
 * @param {number} low
 * @param {number} high
 * @param {boolean} log
 * @param {{low: number, high: number} | null} before
 */
export function calmLimits(low, high, log, before) {
  if (log) {
    // Steps of a third of a decade: 1, 2, 5.
    const steps = [1, 2, 5, 10];
    /** @param {number} value @param {boolean} up */
    const round = (value, up) => {
      const power = 10 ** Math.floor(Math.log10(value) + 1e-12);
      const lead = value / power;
      const found = up ? steps.find((step) => step >= lead - 1e-9) : steps.filter((step) => step <= lead + 1e-9).pop();
      return (found ?? 1) * power;
    };
    const limits = { low: round(low, false), high: round(high, true) };
    return limits.low < limits.high ? limits : { low: limits.low / 2, high: limits.high * 2 };
  }
  const step = roundStep(Math.max(high - low, Math.abs(high) * 1e-6, 1e-12), 4);
  const limits = { low: Math.floor(low / step + 1e-9) * step, high: Math.ceil(high / step - 1e-9) * step };
  if (limits.high <= limits.low) limits.high = limits.low + step;
  const fits = before && before.low <= low && before.high >= high && before.high - before.low <= 2 * (limits.high - limits.low);
  return fits ? before : limits;
}

/**
 * How an axis looks; sizes in CSS pixels.
 * @typedef {object} Look
 * @property {string} ink  labels
 * @property {string} quiet  tick texts
 * @property {string} rule  grid and frame
 * @property {string} font  family
 * @property {number} size  of the texts
 */

/**
 * Both axes of a plot: grid, ticks, texts, names. The horizontal name stands below, the vertical
 * one above its axis, so that nobody has to turn the head.
 * @param {CanvasRenderingContext2D} context
 * @param {{x: Scale, y: Scale, xTicks: Ticks, yTicks: Ticks, xName: string, yName: string, grid: boolean}} axes
 * @param {Look} look
 */
export function drawAxes(context, axes, look) {
  const { x, y, xTicks, yTicks } = axes;
  const [left, right] = [Math.min(x.from, x.to), Math.max(x.from, x.to)];
  const [top, bottom] = [Math.min(y.from, y.to), Math.max(y.from, y.to)];
  context.lineWidth = 1;
  context.strokeStyle = look.rule;
  context.beginPath();
  for (const value of yTicks.values) {
    const place = Math.round(y.at(value)) + 0.5;
    context.moveTo(axes.grid ? left : left - 4, place);
    context.lineTo(axes.grid ? right : left, place);
  }
  for (const value of xTicks.values) {
    const place = Math.round(x.at(value)) + 0.5;
    context.moveTo(place, bottom);
    context.lineTo(place, bottom + 4);
  }
  context.moveTo(left, bottom + 0.5);
  context.lineTo(right, bottom + 0.5);
  context.stroke();

  context.font = `${look.size}px ${look.font}`;
  context.fillStyle = look.quiet;
  context.textBaseline = "middle";
  context.textAlign = "right";
  yTicks.values.forEach((value, k) => context.fillText(yTicks.texts[k], left - 7, Math.round(y.at(value)) + 1));
  context.textBaseline = "top";
  context.textAlign = "center";
  let free = -Infinity; // where the last text ended: one that would touch it is left out
  xTicks.values.forEach((value, k) => {
    const half = context.measureText(xTicks.texts[k]).width / 2;
    const place = x.at(value);
    if (place - half < free) return;
    context.fillText(xTicks.texts[k], place, bottom + 7);
    free = place + half + 8;
  });
  context.fillStyle = look.ink;
  context.textAlign = "right";
  context.fillText(axes.xName, right, bottom + 10 + look.size);
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillText(axes.yName, Math.max(2, left - widest(context, yTicks.texts) - 7), top - 8);
}

/**
 * Width of the widest text in the context's font.
 * @param {CanvasRenderingContext2D} context
 * @param {string[]} texts
 */
export function widest(context, texts) {
  return texts.reduce((most, text) => Math.max(most, context.measureText(text).width), 0);
}
