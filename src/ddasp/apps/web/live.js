// The microphone: sliding decisions where the model has a window, else a recording that is decided on.

const CALM = matchMedia("(prefers-reduced-motion: reduce)");

function closeMicrophone() {
  if (!microphone) return;
  microphone.stop();
  microphone = null;
  at("listen").setAttribute("aria-pressed", "false");
  put("listen", about.window ? "Listen to the microphone" : "Record with the microphone");
}

async function listen() {
  const job = ++current;
  clearResult();
  const state = about.window ? "listening" : "recording";
  enter("working");
  at("bar").removeAttribute("value");
  put("left", "");
  put("which", "microphone");
  put("decision", "Waiting for the microphone");
  try {
    const live = { tape: null, meter: { peak: 0, shown: 0 }, job };
    const opened = await openMicrophone((block) => { if (job === current && live.tape) heard(live, block); }, () => { if (job === current) finish(live); });
    if (job !== current) { opened.stop(); return; }
    microphone = opened;
    const kept = about.window ? 2 * spanOf(0) : Math.min(about.max_duration, 600);
    live.rate = opened.rate;
    live.tape = new Tape(Math.ceil(kept * opened.rate));
    live.kept = kept;
    microphone.finish = () => finish(live);
    const view = { x: new Float32Array(0), rate: opened.rate, start: 0, from: 0, to: spanOf(0), rows: [], hop };
    shown = { sound: { name: "microphone", duration: 0 }, rows: [], selected: -1, view };
    enter(state);
    at("listen").setAttribute("aria-pressed", "true");
    put("listen", about.window ? "Stop listening" : "Stop and decide");
    put("decision", about.window ? "Listening" : "Recording");
    put("caption", "Microphone, without echo canceller, noise suppressor or gain control");
    if (about.window) live.run = await model;
    redraw();
  } catch (error) {
    if (job === current) fail(error);
  }
}

// Seconds that the figure shows.
const spanOf = (time) => (about.window ? Math.max(8, 4 * about.window.length) : Math.min(20, Math.max(4, time)));

function heard(live, block) {
  live.tape.push(block);
  const peak = peakOf(block);
  live.meter.peak = Math.max(peak, live.meter.peak * 0.9);
  const now = performance.now(), time = live.tape.total / live.rate;
  if (now - live.meter.shown > (CALM.matches ? 500 : 80)) {
    live.meter.shown = now;
    showLevel(live.meter.peak);
    showTape(live, time);
  }
  if (!about.window && time >= live.kept) finish(live);
  if (about.window && live.run && !live.busy) decideLive(live, time);
}

function showLevel(peak) {
  const level = decibels(peak);
  at("peak").style.width = `${Math.max(0, Math.min(100, (100 * (level + 60)) / 60))}%`;
  const clips = peak >= 0.999, text = String(Math.round(level) || 0).replace("-", "−");
  put("decibels", level > -99 ? `${text} dBFS${clips ? ", clips" : ""}` : "no signal");
  at("level").toggleAttribute("data-clipped", clips);
}

function showTape(live, time) {
  const span = spanOf(time), from = Math.max(0, time - span);
  const { first, x } = live.tape.read(Math.floor(from * live.rate), live.tape.total);
  Object.assign(shown.view, { x, start: first / live.rate, from, to: from + span, rows: shown.rows.filter((row) => row.stop > from) });
  if (!about.window) put("which", `microphone: ${seconds(time)} s`);
  redraw();
}

// The newest window that is complete and not yet decided; those that had no time are left out.
async function decideLive(live, time) {
  const { length } = about.window, margin = live.rate === about.rate ? 0 : reach(live.rate, about.rate);
  const newest = Math.floor((time - margin - length) / hop + 1e-9), due = live.next || 0;
  if (newest < due) return;
  live.busy = true;
  live.skipped = (live.skipped || 0) + newest - due;
  live.next = newest + 1;
  try {
    const piece = liveWindow(live, newest * hop, length, margin);
    const row = { start: newest * hop, stop: newest * hop + length, ...judge(await live.run(piece), piece, about) };
    if (live.job === current) showLive(live, row);
  } catch (error) {
    if (live.job === current) fail(error);
  }
  live.busy = false;
}

function liveWindow(live, start, length, margin) {
  const from = Math.floor((start - margin) * live.rate), to = Math.ceil((start + length + margin) * live.rate);
  const { first, x } = live.tape.read(Math.max(0, from), to);
  const n = Math.max(roundEven(length * about.rate), 1), at = roundEven(start * about.rate);
  if (live.rate === about.rate) return cut(x, about.rate, start - first / about.rate, length);
  return resample(x, live.rate, about.rate, { first: at, n, offset: first });
}

function showLive(live, row) {
  shown.rows.push(row);
  shown.rows.splice(0, shown.rows.length - MOST_LISTED);
  shown.sound.duration = row.stop;
  showDecision(row, `microphone: ${seconds(row.start)} to ${seconds(row.stop)} s`);
  at("rows").prepend(listRow(row, -1));
  if (at("rows").rows.length > MOST_LISTED) at("rows").lastElementChild.remove();
  at("all").hidden = false;
  put("count", ` (newest first${live.skipped ? `; ${live.skipped} windows left out, as the model takes longer than the hop` : ""})`);
}

// Stop: a recording is decided on; what was heard live stays.
function finish(live) {
  closeMicrophone();
  const { tape, rate } = live;
  if (about.window) {
    current++;
    const none = !shown || !shown.rows.length;
    enter(none ? "empty" : "done");
    if (none) put("decision", "Stopped before the first window was full");
    if (!none) put("which", `microphone, the last decision: ${seconds(shown.rows[shown.rows.length - 1].start)} to ${seconds(shown.sound.duration)} s`);
    return;
  }
  const { x } = tape.read(0, tape.total);
  if (!x.length) { fail(new SoundError("Nothing was recorded.", "Check that the right microphone is chosen.")); return; }
  decideOn(async () => ({ x, rate, channels: 1, notes: [], name: "recording", duration: x.length / rate }), "recording");
}
