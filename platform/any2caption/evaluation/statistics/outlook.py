"""What a gate will be able to say about a snapshot, before anything is trained. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from any2caption.datasets.records import Record
from any2caption.datasets.supervision.questions import ask
from any2caption.evaluation.judge.card import objection
from any2caption.evaluation.policies import Policy, Threshold
from any2caption.evaluation.scores import ALL, Outcome, Selector
from any2caption.evaluation.slices import control_pairs, group_of, pick, scene_of
from any2caption.evaluation.statistics.chance import detectable, interval
from any2caption.evaluation.statistics.paired import PARTS, POOLED, sign_flip_p


@dataclass(frozen=True, slots=True)
class Sight:
    """A slice or slot: its records and scenes, questions that decide, the drop found in 80 %."""

    slice: str
    records: int
    questions: int
    scenes: int
    smallest: float | None

    def __str__(self) -> str:
        """Say it in one line."""
        drop = "no drop" if self.smallest is None else f"a drop of {100 * self.smallest:.0f} points"
        return (
            f"{self.slice}: {self.records} records of {self.scenes} scenes, {self.questions} "
            f"questions; finds {drop} in 4 of 5 cases"
        )


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be said, slice by slice, and why a model of this snapshot could never pass."""

    sights: tuple[Sight, ...]
    objections: tuple[str, ...]


def outlook(records: Iterable[Record], policy: Policy) -> Outlook:
    """Look at the test records of a snapshot with the eyes of a policy."""
    return look(pick(records, policy.per_slice), policy)


def look(selection: Mapping[str, Sequence[Record]], policy: Policy) -> Outlook:
    """Look at records that were picked."""
    outcomes = _asked(selection, policy)
    slots = dict.fromkeys(one.slot for one in outcomes) if policy.each_slot else ()
    level = policy.significance * PARTS / (len(selection) + len(slots) + 1)
    sights = [_sight(ALL, Selector(), selection, outcomes, policy.significance * POOLED)]
    sights += [_sight(n, Selector(slice=n), selection, outcomes, level) for n in selection]
    sights += [_sight(f"slot {n}", Selector(slot=n), selection, outcomes, level) for n in slots]
    return Outlook(tuple(sights), tuple(_objections(selection, outcomes, policy)))


def _asked(selection: Mapping[str, Sequence[Record]], policy: Policy) -> list[Outcome]:
    """An outcome, right, for each question that will be asked and may decide."""
    out = []
    for name, group in selection.items():
        again = control_pairs(group, policy.control_of(name, policy.per_slice))
        for record in group:
            for index, one in enumerate(ask(record)):
                if objection(one.qa.slot, policy.judge):
                    continue
                made = Outcome(
                    record=record.id,
                    index=index,
                    slice=name,
                    aspect=one.qa.aspect,
                    slot=one.qa.slot,
                    group=group_of(one.qa),
                    correct=True,
                    scene=scene_of(record),
                )
                out.append(made)
                if record.id in again:
                    out.append(replace(made, shuffled=True))
    return out


def _sight(
    name: str,
    select: Selector,
    selection: Mapping[str, Sequence[Record]],
    outcomes: Sequence[Outcome],
    level: float,
) -> Sight:
    found = [one for one in outcomes if select.takes(one)]
    sizes: dict[str, int] = {}
    for one in found:
        sizes[one.unit] = sizes.get(one.unit, 0) + 1
    groups = (group for key, group in selection.items() if select.slice in (ALL, key))
    asked = {one.record for one in found}
    records = [one for group in groups for one in group if not select.slot or one.id in asked]
    scenes = len({scene_of(record) for record in records})
    smallest = detectable(list(sizes.values()), level, sign_flip_p) if sizes else None
    return Sight(name, len(records), len(found), scenes, smallest)


def _objections(
    selection: Mapping[str, Sequence[Record]], outcomes: Sequence[Outcome], policy: Policy
) -> Iterator[str]:
    if policy.mode != "enabled":
        return
    if not selection:
        yield "there is no test record"
    for threshold in policy.thresholds:
        units = _units(threshold, selection, outcomes)
        n = sum(units.values())
        if n < threshold.minimum_n:
            if threshold.required:
                yield f"{threshold.name}: {n} to be measured, at least {threshold.minimum_n} needed"
        elif (best := _best(threshold, len(units))) is not None:
            yield f"{threshold.name}: {best}"


def _units(
    threshold: Threshold, selection: Mapping[str, Sequence[Record]], outcomes: Sequence[Outcome]
) -> Counter[str]:
    """How much is measured of each scene."""
    if threshold.structure or threshold.check:
        where = threshold.select.slice
        groups = (group for name, group in selection.items() if where in (ALL, name))
        return Counter(scene_of(record) for group in groups for record in group)
    return Counter(one.unit for one in outcomes if threshold.select.takes(one))


def _best(threshold: Threshold, scenes: int) -> str | None:
    """Why not even a model without any fault could reach a bound that is held to an interval."""
    if threshold.held != "interval" or threshold.direction != "at_least":
        return None
    perfect = interval([(1, 1)] * scenes)
    if perfect is None or perfect.low >= threshold.bound:
        return None
    return (
        f"with {scenes} scenes the interval of a faultless model begins at {perfect.low:.2f}, "
        f"wanted ≥ {threshold.bound:.2f}"
    )
