"""Which records a reader of the report looks at: what got worse first, then what is wrong. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from any2caption.evaluation.scores import Scores

SHOWN = 50
_RIGHT = 2  # of each slice, where so few records are wrong that a reader has seen them all
_FEW = 16


@dataclass(frozen=True, slots=True)
class Case:
    """What one record shows: answers (`wrong`, by their index) and checks that it `failed`.

    `lost` and `newly` are those of them that the champion had right.
    """

    record: str
    slice: str
    wrong: tuple[int, ...]
    failed: tuple[str, ...]
    lost: tuple[int, ...] = ()
    newly: tuple[str, ...] = ()

    @property
    def regressed(self) -> bool:
        """Whether the champion had anything right here that is wrong now."""
        return bool(self.lost or self.newly)


def cases(scores: Scores, champion: Scores | None) -> list[Case]:
    """Return all records: those that got worse, those that are wrong, those that are right.

    Within each kind those with the most faults come first.
    """
    before = _faults(champion) if champion else {}
    found = []
    for record, (name, wrong, failed) in _faults(scores).items():
        _, once, checks = before.get(record, ("", wrong, failed))
        found.append(
            Case(
                record,
                name,
                tuple(sorted(wrong)),
                tuple(sorted(failed)),
                tuple(sorted(wrong - once)),
                tuple(sorted(failed - checks)),
            )
        )
    return sorted(found, key=lambda one: (-len(one.lost + one.newly), -len(one.wrong + one.failed)))


def _faults(scores: Scores) -> Mapping[str, tuple[str, frozenset[int], frozenset[str]]]:
    """Map each record to its slice, its wrong answers and the checks that it fails."""
    plain = [one for one in scores.outcomes if not one.shuffled]
    slices = {one.record: one.slice for one in plain}
    slices |= {one.record: one.slice for one in scores.wholes}
    wrong: defaultdict[str, set[int]] = defaultdict(set)
    for one in plain:
        if not one.correct:
            wrong[one.record].add(one.index)
    failed = {one.record: one.failed for one in scores.wholes}
    return {
        record: (name, frozenset(wrong[record]), failed.get(record, frozenset()))
        for record, name in slices.items()
    }


def shown(found: list[Case]) -> list[Case]:
    """Choose whom the report shows whole: up to `SHOWN` with faults, in order.

    Where there are few, some of each slice without faults come after them.
    """
    faulty = [one for one in found if one.wrong or one.failed][:SHOWN]
    if len(faulty) >= _FEW:
        return faulty
    right: defaultdict[str, list[Case]] = defaultdict(list)
    for one in found:
        if not (one.wrong or one.failed):
            right[one.slice].append(one)
    return faulty + [one for group in right.values() for one in group[:_RIGHT]]
