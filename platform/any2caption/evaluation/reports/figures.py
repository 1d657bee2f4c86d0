"""Figures of a report with their intervals, and the places where it is weak. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from any2caption.evaluation.scores import ALL, GROUPS, Outcome, Selector
from any2caption.evaluation.statistics.chance import by_scene, interval

Figure = dict[str, Any]
LEAST = 20
"""Questions below which a slot of a slice is not called weak."""
_NAMED = 8


def outcomes_of(report: Mapping[str, Any]) -> list[Outcome]:
    """Return the answers that a report keeps, without those of the shuffled control."""
    known = {field.name for field in fields(Outcome)}  # a report tells the champion's as well
    kept = [{k: v for k, v in one.items() if k in known} for one in report.get("outcomes", ())]
    found = [Outcome(**one) for one in kept]
    return [one for one in found if not one.shuffled]


def figures(outcomes: list[Outcome]) -> list[Figure]:
    """Return accuracies of all answers, by who states them, then by slice.

    Each is `{"slice", "group", "slot", "hits", "n", "value", "low", "high", "scenes"}`.
    """
    slices = dict.fromkeys(one.slice for one in outcomes)
    chosen = [Selector(), *(Selector(group=name) for name in GROUPS)]
    chosen += [Selector(slice=name) for name in slices]
    return list(_measured(outcomes, chosen))


def weak(outcomes: list[Outcome]) -> list[Figure]:
    """Return slots of slices whose whole interval lies below the rate of all answers, worst first.

    Of the control and of fewer than `LEAST` questions nothing is said.
    """
    overall = next(_measured(outcomes, [Selector()]), None)
    if overall is None:
        return []
    places = dict.fromkeys((one.slice, one.slot) for one in outcomes)
    chosen = [Selector(slice=name, slot=slot) for name, slot in places]
    found = [
        one
        for one in _measured(outcomes, chosen)
        if one["n"] >= LEAST and one["high"] < overall["value"]
    ]
    return sorted(found, key=lambda one: one["value"])[:_NAMED]


def _measured(outcomes: list[Outcome], chosen: list[Selector]) -> Iterator[Figure]:
    for select in chosen:
        picked = [one for one in outcomes if select.takes(one)]
        around = interval(by_scene(picked))
        if around is None:
            continue
        hits = sum(one.correct for one in picked)
        yield {
            "slice": select.slice,
            "group": GROUPS.get(select.group or "", ""),
            "slot": select.slot or ALL,
            "hits": hits,
            "n": len(picked),
            "value": hits / len(picked),
            "low": around.low,
            "high": around.high,
            "scenes": around.scenes,
        }
