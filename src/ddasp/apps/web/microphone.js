// The microphone, unprocessed: no echo canceller, noise suppressor or gain control, at the device's rate.

const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const REFUSALS = {
  NotAllowedError: ["The microphone was not allowed.", "Allow it in the browser’s address bar, then try again."],
  NotFoundError: ["No microphone was found.", "Connect one, then try again."],
  NotReadableError: ["The microphone is in use by another program.", "Close that program, then try again."],
};

// Returns { rate, stop }; take(block) gets the samples, ended() is called when the device goes away.
async function openMicrophone(take, ended) {
  if (!navigator.mediaDevices || !window.AudioWorkletNode) throw new SoundError("This browser gives a page from disk no microphone.", "Use another browser, or let a local server serve the file: python -m http.server --bind 127.0.0.1, then http://localhost:8000.");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: RAW });
  } catch (error) {
    const [what, advice] = REFUSALS[error.name] || [`The microphone could not be opened (${error.name}).`, "Check the settings of the system."];
    throw new SoundError(what, advice);
  }
  const context = new AudioContext();
  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
    context.close().catch(() => {});
  };
  try {
    await context.audioWorklet.addModule(scriptUrl(btoa(payload("worklet"))));
    await context.resume();
  } catch (error) {
    stop();
    throw new SoundError(`The sound could not be led to the page (${error.message}).`, "Try another browser.");
  }
  const tap = new AudioWorkletNode(context, "tap");
  tap.port.onmessage = (event) => take(event.data);
  context.createMediaStreamSource(stream).connect(tap).connect(context.destination); // the tap is silent
  stream.getAudioTracks()[0].addEventListener("ended", ended);
  return { rate: Math.round(context.sampleRate), stop };
}

// The last seconds of a stream, addressed by the number of the sample since the start.
class Tape {
  constructor(capacity) {
    this.samples = new Float32Array(Math.min(capacity, 1 << 16));
    this.capacity = capacity;
    this.total = 0; // samples that came
    this.from = 0; // number of the first one that is kept
  }
  push(block) {
    let kept = this.total - this.from;
    if (kept + block.length > this.samples.length) {
      if (this.samples.length < 2 * this.capacity) {
        const larger = new Float32Array(Math.min(2 * this.samples.length, 2 * this.capacity));
        larger.set(this.samples.subarray(0, kept));
        this.samples = larger;
      } else { // full: the older half makes room
        this.samples.copyWithin(0, kept - this.capacity, kept);
        this.from = this.total - this.capacity;
        kept = this.capacity;
      }
    }
    this.samples.set(block, kept);
    this.total += block.length;
  }
  // Samples from ... to - 1 as far as they are kept, and the number of the first.
  read(from, to) {
    const first = Math.max(from, this.from);
    return { first, x: this.samples.slice(first - this.from, Math.max(0, to - this.from)) };
  }
}
