r"""Zip files that students hand in, read into memory by rules that leave nothing to chance.

Nothing is ever extracted to a disk. All names are looked at before a byte is inflated, and one bad entry
refuses the archive as a whole: whoever reads it in part reads what its author chose.

    bound               value        why
    entries             1,000        a task needs ten
    bytes               100 MB       in memory, of one submission
    inflation           200 times    text comes to ten, zeros to a thousand; not asked below 64 kB
    folders, nested     3            the platform's, the student's own, and one for figures

*Conventions*: names have slashes. What computers of honest people leave behind (`LITTER`) is passed over
and named, but its name obeys the rules as well. Two names are equal if they are so after Unicode's case
folding and composition, as on the disks of macOS and Windows.

*References*: Unicode 15, section 3.13 D145 (canonical caseless matching), UAX 9 (bidirectional text);
CWE-22, CWE-59, CWE-409.
"""

from __future__ import annotations

import io
import os.path
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from ddasp.homework.reading.zip_entries import (
    DEFLATED,
    ENCRYPTED,
    PATCHED,
    STORED,
    ZipEntry,
    inflate,
    refused,
    shown,
    zip_entries,
)

__all__ = [
    "SUFFIXES",
    "Bounds",
    "Contents",
    "bad_name",
    "bad_suffix",
    "complaints",
    "is_litter",
    "read_archive",
    "read_entries",
    "suffix_of",
    "too_deep",
]

SUFFIXES = (
    ".ipynb",
    ".py",
    ".txt",
    ".md",
    ".csv",
    ".json",
    ".wav",
    ".flac",
    ".png",
    ".jpg",
    ".jpeg",
    ".pdf",
)
ARCHIVES = (
    ".zip",
    ".gz",
    ".tgz",
    ".bz2",
    ".xz",
    ".zst",
    ".tar",
    ".7z",
    ".rar",
    ".jar",
    ".whl",
    ".egg",
    ".npz",
    ".iso",
    ".dmg",
)
LITTER = {
    "__macosx": "macOS",
    ".ds_store": "macOS",
    "thumbs.db": "Windows",
    "desktop.ini": "Windows",
    ".ipynb_checkpoints": "Jupyter",
    "__pycache__": "Python",
    ".vscode": "an editor",
    ".idea": "an editor",
}
PAGES = {
    ".html": "ddasp, a browser or the platform",
    ".htm": "a browser",
}  # sheet and card among them; never opened
INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # controls, directions, halves, private, line ends
LONGEST_NAME = 400
FEW = 65_536  # bytes; so little may be inflated at any ratio
FOLDER_BIT, VOLUME_BIT, REPARSE_BIT = 0x10, 0x08, 0x400  # of MS-DOS and Windows


@dataclass(frozen=True)
class Bounds:
    """How much a submission may hold.

    Parameters
    ----------
    files : int
        Entries, folders and litter included.
    size : int
        Bytes, after inflating.
    ratio : int
        Bytes after inflating for each before.
    folders : int
        Above a file.
    """

    files: int = 1_000
    size: int = 100_000_000
    ratio: int = 200
    folders: int = 3


@dataclass(frozen=True)
class Contents:
    """What was read.

    Parameters
    ----------
    files : dict of str to bytes
        By name, sorted.
    times : dict of str to float
        When each was written, seconds since 1970; of an archive only what its writer says.
    skipped : tuple of str
        What was passed over, and why.
    """

    files: dict[str, bytes]
    times: dict[str, float] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


def suffix_of(name: str) -> str:
    """The ending of a name, in small letters.

    Examples
    --------
    >>> suffix_of("work/Homework.IPYNB"), suffix_of("work.d/README")
    ('.ipynb', '')
    """
    return os.path.splitext(name.rsplit("/", 1)[-1])[1].lower()


def is_litter(name: str) -> str:
    """Who left a file behind, or nothing where it is no litter.

    Examples
    --------
    >>> is_litter("work/.DS_Store"), is_litter("__MACOSX/work/._a.py"), is_litter("work/a.py")
    ('macOS', 'macOS', '')
    """
    parts = name.casefold().split("/")
    known = next((LITTER[part] for part in parts if part in LITTER), "")
    known = known or PAGES.get(suffix_of(name), "")
    return known or ("macOS" if any(part.startswith("._") for part in parts) else "")


def read_archive(data: bytes, archive: str, bounds: Bounds | None = None) -> Contents:
    """The files of a student's zip.

    Parameters
    ----------
    data : bytes
        The zip.
    archive : str
        Its name, for messages.
    bounds : Bounds, optional

    Returns
    -------
    Contents

    Raises
    ------
    InputError
        ``E-ARCHIVE`` with the entry and the rule, when there is anything wrong with any of it.
    """
    bounds = bounds or Bounds()
    file = io.BytesIO(data)
    entries = zip_entries(file, archive, bounds.files)
    for entry, says in complaints(entries, bounds):
        raise refused(archive, says, entry.name)
    return read_entries(file, entries, archive, bounds)


def read_entries(
    file: BinaryIO, entries: Iterable[ZipEntry], archive: str, bounds: Bounds, below: str = ""
) -> Contents:
    """Inflate entries without complaints, as long as they keep within bounds.

    Parameters
    ----------
    file : file
        The archive.
    entries : iterable of ZipEntry
    archive : str
        Its name, for messages.
    bounds : Bounds
    below : str
        The beginning that all names share and the result is without.
    """
    wanted, skipped = {}, []
    for entry in entries:
        name = entry.name.removeprefix(below)
        if who := is_litter(name):
            skipped.append(f"{shown(name)} (left by {who})")
        elif name and not name.endswith("/"):
            wanted[name] = entry
    if (total := sum(entry.size for entry in wanted.values())) > bounds.size:
        raise refused(
            archive, f"holds {total} bytes; expected at most {bounds.size} - are recordings in it?"
        )
    # No entry gives more than it says, so the bound is kept while inflating as well.
    files = {name: inflate(file, wanted[name], archive) for name in sorted(wanted)}
    times = {name: e.written for name, e in wanted.items() if e.written is not None}
    return Contents(files, times, tuple(skipped))


def complaints(
    entries: Sequence[ZipEntry], bounds: Bounds, *, any_suffix: bool = False, below: str = ""
) -> Iterator[tuple[ZipEntry, str]]:
    """Each entry that breaks a rule, and which.

    Parameters
    ----------
    entries : sequence of ZipEntry
        All of the archive: names are compared with each other.
    bounds : Bounds
    any_suffix : bool
        Whether other endings than `SUFFIXES` are let through.
    below : str
        A beginning of all names that counts as no folder.
    """
    seen: dict[str, ZipEntry] = {}  # by what some disk takes for the name
    for entry in entries:
        says = bad_name(entry.name) or _bad_kind(entry, bounds)
        if not says and not is_litter(entry.name):
            name = entry.name.removeprefix(below)
            says = too_deep(name, bounds) or ("" if any_suffix else bad_suffix(name))
        if not says and (same := seen.setdefault(_folded(entry.name), entry)) is not entry:
            says = f"has the name of '{shown(same.name)}', for some computers at least"
        if says:
            yield entry, says
    files = {key for key, entry in seen.items() if not entry.name.endswith("/")}
    for key, entry in seen.items():
        if above := next((start for start in _above(key) if start in files), ""):
            yield entry, f"lies in '{shown(above)}', which is a file"


def bad_name(name: str) -> str:
    """Which rule a name breaks, wherever it stands; blank where none."""
    parts = name.removesuffix("/").split("/")
    odd = next((c for c in name if unicodedata.category(c) in INVISIBLE), None)
    if odd is not None:
        return (
            f"holds the invisible character U+{ord(odd):04X}; expected a name that is what it seems"
        )
    if "\\" in name:
        return "holds a backslash; expected slashes between folders"
    if name.startswith("/"):
        return "begins at the root of a disk; expected a name within the archive"
    if ":" in name:
        return "holds a colon, which names a disk or a hidden stream"
    if ".." in parts:
        return "leads out of its folder (..)"
    if "" in parts or "." in parts:
        return "holds a folder without a name"
    if any(part != part.strip() or part.endswith(".") for part in parts):
        return "holds a name that begins or ends with a blank, or ends with a dot"
    if len(name) > LONGEST_NAME:
        return f"has {len(name)} characters; expected at most {LONGEST_NAME}"
    return ""


def _bad_kind(entry: ZipEntry, bounds: Bounds) -> str:
    """Which rule an entry breaks by what it is; blank where none."""
    folder = entry.name.endswith("/")
    kind = stat.S_IFMT(entry.attributes >> 16)
    if kind == stat.S_IFLNK or entry.attributes & REPARSE_BIT:
        return "is a link; expected a file"
    if kind not in (0, stat.S_IFDIR if folder else stat.S_IFREG) or entry.attributes & VOLUME_BIT:
        return "is neither a file nor a folder"
    if folder is False and entry.attributes & FOLDER_BIT:
        return "says it is a folder, but is called like a file"
    if folder and entry.size:
        return f"is a folder with {entry.size} bytes in it"
    if entry.flags & ENCRYPTED:
        return "is encrypted; expected no password"
    if entry.method not in (STORED, DEFLATED) or entry.flags & PATCHED:
        return f"is packed by method {entry.method}; expected 0 (stored) or 8 (deflated)"
    if entry.size > max(FEW, bounds.ratio * entry.packed):
        return (
            f"would grow from {entry.packed} to {entry.size} bytes; "
            f"expected at most {bounds.ratio} times as many"
        )
    return ""


def too_deep(name: str, bounds: Bounds) -> str:
    """Whether a name lies in too many folders, in words; blank where not."""
    n = name.removesuffix("/").count("/")
    return f"lies {n} folders deep; expected at most {bounds.folders}" if n > bounds.folders else ""


def bad_suffix(name: str) -> str:
    """Why a file of that name has no place in a submission; blank where it has, or is a folder."""
    if any(part.startswith(".") for part in name.split("/")):
        return "is hidden; expected names that don't begin with a dot"
    if name.endswith("/") or suffix_of(name) in SUFFIXES:
        return ""
    if suffix_of(name) in ARCHIVES:
        return "is an archive within the archive; expected its files themselves"
    return f"ends with '{shown(suffix_of(name))}'; expected {' '.join(SUFFIXES)}"


def _folded(name: str) -> str:
    """Equal for names that some disk takes for the same one."""
    plain = unicodedata.normalize("NFD", name.removesuffix("/")).casefold()
    return unicodedata.normalize("NFC", plain)


def _above(name: str) -> Iterator[str]:
    """The folders that a name lies in."""
    parts = name.split("/")
    return ("/".join(parts[:n]) for n in range(1, len(parts)))
