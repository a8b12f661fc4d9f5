"""One decision from samples to answer: a notebook in plain NumPy, and a page of it.

`parameters` and `data` turn the model into named arrays, `story` puts the cells of ``cells/*.md`` in
their order, `execute` runs them, `figures` and `page` make the page, `explanation` does it all.
"""

from ddasp.apps.explain.explanation import Explained, explain

__all__ = ["Explained", "explain"]
