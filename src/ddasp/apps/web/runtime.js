// The runtime and the model, unpacked from this page: base64 of gzip. Nothing is fetched.

const payload = (id) => document.getElementById(id).textContent.trim();

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function unpacked(id) {
  const stream = new Blob([fromBase64(payload(id))]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// A script of this page as an address. Not blob: a page from disk may give none to a worklet.
const scriptUrl = (base64) => `data:text/javascript;base64,${base64}`;

// Returns run(samples) -> { probabilities } or { value }; calls wait for each other.
async function loadModel() {
  const ort = await import(scriptUrl(payload("runtime")));
  Object.assign(ort.env.wasm, { wasmBinary: await unpacked("wasm"), numThreads: 1, proxy: false });
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(await unpacked("model"), { executionProviders: ["wasm"], logSeverityLevel: 3 });
  for (const id of ["runtime", "wasm", "model"]) document.getElementById(id).remove();
  let last = Promise.resolve();
  const infer = async (samples) => {
    const found = await session.run({ waveform: new ort.Tensor("float32", samples, [samples.length]) });
    return found.value ? { value: Number(found.value.data[0]) } : { probabilities: Array.from(found.probabilities.data) };
  };
  return (samples) => (last = last.catch(() => {}).then(() => infer(samples)));
}
