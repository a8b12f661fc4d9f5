"""An archive is read as its author's directory and its bytes agree, or refused as a whole."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp._errors import InputError
from ddasp.homework.reading.archives import (
    SUFFIXES,
    Bounds,
    Contents,
    is_litter,
    read_archive,
    suffix_of,
)
from ddasp.homework.reading.folders import read_file, read_folder

from . import zip_examples as z

MANY = {f"{i}.txt": b"" for i in range(1001)}
NESTED = z.zipped({"inner.txt": b"x"})

# name of the fault: the archive, and what the message says of it
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "leads upwards": (lambda: z.zipped({"../x.py": b""}), r"'\.\./x\.py' leads out of its folder"),
    "leads upwards inside": (lambda: z.zipped({"a/../../x.py": b""}), "leads out of its folder"),
    "absolute": (lambda: z.zipped({"/etc/x.py": b""}), "'/etc/x.py' begins at the root of a disk"),
    "drive letter": (lambda: z.zipped({"C:x.py": b""}), "'C:x.py' holds a colon"),
    "hidden stream": (lambda: z.zipped({"a.py:b.py": b""}), "holds a colon, which names a disk"),
    "backslash": (lambda: z.zipped({"a\\..\\b.py": b""}), "holds a backslash"),
    "no name": (lambda: z.zipped({"": b""}), "holds a folder without a name"),
    "dot": (lambda: z.zipped({"./a.py": b""}), "holds a folder without a name"),
    "two slashes": (lambda: z.zipped({"a//b.py": b""}), "holds a folder without a name"),
    "blank at the end": (lambda: z.zipped({"a /b.py": b""}), "begins or ends with a blank"),
    "dot at the end": (lambda: z.zipped({"a./b.py": b""}), "ends with a dot"),
    "link": (lambda: z.zipped({"a.py": b"/etc/passwd"}, mode=z.LINK), "'a.py' is a link"),
    "pipe": (lambda: z.zipped({"a.py": b""}, mode=z.FIFO), "is neither a file nor a folder"),
    "folder called a file": (lambda: z.zipped({"a.py": b""}, mode=0o040755), "neither a file nor"),
    "folder of MS-DOS": (lambda: in_directory("<L", 38, 0x10), "says it is a folder, but"),
    "reparse point": (lambda: in_directory("<L", 38, 0x400), "is a link"),
    "folder with bytes": (lambda: z.zipped({"a/": b"x"}), "is a folder with 1 bytes in it"),
    "same name": (lambda: twice("a.py", "a.py"), r"'a\.py' has the name of 'a\.py', for some"),
    "case": (lambda: twice("a.py", "A.py"), r"'A\.py' has the name of 'a\.py', for some computers"),
    "long s": (lambda: twice("straße.py", "STRASSE.py"), "has the name of 'straße.py'"),
    "composition": (lambda: twice("\u00e9.py", "e\u0301.py"), "has the name of"),
    "file and folder": (lambda: twice("a.py", "A.py/b.py"), r"'A\.py/b\.py' lies in 'a\.py', which"),
    "right to left": (lambda: z.zipped({"a\u202eyp.txt": b""}), r"'a\\u202eyp\.txt' holds .* U\+202E"),
    "control": (lambda: z.zipped({"a\x1b[2J.py": b""}), r"'a\\x1b\[2J\.py' holds .* U\+001B"),
    "nothing": (lambda: z.zipped({"a\0b.py": b""}), r"'a\\x00b\.py' holds .* U\+0000"),
    "nested archive": (lambda: z.zipped({"b.zip": NESTED}), "'b.zip' is an archive within"),
    "another nested archive": (lambda: z.zipped({"b.tar.gz": b""}), "is an archive within"),
    "program": (lambda: z.zipped({"b.exe": b""}), r"ends with '\.exe'; expected \.ipynb \.py"),
    "no ending": (lambda: z.zipped({"Makefile": b""}), "ends with ''; expected"),
    "hidden": (lambda: z.zipped({".bashrc": b""}), "is hidden; expected names"),
    "hidden folder": (lambda: z.zipped({".git/a.py": b""}), "is hidden; expected names"),
    "deep": (lambda: z.zipped({"a/b/c/d/e.py": b""}), "lies 4 folders deep; expected at most 3"),
    "long name": (lambda: z.zipped({"a" * 500 + ".py": b""}), "has 503 characters; expected at most"),
    "many": (lambda: z.zipped(MANY), "holds 1001 entries; expected at most 1000"),
    "bomb": (lambda: z.zipped({"a.txt": bytes(10**7)}), "would grow from .* 200 times as many"),
    "encrypted": (lambda: flags(0x1), "is encrypted; expected no password"),
    "encrypted strongly": (lambda: flags(0x40), "is encrypted; expected no password"),
    "patched": (lambda: flags(0x20), "is packed by method 8; expected 0"),
    "LZMA": (lambda: z.zipped(method=zipfile.ZIP_LZMA), "is packed by method 14; expected 0"),
    "BZIP2": (lambda: z.zipped(method=zipfile.ZIP_BZIP2), "is packed by method 12"),
    "names of its own": (lambda: z.zipped().replace(b"homework.py", b"homework.md", 1), "has another name"),
    "method of its own": (lambda: z.put(z.zipped(), 8, "<H", 0), "another name or method of packing"),
    "size of its own": (lambda: z.put(z.zipped(), 22, "<L", 8), "has another size or checksum in"),
    "more than it says": (lambda: lying(8), "says it has 8 bytes, but has more"),
    "less than it says": (lambda: lying(10), "says it has 10 bytes, but has only 9"),
    "checksum": (lambda: checksum(), r"is damaged \(its checksum is another\)"),
    "overlap": (z.quoted_overlap, "'b.txt' shares bytes with another one"),
    "same bytes": (lambda: again(), "shares bytes with another one"),
    "put before": (lambda: b"MZ" + z.zipped(), "bytes that belong to no entry"),
    "put before, offsets right": (lambda: moved(), "'homework.py' has bytes before it"),
    "put behind": (lambda: z.zipped() + b"x", "goes on after its end, or holds two ends"),
    "two ends": (lambda: z.zipped(comment=z.zipped()[-22:]), "bytes that belong to no entry"),
    "cut off": (lambda: z.zipped()[:-30], "is no zip file, or cut off"),
    "cut at the front": (lambda: z.zipped()[9:], "bytes that belong to no entry"),
    "empty": (lambda: b"", "is no zip file, or cut off"),
    "no zip": (lambda: b"7z\xbc\xaf" * 50, "is no zip file"),
    "several disks": (lambda: in_end("<H", 4, 1), "is one part of several"),
    "count too small": (lambda: count(1), "has a directory that is longer than its entries"),
    "count too large": (lambda: count(3), "has a directory that is shorter than its entries"),
    "zip64 missing": (lambda: in_end("<L", 16, 0xFFFFFFFF), "zip64 fields that are missing"),
    "zip64 size missing": (lambda: in_directory("<L", 24, 0xFFFFFFFF), "fields that are missing"),
    "offset beyond": (lambda: in_directory("<L", 42, 10**9), "is cut off"),
    "offset elsewhere": (lambda: in_directory("<L", 42, 1), "is not where the directory says"),
    "name that is no UTF-8": (lambda: no_utf8(), "has a name that is not the UTF-8 it says"),
    "damaged": (lambda: z.put(z.zipped(), 41, "<L", 0xFFFFFFFF), "is damaged"),
}  # fmt: skip


def twice(*names: str) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile finds two equal names odd too
        return z.zipped_in_order([(name, b"") for name in names])


def in_directory(form: str, offset: int, value: int) -> bytes:
    data = z.zipped()
    return z.put(data, z.at_directory(data) + offset, form, value)


def in_end(form: str, offset: int, value: int) -> bytes:
    data = z.zipped()
    return z.put(data, z.at_end(data) + offset, form, value)


def count(n: int) -> bytes:
    data = in_end("<H", 8, n)
    return z.put(data, z.at_end(data) + 10, "<H", n)


def flags(bits: int) -> bytes:
    return in_directory("<H", 8, bits)


def lying(size: int) -> bytes:
    """Both headers agree on a size that is another one."""
    return z.put(in_directory("<L", 24, size), 22, "<L", size)


def checksum() -> bytes:
    return z.put(in_directory("<L", 16, 1), 14, "<L", 1)


def again() -> bytes:
    """A second line of the directory for the bytes of the first."""
    data = z.zipped({"a.py": b"x"})
    start, end = z.at_directory(data), z.at_end(data)
    data = data[:end] + data[start:end] + data[end:]
    for offset, form, value in ((8, "<H", 2), (10, "<H", 2), (12, "<L", 2 * (end - start))):
        data = z.put(data, z.at_end(data) + offset, form, value)
    return data


def moved() -> bytes:
    """Bytes before the first entry that all offsets know of."""
    buffer = io.BytesIO(b"#!/bin/sh\n")
    buffer.seek(0, 2)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("homework.py", b"")
    return buffer.getvalue()


def no_utf8() -> bytes:
    data = z.zipped({"é.py": b""})
    return data.replace("é".encode(), b"\xff\xfe")


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_archive_is_refused_with_the_entry_and_the_rule(fault: str) -> None:
    make, says = HOSTILE[fault]
    with pytest.raises(InputError, match=says) as error:
        read_archive(make(), "hw.zip")
    assert error.value.code == "E-ARCHIVE"
    assert error.value.message.startswith("hw.zip: ")
    assert error.value.message.isprintable()


def test_one_bad_name_refuses_all_even_if_it_is_the_last() -> None:
    with pytest.raises(InputError, match="leads out of its folder"):
        read_archive(z.zipped({**z.HONEST, "../x.py": b""}), "hw.zip")


def test_the_bound_on_all_bytes_is_held_before_a_byte_is_inflated() -> None:
    data = z.zipped({"a.txt": b"abc", "b.txt": b"defg"})
    assert len(read_archive(data, "hw.zip", Bounds(size=7)).files) == 2
    with pytest.raises(InputError, match="holds 7 bytes; expected at most 6 - are recordings"):
        read_archive(data, "hw.zip", Bounds(size=6))


def test_the_number_of_entries_and_folders_and_the_ratio_have_sharp_bounds() -> None:
    data = z.zipped({"a/b.txt": bytes(65_536)})
    read_archive(data, "hw.zip", Bounds(files=1, ratio=1, folders=1))  # 64 kB at any ratio
    with pytest.raises(InputError, match="holds 1 entries; expected at most 0"):
        read_archive(data, "hw.zip", Bounds(files=0))
    with pytest.raises(InputError, match="lies 1 folders deep; expected at most 0"):
        read_archive(data, "hw.zip", Bounds(folders=0))
    with pytest.raises(InputError, match="to 65537 bytes; expected at most 200 times"):
        read_archive(z.zipped({"a.txt": bytes(65_537)}), "hw.zip")
    random = os.urandom(70_000)
    assert read_archive(z.zipped({"a.wav": random}), "hw.zip").files["a.wav"] == random


def test_a_bomb_that_understates_its_size_is_stopped_one_byte_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What inflates is counted, not what is said: 10 MB are never made."""
    data = z.zipped({"homework.py": bytes(10**7)})
    start = z.at_directory(data)
    data = z.put(z.put(data, start + 24, "<L", 1000), 22, "<L", 1000)
    with pytest.raises(InputError, match="says it has 1000 bytes, but has more"):
        read_archive(data, "hw.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_honest_archive_is_read_as_zipfile_reads_it(method: int) -> None:
    contents = read_archive(z.zipped(method=method, comment=b"by anna"), "hw.zip")
    assert contents.files == z.HONEST
    assert list(contents.files) == sorted(z.HONEST)
    assert contents.skipped == ()


def test_an_archive_that_was_written_to_a_pipe_is_read() -> None:
    assert read_archive(z.piped(), "hw.zip").files == z.HONEST


def test_zip64_fields_are_read_where_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 3)  # so zipfile writes them
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    data = z.zipped(method=zipfile.ZIP_STORED)
    assert b"PK\6\6" in data
    assert read_archive(data, "hw.zip").files == z.HONEST
    record = data.index(b"PK\6\6")
    for offset, value, says in (
        (32, 3, "says 2 in one place and 3 in another|has zip64 fields that fit nothing"),
        (4, 45, "has zip64 fields that fit nothing"),
        (20, 1, "has zip64 fields that fit nothing"),
    ):
        with pytest.raises(InputError, match=says):
            read_archive(z.put(data, record + offset, "<Q", value), "hw.zip")
    with pytest.raises(InputError, match="has zip64 fields in another place than they say"):
        read_archive(z.put(data, data.index(b"PK\6\7") + 8, "<Q", 0), "hw.zip")


@pytest.mark.skipif(shutil.which("zip") is None, reason="needs Info-ZIP's zip")
def test_what_info_zip_writes_is_read(tmp_path: Path) -> None:
    for name, data in z.HONEST.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    subprocess.run(["zip", "-qr", "hw.zip", "."], cwd=tmp_path, check=True)
    contents = read_archive((tmp_path / "hw.zip").read_bytes(), "hw.zip")
    assert contents.files == z.HONEST


def test_folders_of_their_own_and_no_files_at_all_are_no_fault() -> None:
    assert read_archive(z.zipped({"a/": b"", "a/b.py": b""}), "hw.zip").files == {"a/b.py": b""}
    assert read_archive(z.zipped({}), "hw.zip") == Contents({})


def test_names_of_any_script_are_welcome() -> None:
    names = {"Übung 1/Lösung.py": b"1", "作业.py": b"2", "תרגיל.py": b"3", "a-b_(2).py": b"4"}
    assert read_archive(z.zipped(names), "hw.zip").files == names


def test_a_name_without_a_mark_of_utf_8_is_code_page_437() -> None:
    """What old programs of Windows write: 0x81 is ü there, and 0x81 alone is no UTF-8."""
    data = z.zipped({"xx.py": b"1"}).replace(b"xx.py", b"x\x81.py")
    assert read_archive(data, "hw.zip").files == {"xü.py": b"1"}


def test_litter_is_passed_over_and_named_but_its_name_obeys_the_rules() -> None:
    litter = {
        "__MACOSX/a/b/c/d/._x": b"junk",
        ".DS_Store": b"",
        "Thumbs.db": b"",
        ".ipynb_checkpoints/a-checkpoint.ipynb": b"{}",
        "__pycache__/a.cpython-311.pyc": b"",
        "._homework.py": b"",
    }
    contents = read_archive(z.zipped({**z.HONEST, **litter}), "hw.zip")
    assert contents.files == z.HONEST
    assert len(contents.skipped) == len(litter)
    assert ".DS_Store (left by macOS)" in contents.skipped
    with pytest.raises(InputError, match="leads out of its folder"):
        read_archive(z.zipped({"__MACOSX/../x.py": b""}), "hw.zip")
    with pytest.raises(InputError, match="is a link"):
        read_archive(z.zipped({".DS_Store": b""}, mode=z.LINK), "hw.zip")


def test_who_left_litter_is_known_by_any_part_of_its_name() -> None:
    assert is_litter("A/THUMBS.DB") == "Windows"
    assert is_litter("a/desktop.ini") == "Windows"
    assert is_litter("a_.py") == ""


def test_endings_are_those_of_the_last_part() -> None:
    assert suffix_of("a.b/c.tar.GZ") == ".gz"
    assert suffix_of(".py") == ""
    assert all(suffix_of("x" + suffix) == suffix for suffix in SUFFIXES)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_archive_give_one_kind_of_error(data: bytes) -> None:
    with pytest.raises(InputError, match=r"no zip file|goes on|belong to no entry|several|zip64"):
        read_archive(data, "hw.zip")


@given(st.data(), st.sampled_from(["stored", "piped", "overlap", "zip64"]))
def test_an_archive_with_any_bytes_changed_is_read_or_refused(
    data: st.DataObject, kind: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if kind == "zip64":
            patch.setattr(zipfile, "ZIP64_LIMIT", 3)
        make = {"piped": z.piped, "overlap": z.quoted_overlap}.get(
            kind, lambda: z.zipped(method=zipfile.ZIP_STORED)
        )
        changed = bytearray(make())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=4))
    try:
        contents = read_archive(bytes(changed), "hw.zip")
    except InputError as error:
        code, n = error.code, 0
    else:
        code, n = "E-ARCHIVE", sum(map(len, contents.files.values()))
    assert code == "E-ARCHIVE"
    assert n < 100_000


@given(st.dictionaries(st.text(max_size=12), st.binary(max_size=20), max_size=4))
def test_an_archive_of_any_names_is_read_or_refused(files: dict[str, bytes]) -> None:
    files = {
        name: data
        for name, data in files.items()
        if not any("\ud800" <= c <= "\udfff" for c in name)
    }
    try:
        contents = read_archive(z.zipped(files), "hw.zip")
    except InputError as error:
        says, read = error.message, set()
    else:
        says, read = "", set(contents.files.values())
    assert says.isprintable()
    assert read <= set(files.values())


def test_a_folder_is_read_and_what_has_no_place_in_it_is_named(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("secret")
    folder = tmp_path / "anna"
    (folder / "a/b/c/d").mkdir(parents=True)
    (folder / "homework.py").write_text("x")
    (folder / "a/plot.png").write_text("y")
    (folder / "a/b/c/d/deep.py").write_text("")
    (folder / "video.mp4").write_text("")
    (folder / ".hidden.py").write_text("")
    (folder / ".git").mkdir()
    (folder / ".git/x.py").write_text("")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX/x.py").write_text("")
    (folder / "link.py").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.py")
    (folder / os.fsdecode(b"bad\xff.py")).write_text("")
    contents = read_folder(folder)
    assert contents.files == {"a/plot.png": b"y", "homework.py": b"x"}
    assert set(contents.times) == set(contents.files)
    said = " ".join(contents.skipped)
    for part in (
        "a/b/c/d/deep.py (lies 4 folders deep",
        "video.mp4 (ends with '.mp4'",
        ".hidden.py (is hidden",
        ".git (is hidden",
        "__MACOSX (left by macOS)",
        "link.py (a link)",
        "loop (a link)",
        "pipe.py (no regular file)",
        r"bad\udcff.py (holds the invisible character U+DCFF",
    ):
        assert part in said
    assert "x.py (" not in said
    assert "secret" not in str(contents.files)


def test_a_folder_has_bounds(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"abc")
    (tmp_path / "b.txt").write_bytes(b"defg")
    assert len(read_folder(tmp_path, Bounds(files=2, size=7)).files) == 2
    with pytest.raises(
        InputError, match=r"b\.txt goes beyond 3 bytes, which is what its submission"
    ):
        read_folder(tmp_path, Bounds(size=6))
    with pytest.raises(InputError, match="holds more than 1 files and folders"):
        read_folder(tmp_path, Bounds(files=1))


def test_a_file_is_a_regular_one_or_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    for name, says in (
        ("pipe.py", "pipe.py is no regular file"),
        ("link.py", "link.py is a link; expected a file"),
        ("none.py", "none.py can't be read .No such file"),
        (".", "can't be read|no regular file"),
    ):
        with pytest.raises(InputError, match=says) as error:
            read_file(tmp_path / name, 10)
        assert error.value.code == "E-SUBMISSION"


def test_a_folder_that_can_not_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none can't be read \(No such file"):
        read_folder(tmp_path / "none")
