"""What the report says in sentences: the verdict, the facts, the answers held against the result.

*Conventions*: a text that was left blank is "" here and is shown as left blank; a sentence about
something that the run does not hold is "".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ddasp.procedure.report.figures import greater_is_better, measure_title, unit_of, useful_from
from ddasp.procedure.report.folder import RunFolder
from ddasp.procedure.report.tables import count, estimate, known, number, scaled, seconds

__all__ = [
    "answers",
    "capital",
    "card",
    "facts",
    "listed",
    "minus",
    "reason",
    "sources",
    "times",
    "verdict",
    "window_text",
]

ASKED = {
    "question": "What is to be found out?",
    "purpose": "What is the answer used for?",
    "affected": "Who is affected by it?",
    "cost_of_wrong_answer": "What does a wrong answer cost?",
    "human_solution": "How does a human solve it?",
    "machine_needed": "Is a machine needed?",
    "kind": "What kind of answer?",
    "measure": "Which measure decides?",
    "useful_from": "From which value is it of use?",
    "positive": "Which class is looked for?",
    "unit": "Unit of the value",
    "cost": "What does each wrong decision cost?",
}
SOURCES = {
    "folder": "the folder that holds the file",
    "pattern": "the pattern on the file name",
    "table": "the table",
    "tracks": "the label tracks",
    "file": "the file: each is a group of its own",
    "none": "",
}


def capital(text: str) -> str:
    """A sentence's beginning."""
    return text[:1].upper() + text[1:]


def listed(names: Sequence[str] | dict[str, Any], most: int = 6) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def window_text(window: Any) -> str:
    """Length and hop of an analysis window, "" for whole files."""
    if isinstance(window, dict):
        hop = window.get("hop")
        tail = f", one every {hop:g} s" if known(hop) and hop != window.get("length") else ""
        return f"{window.get('length', 0):g} s{tail}"
    return f"{window:g} s" if known(window) else str(window or "")


def verdict(run: RunFolder) -> tuple[str, str]:
    """The verdict in large, and the rest of its sentence."""
    found = run.evaluation.get("verdict") or {}
    word, sentence = str(found.get("word") or "no verdict"), minus(str(found.get("sentence") or ""))
    head, colon, rest = sentence.partition(":")
    if colon and head.casefold().startswith(word.casefold()):
        return head, capital(rest.strip())
    return word[:1].upper() + word[1:], sentence


def facts(run: RunFolder) -> list[tuple[str, str]]:
    """Three to five facts: sounds, groups, classes, how it was split, what was chosen."""
    p, e = run.preparation, run.evaluation
    rows = []
    if "n_in" in p:
        used = p["n_used"] + p["n_warned"]
        unit = "windows" if p.get("window") else "sounds"
        rows.append(("Data", f"{count(p['n_observations'])} {unit} from {count(used)} files"))
    if p.get("labels"):
        rows.append(("Classes", f"{len(p['labels'])}: {listed(p['labels'])}"))
    if p.get("groups"):
        rows.append(("Groups", f"{len(p['groups'])}: {listed(p['groups'])}"))
    elif p:
        rows.append(("Groups", "unknown; one source may stand on both sides of a split"))
    mode = e.get("mode") or run.split.get("mode")
    if mode:
        words = {"nested": "each group held out once", "sealed": "a sealed set of sounds"}
        if mode == "nested" and not p.get("groups"):
            words["nested"] = "each fold held out once"
        rows.append(
            (
                "Test",
                f"{words.get(mode, mode)}"
                + (f"; the number speaks of {e['speaks_of']}" if e.get("speaks_of") else ""),
            )
        )
    if run.chosen:
        tail = ", enlarged training set" if run.chosen.get("enlarged") else ""
        rows.append(("Chosen", f"{run.chosen['family']} on {run.chosen['features']}{tail}"))
    return rows


def answers(run: RunFolder) -> list[tuple[str, str, str]]:
    """What was asked, what was answered ("" = left blank), and what the result says to it."""
    given = run.definition
    against = _against(run)
    rows = []
    for key in [*ASKED, *(k for k in given if k not in ASKED)]:
        if key not in given or (key in ("positive", "unit", "cost") and not given[key]):
            continue
        rows.append(
            (ASKED.get(key, key.replace("_", " ")), _answer(given[key]), against.get(key, ""))
        )
    return rows


def _answer(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, dict):
        return "; ".join(
            f"{true} taken for {decided}: {cost:g}"
            for true, row in value.items()
            for decided, cost in row.items()
        )
    return f"{value:g}" if isinstance(value, float) else str(value)


def _against(run: RunFolder) -> dict[str, str]:
    """The result, held against each answer."""
    e, p = run.evaluation, run.preparation
    measure, found = e.get("measure") or {}, e.get("estimate") or {}
    said = {"question": minus(str((e.get("verdict") or {}).get("sentence") or ""))}
    said["affected"] = _weakest(run)
    said["cost_of_wrong_answer"] = _wrong(run)
    rules = [b for b in e.get("baselines") or [] if b["kind_word"] == "rule"]
    if rules:
        said["human_solution"] = (
            f"One rule on one feature reaches {estimate(rules[0], unit_of(run))}."
        )
    statements = run.spot_check.get("statements") or []
    said["machine_needed"] = " ".join(minus(s["sentence"]) for s in statements[:1])
    if p.get("labels"):
        said["kind"] = f"{len(p['labels'])} classes were found."
    if measure:
        said["measure"] = capital(
            f"{measure_title(run)} {estimate(found, unit_of(run))}. {measure.get('definition', '')}"
        )
    if useful_from(run) is None:
        said["useful_from"] = "Without it there is no verdict, only a number."
    elif known(found.get("value")):
        said["useful_from"] = f"{estimate(found, unit_of(run))} was found."
    threshold = e.get("threshold")
    if threshold:
        said["cost"] = f"The threshold that follows is {number(threshold['threshold'])}."
    return said


def _weakest(run: RunFolder) -> str:
    """Where the result is worst: the class and the group."""
    e = run.evaluation
    parts = []
    classes = [r for r in e.get("per_class") or [] if known(r.get("recall"))]
    if classes:
        worst = min(classes, key=lambda r: r["recall"])
        parts.append(f"least recognised is {worst['label']} (recall {number(worst['recall'])})")
    groups = [r for r in e.get("per_group") or [] if known(r.get("value"))]
    if groups:
        sign = 1 if greater_is_better(run) else -1
        worst = min(groups, key=lambda r: sign * r["value"])
        parts.append(f"the hardest group is {worst['group']} ({scaled(worst['value'])})")
    return capital("; ".join(parts)) + "." if parts else ""


def _wrong(run: RunFolder) -> str:
    """How many decisions were wrong, and what was most often confused."""
    found = run.evaluation.get("confusion")
    if not found:
        return ""
    counts, labels = found["counts"], found["labels"]
    total = sum(map(sum, counts))
    wrong = total - sum(counts[k][k] for k in range(len(labels)))
    pairs = [(counts[i][j], i, j) for i in range(len(labels)) for j in range(len(labels)) if i != j]
    text = f"{count(wrong)} of {count(total)} decisions were wrong"
    if pairs and max(pairs)[0]:
        n, i, j = max(pairs, key=lambda pair: pair[0])
        text += f"; most often {labels[i]} was taken for {labels[j]} ({count(n)})"
    return text + "."


def sources(run: RunFolder) -> str:
    """Where labels and groups come from, and what was left out of sight."""
    p = run.preparation
    said = []
    for what, key in (("Labels", "label_source"), ("Groups", "group_source")):
        found = str(p.get(key) or "")
        name, colon, depth = found.partition(":")
        text = (
            f"folder {depth} below the root"
            if colon and name == "folder"
            else SOURCES.get(found, found)
        )
        said += [f"{what} come from {text}."] if text else []
    ignored = p.get("ignored")
    if isinstance(ignored, dict) and any(ignored.values()):
        said.append(
            "Left out: " + ", ".join(f"{count(n)} {what}" for what, n in ignored.items() if n) + "."
        )
    return " ".join(said)


def minus(text: str) -> str:
    """A sentence whose minus signs are minus signs.

    Examples
    --------
    >>> minus("from -1.2 to +1.6, non-linear")
    'from −1.2 to +1.6, non-linear'
    """
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text)


def reason(statement: dict[str, Any]) -> str:
    """A statement's sentence without the answer that stands above it."""
    sentence = minus(str(statement.get("sentence") or ""))
    head, colon, rest = sentence.partition(": ")
    answered = head.casefold().startswith(str(statement.get("answer")).casefold())
    return rest if colon and answered else sentence


def card(run: RunFolder) -> list[tuple[str, str]]:
    """The model card; what was left blank is shown as such ("")."""
    m = run.model
    rows = []
    for key, value in (m.get("card") or {}).items():
        text = (
            estimate(value, unit_of(run)) if isinstance(value, dict) and "value" in value else value
        )
        rows.append((key.replace("_", " "), "" if text is None else str(text)))
    return rows


def times(run: RunFolder) -> list[tuple[str, str]]:
    """Wall clock of each step."""
    return [
        (name.replace("_", " "), seconds(value))
        for name, value in sorted(run.times.items())
        if known(value)
    ]
