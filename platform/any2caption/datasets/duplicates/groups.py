"""Duplicates in a data set, and which of them would leak test data into training.

Three relations between records:

exact   the same prompt, caption and media under two ids;
text    the same caption, apart from case, punctuation and spacing;
near    the same set of pictures and clips, apart from what a re-encoding, a resize or a small crop
        changes (`fingerprints`). Records marked synthetic are left out here: a procedural world
        draws many scenes that look alike, and its captions decide its splits.

Rule for the splits: records that are near or have the same text belong together. Where such a group
lies in more than one split, the members in the split closest to training stay (train, then
validation, then test) and the others are quarantined. So nothing that is tested on was trained on,
and `split_of` still says every record's split.
"""

import hashlib
import json
import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from any2caption.captions.schema import PARTS
from any2caption.datasets.duplicates.fingerprints import BITS, FRAMES, clusters
from any2caption.datasets.records import Split
from any2caption.errors import NotFoundError
from any2caption.storage import ObjectStore

SPLITS: tuple[str, ...] = get_args(Split)  # in the order of the rule
_EXAMPLES = 100  # groups of each relation that a report lists
_MEMBERS = 20  # records of a group that it names
_WORD = re.compile(r"\w+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Leak:
    """The record at `place` must not stay: `other` has the same content in split `split`."""

    place: int
    other: str
    split: str
    relation: str

    @property
    def reason(self) -> str:
        """One line for the quarantine."""
        what = "the same caption as" if self.relation == "text" else "nearly the same pictures as"
        return f"{what} record {self.other!r} in split {self.split}"


@dataclass(frozen=True, slots=True)
class Duplicates:
    """`report` is a JSON object; `leaks` are in the order of the records."""

    report: dict[str, Any]
    leaks: tuple[Leak, ...]


def normalise(text: str) -> str:
    """Return the words of a text: NFKC, case folded, without punctuation."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


class Fingerprints:
    """Collects what is compared of each record: about 100 bytes a record and 40 a picture."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._splits = array("b")
        self._synthetic = array("b")
        self._exact = array("Q")
        self._text = array("Q")
        self._hashes = array("Q")  # FRAMES of each item
        self._clip = array("b")  # whether an item is a clip
        self._owners = array("l")

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, document: Mapping[str, Any], items: Iterable[Sequence[str]]) -> None:
        """Add a record as a JSON object, and the hashes of its pictures and clips."""
        place = len(self._ids)
        self._ids.append(document["id"])
        self._splits.append(SPLITS.index(document["split"]))
        self._synthetic.append(bool(document["synthetic"]))
        caption = document["caption"]
        whole = " ".join(caption[part] for part in PARTS)
        media = [
            [item["kind"], item["role"] or "", *(part["sha256"] for part in item["parts"])]
            for item in document["conditions"]
        ]
        self._text.append(_digest(normalise(whole)))
        self._exact.append(_digest(f"{document['prompt']}\n{whole}\n{media}"))
        for hashes in items:
            if not any(hashes):
                continue
            padded = [int(value, 16) if value else 0 for value in hashes][:FRAMES]
            self._hashes.extend(padded + [0] * (FRAMES - len(padded)))
            self._clip.append(len(hashes) > 1)
            self._owners.append(place)

    def judge(self, bits: int = BITS) -> Duplicates:
        """Find the groups and apply the rule for the splits."""
        exact = _groups(np.frombuffer(self._exact, np.uint64))
        text = _groups(np.frombuffer(self._text, np.uint64))
        near = self._near(bits)
        report = {
            "records": len(self._ids),
            "bits": bits,
            "rule": "train before validation before test; the later one is quarantined",
            **{
                name: self._describe(groups)
                for name, groups in (("exact", exact), ("text", text), ("near", near))
            },
        }
        leaks: dict[int, Leak] = {}
        for relation, groups in (("text", text), ("near", near)):
            for group in groups:
                for leak in self._leaks(group, relation):
                    leaks.setdefault(leak.place, leak)
        report["leaks"] = len(leaks)
        return Duplicates(report, tuple(leaks[place] for place in sorted(leaks)))

    def _near(self, bits: int) -> list[NDArray[np.int64]]:
        if not self._owners:
            return []
        owners = np.frombuffer(self._owners, np.int_).astype(np.int64)
        hashes = np.frombuffer(self._hashes, np.uint64).reshape(-1, FRAMES)
        clip = np.frombuffer(self._clip, np.int8).astype(bool)
        labels = np.zeros(len(owners), np.int64)
        if (~clip).any():
            labels[~clip] = 2 * clusters(hashes[~clip, :1], bits)
        if clip.any():
            labels[clip] = 2 * clusters(hashes[clip], bits) + 1
        # A record's signature is its sorted items; equal signatures are one group.
        order = np.lexsort((labels, owners))
        owners, labels = owners[order], labels[order]
        places, first = np.unique(owners, return_index=True)
        ends = np.append(first[1:], len(owners))
        signatures = np.array(
            [_digest(labels[a:b].tobytes()) for a, b in zip(first, ends, strict=True)], np.uint64
        )
        real = np.frombuffer(self._synthetic, np.int8)[places] == 0
        places, signatures = places[real], signatures[real]
        return [places[group] for group in _groups(signatures)]

    def _describe(self, groups: Sequence[NDArray[np.int64]]) -> dict[str, Any]:
        splits = np.frombuffer(self._splits, np.int8)
        across = [group for group in groups if len(set(splits[group])) > 1]
        shown = [*across, *(group for group in groups if len(set(splits[group])) == 1)]
        return {
            "groups": len(groups),
            "records": int(sum(len(group) for group in groups)),
            "across_splits": len(across),
            "examples": [
                {
                    "size": len(group),
                    "records": [
                        {"id": self._ids[place], "split": SPLITS[splits[place]]}
                        for place in group[:_MEMBERS]
                    ],
                }
                for group in shown[:_EXAMPLES]
            ],
        }

    def _leaks(self, group: NDArray[np.int64], relation: str) -> Iterator[Leak]:
        splits = np.frombuffer(self._splits, np.int8)[group]
        least = splits.min()
        kept = self._ids[group[int(np.argmax(splits == least))]]
        for place in group[splits > least]:
            yield Leak(int(place), kept, SPLITS[least], relation)


def store_report(store: ObjectStore, identity: str, report: Mapping[str, Any]) -> str:
    """Keep the report of a snapshot's ingest; return its key."""
    content = json.dumps(report, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace")
    key = f"duplicates/{identity}.json"
    store.put(key, content)
    return key


def load_report(store: ObjectStore, identity: str) -> dict[str, Any]:
    """Return the report of a snapshot's ingest.

    Raises:
        NotFoundError: the snapshot has none; an ingest of its source makes one.
    """
    try:
        return dict(json.loads(store.get(f"duplicates/{identity}.json")))
    except NotFoundError:
        raise NotFoundError(
            f"snapshot {identity[:12]} has no report of duplicates; ingest its source again"
        ) from None


def _groups(keys: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
    """Return the places of equal keys, for keys that are there more than once."""
    if not len(keys):
        return []
    order = np.argsort(keys, kind="stable")
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    starts, ends = np.append(0, cuts), np.append(cuts, len(keys))
    many = ends - starts > 1
    found = [np.sort(order[a:b]) for a, b in zip(starts[many], ends[many], strict=True)]
    return sorted(found, key=lambda group: int(group[0]))


def _digest(content: str | bytes) -> int:
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
