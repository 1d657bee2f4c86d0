"""Which distinct conditions a snapshot's records show, and their numbers; kept on disk."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from any2caption.datasets.records import Record, RecordCondition
from any2caption.datasets.snapshots import Snapshot
from any2caption.model.processing.processor import LABELS
from any2caption.storage.disk_map import DiskMap

SPLITS = ("train", "validation")


@dataclass(frozen=True, slots=True)
class TrainingRecords:
    """The training records of a snapshot, then those of validation, read anew for each loop."""

    snapshot: Snapshot

    def __iter__(self) -> Iterator[Record]:
        for split in SPLITS:
            yield from self.snapshot.records(split)  # type: ignore[arg-type]


class ItemIndex:
    """The distinct conditions of records by number, in order of first use.

    `records` counts the records by split, `kinds` are those of their conditions.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._conditions = DiskMap()
        self.records: Counter[str] = Counter()
        self.kinds: set[str] = set()
        for record in records:
            self.records[record.split] += 1
            for condition in record.conditions:
                self.kinds.add(condition.kind)
                if condition.kind in LABELS:
                    self._conditions.add(_key(condition), condition.model_dump_json())

    def __len__(self) -> int:
        return len(self._conditions)

    def __iter__(self) -> Iterator[RecordCondition]:
        """Yield the distinct conditions in order of their numbers."""
        for document in self._conditions.values():
            yield RecordCondition.model_validate_json(document)

    def numbers(self, record: Record) -> list[int]:
        """The numbers of a record's conditions, in prompt order."""
        places = (self._conditions.place(_key(c)) for c in record.conditions if c.kind in LABELS)
        return [place for place in places if place is not None]


def _key(condition: RecordCondition) -> bytes:
    options = json.dumps(condition.options, sort_keys=True)
    digests = (part.sha256 for part in condition.parts)
    return json.dumps([condition.kind, condition.role or "", options, *digests]).encode()
