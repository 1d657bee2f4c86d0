"""CLIP-T of captions: how near CLIP, whose weights are given, finds a caption and its own pictures.

The text is the caption's dense part (CLIP reads 77 tokens), the pictures are those of the record's
conditions and up to `MOMENTS` frames of its clips, pictures of a style left out. Beside the writers
stand the gold caption and another record's. The paper's CLIP-T is of generated videos: its figures
are no yardstick here.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from any2caption.conditions.inspect.seen import seen
from any2caption.conditions.types import Condition, Image, Video
from any2caption.datasets.records import Record
from any2caption.evaluation.figures.closed_loop import another_caption
from any2caption.evaluation.slices import in_hash_order

if TYPE_CHECKING:
    from any2caption.evaluation.figures.likeness import Clip, Frames

MOMENTS = 8
MOST = 200
"""Records that are looked at, by the hash of their id."""
_KINDS = ("image", "video")

Write = Callable[[Record], str]


def pictured(records: Sequence[Record]) -> list[Record]:
    """Return the records that are looked at: those with pictures or clips, at most `MOST`."""
    found = [one for one in records if any(kept.kind in _KINDS for kept in one.conditions)]
    return in_hash_order(found)[:MOST]


def clip_t(
    clip: "Clip",
    records: Sequence[Record],
    conditions_of: Callable[[Record], Sequence[Condition]],
    writers: Mapping[str, Write],
) -> dict[str, Any]:
    """Return the mean CLIP-T of gold, of each writer and of another record's gold, as JSON.

    `records` says how many have pictures; of none there are no means.
    """
    looked = pictured(records)
    found: dict[str, list[float]] = {}
    count = 0
    for at, record in enumerate(looked):
        shown = [frames for one in conditions_of(record) for frames in _frames(one)]
        other = another_caption(looked, at)
        if not shown or other is None:
            continue
        count += 1
        texts = {
            "gold": record.caption.dense,
            **{name: write(record) for name, write in writers.items()},
            "shuffled": other.dense,
        }
        # Each condition counts once, however many frames a clip has.
        each = [clip.clip_t(list(texts.values()), frames) for frames in shown]
        for name, values in zip(texts, zip(*each, strict=True), strict=True):
            found.setdefault(name, []).append(fmean(values))
    return {"records": count, "means": {name: fmean(values) for name, values in found.items()}}


def _frames(condition: Condition) -> "list[Frames]":
    payload = condition.payload
    if condition.role == "style" or not isinstance(payload, Image | Video):
        return []
    frames = seen(payload, MOMENTS)
    return [] if frames is None else [np.asarray(frames)]
