// The state of the page, and what is shown of a result.

const about = JSON.parse(payload("about-model"));
const at = (id) => document.getElementById(id);
const isClasses = about.kind !== "regression";
const MOST_BARS = 12, MOST_LISTED = 1000;
const hop = about.window ? about.window.hop || about.window.length : 0;

let current = 0; // number of the newest job; an older one stops where it is
let shown = null; // { sound, rows, view, selected, scale }
let microphone = null;
let player = null;

const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 15));
const put = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };
const seconds = (time) => time.toFixed(2);
const decibels = (peak) => (peak > 0 ? Math.max(-99, 20 * Math.log10(peak)) : -99);

function element(name, text = "", properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  if (text) made.textContent = text;
  return made;
}

function enter(state) {
  document.body.dataset.state = state;
  at("failure").hidden = state !== "failed";
  at("progress").hidden = state !== "working";
  at("level").hidden = !["listening", "recording"].includes(state);
}

function fail(error) {
  closeMicrophone();
  clearResult();
  enter("failed");
  const isOurs = error instanceof SoundError;
  put("what", isOurs ? error.message : `The model could not be run (${error && error.message ? error.message : error}).`);
  put("advice", isOurs ? error.advice : "Load the page again, in a current browser or with a shorter sound; ddasp apply has no such limits.");
  put("which", "");
  put("decision", "No decision");
}

function clearResult() {
  stopPlaying();
  shown = null;
  for (const id of ["certainty", "reason"]) put(id, "");
  delete at("decision").dataset.known;
  at("notes").replaceChildren();
  at("rows").replaceChildren();
  for (const id of ["player", "all", "selection", "cursor"]) at(id).hidden = true;
  fillBars(null);
  redraw();
}

// ---- the decision

const bars = [];

function makeBars() {
  const n = isClasses ? Math.min(about.labels.length, MOST_BARS) : 0;
  for (let i = 0; i < n; i++) {
    const item = element("li"), track = element("span", "", { className: "track" }), fill = element("i");
    const label = element("span", about.labels[i], { className: "label" }), value = element("output", "–");
    track.append(fill);
    item.append(label, track, value);
    at("bars").append(item);
    bars.push({ item, label, fill, value });
  }
  at("bars").hidden = !n;
  at("fewer").hidden = n === (isClasses ? about.labels.length : 0);
  put("fewer", `The ${n} most probable of ${about.labels.length} classes.`);
}

function fillBars(row) {
  let order = bars.map((_, k) => k);
  if (row && row.p.length > bars.length) order = row.p.map((_, k) => k).sort((a, b) => row.p[b] - row.p[a]).slice(0, bars.length);
  order.forEach((k, i) => {
    const { item, label, fill, value } = bars[i];
    label.textContent = about.labels[k];
    fill.style.width = row ? `${100 * row.p[k]}%` : "0";
    fill.style.background = `var(--${about.labels.length <= 8 ? `category-${k + 1}` : "accent"})`;
    value.textContent = row ? row.p[k].toFixed(3) : "–";
    if (row && row.known && row.decided === k) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  });
}

function valueText(value) {
  const digits = about.half_width > 0 ? Math.max(0, 1 - Math.floor(Math.log10(about.half_width))) : 4;
  return value.toFixed(Math.min(digits, 8)).replace("-", "−");
}

function certaintyOf(row) {
  if (row.known) return `probability ${row.p[row.decided].toFixed(3)}`;
  return row.silent ? "" : `most probable: ${about.labels[row.top]}, ${row.p[row.top].toFixed(3)}`;
}

function showDecision(row, which) {
  put("which", which);
  put("reason", reasonOf(row, about));
  at("decision").dataset.known = String(row.known);
  if (isClasses) {
    put("decision", row.text);
    put("certainty", certaintyOf(row));
    fillBars(row);
    return;
  }
  put("decision", `${valueText(row.value)} ${about.unit || ""}`.trim());
  put("certainty", about.half_width ? `between ${valueText(row.low)} and ${valueText(row.high)}` : "");
}

function select(index) {
  const { rows, sound } = shown, row = rows[index];
  shown.selected = index;
  const place = about.window ? `window ${index + 1} of ${rows.length}, ${seconds(row.start)} to ${seconds(row.stop)} s` : `${seconds(sound.duration)} s`;
  showDecision(row, `${sound.name}: ${place}`);
  const marked = at("rows").querySelector("[aria-current]");
  if (marked) marked.removeAttribute("aria-current");
  if (at("rows").rows[index]) at("rows").rows[index].setAttribute("aria-current", "true");
  placeMark(at("selection"), row.start, row.stop, rows.length > 1);
}

// ---- the figure

function redraw() {
  const empty = { x: new Float32Array(0), rate: about.rate, start: 0, from: 0, to: about.window ? Math.max(2, 2 * about.window.length) : 1, rows: [], hop };
  const scale = drawFigure(at("canvas"), shown ? shown.view : empty, about);
  if (!shown) return;
  shown.scale = scale;
  if (shown.rows.length > 1 && shown.selected >= 0) placeMark(at("selection"), shown.rows[shown.selected].start, shown.rows[shown.selected].stop, true);
}

function placeMark(mark, start, stop, isShown) {
  const { left, right, bottom, at: x } = shown.scale;
  const a = Math.max(left, Math.min(right, x(start))), b = Math.max(left, Math.min(right, x(stop)));
  mark.hidden = !isShown;
  mark.style.left = `${a}px`;
  mark.style.height = `${bottom}px`;
  if (mark.id === "selection") mark.style.width = `${Math.max(2, b - a)}px`;
}

function describe(rows, name) {
  if (!rows.length) return `Waveform of ${name}`;
  if (!isClasses) return `Waveform of ${name} and the values of ${rows.length} windows`;
  return `Waveform of ${name}. ${tally(rows)}`;
}

function tally(rows) {
  const counts = new Map();
  for (const row of rows) counts.set(row.text, (counts.get(row.text) || 0) + 1);
  const parts = [...counts].sort((a, b) => b[1] - a[1]);
  const told = parts.slice(0, 4).map(([text, n]) => `${text} ${n}`).join(", ");
  return `Decisions in ${rows.length} windows: ${told}${parts.length > 4 ? `, ${parts.length - 4} others` : ""}.`;
}

// ---- the table

function makeHeads() {
  const classes = isClasses && about.labels.length <= MOST_BARS ? about.labels : [];
  const heads = [["from / s", "n"], ["to / s", "n"], ...(isClasses ? [["decision", ""], ...classes.map((label) => [label, "n"])] : [["value", "n"], ["low", "n"], ["high", "n"]])];
  at("heads").replaceChildren(...heads.map(([text, kind]) => element("th", text, { className: kind, scope: "col" })));
}

function listRow(row, index) {
  const line = element("tr");
  const cell = (text, kind = "n") => line.append(element("td", text, { className: kind }));
  cell(seconds(row.start));
  cell(seconds(row.stop));
  Object.assign(line.dataset, { start: row.start, stop: row.stop, known: row.known, silent: row.silent });
  if (isClasses) {
    cell(row.text, "");
    if (about.labels.length <= MOST_BARS) for (const value of row.p) cell(value.toFixed(3));
    Object.assign(line.dataset, { decided: row.text, probabilities: row.p.map((value) => value.toPrecision(7)).join(" ") });
  } else {
    for (const value of [row.value, row.low, row.high]) cell(valueText(value));
    line.dataset.value = row.value.toPrecision(7);
  }
  if (index >= 0) line.addEventListener("click", () => { stopPlaying(); select(index); });
  return line;
}

function listRows(rows) {
  at("rows").replaceChildren(...rows.slice(0, MOST_LISTED).map(listRow));
  at("all").hidden = false;
  put("count", rows.length > MOST_LISTED ? ` (the first ${MOST_LISTED} of ${rows.length})` : ` (${rows.length})`);
}
