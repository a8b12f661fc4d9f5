"""How Sphinx builds the site. `docs/build_site.py` gathers the pages and calls it."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

project = "ddasp"
author = "The ddasp developers"
project_copyright = "the ddasp developers; text CC BY 4.0, code MIT"
version = release = metadata.version("ddasp")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build"]

# Lessons come with their outputs; nothing runs here.
nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "myst"  # tables in what a cell says
nb_code_prompt_show = "Code"
nb_code_prompt_hide = "Hide code"
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

bibtex_bibfiles = ["course/references.bib"]
bibtex_reference_style = "author_year"
bibtex_default_style = "plain"

autodoc_typehints = "none"
autodoc_mock_imports = ["keras", "tensorflow", "torch"]  # what they bring is not documented here
numpydoc_show_class_members = False
add_module_names = False

# MathJax stands beside the pages; nothing is fetched when one is read.
mathjax_path = "mathjax/tex-chtml-full.js"
mathjax3_config = {"options": {"enableMenu": False}}

html_theme = "furo"
html_title = "ddasp"
html_static_path = ["_static"]
html_css_files = ["tokens.css", "site.css"]
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
copybutton_exclude = ".linenos, .gp"


def plain_formulas(
    app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Docstrings are written to be read as they are: |x| and theta* are no markup, indented lines stay."""
    indented = what == "module" and [line.startswith("    ") for line in lines]
    done: list[str] = []
    for k, line in enumerate(lines):
        if indented and (indented[k] or (not line and k + 1 < len(lines) and indented[k + 1])):
            if indented[k] and lines[k - 1] == "" and not any(indented[max(0, k - 2) : k]):
                done += ["::", ""]
            done.append(line)
            continue
        if not line.lstrip().startswith((">>>", "...")):
            line = re.sub(r"(?<!\\)\|", r"\\|", line)
            line = re.sub(r"(?<=[ (,])\*(?=\w+[,)])", r"\\*", line)  # (n, *shape)
            line = re.sub(r"(?<=[\w)])\*(?=[\s,.;)]|$)", _lone_star(line), line)
        done.append(line)
    lines[:] = done


def _lone_star(line: str) -> Any:
    """Escape a star that closes nothing."""
    closing = {m.end() - 1 for m in re.finditer(r"(?<!\w)\*[^\s*][^*]*\*", line)}
    return lambda match: match.group() if match.start() in closing else "\\*"


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", plain_formulas, priority=1000)
