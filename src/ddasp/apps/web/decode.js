// A file as one channel of samples at its own rate: WAV by us, all else by the browser.

async function readSound(file, modelRate, maxDuration) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!bytes.length) throw new SoundError("The file is empty.", "Record or export it again.");
  const sound = readWav(bytes) || (await byBrowser(bytes, modelRate));
  const duration = sound.x.length / sound.rate;
  if (duration > maxDuration) throw new SoundError(`The sound lasts ${duration.toFixed(0)} s; this model takes at most ${maxDuration} s.`, "Cut the recording.");
  return { ...sound, name: file.name, duration };
}

async function byBrowser(bytes, modelRate) {
  // At 48 kHz or the file's own rate nothing audible is lost; the way down is our own filter.
  const rate = flacRate(bytes) || Math.max(48000, modelRate);
  let buffer;
  try {
    buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.slice().buffer);
  } catch {
    throw new SoundError("This browser can’t decode the file: it is no sound, is damaged, or is in a format that the browser doesn’t know.", "Convert it to WAV.");
  }
  const x = new Float32Array(buffer.length);
  for (let c = 0; c < buffer.numberOfChannels; c++) {
    const channel = buffer.getChannelData(c);
    for (let i = 0; i < x.length; i++) x[i] += channel[i] / buffer.numberOfChannels;
  }
  return { x, rate, channels: buffer.numberOfChannels, notes: [`Decoded by this browser at ${rate} Hz; ddasp’s own decoder may differ slightly.`] };
}

// The sampling rate that a FLAC file declares (20 bits of STREAMINFO), where a browser can take it.
function flacRate(bytes) {
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== "fLaC" || bytes.length < 22) return 0;
  const rate = (bytes[18] << 12) | (bytes[19] << 4) | (bytes[20] >> 4);
  return rate >= 8000 && rate <= 96000 ? rate : 0;
}

// What the model hears: the sound at its rate.
function atRate(sound, rate) {
  if (sound.rate === rate) return { ...sound, heard: sound.x };
  const note = `Resampled from ${sound.rate} to ${rate} Hz by this page; ddasp’s own filter gives samples that differ slightly.`;
  return { ...sound, heard: resample(sound.x, sound.rate, rate), notes: [...sound.notes, note] };
}
