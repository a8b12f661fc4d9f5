"""Progress passes everything on, says little, and leaves the terminal as it was."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from ddasp import _progress
from ddasp._progress import Bars, Lines, Silent, progress_for, showing


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(_progress.time, "monotonic", clock)
    return clock


def test_the_display_fits_the_stream() -> None:
    assert isinstance(progress_for(io.StringIO()), Lines)
    assert isinstance(progress_for(Terminal()), Bars)
    assert isinstance(progress_for(Terminal(), quiet=True), Silent)


@pytest.mark.parametrize("display", [Silent(), Lines(io.StringIO()), Bars(Terminal())])
def test_every_display_passes_all_items_on_in_order(display: _progress.Progress) -> None:
    assert list(display.track(range(5), "files", 5)) == [0, 1, 2, 3, 4]
    assert list(display.track([], "files", 0)) == []


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_short_task_leaves_no_words(stream: io.StringIO) -> None:
    with showing(stream) as progress:
        list(progress.track(range(3), "files", 3))
    assert "files" not in stream.getvalue()


def test_lines_say_the_time_left_at_most_every_ten_seconds(clock: Clock) -> None:
    stream = io.StringIO()
    for _ in Lines(stream).track(range(10), "fits", 10):
        clock.now += 6.0
    lines = stream.getvalue().splitlines()
    assert lines[0] == "  fits: 2 of 10, 48 s left"
    assert lines[-1] == "  fits: 10 of 10 in 1 min 0 s"
    assert len(lines) == 5


def test_lines_keep_quiet_about_the_time_left_while_little_is_known(clock: Clock) -> None:
    stream = io.StringIO()
    for _ in zip(range(3), Lines(stream).track(range(100), "fits", 100), strict=False):
        clock.now += 60.0
    lines = stream.getvalue().splitlines()
    assert lines == ["  fits: 1 of 100", "  fits: 2 of 100, 1 h 38 min left"]


def test_a_line_that_the_stream_cannot_say_is_escaped() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Lines(stream).say("Grüße")
    stream.seek(0)
    assert stream.read() == "Gr\\xfc\\xdfe\n"


def test_a_bar_shows_the_task_its_count_and_the_inner_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_progress, "SHOW_AFTER", 0.0)
    stream = Terminal()
    with showing(stream) as progress:
        for _ in progress.track(range(2), "folds", 2):
            for _ in progress.track(range(3), "[fits]", 3):
                pass
    assert "folds" in stream.getvalue()
    assert "[fits]" in stream.getvalue()
    assert "3 of 3" in stream.getvalue()


SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


def test_an_interruption_gives_the_cursor_back() -> None:
    stream = Terminal()

    def work(progress: _progress.Progress) -> Iterator[int]:
        for item in progress.track(range(3), "fits", 3):
            yield item
            raise KeyboardInterrupt

    kept: list[Iterator[int]] = []  # outlives the interruption, as it does in a traceback

    def interrupted() -> None:
        with showing(stream) as progress:
            kept.append(work(progress))
            list(kept[0])

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    text = stream.getvalue()
    assert text.rfind(SHOW_CURSOR) > text.rfind(HIDE_CURSOR)


def test_a_task_left_early_takes_its_bar_down() -> None:
    stream = Terminal()
    bars = Bars(stream)
    for _ in bars.track(range(3), "fits", 3):
        break
    bars.close()
    assert list(bars.track(range(2), "fits", 2)) == [0, 1]
