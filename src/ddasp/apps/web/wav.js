// WAV, read sample by sample: integers are divided by 2^(bits - 1), channels are averaged.
// Browsers decode WAV too, but they resample it at once and may round it; these samples are the file's.

class SoundError extends Error {
  constructor(what, advice) {
    super(what);
    this.advice = advice;
  }
}

const RATES = [1000, 768000]; // Hz

// Returns { x: Float32Array, rate, channels, notes }, or null where it is no WAV that we read.
function readWav(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || !["RIFF", "RF64"].includes(word(0)) || word(8) !== "WAVE") return null;
  let format = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    if (word(at) === "fmt " && at + 24 <= bytes.length) format = readFormat(view, at + 8, size);
    if (word(at) === "data") return format && format.read ? readData(view, at + 8, size, format) : null;
    at += 8 + size + (size % 2);
  }
  throw new SoundError("The WAV file holds no samples: its header is cut or malformed.", "Copy or export the file again.");
}

function readFormat(view, at, size) {
  const [tag, channels] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
  const [rate, bits] = [view.getUint32(at + 4, true), view.getUint16(at + 14, true)];
  const extended = tag === 0xfffe && size >= 40 && at + 26 <= view.byteLength;
  const kind = extended ? view.getUint16(at + 24, true) : tag;
  return { channels, rate, width: bits / 8, read: READERS[`${kind}:${bits}`] };
}

const READERS = {
  "1:8": (view, at) => (view.getUint8(at) - 128) / 128,
  "1:16": (view, at) => view.getInt16(at, true) / 32768,
  "1:24": (view, at) => (view.getUint8(at) + view.getUint8(at + 1) * 256 + view.getInt8(at + 2) * 65536) / 8388608,
  "1:32": (view, at) => view.getInt32(at, true) / 2147483648,
  "3:32": (view, at) => view.getFloat32(at, true),
  "3:64": (view, at) => view.getFloat64(at, true),
};

function readData(view, start, size, { channels, rate, width, read }) {
  if (channels < 1 || channels > 64) throw new SoundError(`The file has ${channels} channels; 1 to 64 can be used.`, "Export it with fewer channels.");
  if (rate < RATES[0] || rate > RATES[1]) throw new SoundError(`The file declares a sampling rate of ${rate} Hz; 1 kHz to 768 kHz can be used.`, "Correct the header, or resample the file.");
  const there = view.byteLength - start;
  const isOpen = size === 0xffffffff; // RF64, or a stream whose length was never written
  const n = Math.floor(Math.min(isOpen ? there : size, there) / (width * channels));
  if (!n) throw new SoundError("The file holds no samples.", "Record or export it again.");
  const x = new Float32Array(n);
  for (let i = 0, at = start; i < n; i++) {
    let sum = 0; // each step rounded to float32, as NumPy's mean does
    for (let c = 0; c < channels; c++, at += width) sum = Math.fround(sum + Math.fround(read(view, at)));
    x[i] = sum / channels;
  }
  if (!x.every(Number.isFinite)) throw new SoundError("The samples contain NaN or infinity.", "Export the file again; a plug-in or a division by zero made them.");
  const isCut = !isOpen && size > there;
  return { x, rate, channels, notes: isCut ? ["The file is shorter than its header says; what is there was used."] : [] };
}
