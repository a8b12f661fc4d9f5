// Another sampling rate by band-limited interpolation: y[k] = sum_i x[i] h(k from / to - i), with
// h a sinc under a Kaiser window. As soxr's "HQ", it passes 0.91 of the lower Nyquist frequency and
// stops, at -100 dB, from the lower Nyquist frequency on (Kaiser's formulas; Oppenheim and Schafer).

const PASS = 0.91;
const STOP_DB = 100;
const BETA = 0.1102 * (STOP_DB - 8.7);
const HALF = Math.ceil((STOP_DB - 8) / (2.285 * Math.PI * (1 - PASS)) / 2); // samples of the lower rate

function bessel(x) { // I0 by its power series
  let term = 1, sum = 1;
  for (let k = 1; term > 1e-17 * sum; k++) { term *= (x / (2 * k)) ** 2; sum += term; }
  return sum;
}

// Seconds of sound that each output sample looks at, before and after.
const reach = (from, to) => (HALF + 1) / Math.min(from, to);

const gcd = (a, b) => (b ? gcd(b, a % b) : a);

// Samples first ... first + n - 1 of the resampled signal; x[0] is sample `offset` of the source,
// which is zero where x doesn't reach.
function resample(x, from, to, { first = 0, n = Math.max(1, Math.round((x.length * to) / from)), offset = 0 } = {}) {
  const y = new Float32Array(n);
  const divisor = gcd(from, to), step = from / divisor, phases = to / divisor;
  const low = Math.min(1, to / from), cutoff = (low * (1 + PASS)) / 2, half = HALF / low;
  const width = Math.floor(half), atZero = bessel(BETA);
  const banks = new Map(); // the coefficients of a phase, while there are few enough to keep
  const keep = phases * (2 * width + 2) < 4e6;
  const bank = (phase) => {
    const known = banks.get(phase);
    if (known) return known;
    const h = new Float64Array(2 * width + 2);
    for (let j = 0; j < h.length; j++) {
      const t = j - width - phase / phases, inside = 1 - (t / half) ** 2;
      const sinc = t ? Math.sin(Math.PI * cutoff * t) / (Math.PI * t) : cutoff;
      h[j] = inside > 0 ? (sinc * bessel(BETA * Math.sqrt(inside))) / atZero : 0;
    }
    const gain = h.reduce((a, b) => a + b);
    for (let j = 0; j < h.length; j++) h[j] /= gain; // a constant stays what it is
    if (keep) banks.set(phase, h);
    return h;
  };
  for (let k = 0; k < n; k++) {
    const position = (first + k) * step, at = Math.floor(position / phases);
    const h = bank(position - at * phases), start = at - width - offset;
    let sum = 0;
    const stop = Math.min(h.length, x.length - start);
    for (let j = Math.max(0, -start); j < stop; j++) sum += h[j] * x[start + j];
    y[k] = sum;
  }
  return y;
}
