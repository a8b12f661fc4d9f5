"""The playground: a page in the browser where a small layered model trains before your eyes.

`ddasp playground` opens it. In the order in which data goes through the house:

- what can be set: `setting_table` (one table of all settings), `settings` (checks, addresses, the page's
  controls);
- what is learned: `datasets` (the drawn data sets, by the formulas of `shapes`), and in `points` own points
  and sounds, who learns from them (`splitting`), what the network is fed (`inputs`), and which plane the
  map shows (`plane`);
- what trains: `training`. Its `experiment` has everything that can be done with a network, `watched`
  everything that it shows; below them lie `stretches` (a pure step from state to state), `changing`
  (changes by hand) and `marks` (the way back); what leaves it are `frames` (a picture as bytes), `saving`
  (a file) and `exporting` (a script);
- what there is to know about a state: `knowing`, with `measures`, `numbers` (the formulas of one unit with
  their values), `gradient_check`, `stability`, `explaining` (why a training diverged) and `missions`;
- how it reaches the page: `serving`, from `server` and `guarding` (who may speak to it) to `session` (the
  thread behind each page) and `showing` (a frame in a notebook);
- the page itself: ``static``, with a folder for each of its parts.

*Conventions*: X (n, d) are coordinates of points, U (n, n_in) what the network is fed; parameters
theta = (W1, b1, W2, b2, ...) and everything else that trains is float64; layer 0 are the inputs;
sets are 0 training, 1 validation, 2 test; row 0 of a picture is its top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddasp.playground.serving.showing import show

__all__ = ["show"]


def __getattr__(name: str) -> Any:
    """`show` is looked up when it is asked for, so that importing a part loads no server."""
    if name == "show":
        from ddasp.playground.serving.showing import show

        return show
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
