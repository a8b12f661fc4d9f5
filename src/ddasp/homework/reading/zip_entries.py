r"""The format of zip files, read strictly: every byte is accounted for, and nothing has two meanings.

A zip file says everything twice, and readers that believe different halves are how hostile ones work.
Here a file is taken only if both halves agree:

    local header, packed bytes  |  ...  |  one line for each in the directory  |  end
    ^ first byte of the file      no gap, no overlap                             ^ last byte of the file

What follows packed bytes that were written to a pipe (a data descriptor, 12 to 24 bytes) is the one gap
there may be. Zip64 fields are read where they are needed, and must then say what fits.

*Conventions*: the file is any that can be read and sought; nothing of it is written anywhere. Names are
bytes: UTF-8 where they are, else code page 437, as the format has it. All that is wrong with a file is an
`InputError` ``E-ARCHIVE``.

*References*: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 to 4.5; RFC 1951 (deflate); D. Fifield 2019, "A
better zip bomb" (entries that overlap).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from ddasp._errors import InputError

__all__ = ["ZipEntry", "inflate", "refused", "shown", "zip_entries"]

END, END64, LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
DIRECTORY, LOCAL = b"PK\1\2", b"PK\3\4"
END_SIZE, END64_SIZE, LOCATOR_SIZE, DIRECTORY_SIZE, LOCAL_SIZE = 22, 56, 20, 46, 30
MANY16, MANY32 = 0xFFFF, 0xFFFFFFFF  # "see the zip64 field"
STORED, DEFLATED = 0, 8
ENCRYPTED = 0x2041  # the bits of traditional and strong encryption, and of a masked directory
AFTERWARDS, PATCHED, UTF8 = 0x8, 0x20, 0x800
DESCRIPTORS: tuple[int, ...] = (0, 12, 16, 20, 24)  # bytes behind an entry
MOST_DIRECTORY = 100_000_000
PIECE = 65_536


@dataclass(frozen=True)
class ZipEntry:
    """What the directory says about one file, and where its bytes are.

    Parameters
    ----------
    name : str
        With slashes, as it stands there; it may be hostile.
    flags : int
        General purpose bits, of both headers.
    method : int
        Of packing.
    crc : int
    packed, size : int
        Bytes before and after inflating.
    attributes : int
        Those of its system, Unix' in the upper half.
    start : int
        Where the packed bytes begin.
    written : float or None
        Seconds since 1970, as the writer of the archive says.
    """

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    start: int
    written: float | None


def shown(name: str, most: int = 120) -> str:
    r"""A name in characters that can be printed; others as escapes.

    Parameters
    ----------
    name : str
    most : int
        Characters, after which it is cut.

    Examples
    --------
    >>> print(shown("Müller\u202egpj.py"))
    Müller\u202egpj.py
    """
    known = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode()
        for c in name[:most]
    )
    return known + ("..." if len(name) > most else "")


def refused(archive: str, says: str, name: str | None = None) -> InputError:
    """The error that refuses an archive as a whole.

    Parameters
    ----------
    archive : str
        Its name.
    says : str
        The rule that is broken.
    name : str, optional
        Of the entry that breaks it.
    """
    entry = "" if name is None else f"the entry '{shown(name)}' "
    return InputError("E-ARCHIVE", f"{shown(archive)}: {entry}{says}")


def zip_entries(file: BinaryIO, archive: str, most: int) -> list[ZipEntry]:
    """All that a zip file says it holds, checked against itself; nothing is inflated.

    Parameters
    ----------
    file : file
    archive : str
        Its name, for messages.
    most : int
        Entries.

    Returns
    -------
    list of ZipEntry
        In the order of the directory.

    Raises
    ------
    InputError
        ``E-ARCHIVE`` when it is no zip file, damaged, or says two different things.
    """
    n, start, size, end = _end(file, archive)
    if n > most:
        raise refused(archive, f"holds {n} entries; expected at most {most}")
    if start + size != end:
        raise refused(archive, "has bytes that belong to no entry - was something put before it?")
    if size > MOST_DIRECTORY:
        raise refused(
            archive, f"has a directory of {size} bytes; expected at most {MOST_DIRECTORY}"
        )
    directory = _read(file, start, size, archive)
    at, found, spans = 0, [], []
    for _ in range(n):
        line, offset, at = _line(directory, at, archive)
        entry = _with_local(file, line, offset, archive)
        found.append(entry)
        spans.append((offset, entry.start + entry.packed, entry))
    if at != size:
        raise refused(archive, "has a directory that is longer than its entries - damaged?")
    _without_gaps(spans, start, archive)
    return found


def inflate(file: BinaryIO, entry: ZipEntry, archive: str) -> bytes:
    """The bytes of an entry, never more than it says it has.

    Parameters
    ----------
    file : file
    entry : ZipEntry
        Stored or deflated; its size has been found bearable.
    archive : str
        The archive's name, for messages.

    Raises
    ------
    InputError
        ``E-ARCHIVE`` when there are more or fewer bytes, or others than were packed.
    """
    inflator = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces, n, left = [], 0, entry.packed
    file.seek(entry.start)
    while left and n <= entry.size:
        piece = file.read(min(left, PIECE))
        if not piece:
            raise refused(archive, "is cut off", entry.name)
        left -= len(piece)
        if entry.method == DEFLATED:
            try:
                piece = inflator.decompress(piece, entry.size - n + 1)
            except zlib.error as error:
                raise refused(archive, f"is damaged ({error})", entry.name) from error
            if inflator.unused_data or (inflator.eof and left):
                raise refused(archive, "goes on after its end", entry.name)
        pieces.append(piece)
        n += len(piece)
    if n != entry.size:
        more = "more" if n > entry.size else f"only {n}"
        raise refused(archive, f"says it has {entry.size} bytes, but has {more}", entry.name)
    if entry.method == DEFLATED and not inflator.eof:
        raise refused(archive, "is cut off", entry.name)
    data = b"".join(pieces)
    if zlib.crc32(data) != entry.crc:
        raise refused(archive, "is damaged (its checksum is another)", entry.name)
    return data


def _read(file: BinaryIO, start: int, n: int, archive: str) -> bytes:
    file.seek(start)
    data = file.read(n)
    if len(data) != n:
        raise refused(archive, "is cut off - was it copied to its end?")
    return data


def _end(file: BinaryIO, archive: str) -> tuple[int, int, int, int]:
    """Number of entries; where the directory begins, its length, where it must have ended."""
    length = file.seek(0, 2)
    tail = _read(file, max(0, length - END_SIZE - MANY16), min(length, END_SIZE + MANY16), archive)
    at = tail.rfind(END)  # a comment may not hold another one, or there would be two readings
    if at < 0 or at + END_SIZE > len(tail):
        raise refused(archive, "is no zip file, or cut off - was it copied to its end?")
    here = length - len(tail) + at
    disk, first, n_here, n, size, start, comment = struct.unpack_from("<4H2LH", tail, at + 4)
    if here + END_SIZE + comment != length:
        raise refused(archive, "goes on after its end, or holds two ends")
    if disk or first or n_here != n:
        raise refused(archive, "is one part of several; expected one file")
    if here >= LOCATOR_SIZE:
        locator = _read(file, here - LOCATOR_SIZE, LOCATOR_SIZE, archive)
        if locator[:4] == LOCATOR:
            return _end64(file, locator, here, (n, size, start), archive)
    if n == MANY16 or MANY32 in (size, start):
        raise refused(archive, "points to zip64 fields that are missing")
    return n, start, size, here


def _end64(
    file: BinaryIO, locator: bytes, end: int, small: tuple[int, int, int], archive: str
) -> tuple[int, int, int, int]:
    """What `_end` gives, from the zip64 record, which must say the same where both can."""
    disk, here, disks = struct.unpack_from("<LQL", locator, 4)
    if here != end - LOCATOR_SIZE - END64_SIZE or disk or disks > 1:
        raise refused(archive, "has zip64 fields in another place than they say")
    record = _read(file, here, END64_SIZE, archive)
    length, disk, first, n_here, n, size, start = struct.unpack_from("<Q4x2L4Q", record, 4)
    if record[:4] != END64 or length != END64_SIZE - 12 or disk or first or n_here != n:
        raise refused(archive, "has zip64 fields that fit nothing")
    for value, other, unset in zip((n, size, start), small, (MANY16, MANY32, MANY32), strict=True):
        if other not in (value, unset):
            raise refused(archive, f"says {other} in one place and {value} in another")
    return n, start, size, here


def _zip64(extra: bytes, values: Sequence[int], archive: str, name: str) -> list[int]:
    """The values, with those that are too large for 32 bits from the extra field."""
    known, at, field = list(values), 0, b""
    while at + 4 <= len(extra):
        kind, n = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            if field:
                raise refused(archive, "has two zip64 fields", name)
            field = extra[at + 4 : at + 4 + n]
        at += 4 + n
    at = 0
    for i, value in enumerate(known):
        if value == MANY32:
            if at + 8 > len(field):
                raise refused(archive, "points to zip64 fields that are missing", name)
            known[i] = int.from_bytes(field[at : at + 8], "little")
            at += 8
    return known


def _line(directory: bytes, at: int, archive: str) -> tuple[ZipEntry, int, int]:
    """An entry of the directory, where its header should be, and where the next line begins."""
    if directory[at : at + 4] != DIRECTORY or at + DIRECTORY_SIZE > len(directory):
        raise refused(archive, "has a directory that is shorter than its entries - damaged?")
    _, _, flags, method, time, date, crc, packed, size, n_name, n_extra, n_comment, disk, _ = (
        struct.unpack_from("<6H3L5H", directory, at + 4)
    )
    attributes, offset = struct.unpack_from("<2L", directory, at + 38)
    ends = at + DIRECTORY_SIZE + n_name
    raw, extra = directory[at + DIRECTORY_SIZE : ends], directory[ends : ends + n_extra]
    if ends + n_extra + n_comment > len(directory) or disk:
        raise refused(archive, "has a directory that is shorter than its entries - damaged?")
    name = _name(raw, flags, archive)
    size, packed, offset = _zip64(extra, (size, packed, offset), archive, name)
    entry = ZipEntry(
        name, flags, method, crc, packed, size, attributes, 0, _written(date, time, extra)
    )
    return entry, offset, ends + n_extra + n_comment


def _name(raw: bytes, flags: int, archive: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        if flags & UTF8:
            raise refused(
                archive, "has a name that is not the UTF-8 it says", repr(raw[:80])
            ) from None
        return raw.decode("cp437")


def _written(date: int, time: int, extra: bytes) -> float | None:
    """Universal time where it stands there, else by this machine's clock as the format has it."""
    if extra[:4] == b"UT\5\0" and len(extra) >= 9 and extra[4] & 1:
        return float(int.from_bytes(extra[5:9], "little", signed=True))
    try:
        return datetime(
            1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, time % 32 * 2
        ).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _with_local(file: BinaryIO, entry: ZipEntry, offset: int, archive: str) -> ZipEntry:
    """The entry with what its own header adds; whatever both say must be the same."""
    header = _read(file, offset, LOCAL_SIZE, archive) if offset < 2**62 else b""
    if header[:4] != LOCAL:
        raise refused(archive, "is not where the directory says", entry.name)
    _, flags, method, _, _, crc, packed, size, n_name, n_extra = struct.unpack_from(
        "<5H3L2H", header, 4
    )
    rest = _read(file, offset + LOCAL_SIZE, n_name + n_extra, archive)
    if method != entry.method or _name(rest[:n_name], flags, archive) != entry.name:
        raise refused(
            archive, "has another name or method of packing in its own header", entry.name
        )
    size, packed = _zip64(rest[n_name:], (size, packed), archive, entry.name)
    says, known = (crc, packed, size), (entry.crc, entry.packed, entry.size)
    later = flags & AFTERWARDS  # then zeros may stand here
    if not all(a == b or (later and a == 0) for a, b in zip(says, known, strict=True)):
        raise refused(archive, "has another size or checksum in its own header", entry.name)
    start = offset + LOCAL_SIZE + n_name + n_extra
    return replace(entry, flags=flags | entry.flags, start=start)


def _without_gaps(spans: list[tuple[int, int, ZipEntry]], end: int, archive: str) -> None:
    """Refuse bytes that belong to two entries, or to none."""
    at, gaps = 0, DESCRIPTORS[:1]
    for start, stop, entry in sorted(spans, key=lambda span: span[:2]):
        if start < at:
            raise refused(archive, "shares bytes with another one", entry.name)
        if start - at not in gaps:
            raise refused(archive, "has bytes before it that belong to no entry", entry.name)
        at, gaps = stop, DESCRIPTORS if entry.flags & AFTERWARDS else DESCRIPTORS[:1]
    if end - at not in gaps:
        raise refused(archive, "has entries that reach beyond their place, or bytes of no entry")
