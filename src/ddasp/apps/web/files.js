// A file, or a finished recording: decided on window by window, then played.

async function takeFile(file) {
  await decideOn(() => readSound(file, about.rate, about.max_duration), file.name);
}

async function decideOn(source, name) {
  closeMicrophone();
  const job = ++current;
  clearResult();
  enter("working");
  put("which", name);
  put("decision", "Reading");
  put("left", "");
  at("bar").removeAttribute("value");
  try {
    await nextTurn();
    const sound = atRate(await source(), about.rate);
    const run = await model; // the model may still be unpacking
    if (job !== current) return;
    await decideAll(sound, run, job);
  } catch (error) {
    if (job === current) fail(error);
  }
}

async function decideAll(sound, run, job) {
  const pieces = windowsOf(sound.duration, about.window), rows = [];
  const span = Math.max(sound.duration, pieces[pieces.length - 1][1]);
  shown = { sound, rows, selected: -1, view: { x: sound.heard, rate: about.rate, start: 0, from: 0, to: span, rows, hop } };
  put("decision", "Deciding");
  put("caption", sound.name);
  at("bar").max = pieces.length;
  redraw();
  let painted = 0;
  for (const [start, stop] of pieces) {
    if (performance.now() - painted > 60) {
      at("bar").value = rows.length;
      put("left", `${rows.length} of ${pieces.length}`);
      await nextTurn();
      if (job !== current) return;
      painted = performance.now();
    }
    const piece = cut(sound.heard, about.rate, start, about.window ? about.window.length : stop - start);
    rows.push({ start, stop, ...judge(await run(piece), piece, about) });
    if (job !== current) return;
  }
  enter("done");
  at("notes").replaceChildren(...sound.notes.map((note) => element("li", note)));
  listRows(rows);
  redraw();
  select(0);
  put("caption", captionOf(rows, sound.name));
  at("canvas").setAttribute("aria-label", describe(about.window ? rows : [], sound.name));
  at("player").hidden = false;
  at("steps").hidden = rows.length < 2;
  put("clock", `0.00 of ${seconds(sound.duration)} s`);
}

function captionOf(rows, name) {
  if (!about.window) return `Waveform of ${name}`;
  if (isClasses) return `${tally(rows)} The height in a row is the probability; what is decided is underlined.`;
  const spans = about.half_width ? `, with ${valueText(about.half_width)} to both sides` : "";
  return `Waveform of ${name}; below it the value of each window${spans}.`;
}

// ---- playing

function stopPlaying() {
  if (!player) return;
  const { context } = player;
  player = null;
  context.close().catch(() => {});
  at("play").setAttribute("aria-pressed", "false");
  at("cursor").hidden = true;
}

async function play(from) {
  stopPlaying();
  const { sound } = shown, context = new AudioContext();
  const buffer = context.createBuffer(1, sound.x.length, sound.rate);
  buffer.copyToChannel(sound.x, 0);
  const node = new AudioBufferSourceNode(context, { buffer });
  const now = (player = { context });
  node.connect(context.destination);
  node.addEventListener("ended", () => { if (player === now) stopPlaying(); });
  at("play").setAttribute("aria-pressed", "true");
  await context.resume();
  const begun = context.currentTime - from;
  node.start(0, from);
  const move = () => {
    if (player !== now) return;
    const time = Math.min(sound.duration, Math.max(0, context.currentTime - begun));
    placeMark(at("cursor"), time, time, true);
    put("clock", `${seconds(time)} of ${seconds(sound.duration)} s`);
    const index = windowAt(time);
    if (index !== shown.selected) select(index);
    requestAnimationFrame(move);
  };
  move();
}

// The window whose middle is nearest to a time.
function windowAt(time) {
  if (!about.window) return 0;
  const index = Math.round((time - about.window.length / 2) / hop);
  return Math.max(0, Math.min(shown.rows.length - 1, index));
}

function togglePlaying() {
  if (!shown || document.body.dataset.state !== "done") return;
  if (player) stopPlaying();
  else play(shown.selected > 0 ? shown.rows[shown.selected].start : 0).catch(() => { stopPlaying(); at("player").hidden = true; });
}
