"""Zip files that no honest program writes, made by changing the bytes of honest ones."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

HONEST = {"homework.py": b"rank = 2\n", "figures/plot.png": b"\x89PNG"}


def zipped(
    files: Mapping[str, bytes] = HONEST,
    *,
    mode: int = 0o100644,
    method: int = zipfile.ZIP_DEFLATED,
    comment: bytes = b"",
) -> bytes:
    """A zip of these files, as Python writes it."""
    return zipped_in_order(list(files.items()), mode=mode, method=method, comment=comment)


def zipped_in_order(
    files: list[tuple[str, bytes]],
    *,
    mode: int = 0o100644,
    method: int = zipfile.ZIP_DEFLATED,
    comment: bytes = b"",
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files:
            about = zipfile.ZipInfo("x", (2026, 11, 2, 8, 30, 0))
            about.filename = name  # as it is: the constructor tidies up
            about.external_attr = (0o040755 << 16 | 0x10) if name.endswith("/") else mode << 16
            about.compress_type = method
            archive.writestr(about, data)
        archive.comment = comment
    return buffer.getvalue()


def piped(files: Mapping[str, bytes] = HONEST) -> bytes:
    """A zip written to a pipe: sizes stand behind the bytes."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        for name, data in files.items():
            with archive.open(name, "w", force_zip64=name.endswith(".png")) as entry:
                entry.write(data)
    return bytes(pipe.data)


def at_end(data: bytes) -> int:
    return data.rindex(b"PK\5\6")


def at_directory(data: bytes) -> int:
    return data.index(b"PK\1\2")


def put(data: bytes, at: int, form: str, value: int) -> bytes:
    """The bytes with a number written over some of them."""
    changed = bytearray(data)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


def everywhere(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    assert len(old) == len(new)
    return lambda data: data.replace(old, new)


def quoted_overlap() -> bytes:
    """Two entries of which the first holds the header of the second as its bytes."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = packed.compress(b"0" * 10_000) + packed.flush()
    inner = zlib.crc32(b"0" * 10_000)

    def local(name: bytes, size: int, n: int, crc: int, method: int) -> bytes:
        head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, method, 0, 33, crc, size, n, len(name), 0)
        return head + name

    second = local(b"b.txt", len(kernel), 10_000, inner, 8)
    body = second + kernel
    first = local(b"a.txt", len(body), len(body), zlib.crc32(body), 0)

    def line(name: bytes, size: int, n: int, crc: int, method: int, offset: int) -> bytes:
        return (
            struct.pack(
                "<4s6H3L5H2L",
                b"PK\1\2",
                20,
                20,
                0,
                method,
                0,
                33,
                crc,
                size,
                n,
                len(name),
                0,
                0,
                0,
                0,
                0,
                offset,
            )
            + name
        )

    directory = line(b"a.txt", len(body), len(body), zlib.crc32(body), 0, 0) + line(
        b"b.txt", len(kernel), 10_000, inner, 8, len(first)
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), len(first + body), 0)
    return first + body + directory + end


LINK = stat.S_IFLNK | 0o777
FIFO = stat.S_IFIFO | 0o644
