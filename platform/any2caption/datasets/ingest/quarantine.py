"""Bad records are kept, with reasons; a grouped report says what to fix first.

`group` is pure: reasons that differ in numbers or quoted names only are one group.
"""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from any2caption.datasets.ingest.source_records import Rejection
from any2caption.errors import GateRefused, NotFoundError
from any2caption.storage.base import ObjectStore
from any2caption.storage.digest import file_digest

_EXAMPLES = 5
POINTER = "quarantine-latest.json"
_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|[-+]?\d[\d.,e+-]*")


@dataclass(frozen=True, slots=True)
class Group:
    """Rejections for one reason: how many records, and the first few as pointers."""

    reason: str
    field: str
    records: int
    examples: tuple[str, ...]


def group(rejections: Iterable[Rejection]) -> list[Group]:
    """Group by reason and field, most frequent first; a record counts once in each group."""
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, str], tuple[str, list[str]]] = {}
    several: set[tuple[str, str]] = set()
    for rejection in rejections:
        counted = set()
        for problem in rejection.problems:
            field = re.sub(r"\.\d+", "", problem.field)
            key = (_VARIABLE.sub("…", problem.reason), field)
            if key in counted:
                continue
            counted.add(key)
            counts[key] += 1
            first, examples = found.setdefault(key, (problem.reason, []))
            if problem.reason != first:
                several.add(key)
            if len(examples) < _EXAMPLES:
                pointer = f"line {rejection.line}", rejection.id, problem.file
                examples.append(": ".join(part for part in pointer if part))
    groups = [
        # A group of one reason says it in full.
        Group(key[0] if key in several else first, key[1], counts[key], tuple(examples))
        for key, (first, examples) in found.items()
    ]
    return sorted(groups, key=lambda item: (-item.records, item.reason, item.field))


def store_quarantine(store: ObjectStore, source: str, rejections: Collection[Rejection]) -> str:
    """Write `quarantine/<digest>.jsonl` and the grouped `….report.json`; return the first key.

    The digest is that of the content, so the same bad records are written once.
    """
    with tempfile.TemporaryDirectory(prefix="a2c-quarantine-") as folder:
        path = Path(folder) / "rejections.jsonl"
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            for rejection in rejections:
                document = {"source": source, **rejection.document()}
                file.write(json.dumps(document, ensure_ascii=False) + "\n")
        name = f"quarantine/{file_digest(path)}"
        text = json.dumps(_report(source, rejections), indent=1, ensure_ascii=False)
        store.put(f"{name}.report.json", text.encode("utf-8", "backslashreplace"))
        store.upload(f"{name}.jsonl", path)
    store.put(POINTER, json.dumps({"key": f"{name}.jsonl"}).encode())
    return f"{name}.jsonl"


def _report(source: str, rejections: Collection[Rejection]) -> dict[str, Any]:
    return {
        "source": source,
        "records": len(rejections),
        "groups": [
            {
                "reason": item.reason,
                "field": item.field,
                "records": item.records,
                "examples": item.examples,
            }
            for item in group(rejections)
        ],
    }


def load_quarantine(store: ObjectStore, key: str = "", records: int = 0) -> dict[str, Any]:
    """Return a quarantine's report with its `key` and the first `records` rejections.

    Without a key the one that the last refused or finished ingest wrote.

    Raises:
        NotFoundError: there is none.
    """
    if not key:
        try:
            key = str(json.loads(store.get(POINTER))["key"])
        except NotFoundError:
            raise NotFoundError(f"{store.uri}: nothing was ever quarantined") from None
    if not key.startswith("quarantine/") or not store.exists(key):
        raise NotFoundError(f"{store.uri}: there is no quarantine {key!r}")
    report = json.loads(store.get(f"{key.removesuffix('.jsonl')}.report.json"))
    lines = store.get(key).splitlines()[:records] if records else []
    return {"key": key, **report, "examples": [json.loads(line) for line in lines]}


def check_threshold(
    total: int, rejections: Collection[Rejection], threshold: float, where: str
) -> None:
    """Refuse a source with no good record or a share of bad ones above `threshold` (0…1).

    Raises:
        GateRefused: names the share, the commonest reasons with an example, and the full list.
    """
    bad = len(rejections)
    if bad < total and bad <= threshold * total:
        return
    if not total:
        raise GateRefused(f"{where}: the manifest has no records; nothing is published")
    reasons = "; ".join(
        f"{item.records} × {f'{item.field}: ' if item.field else ''}{item.reason} "
        f"(e.g. {item.examples[0]})"
        for item in group(rejections)[:3]
    )
    raise GateRefused(
        f"{bad} of {total} records ({bad / total:.1%}) are bad, allowed are {threshold:.1%}; "
        f"nothing is published. {reasons}. All of them: {where}"
    )
