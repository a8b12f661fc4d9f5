// @ts-check
// A recording of at most two seconds lands on the map: its features come from the function that made
// those of the training sounds, and the network says at once what it takes it for. The microphone is
// asked for unprocessed, because a noise gate or a gain control would be learnt as if it were a sound.

import { make, write } from "../shell/make.js";
import { messageOf } from "../numbers/source.js";

export const SECONDS = 2;
const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** @type {Record<string, string>} */
const REFUSALS = {
  NotAllowedError: "The microphone was not allowed. Allow it in the browser’s address bar, then record again.",
  NotFoundError: "No microphone was found. Connect one, then record again.",
  NotReadableError: "The microphone is in use by another program. Close that program, then record again.",
};

/** A fault that is told to the person as it stands. */
export class MicrophoneError extends Error {}

/**
 * Record from the default microphone.
 * @param {number} seconds
 * @param {(level: number, left: number) => void} heard  peak of the newest block (0 to 1), seconds left
 * @param {AbortSignal} signal  ends the recording early; what was heard until then is kept
 * @returns {Promise<{samples: Float32Array, rate: number}>}
 */
export async function record(seconds, heard, signal) {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
    throw new MicrophoneError("Browsers give a page the microphone only on this machine’s own address or over HTTPS. Open the page as http://127.0.0.1 on the machine that runs it.");
  }
  if (!window.AudioWorkletNode) throw new MicrophoneError("This browser has no audio worklets. Use a newer one.");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: RAW });
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    throw new MicrophoneError(REFUSALS[name] ?? `The microphone could not be opened (${name || error}). Look at the system’s sound settings.`);
  }
  const context = new AudioContext();
  const wanted = Math.round(seconds * context.sampleRate);
  const samples = new Float32Array(wanted);
  let n = 0;
  try {
    await context.audioWorklet.addModule(new URL("./recorder.js", import.meta.url));
    await context.resume();
    const tap = new AudioWorkletNode(context, "recorder");
    await new Promise((resolve, reject) => {
      if (signal.aborted) resolve(null);
      signal.addEventListener("abort", () => resolve(null), { once: true });
      stream.getAudioTracks()[0].addEventListener("ended", () => reject(new MicrophoneError("The microphone went away while it was recording. Connect it again, then record again.")));
      tap.port.onmessage = ({ data }) => {
        const block = /** @type {Float32Array} */ (data).subarray(0, wanted - n);
        samples.set(block, n);
        n += block.length;
        let peak = 0;
        for (const sample of block) peak = Math.max(peak, Math.abs(sample));
        heard(peak, (wanted - n) / context.sampleRate);
        if (n >= wanted) resolve(null);
      };
      context.createMediaStreamSource(stream).connect(tap).connect(context.destination); // it passes nothing on
    });
  } finally {
    for (const track of stream.getTracks()) track.stop();
    await context.close().catch(() => {});
  }
  return { samples: samples.slice(0, n), rate: Math.round(context.sampleRate) };
}

/**
 * The button, the level, and the words below them.
 * @param {(samples: Float32Array, rate: number) => Promise<string>} deliver  gives the words to show
 * @param {(text: string) => void} say  to screen readers
 */
export function microphoneControl(deliver, say) {
  const level = make("div", { class: "level", role: "meter", "aria-label": "Level of the microphone", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 });
  const word = make("span", { class: "record-word" }, "Record");
  const button = make("button", { type: "button", class: "record", "aria-pressed": "false", onclick: () => pressed() },
    make("span", { class: "record-dot", "aria-hidden": "true" }), word);
  const words = make("p", { class: "quiet record-words", role: "status" }, `Up to ${SECONDS} s; the point lands on the map.`);
  const root = make("div", { class: "microphone" }, make("div", { class: "record-row" }, button, level), words);
  /** @type {AbortController | null} */
  let going = null;

  async function pressed() {
    if (going) {
      going.abort();
      return;
    }
    going = new AbortController();
    button.setAttribute("aria-pressed", "true");
    write(word, "Opening the microphone …");
    words.classList.remove("fault");
    try {
      const { samples, rate } = await record(SECONDS, (peak, left) => {
        const share = Math.min(1, Math.max(0, 1 + Math.log10(Math.max(peak, 1e-3)) / 3)); // -60 dBFS to 0
        level.style.setProperty("--level", String(share));
        level.setAttribute("aria-valuenow", String(Math.round(share * 100)));
        write(word, `Stop · ${Math.max(0, left).toFixed(1)} s left`);
      }, going.signal);
      write(word, "Working …");
      button.disabled = true;
      if (samples.length < 0.05 * rate) throw new MicrophoneError("That was shorter than 0.05 s: too short for features. Record again, a little longer.");
      if (samples.every((sample) => sample === 0)) throw new MicrophoneError("The microphone gave silence only. Is it muted? Unmute it, then record again.");
      const told = await deliver(samples, rate);
      write(words, told);
      say(told);
    } catch (error) {
      words.classList.add("fault");
      write(words, error instanceof MicrophoneError ? error.message : `The recording could not be placed: ${messageOf(error)}`);
    } finally {
      going = null;
      button.disabled = false;
      button.setAttribute("aria-pressed", "false");
      write(word, "Record");
      level.style.setProperty("--level", "0");
      level.setAttribute("aria-valuenow", "0");
    }
  }
  return { root, button };
}
