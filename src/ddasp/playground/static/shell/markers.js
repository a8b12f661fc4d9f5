// @ts-check
// The shape, colour and outline of a point: its class has shape and colour (class k is the same
// shape as in ddasp.plot), its set has the outline. Nothing is told by colour alone.

/** Shapes of classes 0, 1, 2, ...; after eight they begin again, as the colours do, one further. */
const SHAPES = ["circle", "square", "triangle", "diamond", "triangle down", "plus", "cross", "pentagon"];

/** @param {number} code */
export const shapeOf = (code) => SHAPES[(code + Math.floor(code / 8)) % 8];

/**
 * Name of the token that colours class `code` of `n` classes.
 * @param {number} code
 * @param {number} n
 */
export function tokenOf(code, n) {
  if (n <= 2) return code === 0 ? "negative" : "positive";
  return `category-${(code % 8) + 1}`;
}

/**
 * Adds a shape of equal area for all kinds to a path.
 * @param {CanvasRenderingContext2D | Path2D} path
 * @param {string} shape
 * @param {number} x
 * @param {number} y
 * @param {number} r  radius of the circle of that area
 */
export function addShape(path, shape, x, y, r) {
  switch (shape) {
    case "square": {
      const a = 0.886 * r;
      path.rect(x - a, y - a, 2 * a, 2 * a);
      return;
    }
    case "triangle": return polygon(path, x, y + 0.12 * r, 1.42 * r, 3, -0.25);
    case "triangle down": return polygon(path, x, y - 0.12 * r, 1.42 * r, 3, 0.25);
    case "diamond": return polygon(path, x, y, 1.25 * r, 4, -0.25);
    case "pentagon": return polygon(path, x, y, 1.15 * r, 5, -0.25);
    case "plus": return star(path, x, y, r, 0);
    case "cross": return star(path, x, y, r, Math.PI / 4);
    default:
      path.moveTo(x + r, y);
      path.arc(x, y, r, 0, 2 * Math.PI);
  }
}

/**
 * @param {CanvasRenderingContext2D | Path2D} path
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {number} n  corners
 * @param {number} turn  of the first corner, in turns from the right, downwards
 */
function polygon(path, x, y, r, n, turn) {
  for (let k = 0; k < n; k += 1) {
    const angle = 2 * Math.PI * (turn + k / n);
    if (k === 0) path.moveTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
    else path.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  path.closePath();
}

/**
 * A plus of three by three squares without its corners, turned.
 * @param {CanvasRenderingContext2D | Path2D} path
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {number} angle
 */
function star(path, x, y, r, angle) {
  const long = 1.2 * r, short = 0.42 * r;
  const corners = [[short, long], [short, short], [long, short], [long, -short], [short, -short], [short, -long],
    [-short, -long], [-short, -short], [-long, -short], [-long, short], [-short, short], [-short, long]];
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  corners.forEach(([u, v], k) => {
    const [px, py] = [x + u * c - v * s, y + u * s + v * c];
    if (k === 0) path.moveTo(px, py);
    else path.lineTo(px, py);
  });
  path.closePath();
}

/**
 * An arrow at the border towards a point outside of the view.
 * @param {CanvasRenderingContext2D | Path2D} path
 * @param {number} x
 * @param {number} y
 * @param {number} angle  0 to the right, downwards
 * @param {number} r
 */
export function addArrow(path, x, y, angle, r) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  path.moveTo(x, y);
  path.lineTo(x - 1.9 * r * c - 0.95 * r * s, y - 1.9 * r * s + 0.95 * r * c);
  path.lineTo(x - 1.9 * r * c + 0.95 * r * s, y - 1.9 * r * s - 0.95 * r * c);
  path.closePath();
}

/**
 * How a set is outlined: training points are full with a light rim, validation points hollow, test
 * points full with a dark rim. Points that have the colour of a value (`valued`) may be as pale as the
 * page, so all of them have a dark rim, and validation points a light heart.
 * @param {CanvasRenderingContext2D} context
 * @param {Path2D} path
 * @param {number} set
 * @param {string} colour
 * @param {{paper: string, ink: string, quiet: string}} look
 * @param {Path2D|null} [heart]  of a valued validation point
 */
export function paintShape(context, path, set, colour, look, heart = null) {
  if (heart) {
    rimmed(context, path, colour, set === 2 ? look.ink : look.quiet, set === 2 ? 3.5 : 1.75);
    context.fillStyle = look.paper;
    if (set === 1) context.fill(heart);
  } else if (set === 1) {
    rimmed(context, path, look.paper, look.paper, 4);
    context.lineWidth = 2;
    context.strokeStyle = colour;
    context.stroke(path);
  } else {
    rimmed(context, path, colour, set === 2 ? look.ink : look.paper, set === 2 ? 3 : 2);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Path2D} path
 * @param {string} fill
 * @param {string} rim
 * @param {number} width  of which the inner half is covered
 */
function rimmed(context, path, fill, rim, width) {
  context.lineWidth = width;
  context.strokeStyle = rim;
  context.stroke(path);
  context.fillStyle = fill;
  context.fill(path);
}
