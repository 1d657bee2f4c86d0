"""What a data set holds, in numbers. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from any2caption.captions.schema import PARTS
from any2caption.datasets.records import Record


def describe(records: Iterable[Record]) -> dict[str, Any]:
    """Return counts as a JSON object.

    `conditions` counts conditions per kind, `roles` images per role, `combinations` records per set
    of kinds, `words` the mean, least and most words of a whole caption, `media` distinct objects.
    """
    total = synthetic = least = most = words = questions = 0
    splits: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    roles: Counter[str] = Counter()
    combinations: Counter[str] = Counter()
    licences: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    media: dict[str, int] = {}
    for record in records:
        total += 1
        synthetic += record.synthetic
        questions += len(record.qa)
        splits[record.split] += 1
        licences[record.licence] += 1
        sources[record.source] += 1
        kinds.update(item.kind for item in record.conditions)
        roles.update(item.role for item in record.conditions if item.role)
        combinations["+".join(sorted({item.kind for item in record.conditions})) or "none"] += 1
        length = sum(len(getattr(record.caption, part).split()) for part in PARTS)
        words, most = words + length, max(most, length)
        least = length if total == 1 else min(least, length)
        media.update((part.sha256, part.size) for item in record.conditions for part in item.parts)
    return {
        "records": total,
        "synthetic": synthetic,
        "splits": _sorted(splits),
        "conditions": _sorted(kinds),
        "roles": _sorted(roles),
        "combinations": _sorted(combinations),
        "sources": _sorted(sources),
        "licences": _sorted(licences),
        "questions": questions,
        "words": {"mean": round(words / total, 1) if total else 0.0, "least": least, "most": most},
        "media": {"objects": len(media), "bytes": sum(media.values())},
    }


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return {key: counter[key] for key in sorted(counter)}
