"""Event files: round trips by other parsers, hostile labels, order and flushing."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp.apps.event_files import (
    audacity,
    csv_lines,
    json_lines,
    one_line,
    web_vtt,
    write,
)
from ddasp.procedure.events import Event, Rules, detect
from ddasp.procedure.labels import read_track

EVENTS = [
    Event("dog", 1.5, None, 0.8, 2.5),
    Event("dog", 1.5, 2.25, 0.9, 2.5),
    Event("cat", 3661.0, 3662.125, 0.7, 3662.5),
]
HOSTILE = (
    '=HYPERLINK("http://x","y")',
    "a\tb\r\nc",
    "a --> b",
    "<script>&amp;",
    '"quoted", and comma',
    "\ud800\x00\u2028tail",
    "  ",
    "@SUM(1)",
    "-1+2",
    "'",
    "ünï\u0308 🐕",
    "\n=1+1",
    "WEBVTT\n\nNOTE x",
)
LABELS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12))
CUE = re.compile(r"(\d\d+):(\d\d):(\d\d)\.(\d{3}) --> (\d\d+):(\d\d):(\d\d)\.(\d{3})\n(.+)\n\n")


def cues(text):
    """Start, stop and text of each cue, by the grammar of the format."""
    head, rest = text[:8], text[8:]
    assert head == "WEBVTT\n\n"
    found = [match.groups() for match in CUE.finditer(rest)]
    assert "".join(m.group(0) for m in CUE.finditer(rest)) == rest  # nothing else stands there

    def seconds(h, m, s, ms):
        return 3600 * int(h) + 60 * int(m) + int(s) + int(ms) / 1000

    return [(seconds(*f[:4]), seconds(*f[4:8]), html.unescape(f[8])) for f in found]


def over(events):
    return [event for event in events if event.is_over]


def test_json_lines_hold_beginnings_and_ends():
    read = [json.loads(line) for line in json_lines(EVENTS)]
    assert [row.pop("event") for row in read] == ["begins", "ends", "ends"]
    assert [Event(**row) for row in read] == EVENTS
    assert json.loads(next(json_lines(EVENTS, path="a.wav")))["path"] == "a.wav"


def test_csv_reads_back():
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(EVENTS)))))
    assert [row["label"] for row in rows] == ["dog", "cat"]
    assert [float(row["stop"]) for row in rows] == [2.25, 3662.125]
    assert [float(row["known_at"]) for row in rows] == [2.5, 3662.5]


def test_csv_of_several_sounds_has_one_header():
    lines = [*csv_lines(EVENTS, path="a"), *csv_lines(EVENTS, path="=b", header=False)]
    rows = list(csv.DictReader(io.StringIO("".join(lines))))
    assert [row["path"] for row in rows] == ["a", "a", "'=b", "'=b"]


@pytest.mark.parametrize(("lines", "name"), [(audacity, "x.txt"), (csv_lines, "x.csv")])
def test_label_tracks_read_back_as_true_events(tmp_path, lines, name):
    path = tmp_path / name
    with open(path, "w", encoding="utf-8", newline="") as file:
        write(lines(EVENTS), file)
    read = [(s.start, s.stop, s.label) for s in read_track(path)]
    assert read == [(e.start, e.stop, e.label) for e in over(EVENTS)]


def test_vtt_times_are_hours_minutes_seconds_and_milliseconds():
    text = "".join(web_vtt(EVENTS))
    assert "01:01:01.000 --> 01:01:02.125\ncat\n" in text
    assert cues(text)[0] == (1.5, 2.25, "dog")


def test_vtt_has_its_head_without_any_event_and_a_cue_never_ends_as_it_starts():
    assert "".join(web_vtt([])) == "WEBVTT\n\n"
    ((start, stop, _),) = cues("".join(web_vtt([Event("a", 1.0, 1.0, 1.0, 1.0)])))
    assert stop > start
    assert "100:00:00.000 -->" in "".join(web_vtt([Event("a", 360000.0, 360001.0, 1.0, 1.0)]))


@given(st.lists(LABELS, min_size=1, max_size=4))
def test_no_label_can_break_a_format(labels):
    events = [Event(label, float(i), i + 0.5, 0.9, i + 1.0) for i, label in enumerate(labels)]
    shown = [one_line(label) for label in labels]
    assert [json.loads(line)["label"] for line in json_lines(events)] == labels

    rows = list(csv.reader(io.StringIO("".join(csv_lines(events)))))
    assert len(rows) == len(events) + 1
    assert all(len(row) == 5 for row in rows)
    assert not any(row[2].startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows[1:])
    formulas = ("=", "+", "-", "@")
    assert [row[2] for row in rows[1:]] == ["'" + s if s.startswith(formulas) else s for s in shown]

    track = "".join(audacity(events)).split("\n")[:-1]
    assert [line.split("\t")[2] for line in track] == shown
    assert all(line.count("\t") == 2 for line in track)

    assert [text for _, _, text in cues("".join(web_vtt(events)))] == shown
    for lines in (json_lines, csv_lines, audacity, web_vtt):
        "".join(lines(events)).encode("utf-8")  # nothing that could not be written


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 2.0]))
def test_cues_come_by_their_starts_and_none_is_lost(seed, least):
    rng = np.random.default_rng(seed)
    p = rng.random((50, 3)).repeat(2, axis=0)
    rows = [(float(i), i + 1.0, p[i], False) for i in range(len(p))]
    events = list(detect(rows, "abc", Rules(0.4, 0.3, least=least), hop=1.0))
    found = cues("".join(web_vtt(events)))
    starts = [start for start, _, _ in found]
    assert starts == sorted(starts)
    assert sorted(found) == sorted((e.start, e.stop, e.label) for e in over(events))


def test_a_cue_waits_only_while_an_earlier_event_lasts():
    long, short = Event("hum", 0.0, None, 0.9, 1.0), Event("tap", 2.0, None, 0.9, 3.0)
    given = [
        long,
        short,
        Event("tap", 2.0, 3.0, 0.9, 3.0),
        Event("hum", 0.0, 9.0, 0.9, 1.0),
        Event("tap", 10.0, 11.0, 0.9, 11.0),
    ]
    taken = []

    def source():
        for event in given:
            taken.append(event)
            yield event

    seen = [(cue.split("\n")[1], len(taken)) for cue in web_vtt(source()) if "-->" in cue]
    assert seen == [("hum", 4), ("tap", 4), ("tap", 5)]


@pytest.mark.parametrize("lines", [json_lines, csv_lines, audacity, web_vtt])
def test_lines_come_as_events_do(lines):
    def endless():
        i = 0
        while True:
            yield Event("a", float(i), i + 0.5, 0.9, i + 1.0)
            i += 1

    found = lines(endless())
    assert all(next(found).endswith("\n") for _ in range(20))


def test_each_line_is_flushed():
    class Watched(io.StringIO):
        flushed = 0

        def flush(self):
            self.flushed += 1

    stream = Watched()
    assert write(audacity(EVENTS), stream) == 2
    assert stream.flushed == 2
