"""The report as one self-contained HTML page, made from the JSON report alone."""

from collections.abc import Mapping
from typing import Any

from any2caption.captions.schema import PARTS
from any2caption.evaluation.metrics import METRICS, WHOLES
from any2caption.evaluation.scores import GROUPS
from any2caption.pages import render

Values = Mapping[str, Any]
_GROUP_NAMES = {"determinable": "all that the inputs determine", **GROUPS}


def page(report: Values) -> str:
    """Render the page; what came from data is escaped, nothing is loaded from outside."""
    package = "any2caption.evaluation.reports"
    slices: Values = report["slices"]
    return render(
        package,
        "report.html",
        report=report,
        parts=WHOLES | PARTS,
        groups=GROUPS,
        metrics=METRICS.values(),
        accuracy={
            title: _by_slot(slices, "accuracy", group) for group, title in _GROUP_NAMES.items()
        },
        geometry={
            name: scores["camera_geometry"]
            for name, scores in slices.items()
            if scores.get("camera_geometry")
        },
        shuffled=_by_slot(slices, "shuffled", "only_condition"),
    )


def _by_slot(slices: Values, key: str, group: str) -> dict[str, Any]:
    """Slots in order, and for each slice that has the group its rates: of all slots, of each."""
    tables = {name: s[key][group] for name, s in slices.items() if group in s[key]}
    slots = sorted({slot for table in tables.values() for slot in table["slots"]})
    rows = [
        {"slice": name, "rates": [table, *(table["slots"].get(slot) for slot in slots)]}
        for name, table in tables.items()
    ]
    return {"slots": slots, "rows": rows}
