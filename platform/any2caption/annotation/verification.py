"""People's word on annotations: whom to ask what, what their answers say, and how far they agree.

All pure. The sample is drawn by hash, never by order, so a run that is continued asks the same
records; the second reading is a part of the first.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.datasets.agreement import cohen_kappa
from any2caption.datasets.records import SourceRecord

OUTCOMES = ("accepted", "edited", "rejected")
FIRST, SECOND = 1, 2
TEXTS = ("prompt", *PARTS)
"""What a person may change, by name."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What `reviewer` said of a record; `changes` are new texts by name, only when edited."""

    record_id: str
    reading: int
    reviewer: str
    outcome: str
    changes: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the columns of the catalogue's row."""
        return {
            "record_id": self.record_id,
            "reading": self.reading,
            "reviewer": self.reviewer,
            "outcome": self.outcome,
            "changes": dict(self.changes),
        }


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two people agree on the same records.

    `observed` is the share of equal outcomes; `kappa` is None where it is not defined: no pairs, or
    everything in one category.
    """

    pairs: int
    observed: float | None
    kappa: float | None


def draw(ids: Iterable[str], key: str, share: float, most: int) -> list[str]:
    """Return about `share` of the ids, at most `most`: those with the smallest hashes."""
    ranked = sorted((_place(key, one), one) for one in ids)
    return [one for place, one in ranked if place < share][:most]


def second_readings(sample: Sequence[str], key: str, share: float) -> list[str]:
    """Return the part of a sample that a second person reads, at least one where share > 0."""
    ranked = sorted(sample, key=lambda one: _place(f"{key}/second", one))
    return ranked[: max(1, round(share * len(ranked)))] if share > 0 and ranked else []


def _place(key: str, identity: str) -> float:
    digest = hashlib.sha256(f"{key}\n{identity}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def rates(readings: Iterable[Reading]) -> dict[str, Any]:
    """Return how many first readings there are, and the share of each outcome among them."""
    counts = Counter(one.outcome for one in readings if one.reading == FIRST)
    total = sum(counts.values())
    shares = {name: round(counts[name] / total, 4) if total else None for name in OUTCOMES}
    return {"reviewed": total, **{name: counts[name] for name in OUTCOMES}, "rates": shares}


def agreement(readings: Iterable[Reading]) -> Agreement:
    """Compare first and second readings of the same records; one person twice does not count."""
    by_record: dict[str, dict[int, Reading]] = defaultdict(dict)
    for one in readings:
        by_record[one.record_id][one.reading] = one
    pairs = [
        (both[FIRST].outcome, both[SECOND].outcome)
        for both in by_record.values()
        if len(both) == SECOND and both[FIRST].reviewer != both[SECOND].reviewer
    ]
    if not pairs:
        return Agreement(0, None, None)
    observed = sum(first == second for first, second in pairs) / len(pairs)
    return Agreement(len(pairs), round(observed, 4), cohen_kappa(pairs))


def of_two_people(
    known: Iterable[Reading], given: Iterable[Reading]
) -> tuple[list[Reading], list[Reading]]:
    """Return (those that count, those that do not) of new readings: nobody reads a record twice.

    Of two readings by one person the one that is known already stays, else the first.
    """
    readers = {(one.record_id, one.reading): one.reviewer for one in known}
    counted: list[Reading] = []
    refused: list[Reading] = []
    for one in sorted(given, key=lambda reading: reading.reading):
        other = readers.get((one.record_id, SECOND if one.reading == FIRST else FIRST))
        if other == one.reviewer:
            refused.append(one)
        else:
            readers.setdefault((one.record_id, one.reading), one.reviewer)
            counted.append(one)
    return counted, refused


def settle(record: SourceRecord, readings: Sequence[Reading]) -> SourceRecord | None:
    """Return the record as people left it, None when it is rejected.

    The stricter of two readings counts (rejected, edited, accepted); of two edits of one text the
    first reading's.
    """
    outcomes = {one.outcome for one in readings}
    if "rejected" in outcomes:
        return None
    changes: dict[str, str] = {}
    for one in sorted(readings, key=lambda reading: -reading.reading):
        changes.update(one.changes if one.outcome == "edited" else {})
    if not changes:
        return record
    caption = record.caption
    parts = {name: text for name, text in changes.items() if name in PARTS}
    if caption is not None and parts:
        caption = StructuredCaption(**{**caption.model_dump(), **parts})
    prompt = changes.get("prompt", record.prompt)
    return record.model_copy(update={"caption": caption, "prompt": prompt})
