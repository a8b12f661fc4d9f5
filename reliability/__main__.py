"""Run the rows and write the table: see `python -m reliability --help`."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import pkgutil
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import reliability
from ddasp._files import write_json, write_text
from reliability.harness import PARTS, Outcome, Place, Row, carry_out

DOCS = Path(__file__).resolve().parents[1] / "docs"
LIMITS = {"quick": 120, "usual": 900}  # s


def rows(size: str, only: Sequence[str]) -> list[Row]:
    """All rows of that size, in the order of the parts; `only` are words of their names."""
    names = (module.name for module in pkgutil.iter_modules(reliability.__path__))
    modules = (importlib.import_module(f"reliability.{name}") for name in names if name[0] != "_")
    found = [row for module in modules for row in getattr(module, "ROWS", ())]
    wanted = [row for row in found if size in row.sizes]
    if only:
        wanted = [row for row in wanted if any(word.lower() in row.name.lower() for word in only)]
    return sorted(wanted, key=lambda row: (PARTS.index(row.part), row.name))


@contextlib.contextmanager
def own_state(folder: Path) -> Iterator[None]:
    """What the rows look at is not counted as looked at by this person."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_STATE_HOME"]
        else:
            os.environ["XDG_STATE_HOME"] = before


def carry_out_all(wanted: Sequence[Row], size: str) -> list[Outcome]:
    """Each row in a folder of its own; a line as soon as it is done."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="reliability") as base, own_state(Path(base, "state")):
        for number, row in enumerate(wanted):
            folder = Path(base, str(number))
            folder.mkdir()
            outcome = carry_out(row, Place(folder, size))
            outcomes.append(outcome)
            word = "holds" if outcome.holds else "DOES NOT HOLD"
            print(
                f"{word:<14}{outcome.seconds:6.1f} s of {row.budget:5.0f}  {row.part}: {row.name}"
                f" ({outcome.found.tried:,} tried)",
                flush=True,
            )
            for fault in outcome.found.faults[:20]:
                print(f"              - {fault}", flush=True)
    return outcomes


def told(outcomes: Sequence[Outcome]) -> str:
    """The tables, one for each part."""
    lines = []
    for part in PARTS:
        of_part = [outcome for outcome in outcomes if outcome.row.part == part]
        if not of_part:
            continue
        lines += [f"### {part}", "", "| what is tried | tried | must hold | found | s |"]
        lines.append("|---|---:|---|---|---:|")
        for outcome in of_part:
            row, found = outcome.row, outcome.found
            figures = "; ".join(f"{name}: {value}" for name, value in found.figures.items())
            word = "holds" if outcome.holds else f"**does not hold** ({len(found.faults)})"
            lines.append(
                f"| {row.name} | {found.tried:,} | {row.demand} | "
                f"{word}{'. ' if figures else ''}{figures} | {outcome.seconds:.0f} |"
            )
        lines.append("")
    return "\n".join([*lines, where()])


def where() -> str:
    """The machine and the versions."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return (
        f"{os.cpu_count()} cores, {cpu[1] if cpu else '?'}; Python {platform.python_version()}, "
        f"NumPy {np.__version__}; {time.strftime('%Y-%m-%d', time.gmtime())}."
    )


def write(outcomes: Sequence[Outcome], size: str) -> None:
    """docs/reliability.json, and the tables between the marks of docs/reliability.md."""
    table = [
        {
            "part": outcome.row.part,
            "name": outcome.row.name,
            "demand": outcome.row.demand,
            "budget_s": outcome.row.budget,
            "seconds": round(outcome.seconds, 1),
            "tried": outcome.found.tried,
            "figures": dict(outcome.found.figures),
            "holds": outcome.holds,
            "faults": list(outcome.found.faults),
        }
        for outcome in outcomes
    ]
    write_json(DOCS / "reliability.json", {"size": size, "machine": where(), "rows": table})
    page = DOCS / "reliability.md"
    text = page.read_text("utf-8")
    mended = re.sub(
        r"(<!-- rows -->\n).*?(<!-- /rows -->)",
        lambda m: f"{m[1]}{told(outcomes)}\n{m[2]}",
        text,
        flags=re.DOTALL,
    )
    write_text(page, mended)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m reliability", description=__doc__)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", dest="size", action="store_const", const="quick")
    how.add_argument("--full", dest="size", action="store_const", const="full")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="of rows' names")
    parser.add_argument("--write", action="store_true", help="docs/reliability.md and .json")
    asked = parser.parse_args()
    size = asked.size or "usual"
    wanted = rows(size, asked.only)
    if not wanted:
        parser.error(f"no row of size {size} has {' or '.join(asked.only)} in its name")
    begin = time.monotonic()
    outcomes = carry_out_all(wanted, size)
    seconds = time.monotonic() - begin
    n_held = sum(outcome.holds for outcome in outcomes)
    limit = f" of {LIMITS[size]} s" if size in LIMITS and not asked.only else ""
    print(f"{n_held} of {len(outcomes)} rows hold; {seconds:.0f}{limit}")
    if asked.write:
        write(outcomes, size)
    return 0 if n_held == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
