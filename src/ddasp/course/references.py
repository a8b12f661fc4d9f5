"""The bibliography: BibTeX of the plain form that the course keeps to, for readers of notebooks.

The site leaves this to Sphinx. A notebook brings its references along, so this reads the entries again:
one field a line, values in braces, authors as "Family, Given and Family, Given".

*Conventions*: a key is the family name and the year, "strang2019".

*References*: O. Patashnik, "BibTeXing", 1988.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ddasp._errors import InputError

__all__ = ["Reference", "read"]

ENTRY = re.compile(r"^@(\w+)\{([\w:-]+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*)\},?\s*$", re.MULTILINE)
WHERE = ("journal", "booktitle", "publisher", "institution", "howpublished", "school")


@dataclass(frozen=True)
class Reference:
    """An entry.

    Parameters
    ----------
    key : str
    authors : tuple of str
        Family names, or the name of an institution.
    year : str
    title : str
    where : str
        Journal, publisher or conference, with volume and pages.
    doi : str
        "" for none.
    """

    key: str
    authors: tuple[str, ...]
    year: str
    title: str
    where: str
    doi: str = ""

    @property
    def names(self) -> str:
        """Up to two names, or the first and "et al."."""
        if len(self.authors) > 2:
            return f"{self.authors[0]} et al."
        return " and ".join(self.authors)

    @property
    def in_sentence(self) -> str:
        """As a subject: Strang (2019)."""
        return f"{self.names} ({self.year})"

    @property
    def in_brackets(self) -> str:
        """As an aside: Strang 2019."""
        return f"{self.names} {self.year}"

    @property
    def text(self) -> str:
        """One line of a list."""
        doi = f" https://doi.org/{self.doi}" if self.doi else ""
        return f"{', '.join(self.authors)} ({self.year}). *{self.title}.* {self.where}.{doi}"


def read(path: Path) -> dict[str, Reference]:
    """All entries of a file, by key.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when an entry has no author, title, year or place.
    """
    found = {}
    for _, key, body in ENTRY.findall(path.read_text("utf-8")):
        fields = {name.lower(): _clean(value) for name, value in FIELD.findall(body)}
        where = next((fields[name] for name in WHERE if name in fields), "")
        missing = [name for name in ("author", "title", "year") if not fields.get(name)]
        if missing or not where:
            raise InputError(
                "E-ARGUMENT", f"{key} in {path.name} lacks {', '.join(missing) or 'a place'}"
            )
        if "volume" in fields:
            where += f" {fields['volume']}" + (
                f"({fields['number']})" if "number" in fields else ""
            )
        if "pages" in fields:
            where += f", {fields['pages'].replace('--', '–')}"
        authors = tuple(_family(author) for author in re.split(r"\s+and\s+", fields["author"]))
        found[key] = Reference(
            key, authors, fields["year"], fields["title"], where, fields.get("doi", "")
        )
    return found


def _family(author: str) -> str:
    return author.partition(",")[0].strip()


def _clean(value: str) -> str:
    """Braces only keep capitals; two accents are all that the file has beyond UTF-8."""
    return re.sub(r"\s+", " ", value.replace("{", "").replace("}", "")).strip()
