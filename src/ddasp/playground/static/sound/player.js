// @ts-check
// One player for the whole page: a sound starts, the one before it stops. The server sends all sounds
// equally loud, so that a quiet one is not taken for a dull one; the volume is a person's own.

import { keep, kept } from "../shell/keeping.js";

const KEPT = 60; // decoded sounds; the one that was heard longest ago goes first

export class Player {
  /** @param {(id: string) => Promise<ArrayBuffer>} fetchSound */
  constructor(fetchSound) {
    this.fetchSound = fetchSound;
    /** @type {Map<string, AudioBuffer>} */
    this.buffers = new Map();
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {GainNode | null} */
    this.master = null;
    /** @type {AudioBufferSourceNode | null} */
    this.source = null;
    this.began = 0;
    this.volume = Math.min(1, Math.max(0, kept("volume", 0.8)));
    this.turn = 0; // a newer wish to play makes older ones void
  }

  /** The context is made at the first sound: browsers let it run only after a gesture. */
  open() {
    if (!this.context) {
      this.context = new AudioContext();
      this.master = this.context.createGain();
      this.master.gain.value = this.volume;
      this.master.connect(this.context.destination);
    }
    return this.context;
  }

  /** @param {number} volume  0 to 1 */
  setVolume(volume) {
    this.volume = volume;
    if (this.context && this.master) this.master.gain.setTargetAtTime(volume, this.context.currentTime, 0.01);
    keep("volume", volume);
  }

  /** @param {string} id */
  async load(id) {
    const found = this.buffers.get(id);
    if (found) {
      this.buffers.delete(id); // to the end: the newest
      this.buffers.set(id, found);
      return found;
    }
    const buffer = await this.open().decodeAudioData(await this.fetchSound(id));
    this.hold(id, buffer);
    return buffer;
  }

  /**
   * Keep a sound for playing, in the place of the one that was heard longest ago.
   * @param {string} id
   * @param {AudioBuffer} buffer
   */
  hold(id, buffer) {
    this.buffers.set(id, buffer);
    for (const oldest of this.buffers.keys()) {
      if (this.buffers.size <= KEPT) break;
      this.buffers.delete(oldest);
    }
  }

  /**
   * Play a sound from its beginning; resolves with true when it has ended, false when it was stopped.
   * @param {string} id
   * @param {(buffer: AudioBuffer) => void} [started]
   * @returns {Promise<boolean>}
   */
  async play(id, started = () => {}) {
    this.stop();
    const turn = ++this.turn;
    const context = this.open();
    await context.resume();
    const buffer = await this.load(id);
    if (turn !== this.turn) return false;
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(/** @type {GainNode} */ (this.master));
    const over = new Promise((resolve) => source.addEventListener("ended", resolve, { once: true }));
    source.start();
    this.source = source;
    this.began = context.currentTime;
    started(buffer);
    await over;
    source.disconnect();
    if (this.source !== source) return false;
    this.source = null;
    return turn === this.turn;
  }

  stop() {
    this.turn += 1;
    const source = this.source;
    this.source = null;
    source?.stop();
  }

  get playing() {
    return this.source !== null;
  }

  /** Seconds since the sound began, as it is heard. */
  get position() {
    if (!this.context || !this.source) return 0;
    const late = this.context.outputLatency || 0;
    return Math.max(0, this.context.currentTime - this.began - late);
  }
}
