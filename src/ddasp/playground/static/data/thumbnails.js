// @ts-check
// The small picture of a data set: the right way up (the largest second coordinate on top, as on the
// map), classes by colour and by shape, a regression's targets by the diverging colours of the map.

/**
 * @typedef {object} Thumbnail
 * @property {string} key
 * @property {string} title
 * @property {"classification" | "regression"} kind
 * @property {number[][]} x  (n, 1) or (n, 2)
 * @property {number[]} y
 * @property {string[]} classes
 * @property {number | null} [domain]
 * @property {string} [description]
 * @property {string} [formula]
 * @property {string} [noise]
 */

/** @param {number} k @param {number} n_classes  the token of class k of so many */
export function classToken(k, n_classes) {
  return n_classes <= 2 ? (k === 1 ? "positive" : "negative") : `category-${(k % 8) + 1}`;
}

/**
 * Trace the mark of class k: circle, square, triangle, diamond, then again.
 * @param {CanvasRenderingContext2D} pen @param {number} k @param {number} x @param {number} y @param {number} r
 */
export function traceMark(pen, k, x, y, r) {
  pen.beginPath();
  if (k % 4 === 0) pen.arc(x, y, r, 0, 2 * Math.PI);
  else if (k % 4 === 1) pen.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
  else {
    const corners = k % 4 === 2 ? [[0, -1.2], [1.1, 0.9], [-1.1, 0.9]] : [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]];
    corners.forEach(([dx, dy], i) => (i ? pen.lineTo(x + dx * r, y + dy * r) : pen.moveTo(x + dx * r, y + dy * r)));
    pen.closePath();
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Thumbnail} set
 * @param {number} side  CSS pixels
 * @param {(name: string) => string} colour
 */
export function drawThumbnail(canvas, set, side, colour) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(side * ratio);
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.scale(ratio, ratio);
  const line = (set.x[0]?.length ?? 2) === 1;
  const reach = set.domain ?? Math.max(1e-9, ...set.x.flat().map(Math.abs));
  const height = line && set.kind === "regression" ? Math.max(1e-9, ...set.y.map(Math.abs)) * 1.15 : reach;
  const inner = side - 6;
  const place = (/** @type {number} */ value, /** @type {number} */ span) => 3 + ((value + span) / (2 * span)) * inner;
  const reachY = set.kind === "regression" ? Math.max(1e-9, ...set.y.map(Math.abs)) : 1;
  set.x.forEach((at, i) => {
    const k = set.kind === "regression" ? 0 : set.y[i];
    const second = line ? (set.kind === "regression" ? set.y[i] : 0) : at[1];
    const x = place(at[0], reach);
    const y = line && set.kind !== "regression" ? side / 2 + (k - 0.5) * -6 : side - place(second, height);
    if (set.kind === "regression") {
      const share = set.y[i] / reachY;
      pen.globalAlpha = line ? 1 : 0.25 + 0.75 * Math.abs(share);
      pen.fillStyle = line ? colour("accent") : colour(share < 0 ? "negative" : "positive");
    } else pen.fillStyle = colour(classToken(k, set.classes.length));
    traceMark(pen, set.kind === "regression" ? 0 : k, x, y, line ? 1.1 : 1.35);
    pen.fill();
  });
  pen.globalAlpha = 1;
}
