// @ts-check
// On the audio thread: the mean of the microphone's channels, handed to the page in blocks. It is a
// module of its own because the audio thread loads a file, never a function of the page.

/** @type {any} */
const thread = globalThis; // the types of a page do not know the names of an audio thread

const BLOCK = 1024; // samples; 21 ms at 48 kHz, often enough for the level meter

class Recorder extends thread.AudioWorkletProcessor {
  block = new Float32Array(BLOCK);
  filled = 0;

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    const n = channels.length ? channels[0].length : 0;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      this.block[this.filled++] = sum / channels.length;
      if (this.filled === BLOCK) {
        this.port.postMessage(this.block, [this.block.buffer]);
        this.block = new Float32Array(BLOCK);
        this.filled = 0;
      }
    }
    return true;
  }
}

thread.registerProcessor("recorder", Recorder);
