"""The report's first table: the model, the champion and the writers without a model, row by row."""

from collections.abc import Iterator, Mapping
from typing import Any

from any2caption.evaluation.gates import Threshold, measured
from any2caption.evaluation.scores import GROUPS, Scores, Selector
from any2caption.evaluation.whole import CHECKS


def rows(
    scores: Scores, champion: Scores | None, others: Mapping[str, Scores]
) -> list[dict[str, Any]]:
    """Return a row for each figure: section, name, rate, 95 % interval, and what others have.

    `low` says that less is better. What was not measured has no row.
    """
    found = []
    for section, figure in _figures(scores):
        rate, around = measured(figure, scores)
        if rate.value is None or around is None:
            continue
        found.append(
            {
                "section": section,
                "name": figure.name,
                "low": figure.direction == "at_most",
                "n": rate.n,
                "value": rate.value,
                "from": around.low,
                "to": around.high,
                "champion": measured(figure, champion)[0].value if champion else None,
                "others": {who: measured(figure, one)[0].value for who, one in others.items()},
            }
        )
    return found


def _figures(scores: Scores) -> Iterator[tuple[str, Threshold]]:
    def answers(name: str, select: Selector) -> Threshold:
        return Threshold(
            name=name,
            bound=0,
            select=select,
            direction="at_most" if select.shuffled else "at_least",
        )

    yield "Answers", answers("all that the inputs determine", Selector())
    for group, title in GROUPS.items():
        yield "Answers", answers(title, Selector(group=group))
    control = Selector(group="only_condition", shuffled=True)
    yield "Answers", answers("control: another record's conditions", control)
    for name in scores.slices():
        yield "Answers by slice", answers(name, Selector(slice=name))
    for slot in scores.values(lambda one: one.slot):
        yield "Answers by slot", answers(slot, Selector(slot=slot))
    yield "Whole captions", Threshold(name="six parts", bound=0, structure=True)
    for check in CHECKS:
        yield "Whole captions", Threshold(name=check, bound=0, check=check)
