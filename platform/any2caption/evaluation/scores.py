"""What an evaluation measured, as plain values: the input of the gate and of the report."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

Group = Literal["only_condition", "only_text", "both"]
GROUPS: dict[str, str] = {
    "only_condition": "stated by a condition only",
    "only_text": "stated by the prompt only",
    "both": "stated by both",
}
ALL = "all"


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `n`; `value` is NaN-free: None when nothing was measured."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        """Share 0…1, or None for n = 0."""
        return self.hits / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One judged question: the record, the question's `index` in its `qa`, and the result.

    `shuffled` marks the control, in which the record was captioned with another record's
    conditions. `scene` is what several records may show: they have one gold caption. `familiar`
    says that the part that answers has no words but the data's (`judge.card`).
    """

    record: str
    index: int
    slice: str
    aspect: str
    slot: str
    group: Group
    correct: bool
    shuffled: bool = False
    scene: str = ""
    familiar: bool = True

    @property
    def unit(self) -> str:
        """The unit of chance: answers about one scene are right or wrong together."""
        return self.scene or self.record


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole caption of a record held to the checks of `evaluation.whole`: those that it fails.

    `told` says why, check and part first.
    """

    record: str
    slice: str
    failed: frozenset[str]
    told: tuple[str, ...] = ()
    scene: str = ""

    @property
    def unit(self) -> str:
        """The unit of chance, as of `Outcome`."""
        return self.scene or self.record


@dataclass(frozen=True, slots=True)
class Selector:
    """Which outcomes count; None or `all` takes everything."""

    slice: str = ALL
    group: str | None = None
    slot: str | None = None
    aspect: str | None = None
    shuffled: bool = False

    def takes(self, outcome: Outcome) -> bool:
        """Whether the outcome belongs to the selection."""
        return (
            outcome.shuffled == self.shuffled
            and self.slice in (ALL, outcome.slice)
            and self.group in (None, outcome.group)
            and self.slot in (None, outcome.slot)
            and self.aspect in (None, outcome.aspect)
        )


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything a gate looks at.

    Parsed captions per slice, one outcome per judged question, and one `Whole` per caption.
    """

    structure: Mapping[str, Rate]
    outcomes: tuple[Outcome, ...]
    wholes: tuple[Whole, ...] = ()

    def accuracy(self, selector: Selector) -> Rate:
        """Right answers among the selected questions."""
        picked = [outcome.correct for outcome in self.outcomes if selector.takes(outcome)]
        return Rate(sum(picked), len(picked))

    def familiar(self, slot: str) -> Rate:
        """Answers in a slot that are in the data's words."""
        picked = [o.familiar for o in self.outcomes if o.slot == slot and not o.shuffled]
        return Rate(sum(picked), len(picked))

    def without(self, slots: Collection[str]) -> "Scores":
        """Leave out what was asked in some slots."""
        return replace(self, outcomes=tuple(o for o in self.outcomes if o.slot not in slots))

    def integrity(self, slice_name: str = ALL) -> Rate:
        """Captions with all six parts, in one slice or in all."""
        rates = [r for name, r in self.structure.items() if slice_name in (ALL, name)]
        return Rate(sum(r.hits for r in rates), sum(r.n for r in rates))

    def sound(self, check: str, slice_name: str = ALL) -> Rate:
        """Captions that hold a check of `evaluation.whole`, in one slice or in all."""
        held = [check not in one.failed for one in self.wholes if slice_name in (ALL, one.slice)]
        return Rate(sum(held), len(held))

    def slices(self) -> tuple[str, ...]:
        """Names of the slices that hold records, in their report order."""
        return tuple(self.structure)

    def values(self, field: Callable[[Outcome], str]) -> tuple[str, ...]:
        """Distinct values of an outcome's field, sorted."""
        return tuple(sorted({field(outcome) for outcome in self.outcomes}))
