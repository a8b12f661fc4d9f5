// @ts-check
// Formulas as clear HTML: letters slanted, function names upright, indices as real subscripts, a
// quotient over a line. The text itself stays what a screen reader says.

import { make } from "../shell/make.js";

const FUNCTIONS = new Set(["tanh", "exp", "ln", "max", "min", "sign", "sin", "cos", "if", "else", "mean", "sum"]);
const LOW = "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙ₋₊ₜ";
const PLAIN = "0123456789ijklmn−+t";
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹ᵗᵀ⁻";
const PLAIN_RAISED = "0123456789tT−";

/**
 * A formula as an element.
 * @param {string} text
 */
export function formula(text) {
  const root = make("span", { class: "formula", role: "math", "aria-label": text });
  const inner = make("span", { "aria-hidden": "true" });
  const [left, ...right] = text.split(" = ");
  if (right.length) {
    inner.append(...pieces(left), make("span", { class: "equals" }, " = "), ...quotient(right.join(" = ")));
  } else inner.append(...quotient(text));
  root.append(inner);
  return root;
}

/**
 * A quotient at the top level becomes numerator over denominator; anything else stays in a row.
 * @param {string} text
 * @returns {Node[]}
 */
function quotient(text) {
  let depth = 0;
  let at = -1;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")") depth--;
    else if (depth === 0 && text.startsWith(" / ", i)) {
      if (at >= 0) return pieces(text);
      at = i;
    } else if (depth === 0 && (text.startsWith(" + ", i) || text.startsWith(" − ", i) || text.startsWith(" · ", i) || text.startsWith(" = ", i) || text[i] === ",")) return pieces(text);
  }
  if (at < 0) return pieces(text);
  return [make("span", { class: "quotient" }, make("span", { class: "over" }, ...pieces(bare(text.slice(0, at)))), make("span", { class: "under" }, ...pieces(bare(text.slice(at + 3)))))];
}

/** @param {string} text  without brackets that a fraction's line makes needless */
function bare(text) {
  if (!text.startsWith("(") || !text.endsWith(")")) return text;
  let depth = 0;
  for (let i = 0; i < text.length - 1; i++) {
    depth += text[i] === "(" ? 1 : text[i] === ")" ? -1 : 0;
    if (depth === 0) return text;
  }
  return text.slice(1, -1);
}

const TOKEN = /([₀-₉ᵢⱼₖₗₘₙ₋₊ₜ]+)|_(\w+)|([⁰¹²³⁴-⁹ᵗᵀ⁻]+)|([A-Za-zα-ωΑ-ΡΤ-Ω]+)|([^₀-₉ᵢⱼₖₗₘₙ₋₊ₜ_⁰¹²³⁴-⁹ᵗᵀ⁻A-Za-zα-ωΑ-ΡΤ-Ω]+|_)/g;

/**
 * @param {string} text
 * @returns {Node[]}
 */
function pieces(text) {
  /** @type {Node[]} */
  const nodes = [];
  for (const [whole, low, index, raised, word] of text.matchAll(TOKEN)) {
    if (low) nodes.push(make("sub", {}, ...indices(translated(low, LOW, PLAIN))));
    else if (index) nodes.push(make("sub", {}, make("var", {}, index)));
    else if (raised) nodes.push(make("sup", {}, translated(raised, RAISED, PLAIN_RAISED)));
    else if (word && !FUNCTIONS.has(word) && word.length <= 2) nodes.push(make("var", {}, word));
    else nodes.push(document.createTextNode(whole));
  }
  return nodes;
}

/** @param {string} text  figures upright, letters slanted */
function indices(text) {
  return [...text].map((letter) => (/[a-z]/.test(letter) ? make("var", {}, letter) : document.createTextNode(letter)));
}

/** @param {string} text @param {string} from @param {string} to */
function translated(text, from, to) {
  return [...text].map((letter) => to[from.indexOf(letter)] ?? letter).join("");
}

/**
 * A number for reading: six digits, a real minus, no jumping width.
 * @param {number | null | undefined} value
 */
export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "not finite";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return readable((size >= 1e-4 && size < 1e6 ? value.toPrecision(6) : value.toExponential(5)).replace("-", "−"));
}

/**
 * A text with numbers as computers write them, with powers of ten as people do.
 * @param {string} text
 */
export function readable(text) {
  return text.replace(/e([+−-])0*(\d+)/g, (_, sign, power) => `×10${[...`${sign === "+" ? "" : "-"}${power}`].map((digit) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(digit)]).join("")}`);
}
