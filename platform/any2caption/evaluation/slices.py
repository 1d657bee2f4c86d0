"""Slices of the held-out set: by a record's conditions, and by who states an answer."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

from any2caption.captions.text import render
from any2caption.datasets.records import QA, Record
from any2caption.errors import InputError
from any2caption.evaluation.scores import Group
from any2caption.storage.digest import json_digest

# Exact sets of condition kinds → slice, in report order; every other set is `mix`.
SINGLE: dict[frozenset[str], str] = {
    frozenset(): "text_only",
    frozenset({"camera"}): "camera_only",
    frozenset({"pose"}): "pose_only",
    frozenset({"image"}): "frame_only",
    frozenset({"depth"}): "depth_only",
    frozenset({"video"}): "video_only",
}
MIX = "mix"
IDENTITY = "identity_only"
_T = TypeVar("_T")
SLICES: tuple[str, ...] = (MIX, *SINGLE.values(), IDENTITY)


def slice_of(record: Record) -> str:
    """Name of the slice that a record belongs to; each record belongs to exactly one."""
    name = SINGLE.get(frozenset(c.kind for c in record.conditions), MIX)
    pictured = name == "frame_only" and all(c.role == "identity" for c in record.conditions)
    return IDENTITY if pictured else name


def scene_of(record: Record) -> str:
    """Name of what a record shows: records of one scene have one gold caption."""
    return hashlib.sha256(render(record.caption).encode()).hexdigest()[:16]


def group_of(qa: QA) -> Group:
    """Who states the answer: conditions only, the prompt only, or both."""
    if "text" not in qa.sources:
        return "only_condition"
    return "only_text" if set(qa.sources) == {"text"} else "both"


def _order(record: Record) -> str:
    return hashlib.sha256(record.id.encode()).hexdigest()


def in_hash_order(records: Iterable[Record]) -> list[Record]:
    """Order records by the hash of their id: by chance, and always the same."""
    return sorted(records, key=_order)


def pick(records: Iterable[Record], per_slice: int) -> dict[str, list[Record]]:
    """Choose up to `per_slice` records of each slice by hash of their id: always the same.

    A record that is not of the test split raises InputError.
    """
    found: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.split != "test":
            raise InputError(
                f"split {record.split!r} must not be evaluated on", record=record.id, field="split"
            )
        found[slice_of(record)].append(record)
    return {name: in_hash_order(found[name])[:per_slice] for name in SLICES if found.get(name)}


def in_turns(groups: Iterable[Sequence[_T]], most: int) -> list[_T]:
    """Take up to `most` of all groups, one of each in turn: of every group as many as it has."""
    turns = chain.from_iterable(zip_longest(*groups))
    return [one for one in turns if one is not None][:most]


def selection_digest(selection: Mapping[str, Sequence[Record]]) -> str:
    """Identify which records of a snapshot are evaluated, in which slice."""
    return json_digest({name: [r.id for r in group] for name, group in selection.items()})


def donors(records: Sequence[Record]) -> dict[str, Record]:
    """Pair each record with the one whose conditions it gets in the shuffled control: id → donor.

    Donors bring the same kinds and roles of conditions and have another gold caption, so that a
    second record of the same scene is not a donor. Apart from that the donor is the next record in
    hash order and agrees with the record by chance only. Records for which there is no donor, and
    records without conditions, take no part.
    """
    groups: defaultdict[tuple[tuple[str, str], ...], list[Record]] = defaultdict(list)
    for record in in_hash_order(records):
        if record.conditions:
            kinds = tuple(sorted((c.kind, c.role or "") for c in record.conditions))
            groups[kinds].append(record)
    pairs: dict[str, Record] = {}
    for group in groups.values():
        for index, record in enumerate(group):
            following = (*group[index + 1 :], *group[:index])
            donor = next((r for r in following if r.caption != record.caption), None)
            if donor is not None:
                pairs[record.id] = donor
    return pairs


def control_pairs(records: Sequence[Record], size: int) -> dict[str, Record]:
    """Return up to `size` records of a slice for the shuffled control: id → donor."""
    return dict(list(donors(records).items())[:size])
