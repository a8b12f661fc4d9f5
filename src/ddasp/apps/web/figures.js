// The figure: waveform above, decisions below, on one time axis; on a canvas, in the page's tokens.

const WAVE = 132, ROW = 24, GAP = 14, AXIS = 34, CURVE = 132; // heights in CSS pixels
const MOST_ROWS = 12;

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const classColour = (k, n) => token(n <= 8 ? `category-${k + 1}` : "accent");

function niceStep(span, n) {
  const raw = span / n, power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 5, 10].find((m) => m * power >= raw * (1 - 1e-9));
}

function ticksOf(from, to, n) {
  const step = niceStep(to - from, n), digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.ceil(from / step - 1e-9), last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => [(first + i) * step, ((first + i) * step).toFixed(digits).replace("-", "−")]);
}

function shortened(ink, text, width) {
  if (ink.measureText(text).width <= width) return text;
  let kept = [...text];
  while (kept.length > 1 && ink.measureText(kept.join("") + "…").width > width) kept = kept.slice(0, -1);
  return kept.join("") + "…";
}

// Classes that get a row: all, or the most probable on average.
function classesShown(rows, about) {
  const all = about.labels.map((_, k) => k);
  if (all.length <= MOST_ROWS) return all;
  const mean = all.map((k) => rows.reduce((sum, row) => sum + row.p[k], 0));
  return all.sort((a, b) => mean[b] - mean[a]).slice(0, MOST_ROWS).sort((a, b) => a - b);
}

// view: { x, rate, start, from, to, rows, hop }; start is the time of x[0]. Returns the time scale.
function drawFigure(canvas, view, about) {
  const isCurve = about.kind === "regression", hasRows = Boolean(about.window);
  const classes = hasRows && !isCurve ? classesShown(view.rows, about) : [];
  const below = !hasRows ? 0 : GAP + (isCurve ? CURVE : (classes.length + 1) * ROW);
  const width = canvas.clientWidth, height = WAVE + below + AXIS, dots = window.devicePixelRatio || 1;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * dots);
  canvas.height = Math.round(height * dots);
  const ink = canvas.getContext("2d");
  ink.scale(dots, dots);
  ink.font = `${token("size-figure-text")} ${token("font-text")}`;
  const names = [...classes.map((k) => about.labels[k]), DONT_KNOW];
  const widest = classes.length ? Math.max(...names.map((name) => ink.measureText(name).width)) : 0;
  const left = Math.min(Math.max(62, widest + 12), Math.max(62, width * 0.3)), right = width - 8;
  const scale = { left, right, top: 0, bottom: WAVE + below, from: view.from, to: view.to };
  scale.at = (time) => left + ((time - view.from) / (view.to - view.from)) * (right - left);
  drawTime(ink, scale, height);
  drawWave(ink, scale, view);
  if (isCurve && hasRows) drawCurve(ink, scale, view, about);
  else if (hasRows) classes.concat([-1]).forEach((k, i) => drawRow(ink, scale, view, about, k, WAVE + GAP + i * ROW));
  return scale;
}

function drawTime(ink, { left, right, bottom, from, to, at }, height) {
  ink.strokeStyle = token("quiet");
  ink.fillStyle = token("quiet");
  ink.lineWidth = 1;
  ink.beginPath();
  ink.moveTo(left, bottom + 0.5);
  ink.lineTo(right, bottom + 0.5);
  ink.textAlign = "center";
  ink.textBaseline = "top";
  for (const [time, text] of ticksOf(from, to, Math.max(2, (right - left) / 64))) {
    ink.moveTo(at(time), bottom);
    ink.lineTo(at(time), bottom + 4);
    ink.fillText(text, Math.min(at(time), right - 8), bottom + 6);
  }
  ink.stroke();
  ink.textAlign = "right";
  ink.textBaseline = "bottom";
  ink.fillText("time / s", right, height);
}

function peakOf(x) {
  let most = 0;
  for (let i = 0; i < x.length; i++) if (Math.abs(x[i]) > most) most = Math.abs(x[i]);
  return most;
}

function drawWave(ink, scale, { x, rate, start }) {
  const { left, right, from, to } = scale, middle = WAVE / 2;
  const peak = x.length ? Math.max(1e-3, peakOf(x)) : 1;
  ink.fillStyle = token("quiet");
  ink.textAlign = "right";
  ink.textBaseline = "middle";
  const digits = Math.max(1, 2 - Math.floor(Math.log10(peak)) - 1);
  for (const [y, text] of [[8, peak.toFixed(digits)], [middle, "0"], [WAVE - 8, "−" + peak.toFixed(digits)]]) ink.fillText(text, left - 6, y);
  drawUpright(ink, "amplitude", middle);
  ink.strokeStyle = token("rule");
  ink.beginPath();
  ink.moveTo(left, middle);
  ink.lineTo(right, middle);
  ink.stroke();
  ink.fillStyle = token("accent");
  const perPixel = ((to - from) * rate) / (right - left);
  for (let column = 0; column < right - left; column++) {
    const first = Math.floor((from - start) * rate + column * perPixel);
    const last = Math.max(first + 1, Math.floor((from - start) * rate + (column + 1) * perPixel));
    if (last <= 0 || first >= x.length) continue;
    let low = Infinity, high = -Infinity;
    for (let i = Math.max(0, first); i < Math.min(last, x.length); i++) {
      low = Math.min(low, x[i]);
      high = Math.max(high, x[i]);
    }
    const top = middle - (high / peak) * (middle - 8), bottom = middle - (low / peak) * (middle - 8);
    ink.fillRect(left + column, top - 0.5, 1, bottom - top + 1);
  }
}

function drawUpright(ink, text, y) {
  ink.save();
  ink.translate(8, y);
  ink.rotate(-Math.PI / 2);
  ink.textAlign = "center";
  ink.fillText(text, 0, 0);
  ink.restore();
}

// A decision is drawn at the middle of its window, as wide as the hop.
function cellOf(row, hop, { at, left, right }) {
  const middle = (row.start + row.stop) / 2;
  const a = Math.max(left, at(middle - hop / 2)), b = Math.min(right, at(middle + hop / 2));
  return [a, Math.max(0, b - a)];
}

function drawRow(ink, scale, { rows, hop }, about, k, top) {
  const { left, right } = scale, base = top + ROW;
  ink.strokeStyle = token("rule");
  ink.beginPath();
  ink.moveTo(left, base - 0.5);
  ink.lineTo(right, base - 0.5);
  ink.stroke();
  ink.fillStyle = token("ink");
  ink.textAlign = "right";
  ink.textBaseline = "middle";
  ink.fillText(shortened(ink, k < 0 ? DONT_KNOW : about.labels[k], left - 10), left - 6, top + ROW / 2 + 2);
  const colour = k < 0 ? token("quiet") : classColour(k, about.labels.length), mark = token("ink");
  for (const row of rows) {
    const [x, width] = cellOf(row, hop, scale);
    const isTaken = k < 0 ? !row.known : row.known && row.decided === k;
    const share = k < 0 ? (row.known ? 0 : 1) : row.p[k];
    ink.fillStyle = colour;
    ink.globalAlpha = isTaken ? 1 : 0.4;
    ink.fillRect(x, base - 1 - share * (ROW - 5), Math.max(0.5, width - (width > 3)), share * (ROW - 5));
    ink.globalAlpha = 1;
    if (!isTaken) continue;
    ink.fillStyle = mark;
    ink.fillRect(x, base - 3, Math.max(0.5, width - (width > 3)), 3);
  }
}

function drawCurve(ink, scale, { rows, hop }, about) {
  const top = WAVE + GAP, { left } = scale;
  if (!rows.length) return;
  const low = Math.min(...rows.map((row) => row.low)), high = Math.max(...rows.map((row) => row.high));
  const span = high - low || Math.abs(high) || 1, y = (value) => top + 6 + ((low + span - value) / span) * (CURVE - 12);
  ink.fillStyle = token("quiet");
  ink.textAlign = "right";
  ink.textBaseline = "middle";
  for (const [value, text] of ticksOf(low, low + span, 3)) ink.fillText(text, left - 6, y(value));
  drawUpright(ink, about.unit ? `value / ${about.unit}` : "value", top + CURVE / 2);
  for (const row of rows) {
    const [x, width] = cellOf(row, hop, scale);
    ink.fillStyle = token("heat");
    ink.globalAlpha = 0.35;
    ink.fillRect(x, y(row.high), width, Math.max(1, y(row.low) - y(row.high)));
    ink.globalAlpha = 1;
    ink.fillStyle = token("accent");
    ink.fillRect(x, y(row.value) - 1, width, 2);
  }
}
