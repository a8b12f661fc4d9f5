// What the reader does.

function takeFiles(files) {
  if (files.length) takeFile(files[0]);
}

function pointed(event) {
  if (!shown || !shown.scale || document.body.dataset.state !== "done") return;
  const { left, right, from, to } = shown.scale;
  const x = event.clientX - at("canvas").getBoundingClientRect().left;
  const time = from + (Math.max(0, Math.min(1, (x - left) / (right - left)))) * (to - from);
  if (player) play(Math.min(time, shown.sound.duration)).catch(stopPlaying);
  else if (shown.rows.length > 1 && shown.sound.x) select(windowAt(time));
}

function step(by) {
  if (document.body.dataset.state !== "done" || !shown || !shown.sound.x) return;
  stopPlaying();
  select(Math.max(0, Math.min(shown.rows.length - 1, shown.selected + by)));
}

at("choose").addEventListener("click", () => at("file").click());
at("file").addEventListener("change", () => { takeFiles(at("file").files); at("file").value = ""; });
at("listen").addEventListener("click", () => (microphone ? microphone.finish() : listen()));
at("play").addEventListener("click", togglePlaying);
at("back").addEventListener("click", () => step(-1));
at("next").addEventListener("click", () => step(1));
at("plot").addEventListener("click", pointed);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") stopPlaying(); });

let over = 0;
const veil = (change) => { over = Math.max(0, change ? over + change : 0); at("veil").hidden = !over; };
addEventListener("dragenter", (event) => { event.preventDefault(); veil(1); });
addEventListener("dragleave", () => veil(-1));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => { event.preventDefault(); veil(0); takeFiles(event.dataTransfer.files); });
let width = 0;
new ResizeObserver(() => { if (at("plot").clientWidth !== width) { width = at("plot").clientWidth; redraw(); } }).observe(at("plot"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

makeBars();
makeHeads();
fillBars(null);
const model = nextTurn().then(loadModel);
model.then(() => { document.body.dataset.model = "ready"; }, (error) => { fail(error); });
for (const id of ["choose", "listen"]) at(id).disabled = false;
