"""The page of a model in a browser: it decides as `ddasp apply` does, alone, and says what it does.

Every page is opened from disk. When a test ends nothing may have been requested and nothing may
stand in the console.
"""

from __future__ import annotations

import importlib.util
import io
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ddasp.apps import export
from ddasp.apps.export import export_web
from ddasp.audio.files import read
from ddasp.audio.resampling import resample, to_mono
from ddasp.procedure import graph
from ddasp.procedure.deployed import apply, load
from ddasp.procedure.recordings import windows

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "web_example", Path(__file__).with_name("web_example.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


EXAMPLE = _example()


@pytest.fixture(autouse=True, scope="module")
def _any_graph() -> Iterator[None]:
    """These graphs are small and can be worked out; that a run wrote them is not the question."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "check_whole", lambda *_: None)
        yield


RATE = EXAMPLE.RATE
LABELS = ("low", "mid", "high")  # of the bands: 60 Hz, 0.6 and 3.1 kHz on
HOP = 0.20003125  # 3200.5 samples: which way they are rounded is seen
NARROW = {"width": 360, "height": 740}
Open = Callable[..., Any]


def tone(frequency: float, seconds: float, rate: int = RATE, level: float = 0.5) -> NDArray:
    return level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def noise(seconds: float, level: float = 0.1) -> NDArray:
    return level * np.random.default_rng(0).standard_normal(round(seconds * RATE))


def steps() -> NDArray:
    """3.3 s: high, low, silence, all alike, mid."""
    parts = [
        tone(5000, 0.7),
        tone(200, 0.6),
        np.zeros(700 * RATE // 1000),
        noise(0.7),
        tone(900, 0.6),
    ]
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium with a microphone that hears a tone of 5 kHz."""
    heard = tmp_path_factory.mktemp("microphone") / "heard.wav"
    soundfile.write(heard, tone(5000, 4, 48000), 48000, "PCM_16")
    with sync_api.sync_playwright() as driver:
        launched = driver.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--no-first-run",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={heard}",
            ],
        )
        yield launched
        launched.close()


Kept = dict[str, tuple[Any, list[str], Path]]


@pytest.fixture(scope="module")
def kept(browser: Any) -> Kept:
    """Pages that several tests use one after the other: the runtime is unpacked once."""
    return {}


KINDS: dict[str, dict[str, Any]] = {
    "whole": {},
    "shares": {"gain": 0.3, "dont_know_below": 0.0},
    "windows": {"gain": 0.3, "dont_know_below": 0.6, "window": {"length": 0.5, "hop": None}},
    "sliding": {"gain": 0.3, "dont_know_below": 0.6, "window": {"length": 0.5, "hop": HOP}},
}


@pytest.fixture
def opened(
    browser: Any, kept: Kept, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Open]:
    """Open the page of a kind of run, or of a run; at the end it must have been alone and content."""
    fresh = []

    def new(run: Path, **options: Any) -> tuple[Any, list[str], Path]:
        address = export_web(run).path.as_uri()
        tab = browser.new_page(**{"viewport": {"width": 1200, "height": 900}, **options})
        faults: list[str] = []
        tab.on("console", lambda message: faults.append(message.text))
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        tab.on("request", lambda r: None if allowed(r.url, address) else faults.append(r.url))
        tab.goto(address)
        return tab, faults, run

    def open_page(asked: str | Path, **options: Any) -> tuple[Any, Path]:
        if isinstance(asked, Path):
            fresh.append(new(asked, **options))
            return fresh[-1][0], asked
        if asked not in kept:
            folder = tmp_path_factory.mktemp(asked)
            kept[asked] = new(EXAMPLE.make_run(folder, LABELS, **KINDS[asked]))
        return kept[asked][0], kept[asked][2]

    yield open_page
    for tab, _, _ in fresh:
        tab.close()
    for _, faults, _ in [*fresh, *kept.values()]:
        assert faults == []


def allowed(url: str, page: str) -> bool:
    return url == page or url.startswith("data:")


def eventually(found: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what the page's policy forbids to wait for inside it."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def decided(tab: Any, sound: Path | dict[str, Any], state: str = "done") -> list[dict[str, str]]:
    """Give the page a sound; the rows of its table."""
    tab.evaluate("document.body.dataset.state = 'asked'")
    tab.set_input_files("#file", sound)
    tab.wait_for_selector(f"body[data-state={state}]", timeout=60_000)
    return rows(tab)


def rows(tab: Any) -> list[dict[str, str]]:
    return list(
        tab.evaluate("[...document.querySelectorAll('#rows tr')].map(r => ({...r.dataset}))")
    )


def probabilities(found: list[dict[str, str]]) -> NDArray:
    return np.array([[float(p) for p in row["probabilities"].split()] for row in found])


def wav(signal: NDArray, subtype: str, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, signal, rate, format="WAV", subtype=subtype)
    return file.getvalue()


def file_of(content: bytes, name: str = "sound.wav") -> dict[str, Any]:
    return {"name": name, "mimeType": "audio/wav", "buffer": content}


def agree(found: list[dict[str, str]], run: Path, sound: Path) -> None:
    """The page's rows are those of `ddasp apply`."""
    expected = list(apply(run, [sound]))
    labels = [key[2:] for key in expected[0] if key.startswith("p:")]
    assert [row["decided"].replace("’", "'") for row in found] == [r["decided"] for r in expected]
    assert [row["known"] for row in found] == [str(r["known"]).lower() for r in expected]
    assert [row["silent"] == "true" for row in found] == [
        "W-SILENT" in r["flags"] for r in expected
    ]
    for key in ("start", "stop"):
        np.testing.assert_allclose([float(row[key]) for row in found], [r[key] for r in expected])
    # both run the same graph in float64; seven digits are told
    told = [[r[f"p:{label}"] for label in labels] for r in expected]
    np.testing.assert_allclose(probabilities(found), told, rtol=0, atol=1e-6)


# ---------------------------------------------------------------------------- files


def test_a_file_gets_the_probabilities_that_apply_gives(opened: Open, tmp_path: Path):
    tab, run = opened("shares")
    signal = np.stack([steps(), 0.3 * tone(300, 3.3)], axis=1)
    for subtype, channels in (("PCM_U8", 1), ("PCM_16", 2), ("PCM_24", 1), ("DOUBLE", 2)):
        sound = tmp_path / f"{subtype}_{channels}.wav"
        sound.write_bytes(wav(signal[:, :channels], subtype))
        found = decided(tab, sound)
        agree(found, run, sound)
        assert tab.inner_text("#decision") == found[0]["decided"]
        assert tab.inner_text("#notes") == ""


@pytest.mark.parametrize(("kind", "n"), [("sliding", 14), ("windows", 6)])
def test_all_windows_are_decided_with_silence_and_doubt(
    opened: Open, tmp_path: Path, kind: str, n: int
):
    tab, run = opened(kind)
    sound = tmp_path / "steps.wav"
    sound.write_bytes(wav(steps(), "PCM_16"))
    found = decided(tab, sound)
    assert len(found) == n
    assert {row["decided"] for row in found} >= {"high", "low", "don’t know"}
    assert {row["silent"] for row in found} == {"true", "false"}
    agree(found, run, sound)
    short = tmp_path / "short.wav"  # padded to one window
    short.write_bytes(wav(tone(900, 0.1), "PCM_16"))
    agree(decided(tab, short), run, short)
    assert "window 1 of 1, 0.00 to 0.50 s" in tab.inner_text("#which")


def test_costs_move_the_decision_as_in_apply(opened: Open, tmp_path: Path):
    cost = [[0, 1, 1], [1, 0, 1], [30, 30, 0]]
    run = EXAMPLE.make_run(tmp_path / "run", LABELS, gain=0.3, cost=cost)
    sound = tmp_path / "low.wav"
    sound.write_bytes(wav(tone(200, 1) + noise(1, 0.02), "FLOAT"))
    tab, _ = opened(run)
    found = decided(tab, sound)
    agree(found, run, sound)
    assert found[0]["decided"] == "high"
    assert probabilities(found)[0].argmax() == 0
    assert "low is more probable, but this decision costs least" in tab.inner_text("#reason")


def test_a_value_has_its_interval(opened: Open, tmp_path: Path):
    run = EXAMPLE.make_run(
        tmp_path / "run", (), half_width=0.25, unit="dB", window={"length": 0.5, "hop": None}
    )
    sound = tmp_path / "steps.wav"
    sound.write_bytes(wav(steps(), "PCM_16"))
    tab, _ = opened(run)
    found, expected = decided(tab, sound), list(apply(run, [sound]))
    # float32 of the graph
    np.testing.assert_allclose(
        [float(r["value"]) for r in found], [r["predicted"] for r in expected], rtol=1e-6
    )
    value, half = expected[0]["predicted"], 0.25
    assert tab.inner_text("#decision") == f"{value:.2f} dB"
    assert tab.inner_text("#certainty") == f"between {value - half:.2f} and {value + half:.2f}"
    tab.click("#next")
    tab.click("#next")
    tab.click("#next")
    assert "silent" in tab.inner_text("#reason")


def test_another_rate_keeps_what_is_below_and_stops_what_is_above(opened: Open):
    tab, _ = opened("shares")
    spoken = lambda rate, extra: tone(200, 1, rate) + tone(5000, 1, rate, 0.2) + extra  # noqa: E731
    expected = probabilities(decided(tab, file_of(wav(spoken(RATE, 0), "FLOAT"))))
    for rate in (48000, 44100, 22050, 11025):
        above = tone(0.4 * rate, 1, rate) if 0.4 * rate > RATE / 2 else 0
        found = decided(tab, file_of(wav(spoken(rate, above), "FLOAT", rate)))
        # the ends of the sound, where the filter reaches beyond it, hold a thousandth of the energy
        np.testing.assert_allclose(probabilities(found), expected, atol=2e-3)
        assert f"Resampled from {rate} to 16000 Hz" in tab.inner_text("#notes")
    found = decided(
        tab, file_of(wav(tone(12000, 1, 48000, 0.9) * np.hanning(48000), "FLOAT", 48000))
    )
    assert found[0]["silent"] == "true"  # 60 dB less: it lies above half the model's rate
    assert tab.inner_text("#decision") == "don’t know"


def test_what_is_no_wav_is_decoded_by_the_browser_and_the_page_says_so(
    opened: Open, tmp_path: Path
):
    tab, run = opened("shares")
    for name, tolerance in (("sound.flac", 1e-4), ("sound.ogg", 0.02)):  # Vorbis loses a little
        soundfile.write(tmp_path / name, steps(), RATE)
        expected = next(iter(apply(run, [tmp_path / name])))
        found = probabilities(decided(tab, tmp_path / name))[0]
        np.testing.assert_allclose(
            found, [expected[f"p:{label}"] for label in LABELS], atol=tolerance
        )
        assert "Decoded by this browser" in tab.inner_text("#notes")


def test_a_dropped_file_is_decided(opened: Open):
    tab, _ = opened("whole")
    data = tab.evaluate_handle(
        """bytes => { const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], "dropped.wav")); return transfer; }""",
        list(wav(tone(5000, 0.5), "PCM_16")),
    )
    tab.dispatch_event("body", "dragenter", {"dataTransfer": data})
    assert tab.is_visible("#veil")
    tab.dispatch_event("body", "drop", {"dataTransfer": data})
    tab.wait_for_selector("body[data-state=done]")
    assert not tab.is_visible("#veil")
    assert tab.inner_text("#decision") == "high"
    assert tab.inner_text("#which") == "dropped.wav: 0.50 s"


@pytest.mark.parametrize(
    ("content", "what", "advice"),
    [
        (b"", "The file is empty", "Record or export it again"),
        (b"no sound at all" * 50, "can’t decode the file", "Convert it to WAV"),
        (wav(np.zeros(0), "PCM_16"), "holds no samples", "again"),
        (wav(tone(300, 0.1), "PCM_16")[:30], "header is cut", "again"),
        (wav(np.full(100, np.nan), "FLOAT"), "NaN or infinity", "plug-in"),
        (
            wav(np.zeros(61 * 8000), "PCM_16", 8000),
            "lasts 61 s; this model takes at most 60 s",
            "Cut",
        ),
    ],
)
def test_what_can_not_be_used_is_said_with_what_to_do(
    opened: Open, content: bytes, what: str, advice: str
):
    tab, _ = opened("whole")
    assert decided(tab, file_of(content), "failed") == []
    assert what in tab.inner_text("#what")
    assert advice in tab.inner_text("#advice")
    assert tab.inner_text("#decision") == "No decision"
    assert decided(tab, file_of(wav(tone(300, 0.5), "PCM_16")))[0]["decided"] == "low"
    assert not tab.is_visible("#failure")


def test_a_file_that_was_cut_is_used_as_far_as_it_goes(opened: Open):
    tab, _ = opened("whole")
    assert decided(tab, file_of(wav(tone(300, 1), "PCM_16")[:16044]))[0]["stop"] == "0.5"
    assert "shorter than its header says" in tab.inner_text("#notes")


def test_silence_is_below_60_dB_under_full_scale_and_is_not_known(opened: Open, tmp_path: Path):
    tab, run = opened("whole")
    for level, said in ((0.000999, "don’t know"), (0.001001, "high")):
        sound = tmp_path / f"{level}.wav"
        sound.write_bytes(wav(tone(5000, 0.5, level=level), "FLOAT"))
        found = decided(tab, sound)
        assert found[0]["decided"] == said
        assert probabilities(found)[0, 2] > 0.9  # the model would have been sure of both
        agree(found, run, sound)


# ---------------------------------------------------------------------------- parts


@pytest.fixture(scope="module")
def part(browser: Any) -> Iterator[Callable[..., Any]]:
    """Run an expression after some of the scripts, on an empty page."""
    tab = browser.new_page()

    def run(names: str, expression: str, argument: Any = None) -> Any:
        script = "".join(export._asset(f"{name}.js") for name in names.split())
        return tab.evaluate(f"argument => {{ {script}; return {expression}; }}", argument)

    yield run
    tab.close()


KINDS_OF_WAV = [
    *(("WAV", name) for name in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_16"),
]


def test_samples_are_those_that_ddasp_reads_to_the_last_bit(
    part: Callable[..., Any], tmp_path: Path
):
    signal = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    for (form, subtype), channels in itertools.product(KINDS_OF_WAV, (1, 2, 3)):
        path = tmp_path / "sound.wav"
        soundfile.write(path, signal[:, :channels], 8000, format=form, subtype=subtype)
        asked = "(sound => [[...sound.x], sound.rate])(readWav(new Uint8Array(argument)))"
        x, rate = part("wav", asked, list(path.read_bytes()))
        assert rate == 8000
        np.testing.assert_array_equal(x, to_mono(read(path, max_duration=1).samples))


def test_a_wav_of_a_kind_that_is_not_read_here_is_left_to_the_browser(part: Callable[..., Any]):
    for subtype in ("ULAW", "MS_ADPCM"):
        content = list(wav(tone(300, 0.1), subtype))
        assert part("wav", "readWav(new Uint8Array(argument))", content) is None


@pytest.mark.parametrize(("rate", "new_rate"), [(44100, 16000), (8000, 11025), (48000, 16000)])
def test_tones_below_nine_tenths_of_nyquist_are_the_same_tones_at_another_rate(
    part: Callable[..., Any], rate: int, new_rate: int
):
    def tones(at: int) -> NDArray:
        shares = (0.01, 0.2, 0.4, 0.45)  # of the lower rate
        t = np.arange(at // 4) / at
        return sum(0.2 * np.sin(2 * np.pi * s * min(rate, new_rate) * t + s) for s in shares)

    x = tones(rate).astype(np.float32)
    asked = f"[...resample(new Float32Array(argument), {rate}, {new_rate})]"
    y = np.array(part("resample", asked, x.tolist()))
    n = min(len(y), new_rate // 4)
    expected = resample(x, rate, new_rate)
    assert y.shape == expected.shape
    # 100 dB, away from the ends of the sound
    np.testing.assert_allclose(y[100 : n - 100], tones(new_rate)[100 : n - 100], rtol=0, atol=1e-5)
    np.testing.assert_allclose(y[100:-100], expected[100:-100], rtol=0, atol=5e-4)  # soxr's ripple


def test_a_constant_stays_what_it_is_at_another_rate(part: Callable[..., Any]):
    y = np.array(part("resample", "[...resample(new Float32Array(4410).fill(0.5), 44100, 16000)]"))
    np.testing.assert_allclose(y[80:-80], 0.5, rtol=1e-7)  # float32


def test_a_piece_resampled_alone_is_the_piece_of_the_whole(part: Callable[..., Any]):
    found = part(
        "resample",
        """(() => {
            const x = Float32Array.from({length: 9000}, (_, i) => Math.sin(i * i / 9000));
            const whole = resample(x, 44100, 16000).slice(1500, 2000);
            const margin = reach(44100, 16000) * 44100;
            const from = Math.floor(1500 * 44100 / 16000 - margin);
            const to = Math.ceil(2000 * 44100 / 16000 + margin);
            const options = {first: 1500, n: 500, offset: from};
            const piece = resample(x.slice(from, to), 44100, 16000, options);
            return [[...whole], [...piece]];
        })()""",
    )
    np.testing.assert_array_equal(*found)


def test_the_tape_keeps_the_newest_samples(part: Callable[..., Any]):
    first, kept, late = part(
        "wav microphone",
        """(() => {
            const tape = new Tape(100000);
            for (let i = 0; i < 700; i++)
                tape.push(Float32Array.from({length: 1024}, (_, k) => i * 1024 + k));
            const {first, x} = tape.read(0, tape.total);
            return [first, [x.length, x[0], x[x.length - 1]], tape.read(716000, 716003).x[1]];
        })()""",
    )
    assert first <= 700 * 1024 - 100000
    assert kept == [700 * 1024 - first, first, 700 * 1024 - 1]
    assert late == 716001


def test_windows_and_rounding_are_those_of_the_procedure(part: Callable[..., Any]):
    for duration, length, hop in (
        (2.6, 1.0, 0.5),
        (0.6, 1.0, 1.0),
        (3.3, 0.3, 0.1),
        (1.0, 0.1, 0.1),
    ):
        window = {"length": length, "hop": hop}
        found = part("rule", f"windowsOf({duration}, argument)", window)
        np.testing.assert_allclose(found, windows(duration, (length, hop)), rtol=1e-15)
    numbers = [0.5, 1.5, 2.5, 2.4999, 3200.5, 3.0, 7.6]
    assert part("rule", "argument.map(roundEven)", numbers) == [round(x) for x in numbers]


# ---------------------------------------------------------------------------- microphone


def test_the_microphone_is_decided_on_window_by_window(opened: Open):
    tab, run = opened("sliding")
    tab.click("#listen")
    sync_api.expect(tab.locator("#decision")).to_have_text("high", timeout=20_000)
    sync_api.expect(tab.locator("#decibels")).to_have_text("−6 dBFS")  # 0.5 of full scale
    eventually(lambda: len(rows(tab)) >= 4)
    tab.click("#listen")
    assert tab.get_attribute("body", "data-state") == "done"
    found = rows(tab)[::-1]
    assert all(row["decided"] == "high" for row in found[1:-1])
    starts = np.array([float(row["start"]) for row in found])
    np.testing.assert_allclose(starts / HOP, np.rint(starts / HOP), atol=1e-9)
    assert (np.diff(starts) > 0.9 * HOP).all()
    # as pure as the same tone at the model's rate: what leaks depends on its phase
    model, t = load(run), np.arange(RATE // 2) / RATE
    phases = 2 * np.pi * np.arange(64) / 64
    pure = np.array([model.output(0.5 * np.sin(2 * np.pi * 5000 * t + phase)) for phase in phases])
    # The best of them, and nearly: where the machine is busy, the browser's made-up microphone skips,
    # which leaks; how exactly tones are resampled is tested with files.
    best = max(probabilities(found)[1:-1], key=lambda row: row[2])
    assert (best > pure.min(axis=0) - 0.1).all(), best
    assert (best < pure.max(axis=0) + 0.1).all(), best


def test_a_recording_is_decided_on_as_a_whole(opened: Open):
    tab, _ = opened("whole")
    tab.click("#listen")
    tab.wait_for_selector("body[data-state=recording]")
    eventually(lambda: float(tab.inner_text("#which").split()[1]) > 0.5)
    tab.click("#listen")
    tab.wait_for_selector("body[data-state=done]")
    assert tab.inner_text("#decision") == "high"
    assert float(rows(tab)[0]["stop"]) > 0.5
    assert tab.inner_text("#which").startswith("recording: ")


def test_a_microphone_that_is_not_allowed_is_explained(opened: Open):
    tab, _ = opened("whole")
    tab.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () =>"
        " { throw new DOMException('', 'NotAllowedError'); }; }"
    )
    tab.click("#listen")
    tab.wait_for_selector("body[data-state=failed]")
    tab.evaluate("() => { delete navigator.mediaDevices.getUserMedia; }")
    assert tab.inner_text("#what") == "The microphone was not allowed."
    assert "Allow it" in tab.inner_text("#advice")


# ---------------------------------------------------------------------------- the page


def test_hostile_labels_and_names_are_shown_as_text(opened: Open, tmp_path: Path):
    labels = ["<img src=x onerror=hacked=1>", "</script><script>hacked=2</script>"]
    run = EXAMPLE.make_run(
        tmp_path / "run", labels, window={"length": 0.5, "hop": None}, card={"question": labels[1]}
    )
    tab, _ = opened(run)
    name = "<img src=x onerror=hacked=3>.wav"
    found = decided(tab, file_of(wav(tone(200, 1.5), "PCM_16"), name))
    assert found[0]["decided"] == labels[0] == tab.inner_text("#decision")
    assert name in tab.inner_text("#which")
    assert tab.inner_text("h1") == labels[1]
    assert tab.locator("img").count() == 0
    assert tab.evaluate("typeof hacked") == "undefined"


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server of this machine, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        do_POST = do_OPTIONS = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.block_on_close = False  # browsers keep connections that they may need
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


SENDING = """async server => {
    const refused = [];
    addEventListener("securitypolicyviolation", e => refused.push(e.effectiveDirective));
    await fetch(`http://${server}/fetch`).catch(() => {});
    navigator.sendBeacon(`http://${server}/beacon`, "x");
    try { new WebSocket(`ws://${server}/socket`); } catch {}
    new Image().src = `http://${server}/image`;
    const script = document.createElement("script");
    script.textContent = "hacked = 1";
    document.body.append(script);
    await new Promise(resolve => setTimeout(resolve, 300));
    return refused;
}"""


def test_not_even_a_script_inside_the_page_could_send_anything(
    browser: Any, tmp_path: Path, listener: tuple[str, list[str]]
):
    server, asked = listener
    tab = browser.new_page()
    (tmp_path / "bare.html").write_text("<!doctype html><body>")
    tab.goto((tmp_path / "bare.html").as_uri())
    tab.evaluate(SENDING, server)
    assert {"/fetch", "/beacon", "/socket", "/image"} <= set(asked)  # it would be heard
    asked.clear()
    tab.goto(export_web(EXAMPLE.make_run(tmp_path, LABELS)).path.as_uri())
    refused = tab.evaluate(SENDING, server)
    assert sorted(refused) == ["connect-src"] * 3 + ["img-src", "script-src-elem"]
    assert asked == []
    assert tab.evaluate("typeof hacked") == "undefined"
    tab.close()


def test_a_phone_needs_no_sideways_scroll(opened: Open, tmp_path: Path):
    labels = ["a_class_with_quite_a_long_name", "an_even_longer_name_without_any_break_in_it", "c"]
    run = EXAMPLE.make_run(tmp_path, labels, window={"length": 0.5, "hop": None})
    tab, _ = opened(run, viewport=NARROW)
    width = "document.documentElement.scrollWidth"
    assert tab.evaluate(width) <= NARROW["width"]
    name = "a_name_of_a_file_that_is_longer_than_the_page_is_wide.wav"
    decided(tab, file_of(wav(steps(), "PCM_16"), name))
    assert tab.evaluate(width) <= NARROW["width"]
    tab.evaluate("document.getElementById('all').open = true")
    assert tab.evaluate(width) <= NARROW["width"]


def test_the_keyboard_reaches_everything_and_the_decision_is_announced(opened: Open):
    tab, _ = opened("windows")
    decided(tab, file_of(wav(steps(), "PCM_16")))
    assert tab.get_attribute("#decision", "role") == "status"
    reached = []
    for _ in range(9):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert reached[:6] == ["A", "choose", "listen", "play", "back", "next"]
    assert "SUMMARY" in reached
    tab.focus("#next")
    tab.keyboard.press("Enter")
    assert tab.inner_text("#which").endswith("window 2 of 6, 0.50 to 1.00 s")
    assert tab.locator("#rows tr[aria-current]").count() == 1
    assert "don’t know" in tab.get_attribute("#canvas", "aria-label")


def test_a_click_in_the_picture_chooses_the_window(opened: Open):
    tab, _ = opened("windows")
    decided(tab, file_of(wav(steps(), "PCM_16")))
    width = tab.locator("#canvas").bounding_box()["width"]
    tab.locator("#canvas").click(position={"x": width - 9, "y": 40})
    assert tab.inner_text("#decision") == rows(tab)[-1]["decided"] == "mid"
    box, mark = (tab.locator(name).bounding_box() for name in ("#canvas", "#selection"))
    assert mark["x"] + mark["width"] < box["x"] + box["width"]
    assert mark["width"] == pytest.approx(width / 3.3 * 0.5, rel=0.15)


def test_nothing_sounds_until_it_is_asked_to_and_then_a_cursor_moves(opened: Open):
    tab, _ = opened("sliding")
    decided(tab, file_of(wav(tone(300, 1.0), "PCM_16")))
    assert not tab.is_visible("#cursor")
    tab.evaluate(
        "const cursor = document.getElementById('cursor');"
        "new MutationObserver(() => (window.seen ||= []).push(parseFloat(cursor.style.left)))"
        ".observe(cursor, {attributes: true, attributeFilter: ['style']})"
    )
    tab.click("#play")
    sync_api.expect(tab.locator("#play")).to_have_attribute("aria-pressed", "true")
    sync_api.expect(tab.locator("#play")).to_have_attribute("aria-pressed", "false")
    seen = tab.evaluate("window.seen")
    assert seen == sorted(seen)
    assert seen[-1] > seen[0] + 100
    assert not tab.is_visible("#cursor")
    assert not tab.inner_text("#which").startswith("sound.wav: window 1 of")  # it went along


def test_light_and_dark_follow_the_reader(opened: Open):
    tab, _ = opened("whole")
    decided(tab, file_of(wav(tone(300, 0.5), "PCM_16")))
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    picture = "document.getElementById('canvas').toDataURL()"
    light = tab.evaluate(ground), tab.evaluate(picture)
    tab.emulate_media(color_scheme="dark")
    eventually(lambda: tab.evaluate(picture) != light[1])
    assert tab.evaluate(ground) != light[0]
    tab.emulate_media(color_scheme="light")
    eventually(lambda: tab.evaluate(picture) == light[1])


def test_the_card_reads_without_scripts(browser: Any, tmp_path: Path):
    found = export_web(EXAMPLE.make_run(tmp_path / "run", LABELS), tmp_path / "page.html")
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(found.path.as_uri())
    assert "tones only" in tab.inner_text("dl")
    assert "needs JavaScript" in tab.inner_text("main")
    assert not tab.is_enabled("#choose")
    context.close()
