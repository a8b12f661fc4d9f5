// The rule of decision, as `ddasp apply` follows it: windows, silence, cost, "don't know".

const AUDIBLE = 1e-3; // of full scale, -60 dBFS

function roundEven(x) {
  const down = Math.floor(x), rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2) ? down + 1 : down;
}

// Start and stop [s] of each piece: all windows that fit, or one that is longer than the sound.
function windowsOf(duration, window) {
  if (!window) return [[0, duration]];
  const hop = window.hop || window.length;
  const n = Math.max(Math.floor((duration - window.length) / hop + 1e-9) + 1, 1);
  return Array.from({ length: n }, (_, i) => [i * hop, i * hop + window.length]);
}

// The samples of a piece; zeros follow where the signal ends before.
function cut(x, rate, start, length) {
  const first = roundEven(start * rate), n = Math.max(roundEven(length * rate), 1);
  const piece = new Float32Array(n);
  piece.set(x.subarray(first, first + n));
  return piece;
}

const isSilent = (x) => !x.some((value) => Math.abs(value) > AUDIBLE);

const argmax = (values) => values.reduce((best, value, k) => (value > values[best] ? k : best), 0);

// Class k costs sum_j p[j] C[j][k] when it is decided; without costs the most probable is.
function decide(p, cost) {
  if (!cost) return argmax(p);
  return argmax(p.map((_, k) => -p.reduce((sum, value, j) => sum + value * cost[j][k], 0)));
}

// What is said about one piece, from what the graph gave.
function judge(output, piece, about) {
  const silent = isSilent(piece);
  if (about.kind === "regression") {
    const half = about.half_width || 0;
    return { silent, known: true, value: output.value, low: output.value - half, high: output.value + half };
  }
  const p = output.probabilities, top = argmax(p), decided = decide(p, about.cost);
  const known = p[top] >= about.dont_know_below && !silent;
  return { silent, known, p, top, decided, text: known ? about.labels[decided] : DONT_KNOW };
}

const DONT_KNOW = "don’t know";

// Why it was decided so, where the bars alone don't tell.
function reasonOf(row, about) {
  if (row.silent) return about.kind === "regression" ? "The sound is silent (all samples below −60 dBFS): the value means nothing." : "It is silent: all samples lie below −60 dBFS.";
  if (about.kind === "regression") return "";
  if (!row.known) return `This model relies on probabilities from ${about.dont_know_below} on.`;
  if (row.decided !== row.top) return `${about.labels[row.top]} is more probable, but this decision costs least on average.`;
  return "";
}
