// @ts-check
// Where the decision changes: the level line of a grid of values, and the borders between classes,
// as straight pieces. A boundary that is drawn can be seen without any colour.
//
// Marching squares: each square of four neighbouring samples is crossed by the level in none, one or
// two pieces, whose ends lie on its sides, where a straight line between two samples meets the level.
//
// Conventions: grids are rows of `side` samples, row 0 on top; places are in samples, so that sample
// (column i, row j) lies at (i, j). Pieces go into an array that the caller keeps, four numbers
// (x0, y0, x1, y1) each; nothing is allocated.
//
// Reference: W. E. Lorensen and H. E. Cline, "Marching cubes", SIGGRAPH 1987, in two dimensions.

/**
 * Room for the pieces of any grid of that side.
 * @param {number} side
 */
export const room = (side) => new Float32Array(16 * (side - 1) * (side - 1));

/**
 * The line on which a grid has one value.
 * @param {ArrayLike<number>} grid
 * @param {number} side
 * @param {number} level
 * @param {Float32Array} pieces
 * @returns {number} how many pieces there are
 */
export function levelLine(grid, side, level, pieces) {
  let n = 0;
  for (let j = 0; j < side - 1; j += 1) {
    const row = j * side;
    for (let i = 0; i < side - 1; i += 1) {
      const a = grid[row + i] - level, b = grid[row + i + 1] - level;
      const c = grid[row + side + i + 1] - level, d = grid[row + side + i] - level;
      const above = (a > 0 ? 1 : 0) | (b > 0 ? 2 : 0) | (c > 0 ? 4 : 0) | (d > 0 ? 8 : 0);
      if (above === 0 || above === 15) continue;
      // Where the level meets the four sides, as far as it does.
      const top = i + a / (a - b), right = j + b / (b - c), bottom = i + d / (d - c), left = j + a / (a - d);
      switch (above) {
        case 1: case 14: n = put(pieces, n, i, left, top, j); break;
        case 2: case 13: n = put(pieces, n, top, j, i + 1, right); break;
        case 4: case 11: n = put(pieces, n, i + 1, right, bottom, j + 1); break;
        case 8: case 7: n = put(pieces, n, bottom, j + 1, i, left); break;
        case 3: case 12: n = put(pieces, n, i, left, i + 1, right); break;
        case 6: case 9: n = put(pieces, n, top, j, bottom, j + 1); break;
        default: {
          // Two opposite corners are above: the mean of the four says whether they are joined.
          const joined = a + b + c + d > 0;
          if ((above === 5) === joined) {
            n = put(pieces, n, top, j, i + 1, right);
            n = put(pieces, n, bottom, j + 1, i, left);
          } else {
            n = put(pieces, n, i, left, top, j);
            n = put(pieces, n, i + 1, right, bottom, j + 1);
          }
        }
      }
    }
  }
  return n;
}

/**
 * A grid without the steps of its eight bits: means over neighbours, weighted 1 2 1 in both
 * directions, so many times. Where a picture is almost flat its steps are wider than a sample, and a
 * level line would follow them like stairs. Borders are smoothed along themselves only, so that a
 * plane stays a plane.
 * @param {ArrayLike<number>} grid
 * @param {number} side
 * @param {number} times
 * @param {Float32Array} out  of side * side
 * @param {Float32Array} between  of side * side
 */
export function smooth(grid, side, times, out, between) {
  out.set(grid);
  for (let time = 0; time < times; time += 1) {
    for (let j = 0; j < side; j += 1) {
      for (let i = 0, at = j * side; i < side; i += 1, at += 1) {
        between[at] = i && i < side - 1 ? (out[at - 1] + 2 * out[at] + out[at + 1]) / 4 : out[at];
      }
    }
    for (let j = 0; j < side; j += 1) {
      const inner = j > 0 && j < side - 1;
      for (let i = 0, at = j * side; i < side; i += 1, at += 1) {
        out[at] = inner ? (between[at - side] + 2 * between[at] + between[at + side]) / 4 : between[at];
      }
    }
  }
}

/**
 * How often a picture should be smoothed: not at all when it uses its bytes, often when it is flat.
 * @param {ArrayLike<number>} grid
 */
export function flatness(grid) {
  let [low, high] = [255, 0];
  for (let k = 0; k < grid.length; k += 1) {
    if (grid[k] < low) low = grid[k];
    if (grid[k] > high) high = grid[k];
  }
  return high - low > 160 ? 0 : Math.min(8, Math.ceil(240 / (high - low + 1)));
}

/**
 * The borders between classes. Between two samples of different classes a border lies where both
 * are equally probable, taking all probability to be shared by these two.
 * @param {ArrayLike<number>} classes
 * @param {ArrayLike<number>} probabilities  of these classes, 0 ... 255
 * @param {number} side
 * @param {Float32Array} pieces
 * @returns {number}
 */
export function classBorders(classes, probabilities, side, pieces) {
  let n = 0;
  for (let j = 0; j < side - 1; j += 1) {
    for (let i = 0; i < side - 1; i += 1) {
      const at = j * side + i;
      const a = classes[at], b = classes[at + 1], c = classes[at + side + 1], d = classes[at + side];
      if (a === b && b === c && c === d) continue;
      const top = a === b ? -1 : i + share(probabilities[at], probabilities[at + 1]);
      const right = b === c ? -1 : j + share(probabilities[at + 1], probabilities[at + side + 1]);
      const bottom = c === d ? -1 : i + share(probabilities[at + side], probabilities[at + side + 1]);
      const left = a === d ? -1 : j + share(probabilities[at], probabilities[at + side]);
      const crossed = (top >= 0 ? 1 : 0) + (right >= 0 ? 1 : 0) + (bottom >= 0 ? 1 : 0) + (left >= 0 ? 1 : 0);
      if (crossed === 2) {
        const [x0, y0] = top >= 0 ? [top, j] : right >= 0 ? [i + 1, right] : [bottom, j + 1];
        const [x1, y1] = left >= 0 ? [i, left] : bottom >= 0 ? [bottom, j + 1] : [i + 1, right];
        n = put(pieces, n, x0, y0, x1, y1);
      } else {
        // Three or four classes meet: their borders do in the middle.
        const x = i + 0.5, y = j + 0.5;
        if (top >= 0) n = put(pieces, n, top, j, x, y);
        if (right >= 0) n = put(pieces, n, i + 1, right, x, y);
        if (bottom >= 0) n = put(pieces, n, bottom, j + 1, x, y);
        if (left >= 0) n = put(pieces, n, i, left, x, y);
      }
    }
  }
  return n;
}

/**
 * @param {number} here  probability of one class at its sample, 0 ... 255
 * @param {number} there  of the other at its own
 */
function share(here, there) {
  const a = Math.max(2 * here - 255, 0), b = Math.max(2 * there - 255, 0);
  return a + b > 0 ? a / (a + b) : 0.5;
}

/**
 * @param {Float32Array} pieces
 * @param {number} n
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 */
function put(pieces, n, x0, y0, x1, y1) {
  const at = 4 * n;
  pieces[at] = x0;
  pieces[at + 1] = y0;
  pieces[at + 2] = x1;
  pieces[at + 3] = y1;
  return n + 1;
}
