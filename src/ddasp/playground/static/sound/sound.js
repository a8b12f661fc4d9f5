// @ts-check
// The sound behind a point: heard, seen, and what the network takes it for. A sound starts only when a
// person asks for it: by a click or Enter on its point, by the button, or from the list of those that
// are decided wrongly.

import { fill, freshId, make, write } from "../shell/make.js";
import { microphoneControl } from "./microphone.js";
import { Player } from "./player.js";
import { messageOf } from "../numbers/source.js";
import { soundFigure } from "./spectrogram.js";
import { wrongList } from "./wrong.js";

const SETS = ["training", "validation", "test"];
const KEPT_RECORDINGS = 5;
const GESTURE = 300; // ms after a click or Enter in which a new selection counts as asked for

/** @typedef {{id: string, x: number[], probabilities: number[] | null, probability: number | null, decided: number | string, samples: Float32Array, rate: number}} Recording */

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  const player = new Player(async (id) => {
    const response = await app.fetch(`/sound/${encodeURIComponent(id)}.wav`);
    if (!response.ok) throw new Error(await wordsOf(response));
    return response.arrayBuffer();
  });
  /** @type {number | null} */
  let shown = null;
  let cursorFrame = 0;
  let gesture = -Infinity;
  let choosing = false; // the selection comes from here: its sound is on the way already
  let asked = "";
  /** @type {Recording[]} */
  let recordings = [];

  const figure = soundFigure((name) => app.colour(name));
  const title = make("h3", { class: "sound-title" });
  const facts = make("dl", { class: "sound-facts" });
  const play = make("button", { type: "button", class: "main sound-play", disabled: true, onclick: () => (player.playing ? player.stop() : void hear(shown)) }, "Play");
  const volumeId = freshId("volume");
  const volume = make("input", { type: "range", id: volumeId, min: 0, max: 1, step: 0.05, value: player.volume, oninput: () => player.setVolume(volume.valueAsNumber) });
  const words = make("p", { class: "quiet sound-words", role: "status" }, "");
  const heard = make("ul", { class: "recordings", "aria-label": "Recordings", hidden: true });
  const visible = () => !root.hidden && document.visibilityState === "visible";
  const wrong = wrongList(app, { hear, stop: () => player.stop(), visible });
  const microphone = microphoneControl(deliver, (text) => app.say(text));
  const noSound = make("p", { class: "sound-none quiet" });
  const microphonePart = make("section", { class: "sound-record" }, make("h3", {}, "Your own sound"), microphone.root, heard);
  fill(root, noSound, make("div", { class: "sound-layout" },
    make("section", { class: "sound-card" }, title,
      figure.root,
      make("div", { class: "sound-controls" }, play, make("label", { for: volumeId }, "Volume"), volume),
      words, facts),
    make("div", { class: "sound-side" }, microphonePart, wrong.root)));

  const soundOf = (/** @type {number} */ index) => app.data?.sounds?.[index] ?? null;

  /**
   * Show a point's sound and play it; resolves with true when it was played to its end.
   * @param {number | null} index
   * @returns {Promise<boolean>}
   */
  async function hear(index) {
    if (index === null) return false;
    const id = soundOf(index);
    choosing = true;
    app.select({ sample: index });
    choosing = false;
    await show(index);
    return id ? listen(id) : false;
  }

  /** @param {string} id */
  async function listen(id) {
    words.classList.remove("fault");
    try {
      return await player.play(id, started);
    } catch (error) {
      words.classList.add("fault");
      write(words, `The sound could not be played: ${messageOf(error)}`);
      return false;
    } finally {
      if (!player.playing) ended();
    }
  }

  function started() {
    write(play, "Stop");
    cancelAnimationFrame(cursorFrame);
    const move = () => {
      if (!player.playing) {
        ended();
        return;
      }
      figure.moveCursor(player.position);
      cursorFrame = requestAnimationFrame(move);
    };
    move();
  }

  function ended() {
    cancelAnimationFrame(cursorFrame);
    figure.moveCursor(null);
    write(play, "Play");
  }

  /** @param {number | null} index */
  async function show(index) {
    shown = index;
    const data = app.data;
    if (index === null || !data || index >= data.y.length) {
      play.disabled = true;
      write(title, "A sound");
      fill(facts);
      figure.show(null, "Choose a point in the map, or one from the list.");
      write(words, "");
      return;
    }
    const id = soundOf(index);
    play.disabled = !id;
    const label = data.kind === "classification" ? data.classes[data.y[index]] : `target ${data.y[index].toPrecision(4)}`;
    write(title, `${label}, ${id ? "sound" : "point"} ${index + 1}`);
    showFacts(index);
    void decide(index);
    if (!id) {
      asked = "";
      figure.show(null, "This point was drawn, not recorded: there is nothing to hear.");
      write(words, "");
      return;
    }
    if (asked === id) return;
    asked = id;
    figure.show(null, "Fetching the sound …");
    try {
      const answer = await app.ask("picture", { sound: id });
      if (asked !== id) return;
      const picture = /** @type {import("./spectrogram.js").Picture} */ (answer);
      figure.show(picture, `Waveform and spectrogram of ${label}, ${picture.duration.toFixed(2)} seconds`);
      write(words, picture.cut ? `The first ${picture.duration.toFixed(0)} s of it.` : "");
    } catch (error) {
      if (asked !== id) return;
      asked = "";
      words.classList.add("fault");
      figure.show(null, "No picture");
      write(words, `The picture of the sound did not come: ${messageOf(error)}`);
    }
  }

  /** @type {{index: number, decided: string, probability: number | null, right: boolean} | null} */
  let decision = null;

  /** @param {number} index */
  function showFacts(index) {
    const data = app.data;
    if (!data) return;
    const known = decision?.index === index ? decision : null;
    /** @type {[string, string, string?][]} */
    const rows = [
      ["label", data.kind === "classification" ? data.classes[data.y[index]] : String(data.y[index])],
      [data.kind === "classification" ? "decided" : "predicted", known ? known.decided : "…", known && data.kind === "classification" ? (known.right ? "right" : "wrong") : ""],
      ["probability", known ? (known.probability === null ? "–" : `${Math.round(100 * known.probability)} %`) : "…"],
      ["set", SETS[data.sets[index]]],
      ...(data.groups ? [/** @type {[string, string]} */ (["group", data.groups[index]])] : []),
    ];
    fill(facts, ...rows.filter(([name]) => data.kind === "classification" || name !== "probability").map(([name, value, mark]) => make("div", {}, make("dt", {}, name), make("dd", { class: mark ? `is-${mark}` : null }, value, mark ? make("span", { class: "mark", role: "img", "aria-label": mark }, mark === "right" ? " ✓" : " ✕") : null))));
  }

  /**
   * What the network says to a point now.
   * @param {number} index
   */
  async function decide(index) {
    if (app.connection !== "open") return;
    try {
      const answer = await app.ask("decision", { sample: index });
      if (shown !== index) return;
      decision = { index, decided: String(answer.decided), probability: answer.probability, right: answer.right };
      showFacts(index);
    } catch {
      // without a decision the rest stands
    }
  }

  /**
   * A recording to the server; the words that tell what came of it.
   * @param {Float32Array} samples
   * @param {number} rate
   */
  async function deliver(samples, rate) {
    const bytes = new ArrayBuffer(4 * samples.length);
    const view = new DataView(bytes);
    samples.forEach((sample, i) => view.setFloat32(4 * i, sample, true));
    const response = await app.fetch(`/recording?rate=${rate}`, { method: "POST", body: bytes, headers: { "Content-Type": "application/octet-stream" } });
    if (!response.ok) throw new Error(await wordsOf(response));
    const found = /** @type {Recording} */ (await response.json());
    recordings = [{ ...found, samples, rate }, ...recordings].slice(0, KEPT_RECORDINGS);
    listRecordings();
    return found.probability === null ? `Predicted: ${wordOf(found)}. The point is on the map.` : `Taken for ${wordOf(found)}, ${Math.round(100 * found.probability)} %. The point is on the map.`;
  }

  /** @param {Recording} found */
  function wordOf({ decided }) {
    return typeof decided === "number" ? decided.toPrecision(3).replace("-", "−") : decided;
  }

  function listRecordings() {
    heard.hidden = recordings.length === 0;
    const classes = app.data?.classes ?? [];
    fill(heard, ...recordings.map((recording, k) => {
      return make("li", {},
        make("button", { type: "button", "aria-label": `Play recording ${recordings.length - k}`, onclick: () => replay(recording) }, "▶"),
        make("b", {}, wordOf(recording)),
        make("span", { class: "shares" }, ...(recording.probabilities ?? []).map((share, c) => make("span", { class: "share" }, `${classes[c] ?? c} `, make("span", { class: "share-bar", "--share": share }), ` ${Math.round(100 * share)} %`))));
    }));
  }

  /** @param {Recording} recording */
  async function replay({ samples, rate, id }) {
    const buffer = player.open().createBuffer(1, samples.length, rate);
    const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1e-6);
    buffer.getChannelData(0).set(samples.map((sample) => (0.7 * sample) / peak)); // as loud as the others, nearly
    player.hold(`recording ${id}`, buffer);
    await player.play(`recording ${id}`);
  }

  function update() {
    const sounds = app.data?.sounds?.some(Boolean) ?? false;
    noSound.hidden = sounds || app.settings.source === "sound";
    write(noSound, "These points were drawn, not recorded. Choose “Sound” as the source of the data to hear them.");
    microphonePart.hidden = !sounds;
  }

  for (const name of /** @type {const} */ (["pointerdown", "pointerup", "click"])) document.addEventListener(name, () => (gesture = performance.now()), { capture: true, passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") gesture = performance.now();
  }, { capture: true });

  app.on("select", (selection) => {
    if (choosing || !selection || !("sample" in selection)) return;
    const { sample } = selection;
    const wanted = performance.now() - gesture < GESTURE && Boolean(soundOf(sample));
    player.stop();
    if (visible()) void show(sample);
    else shown = sample;
    if (wanted) void listen(/** @type {string} */ (soundOf(sample)));
  });
  app.on("data", () => {
    update();
    if (shown !== null && shown >= (app.data?.y.length ?? 0)) void show(null);
    else if (shown !== null && visible()) void show(shown);
  });
  app.on("settings", update);
  app.on("theme", () => figure.redraw());
  app.on("tab", (name) => {
    if (name !== "sound") return;
    void wrong.refresh(true);
    void show(shown);
  });
  void show(null);
  setInterval(() => {
    if (visible() && shown !== null && app.status.running) void decide(shown);
  }, 1000);
  update();
}

/** @param {Response} response  an answer that is a refusal, in words */
async function wordsOf(response) {
  try {
    return String((await response.json()).error.message);
  } catch {
    return `the server answered ${response.status}`;
  }
}
