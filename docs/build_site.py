"""Gather the pages and build the site with Sphinx: `make docs`.

    python docs/build_site.py                       all pages, into docs/_build/html
    python docs/build_site.py --only pca --out X    one lesson, to look at while it is written

The lessons are run first (`lesson_runs`), or taken as they were kept; Sphinx sees them with their
outputs. The pages are gathered in one folder, because they come from docs, course and the README.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import lesson_runs
import site_pages

from ddasp.course import lessons
from ddasp.plot.tokens import css

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MATHJAX = (
    "tex-chtml-full.js",
    "output/chtml/fonts",
)  # what a page asks for; the rest is 20 MB of speech
OPENING = "% the opening figure"
PAGES = ("*.md", "*.html", "benchmarks/*", "images/*")


def gather(source: Path, names: tuple[str, ...], *, whole: bool) -> None:
    """Put conf.py, pages, lessons with their outputs and static files into one folder."""
    shutil.rmtree(source, ignore_errors=True)
    static = source / "_static"
    shutil.copytree(DOCS / "static", static)
    (static / "tokens.css").write_text(site_tokens(), "utf-8")
    copy_mathjax(static / "mathjax")
    shutil.copy(DOCS / "conf.py", source)
    course = source / "course"
    (course / "homework").mkdir(parents=True)
    for path in lessons.folder().glob("*.bib"):
        shutil.copy(path, course)
    for name in names:
        text = (lesson_runs.BUILT / f"{name}.ipynb").read_text("utf-8")
        (course / f"{name}.ipynb").write_text(to_lessons(text), "utf-8")
    if not whole:
        entries = "\n".join(f"course/{name}" for name in names)
        bibliography = "```{bibliography}\n```\n"
        text = f"# Preview\n\n```{{toctree}}\n{entries}\n```\n\n{bibliography}"
        (source / "index.md").write_text(text, "utf-8")
        return
    index = (lessons.folder() / "index.md").read_text("utf-8")
    (course / "index.md").write_text(to_lessons(index).replace(OPENING, opening_figure()), "utf-8")
    for pattern in PAGES:
        for path in DOCS.glob(pattern):
            target = source / path.relative_to(DOCS)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".md":
                target.write_text(with_links(path.read_text("utf-8"), path), "utf-8")
            else:
                shutil.copy(path, target)
    (source / "siblings.md").write_text(site_pages.siblings(), "utf-8")
    (source / "api").mkdir()
    for name, text in site_pages.reference().items():
        (source / "api" / name).write_text(text, "utf-8")


def to_lessons(text: str) -> str:
    """Links to lessons lead to the notebooks that stand here in their place."""
    known = "|".join({name.rpartition("/")[2] for name in (*lessons.NAMES, *lessons.TASKS)})
    return re.sub(rf"\]\(((?:\.\./|homework/)*)({known})\.md(?=[)#])", r"](\1\2.ipynb", text)


def opening_figure() -> str:
    """The picture that opens the course: an output of the cell with that tag, as it was computed."""
    name = "binary_logistic_regression_torch_with_hidden_layers"
    book = json.loads((lesson_runs.BUILT / f"{name}.ipynb").read_text("utf-8"))
    for cell in book["cells"]:
        if "opens-the-course" in cell["metadata"].get("tags", []):
            shown = "".join("".join(out["data"].get("text/html", "")) for out in cell["outputs"])
            return f"```{{raw}} html\n{shown}\n```\n\nDrawn in [this lesson]({name}.ipynb)."
    raise SystemExit(f"no cell of {name} has the tag opens-the-course")


def copy_mathjax(target: Path) -> None:
    """MathJax from the package that carries it."""
    package = find_spec("sphinx-mathjax-offline")
    if package is None or package.origin is None:
        raise SystemExit('the site needs sphinx-mathjax-offline: pip install -e ".[docs]"')
    home = Path(package.origin).parent / "static" / "mathjax"
    for name in MATHJAX:
        origin, copy = home / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, copy)
        else:
            shutil.copy(origin, copy)


def site_tokens() -> str:
    """The tokens for a page that names its theme on the body, as this one does."""
    text = css()
    return text.replace(":root:not([data-theme=light])", "body:not([data-theme=light])").replace(
        ":root[data-theme=dark]", "body[data-theme=dark]"
    )


def with_links(text: str, path: Path) -> str:
    """Links into the source become plain words: it is not part of the site."""

    def mended(match: re.Match[str]) -> str:
        target = match.group(2).partition("#")[0]
        if target == "siblings.html":
            return f"[{match.group(1)}](siblings.md)"
        place = (path.parent / target).resolve()
        if place.is_relative_to(DOCS):
            return match.group(0)
        if place.is_relative_to(ROOT / "course"):
            up = "../" * (len(path.relative_to(DOCS).parts) - 1)
            if place.name != "index.md":
                place = place.with_suffix(".ipynb")  # here lessons stand with their outputs
            return f"[{match.group(1)}]({up}{place.relative_to(ROOT).as_posix()})"
        return match.group(1)

    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)\s]+)\)", mended, text)


def build(source: Path, out: Path) -> int:
    """Run Sphinx; a warning is an error."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-j", "2"]
    return subprocess.call([*command, str(source), str(out)])


def main() -> int:
    """Run the lessons, gather, build."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", metavar="LESSON", help="these lessons and nothing else"
    )
    parser.add_argument("--out", type=Path, default=DOCS / "_build" / "html")
    options = parser.parse_args()
    names = tuple(options.only or (*lessons.NAMES, *lessons.TASKS))
    failed = 0
    for name in names:
        try:
            lesson_runs.run(name)
        except lesson_runs.LessonFailed as error:
            print(error, file=sys.stderr)
            failed += 1
    if failed:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        gather(source, names, whole=not options.only)
        return build(source, options.out)


if __name__ == "__main__":
    raise SystemExit(main())
