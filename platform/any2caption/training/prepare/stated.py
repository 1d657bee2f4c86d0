"""What records' conditions state, for recipes whose prompts hold facts.

Facts are found once for each distinct condition, where it is parsed; a record's lines are gathered
from them as the server gathers a request's.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from any2caption.conditions.fact import Fact
from any2caption.conditions.registry import condition_facts, input_name
from any2caption.conditions.types import Condition
from any2caption.datasets.records import Record, RecordCondition
from any2caption.grounding.fact_lines import fact_lines
from any2caption.grounding.gather import gather
from any2caption.model.processing.processor import LABELS
from any2caption.storage.disk_map import DiskMap

Load = Callable[[RecordCondition], Condition]


def stated_by(condition: Condition) -> str:
    """Return a condition's facts as JSON."""
    return json.dumps([fact.as_json() for fact in condition_facts(condition)])


def stated_lines(record: Record, stated: Sequence[str], load: Load) -> str:
    """Return the lines of a record's facts.

    `stated` is what `stated_by` returned of each of its conditions that models read, in order;
    `load` parses a condition: camera paths are read again with their record's depth.
    """
    shown = [one for one in record.conditions if one.kind in LABELS]
    found = dict[tuple[str, int], tuple[Fact, ...]]()
    conditions = []
    for one, facts in zip(shown, stated, strict=True):
        whole = load(one) if one.kind == "camera" else _named(one)
        conditions.append(whole)
        name = input_name(whole)  # the same file may have another number elsewhere
        found[whole.kind, whole.number] = tuple(
            replace(fact, source=replace(fact.source, input=name))
            for fact in map(Fact.from_json, json.loads(facts))
        )
    facts_of = lambda condition: found[condition.kind, condition.number]  # noqa: E731
    return fact_lines(gather(record.prompt, conditions, facts_of=facts_of))


class Stated:
    """What distinct conditions state, by their number; kept on disk."""

    def __init__(self, load: Load) -> None:
        """`load` is that of `stated_lines`."""
        self._load = load
        self._facts = DiskMap()

    def keep(self, number: int, facts: str) -> None:
        """Take what `stated_by` returned of a condition."""
        self._facts.add(str(number).encode(), facts)

    def lines(self, record: Record, numbers: Sequence[int]) -> str:
        """Return the lines of a record whose conditions have these numbers, in its order."""
        stated = [self._facts.get(str(number).encode()) or "[]" for number in numbers]
        return stated_lines(record, stated, self._load)


def _named(condition: RecordCondition) -> Condition:
    """The condition without what is in its files."""
    return Condition(
        condition.kind, "", condition.format, role=condition.role, number=condition.number
    )
