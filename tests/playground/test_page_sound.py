"""The sound tab in a real browser: points are heard and seen, the wrong ones listed, a voice lands."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = pytest.mark.browser

RATE = 16_000
PATIENCE = 60_000  # ms: other tests use this machine too
Open = Callable[..., Any]

# What reaches the speakers: every source that is started is noted, and whether it has ended.
LISTEN = """
window.played = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...more) {
  const peak = Math.max(...this.buffer.getChannelData(0).map(Math.abs));
  const note = { seconds: this.buffer.duration, peak, over: false };
  this.addEventListener("ended", () => (note.over = true));
  window.played.push(note);
  return start.apply(this, more);
};
"""
NO_PERMISSION = """
navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", "NotAllowedError"); };
"""
NO_DEVICE = NO_PERMISSION.replace("NotAllowedError", "NotFoundError")
INSECURE = "Object.defineProperty(window, 'isSecureContext', { value: false });"


def spoken(folder: Path) -> Path:
    """A file for Chromium's microphone: a decaying tone every half second."""
    t = np.arange(4 * RATE) / RATE
    x = 0.6 * np.sin(2 * np.pi * 220 * t) * np.exp(-10 * (t % 0.5))
    path = folder / "microphone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((x * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium with a microphone that hears the same at every visit."""
    file = spoken(tmp_path_factory.mktemp("microphone"))
    with sync_api.sync_playwright() as driver:
        launched = driver.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={file}",
            ],
        )
        yield launched
        launched.close()


@pytest.fixture
def heard(sheet: Any) -> Open:
    """Open the page with sounds as its data and their tab in front."""

    def new(script: str = "") -> Any:
        sheet.page.add_init_script(LISTEN + script)
        tab = sheet.open()
        tab.set_default_timeout(PATIENCE)
        tab.locator("#data-panel").get_by_role("tab", name="Sound").click()
        expect(tab.locator(".sound-state")).to_contain_text("216 sounds", timeout=PATIENCE)
        tab.locator("#tabs").get_by_role("tab", name="Sound", exact=True).click()
        expect(tab.locator(".wrong-row").first).to_be_visible(timeout=PATIENCE)
        return tab

    return new


def test_a_wrong_one_is_heard_seen_and_told_and_nothing_starts_by_itself(heard: Open) -> None:
    tab = heard()
    assert tab.evaluate("window.played.length") == 0
    row = tab.locator(".wrong-row").nth(1)
    label, decided = (part.inner_text() for part in row.locator("b").all())
    row.click()
    tab.wait_for_function("() => window.played.length === 1")
    picture = tab.locator(".sound-canvas")
    expect(picture).to_have_attribute("aria-label", re.compile("^Waveform and spectrogram of"))
    facts = tab.locator(".sound-facts")
    expect(facts).to_contain_text("✕")
    for word in (label, decided, "test", "kit"):
        expect(facts).to_contain_text(word)
    assert tab.evaluate("window.played[0].seconds") > 0.05
    assert 0.001 < tab.evaluate("window.played[0].peak") <= 1
    # the spectrogram is not one colour: many were drawn
    n_colours = tab.evaluate(
        """() => { const canvas = document.querySelector('.sound-canvas');
        const { data } = canvas.getContext('2d').getImageData(60, 80, 200, 80);
        const pixels = Array.from({ length: 16000 }, (_, i) => data.slice(4 * i, 4 * i + 3).join());
        return new Set(pixels).size; }"""
    )
    assert n_colours > 20


def test_a_point_of_the_map_is_heard_as_the_server_sent_it_each_time_it_is_chosen(
    heard: Open,
) -> None:
    tab = heard()
    tab.locator(".map-surface").focus()
    tab.keyboard.press("ArrowRight")
    with tab.expect_response(re.compile(r"/sound/.*\.wav")) as sent:
        tab.keyboard.press("Enter")
    tab.wait_for_function("() => window.played.length === 1")
    with wave.open(io.BytesIO(sent.value.body())) as file:
        seconds = file.getnframes() / file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    heard_note = tab.evaluate("window.played[0]")
    assert heard_note["seconds"] == pytest.approx(seconds, abs=0.002)
    # the page brings it to the rate of its own output, which may move a peak between two samples
    assert heard_note["peak"] == pytest.approx(np.abs(samples).max(), rel=0.15)
    tab.keyboard.press("Enter")
    tab.wait_for_function("() => window.played.length === 2")


def test_the_cursor_moves_while_it_plays_and_stop_ends_it(heard: Open) -> None:
    tab = heard()
    tab.locator(".wrong-row").first.click()
    tab.wait_for_function("() => window.played.length === 1")
    tab.wait_for_function("() => window.played[0].over")
    play = tab.locator(".sound-play")
    expect(play).to_have_text("Play")
    places = tab.evaluate(
        """async () => { document.querySelector('.sound-play').click();
        const cursor = document.querySelector('.sound-cursor');
        const places = [];
        for (let k = 0; k < 400 && places.length < 5; k++) {
          await new Promise(requestAnimationFrame);
          const place = cursor.hidden ? '' : cursor.style.transform;
          if (place && place !== places.at(-1)) places.push(place);
        }
        return places; }"""
    )
    moved = [float(re.search(r"[\d.]+", place)[0]) for place in places]  # type: ignore[index]
    assert len(moved) >= 2
    assert moved == sorted(moved)
    if play.inner_text() == "Stop":
        play.click()
    expect(play).to_have_text("Play")
    expect(tab.locator(".sound-cursor")).to_be_hidden()


def test_the_list_is_walked_by_keys_and_filtered_by_set(heard: Open) -> None:
    tab = heard()
    first = tab.locator(".wrong-row").first
    first.focus()
    tab.keyboard.press("ArrowDown")
    second = tab.locator(".wrong-row").nth(1)
    expect(second).to_be_focused()
    tab.keyboard.press("Enter")
    tab.wait_for_function("() => window.played.length === 1")
    expect(second).to_have_attribute("aria-current", "true")
    tab.keyboard.press("End")
    expect(tab.locator(".wrong-row").last).to_be_focused()
    # what the list hides below its edge makes the page no longer
    assert (
        tab.locator(".wrong-list").evaluate("(list) => getComputedStyle(list).position")
        == "relative"
    )
    words = tab.locator(".wrong > p")
    expect(words).to_contain_text("of 72 test points")
    tab.get_by_text("Training", exact=True).click()
    expect(words).to_contain_text("of 108 training points")
    expect(tab.locator(".wrong-row").first).to_contain_text(re.compile(r"no\. \d+, training$"))


def test_play_all_plays_one_after_the_other_until_stopped(heard: Open) -> None:
    tab = heard()
    button = tab.get_by_role("button", name="Play all")
    button.click()
    tab.wait_for_function("() => window.played.length >= 2")
    assert tab.evaluate("window.played[0].over")  # the second waited for the first
    tab.locator(".wrong-head").get_by_role("button", name="Stop").click()
    expect(button).to_be_visible()
    n = tab.evaluate("window.played.length")
    tab.wait_for_timeout(1200)
    assert tab.evaluate("window.played.length") == n


def test_the_list_does_not_move_under_the_pointer_while_it_learns(heard: Open) -> None:
    tab = heard()
    tab.locator(".wrong-row").nth(3).hover()
    before = tab.locator(".wrong-list").inner_text()
    # neither the pointer nor the page moves, as a click or a focus would make them
    tab.locator("#transport").get_by_role("button", name="Play").dispatch_event("click")
    expect(tab.get_by_role("button", name="Renew")).to_be_visible(timeout=PATIENCE)
    assert tab.locator(".wrong-list").inner_text() == before
    tab.locator("#tab-sound .sound-title").hover()
    tab.wait_for_function(
        "(was) => document.querySelector('.wrong-list').innerText !== was", arg=before
    )


def test_a_recording_lands_on_the_map_with_its_probabilities(heard: Open, playground: Any) -> None:
    tab = heard()
    with tab.expect_response(re.compile("/recording")) as sent:
        tab.get_by_role("button", name="Record").click()
        expect(tab.locator(".record-word")).to_contain_text("s left")
        level = tab.get_by_role("meter", name="Level of the microphone")
        tab.wait_for_function("() => Number(document.querySelector('.level').ariaValueNow) > 30")
        expect(level).to_be_visible()
    found = sent.value.json()
    assert sent.value.request.headers["authorization"] == f"Bearer {playground.token}"
    assert len(found["x"]) == 2
    assert sum(found["probabilities"]) == pytest.approx(1)
    expect(tab.locator(".record-words")).to_contain_text(f"Taken for {found['decided']}")
    shares = tab.locator(".recordings li").first.locator(".share")
    expect(shares).to_have_count(6)
    assert tab.evaluate("window.played.length") == 0  # one's own voice does not start by itself
    tab.get_by_role("button", name="Play recording 1").click()
    tab.wait_for_function("() => window.played.length === 1")
    assert 1.0 < tab.evaluate("window.played[0].seconds") <= 2.0


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (NO_PERMISSION, "not allowed"),
        (NO_DEVICE, "No microphone was found"),
        (INSECURE, "http://127.0.0.1"),
    ],
    ids=["refused", "no device", "insecure"],
)
def test_a_microphone_that_can_not_be_had_is_told_in_words(
    heard: Open, script: str, words: str
) -> None:
    tab = heard(script)
    tab.get_by_role("button", name="Record").click()
    told = tab.locator(".record-words.fault")
    expect(told).to_contain_text(words)
    expect(tab.get_by_role("button", name="Record")).to_be_enabled()


def test_drawn_points_have_no_sound_and_say_so(sheet: Any) -> None:
    tab = sheet.open()
    tab.locator("#tabs").get_by_role("tab", name="Sound", exact=True).click()
    expect(tab.locator(".sound-none")).to_contain_text("drawn, not recorded", timeout=PATIENCE)
    expect(tab.get_by_role("button", name="Record")).to_be_hidden()
