"""What normal maps and sketches state: which way surfaces face, and where the strokes lie."""

from collections.abc import Iterable

import numpy as np

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.facts.places import box_of, fields_of, phrase_of, spread_of
from any2caption.conditions.facts.words import joined
from any2caption.conditions.types import Condition, Normals, Sketch

_FACES: tuple[tuple[str, str, int, float], ...] = (
    ("up", "level ground", 1, 1.0),
    ("down", "surfaces that face down", 1, -1.0),
    ("left", "surfaces that face left", 0, -1.0),
    ("right", "surfaces that face right", 0, 1.0),
    ("camera", "surfaces that face the camera", 2, 1.0),
)
"""Key, words, axis and its sign."""
_FACING = 0.75
_SHARE = 0.08
_MOST = 3


def normal_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield the layout: `level ground along the bottom and surfaces that face the camera …`.

    Its value has `faces`: up, down, left, right, camera with the fields in which they lie.
    """
    normals = condition.payload
    assert isinstance(normals, Normals)  # noqa: S101 - what the kind's parser gives
    vectors = normals.vectors[len(normals.vectors) // 2]
    step = max(1, int(np.sqrt(vectors[..., 0].size / 40_000)))
    vectors = vectors[::step, ::step]
    masks = {
        key: (words, np.nan_to_num(vectors[..., axis]) * sign > _FACING)
        for key, words, axis, sign in _FACES
    }
    clear = sorted(
        ((key, words, mask) for key, (words, mask) in masks.items() if mask.mean() >= _SHARE),
        key=lambda one: -one[2].mean(),
    )[:_MOST]
    if clear:
        yield Fact(
            aspect="layout",
            text=joined(f"{words} {phrase_of(mask)}" for _, words, mask in clear),
            source=Source(name, frames=(0, len(normals.vectors) - 1)),
            value={"faces": {key: fields_of(mask) for key, _, mask in clear}},
            certainty="measured",
            confidence=0.8,
        )


def sketch_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield where the outlines lie; values `fields` (the fullest) and `strokes` (share drawn)."""
    sketch = condition.payload
    assert isinstance(sketch, Sketch)  # noqa: S101 - what the kind's parser gives
    drawn = np.flatnonzero(sketch.drawn)
    if not len(drawn):
        return
    strokes = np.asarray((sketch.strokes[drawn] > 127).any(axis=0), np.bool_)  # noqa: PLR2004 - half a stroke
    if not strokes.any():
        return
    yield Fact(
        aspect="layout",
        text=f"drawn outlines {spread_of(strokes)}",
        source=Source(name, frames=(int(drawn[0]), int(drawn[-1])), box=box_of(strokes)),
        value={"fields": fields_of(strokes), "strokes": round(float(strokes.mean()), 3)},
    )
