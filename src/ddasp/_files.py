r"""Files that are either whole or absent: atomic writes, digests, locks and an append-only ledger.

*Conventions*: text is UTF-8 with ``\n``; JSON has sorted keys and no NaN, floats by ``repr``, so that
equal content has equal bytes. A digest is the SHA-256 in hex.

*References*: Pillai et al. 2014, "All file systems are not created equal" (why fsync stands
before rename, and the folder is synced after it).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import secrets
import socket
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from ddasp._errors import RunError

__all__ = [
    "Ledger",
    "digest_bytes",
    "digest_file",
    "digest_json",
    "lock",
    "read_arrays",
    "read_json",
    "to_json",
    "write_arrays",
    "write_bytes",
    "write_json",
    "write_text",
]


def digest_bytes(*parts: bytes) -> str:
    """SHA-256 of the parts, each preceded by its length so that borders count."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(len(part).to_bytes(8, "little"))
        sha.update(part)
    return sha.hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return digest_bytes(to_json(value).encode())


def _plain(value: Any) -> Any:
    """NumPy numbers and arrays as Python's own; infinities and NaN as words (JSON has none)."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return {np.inf: "inf", -np.inf: "-inf"}.get(value)
    if isinstance(value, Path):
        return value.as_posix()
    return value


def to_json(value: Any) -> str:
    """Canonical JSON: sorted keys, two spaces, one final newline.

    Examples
    --------
    >>> print(to_json({"b": np.float64(0.1), "a": (1, 2)}), end="")
    {
      "a": [
        1,
        2
      ],
      "b": 0.1
    }
    """
    text = json.dumps(_plain(value), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return text + "\n"


def write_bytes(path: Path, data: bytes | memoryview, *, durable: bool = True) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Parameters
    ----------
    path : Path
        The file; its folder is made where it is missing.
    data : bytes
        Its content.
    durable : bool
        Wait until the disk has it. A cache that is checked when it is read need not.

    Raises
    ------
    RunError
        ``E-DISK`` when the disk is full or may not be written; the temporary file is removed.
    """
    path = Path(path)
    temporary, written = path.parent / f".{path.name}.{secrets.token_hex(4)}.tmp", False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # 0666 less the umask, as of any file that a program writes: who may read it is the user's say
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
        written = True
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise RunError("E-DISK", f"could not write {path}: {error.strerror or error}") from error
    finally:
        if not written:  # Ctrl-C comes here too
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8; characters that stand for undecodable bytes become escapes."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """`write_bytes` of canonical JSON."""
    write_text(path, to_json(value))


def read_json(path: Path) -> Any:
    """A JSON file's content; a damaged one is named.

    Raises
    ------
    RunError
        ``E-RUN`` when the file is missing or no JSON.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no regular file")  # a pipe would never end
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError("E-RUN", f"could not read {path}: {error}") from error


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Arrays as .npz, written at once; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    named: dict[str, Any] = {name: np.asarray(arrays[name]) for name in sorted(arrays)}
    np.savez(buffer, allow_pickle=False, **named)
    write_bytes(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz; pickles are refused.

    Raises
    ------
    RunError
        ``E-RUN`` when the file is missing, damaged or holds objects.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise RunError("E-RUN", f"could not read the arrays of {path}: {error}") from error


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(path, "a+", encoding="utf-8")
    except OSError as error:
        raise RunError("E-DISK", f"could not write {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def lock(path: Path, what: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a file's lock; the kernel lets go of it when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        The lock file; it is made where it is missing and stays.
    what : str
        What it protects, for the message.
    wait : bool
        Wait for the holder instead of failing; for what is held for moments only.

    Raises
    ------
    RunError
        ``E-RUN`` when another process holds it; the message says which.
    """
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            os.write(file.fileno(), f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        except BlockingIOError as error:
            raise RunError(
                "E-RUN", f"{what} is in use by {_holder(file)}; wait for it or name another folder"
            ) from error
        except OSError as error:
            raise RunError("E-DISK", f"could not lock {path}: {error.strerror or error}") from error
        yield


def _holder(file: TextIO) -> str:
    """Who holds a lock, as it wrote itself; the moment after it took it, older words stand there."""
    for _ in range(100):
        file.seek(0)
        words = file.read().split()
        here = words[3:] == [socket.gethostname()]
        if len(words) == 4 and words[1].isdigit() and (not here or _lives(int(words[1]))):
            return " ".join(words)
        time.sleep(0.01)
    return "another process"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _digest_of_entry(key: Any, value: Any) -> str:
    return digest_json([key, value])


class Ledger:
    """Results by key in a text file that only grows: one line each, a torn last line is ignored.

    A search that is interrupted and started again takes the same path, finds each finished fit
    here and goes on where it was. This is all that resuming needs. Each line holds the digest of
    what it says; a line that does not agree with it is as if it were not there.

    Parameters
    ----------
    path : Path or None
        The file; None keeps the results in memory.

    Attributes
    ----------
    damaged : tuple of int
        Numbers of the whole lines, from 1, that were found damaged.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.damaged: tuple[int, ...] = ()
        self._known: dict[str, Any] = {}
        if path is not None and path.is_file():
            try:
                whole = path.read_bytes()
                end = self._take(whole)
                if end < len(whole):  # cut the torn line off, or the next one would be glued to it
                    with open(path, "r+b") as file:
                        file.truncate(end)
            except OSError as error:
                reason = error.strerror or error
                raise RunError("E-RUN", f"could not read {path}: {reason}") from error

    @classmethod
    def look(cls, path: Path) -> Ledger:
        """What a file holds, kept in memory: whatever is put leaves the file as it is."""
        ledger = cls(None)
        if path.is_file():
            ledger._take(path.read_bytes())
        return ledger

    def _take(self, whole: bytes) -> int:
        """Take the whole lines in; returns where they end."""
        end = whole.rfind(b"\n") + 1
        damaged = []
        for number, line in enumerate(whole[:end].split(b"\n")[:-1], 1):
            try:
                entry = json.loads(line)
                if entry["digest"] != _digest_of_entry(entry["key"], entry["value"]):
                    raise ValueError
                self._known[entry["key"]] = entry["value"]
            except (ValueError, KeyError, TypeError, RecursionError):
                damaged.append(number)
        self.damaged = tuple(damaged)
        return end

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: str) -> Any:
        """What stands under a key, or None."""
        return self._known.get(key)

    def put(self, key: str, value: Any) -> Any:
        """Append a result; returns it as it will be read back."""
        value = _plain(value)
        if self.path is not None:
            entry = {"key": key, "value": value, "digest": _digest_of_entry(key, value)}
            line = json.dumps(entry, sort_keys=True, allow_nan=False)
            self._append(self.path, line.encode() + b"\n")
        self._known[key] = value
        return value

    @staticmethod
    def _append(path: Path, line: bytes) -> None:
        """A line, or nothing of it."""
        end = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "ab") as file:
                end = file.tell()
                file.write(line)
        except OSError as error:
            if end is not None:
                with contextlib.suppress(OSError):
                    os.truncate(path, end)
            raise RunError(
                "E-DISK", f"could not write {path}: {error.strerror or error}"
            ) from error

    def once(self, key: str, compute: Callable[[], Any]) -> Any:
        """The stored result, or compute and store it."""
        known = self.get(key)
        return self.put(key, compute()) if known is None else known
