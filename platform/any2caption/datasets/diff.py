"""What changed between two snapshots, record by record. Pure but for reading them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from any2caption.datasets.manifest.table import canonical_line

if TYPE_CHECKING:
    from any2caption.datasets.snapshots import Snapshot

_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as far as a comparison needs it: digests of its fields, its kinds."""

    id: str
    digest: bytes
    fields: Mapping[str, bytes]
    kinds: Mapping[str, int]
    split: str


def entries(snapshot: "Snapshot") -> Iterator[Entry]:
    """Yield a snapshot's records in order of id."""
    for document in snapshot.manifest.documents():
        fields = {
            name: sha256(repr(value).encode("utf-8", "surrogatepass")).digest()[:8]
            for name, value in document.items()
        }
        kinds = Counter(item["kind"] for item in document["conditions"])
        digest = sha256(canonical_line(document)).digest()[:16]
        yield Entry(document["id"], digest, fields, kinds, document["split"])


def compare(before: Iterable[Entry], after: Iterable[Entry]) -> dict[str, Any]:
    """Return counts of added, removed and changed records, per kind, with examples.

    Both sides must be in order of id: they are merged, so neither is held in memory.
    """
    groups: dict[str, _Group] = {name: _Group() for name in ("added", "removed", "changed")}
    same = moved = 0
    fields: Counter[str] = Counter()
    for old, new in _merge(iter(before), iter(after)):
        if old is None and new is not None:
            groups["added"].add(new)
        elif new is None and old is not None:
            groups["removed"].add(old)
        elif old is not None and new is not None and old.digest != new.digest:
            groups["changed"].add(new)
            moved += old.split != new.split
            names = {*old.fields, *new.fields}
            fields.update(name for name in names if old.fields.get(name) != new.fields.get(name))
        else:
            same += 1
    return {
        "same": same,
        **{name: group.document() for name, group in groups.items()},
        "changed_fields": dict(sorted(fields.items())),
        "changed_split": moved,
    }


class _Group:
    def __init__(self) -> None:
        self.records = 0
        self.kinds: Counter[str] = Counter()
        self.conditions: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()
        self.examples: list[str] = []

    def add(self, entry: Entry) -> None:
        self.records += 1
        self.kinds.update(entry.kinds.keys())
        self.conditions.update(entry.kinds)
        self.splits[entry.split] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(entry.id)

    def document(self) -> dict[str, Any]:
        return {
            "records": self.records,
            "per_kind": dict(sorted(self.kinds.items())),
            "conditions": dict(sorted(self.conditions.items())),
            "splits": dict(sorted(self.splits.items())),
            "examples": self.examples,
        }


def _merge(
    before: Iterator[Entry], after: Iterator[Entry]
) -> Iterator[tuple[Entry | None, Entry | None]]:
    old, new = next(before, None), next(after, None)
    while old is not None or new is not None:
        if new is None or (old is not None and old.id < new.id):
            yield old, None
            old = next(before, None)
        elif old is None or new.id < old.id:
            yield None, new
            new = next(after, None)
        else:
            yield old, new
            old, new = next(before, None), next(after, None)
