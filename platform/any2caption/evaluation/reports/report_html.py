"""The report as one self-contained HTML page, made from the JSON report alone."""

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any

from any2caption.captions.schema import PARTS
from any2caption.evaluation.metrics import METRICS, WHOLES
from any2caption.evaluation.scores import GROUPS
from any2caption.pages import render

Values = Mapping[str, Any]
Words = list[tuple[str, bool]]
_GROUP_NAMES = {"determinable": "all that the inputs determine", **GROUPS}
_STEP = 3600  # longer trainings are told in hours


def page(report: Values) -> str:
    """Render the page; what came from data is escaped, nothing is loaded from outside."""
    package = "any2caption.evaluation.reports"
    slices: Values = report["slices"]
    return render(
        package,
        "report.html",
        report=report,
        made=_made(report),
        parts=WHOLES | PARTS,
        metrics=METRICS.values(),
        sections={
            name: list(rows)
            for name, rows in groupby(report["side_by_side"], lambda row: row["section"])
        },
        checks=sorted(report["verdict"]["checks"], key=lambda check: check["passed"]),
        accuracy={
            title: _by_slot(slices, "accuracy", group) for group, title in _GROUP_NAMES.items()
        },
        geometry={
            name: scores["camera_geometry"]
            for name, scores in slices.items()
            if scores.get("camera_geometry")
        },
        shuffled=_by_slot(slices, "shuffled", "only_condition"),
        samples=[{**sample, "rows": _compared(sample)} for sample in report["samples"]],
    )


def _made(report: Values) -> dict[str, str]:
    """Say what was evaluated, when, by which code: a table of two columns."""
    trained: Values = report["training"]
    version = f"version {report['version']}, " if report["version"] else ""
    number = report["champion_version"]
    champion = f"{f'version {number}, ' if number else ''}bundle {(report['champion'] or '')[:16]}"
    recipe = f"{trained.get('recipe')} ({str(trained.get('recipe_digest', ''))[:12]})"
    seconds = float(trained.get("seconds", 0))
    took = f"{seconds / _STEP:.1f} h" if seconds >= _STEP else f"{seconds / 60:.0f} min"
    return {
        "evaluated": f"{report['date'].replace('T', ' ').replace('+00:00', '')} UTC",
        "model": f"{version}bundle {report['bundle'][:16]}",
        "champion": champion if report["champion"] else "none",
        "trained": (
            f"preset {trained.get('preset')}, recipe {recipe}, {trained.get('steps')} steps, {took}"
            if trained.get("recipe")
            else "the bundle does not say"
        ),
        "data": f"snapshot {report['snapshot'][:16]}, {report['records']} held-out records",
        "policy": f"{report['policy']['name']} ({report['policy']['digest'][:12]})",
        "code": f"{report['revision']}; sources {report['code'][:12]}, "
        f"judge {report['judge'][:12]}",
    }


def _by_slot(slices: Values, key: str, group: str) -> dict[str, Any]:
    """Slices that have the group, and a row of rates by slice for all slots and for each."""
    tables = {name: s[key][group] for name, s in slices.items() if group in s[key]}
    slots = sorted({slot for table in tables.values() for slot in table["slots"]})
    rows = [("all slots", list(tables.values()))]
    rows += [(slot, [table["slots"].get(slot) for table in tables.values()]) for slot in slots]
    return {"slices": list(tables), "rows": rows if tables else []}


def _compared(sample: Values) -> list[dict[str, Any]]:
    """For each part the gold text, the champion's and the model's, with the words that differ.

    Without a champion the model's is compared with the gold one.
    """
    model, champion = sample["model"]["parts"], (sample["champion"] or {}).get("parts")
    rows: list[dict[str, Any]] = []
    for part, title in PARTS.items() if model else ():
        gold, said = sample["gold"][part], model[part]
        if champion:
            before, after = differing(champion[part], said)
            rows.append({"title": title, "gold": [(gold, False)], "champion": before})
        else:
            before, after = differing(gold, said)
            rows.append({"title": title, "gold": before, "champion": None})
        rows[-1]["model"] = after
    return rows


def differing(first: str, second: str) -> tuple[Words, Words]:
    """Split two texts into runs of words, each with whether the other text lacks it."""
    one, other = (re.findall(r"\S+\s*", text) for text in (first, second))
    first_bare, second_bare = (
        [word.strip().strip(".,;:").lower() for word in words] for words in (one, other)
    )
    steps = SequenceMatcher(None, first_bare, second_bare, autojunk=False).get_opcodes()
    return (
        list(_runs((one[a:b], tag != "equal") for tag, a, b, _, _ in steps)),
        list(_runs((other[c:d], tag != "equal") for tag, _, _, c, d in steps)),
    )


def _runs(found: Iterable[tuple[list[str], bool]]) -> Iterable[tuple[str, bool]]:
    return (("".join(words), differs) for words, differs in found if words)
