// @ts-check
// Play, pause, step, back, reset: the row that stays in sight, with the time it shows.
//
// Reset goes back to the same first weights; another seed gives others. The keys are the same as
// the buttons: space, s, b, e, z, r; they rest while something is typed.

import { hidden } from "./controls.js";
import { make, write } from "./make.js";

const PLAY = "M8 5 L19 12 L8 19 Z";
const PAUSE = "M7 5 H10.5 V19 H7 Z M13.5 5 H17 V19 H13.5 Z";
const BACK = "M17 5 L9 12 L17 19 Z M6 5 H8 V19 H6 Z";
const STEP = "M7 5 L15 12 L7 19 Z M16 5 H18 V19 H16 Z";
const RESET = "M12 5 A7 7 0 1 1 5.3 10 M5 4.5 V10.5 H11";
const READ_EVERY = 60; // ms between numbers while it trains: nobody reads faster, and each new text lays the page out again

/**
 * @param {string} path
 * @param {boolean} [line]  drawn as a line instead of a shape
 */
function icon(path, line = false) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  svg.classList.toggle("line", line);
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 */
export function mount(root, app) {
  let unit = "epoch";
  const doing = {
    play: () => app.send({ type: app.status.running ? "pause" : "play" }),
    step: (/** @type {string} */ size = unit) => app.send({ type: "step", unit: size }),
    back: () => app.send({ type: "back", unit }),
    reset: () => app.send({ type: "reset" }),
  };

  /** @param {string} name @param {SVGElement} picture @param {string} hint @param {() => void} act @param {string} [words] */
  const button = (name, picture, hint, act, words) =>
    make("button", { type: "button", class: `round ${words ? "worded" : ""}`, "aria-label": words ? null : name, "data-hint": hint, title: words ? null : name, onclick: act }, picture, words ?? null);

  const playIcon = icon(PLAY);
  const play = button("Play", playIcon, "Train, or stand still (space).", doing.play);
  play.classList.add("play");
  const back = button("Step back", icon(BACK), "Go back by the step beside; the state is the very one that was (z).", doing.back);
  const step = button("Step", icon(STEP), "Go on by the step beside, then stand still (s sample, b batch, e epoch).", () => doing.step());
  const size = make("select", { "aria-label": "Size of a step", "data-hint": "How far a step goes: to the next point, update or epoch.", onchange: () => (unit = size.value) },
    make("option", { value: "sample" }, "sample"), make("option", { value: "batch" }, "batch"), make("option", { value: "epoch", selected: true }, "epoch"));
  const reset = button("Reset", icon(RESET, true), "Back to epoch 0 with the same first weights (r).", doing.reset);

  const epoch = make("output", { class: "epoch number", "aria-label": "Epoch" }, "0");
  const updates = make("span", { class: "updates number" }, "0 updates");
  const rate = make("span", { class: "rate number" }, "");
  const clock = make("div", { class: "clock" }, make("span", { class: "name", "aria-hidden": "true" }, "epoch"), epoch, make("span", { class: "small" }, updates, rate));

  root.append(
    make("div", { class: "buttons" }, reset, back, play, step, size),
    clock,
  );

  let drawn = "";
  let writtenAt = 0;
  app.on("frame", (frame) => {
    if (frame.running && performance.now() - writtenAt < READ_EVERY) return;
    writtenAt = performance.now();
    const now = counted(frame.epoch, frame.samples);
    if (now === drawn) return;
    drawn = now;
    epoch.textContent = now;
    updates.textContent = `${Math.round(frame.updates).toLocaleString("en")} updates`;
    write(rate, frame.running && frame.speed > 0 ? `${rounded(frame.speed)} epochs/s` : "");
  });
  app.on("status", ({ running, can_back }) => {
    playIcon.firstElementChild?.setAttribute("d", running ? PAUSE : PLAY);
    play.setAttribute("aria-label", running ? "Pause" : "Play");
    play.title = running ? "Pause" : "Play";
    play.classList.toggle("on", running);
    back.disabled = !can_back;
    if (!running) rate.textContent = "";
  });
  app.on("settings", ({ settings }) => {
    const out = hidden(settings);
    play.hidden = out.has("playButton");
    step.hidden = back.hidden = size.hidden = out.has("stepButton");
    reset.hidden = out.has("resetButton");
  });
  app.on("connection", ({ state }) => {
    for (const one of root.querySelectorAll("button,select,input")) one.toggleAttribute("data-idle", state !== "open");
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const at = /** @type {HTMLElement} */ (event.target);
    if (at.closest("input:not([type=checkbox],[type=radio],[type=range]),textarea,select,[contenteditable],dialog")) return;
    if (event.key === " " && at.closest("button,summary,a,input,[role=button],[role=tab],[role=slider],[tabindex]:not([tabindex='-1'])")) return;
    const acts = /** @type {Record<string, () => void>} */ ({
      " ": doing.play, s: () => doing.step("sample"), b: () => doing.step("batch"), e: () => doing.step("epoch"), z: doing.back, r: doing.reset,
    });
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  });
}

/**
 * The epoch with as many digits as are of use: whole ones while it runs, the fraction within one.
 * @param {number} epoch
 * @param {number} samples
 */
function counted(epoch, samples) {
  const whole = Math.floor(epoch + 1e-9);
  const part = epoch - whole;
  const words = whole.toLocaleString("en");
  if (part < 1e-6 && !samples) return words;
  return `${words}.${Math.min(99, Math.floor(part * 100 + 1e-6)).toString().padStart(2, "0")}${samples ? ` + ${samples}` : ""}`;
}

const rounded = (/** @type {number} */ value) => Number(value.toPrecision(2)).toLocaleString("en");
