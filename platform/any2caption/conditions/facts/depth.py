"""What depth maps state: what lies near and far by thirds of the picture, metres where known."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.facts.places import CELLS, where
from any2caption.conditions.facts.words import number_word
from any2caption.conditions.types import Condition, Depth

Floats = NDArray[np.float32]
_LOOKS = 9
_FLAT = 0.08
"""Nearness (0…1) within which all is at about the same distance."""
_NEAR, _FAR = 0.62, 0.38
"""A field is near above, far below this part of the fields' range."""
_FARTHEST = 100.0
_CHANGE = 0.12
_BEYOND = {
    ("along the bottom", "in the upper two thirds"): "above",
    ("in the lower two thirds", "along the top"): "above",
    ("along the left side", "in the right two thirds"): "to the right",
    ("along the right side", "in the left two thirds"): "to the left",
}
_MOSTLY = 0.7
_READ = 0.1
"""A field is judged by its readings if so much of it has one."""
_SURE = 0.8


def depth_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield the layout (`near surfaces on the left and open space in the middle`), metres, change.

    Each text goes behind "with". The value of the first has `near` and `far` (names of fields by
    thirds), that of distances `metres` (nearest, farthest) and `middle`, that of a change
    `change` (`nearer`, `farther`).
    """
    depth = condition.payload
    assert isinstance(depth, Depth)  # noqa: S101 - what the kind's parser gives
    frames = len(depth.maps)
    looks = np.unique(np.linspace(0, frames - 1, min(frames, _LOOKS)).round().astype(int))
    fields = np.stack([_fields(depth.maps[at]) for at in looks.tolist()])
    source = Source(name, frames=(0, frames - 1))
    known = np.isfinite(fields).any(axis=0)
    if known.any():
        yield _layout(_over_time(fields), source)
    if depth.nearest is not None and depth.farthest is not None:
        usual = float(np.nanmedian(fields)) if known.any() else None
        yield _distances(depth.nearest, depth.farthest, usual, source)
    if not depth.sparse and (change := _change(fields)):
        yield Fact(
            aspect="layout",
            text=f"surfaces that {'come nearer' if change == 'nearer' else 'move farther away'}",
            source=source,
            value={"change": change},
            certainty="measured",
            confidence=_SURE,
        )


def _fields(depth: Floats) -> Floats:
    """The median nearness of the nine fields of a map; NaN where little was read."""
    height, width = depth.shape
    rows, columns = np.linspace(0, height, 4).astype(int), np.linspace(0, width, 4).astype(int)
    medians = []
    for row in range(3):
        for column in range(3):
            field = depth[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            step = max(1, int(np.sqrt(field.size / 4096)))
            values = field[::step, ::step]
            values = values[np.isfinite(values)]
            enough = field.size and len(values) * step * step >= _READ * field.size
            medians.append(float(np.median(values)) if enough else np.nan)
    return np.array(medians, np.float32)


def _over_time(fields: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(fields, axis=0), np.float32)


def _layout(fields: Floats, source: Source) -> Fact:
    known = np.isfinite(fields)
    low, high = float(fields[known].min()), float(fields[known].max())
    if high - low < _FLAT:
        near, far, text = [], [], "everything at about the same distance"
    else:
        level = (np.where(known, fields, np.nan) - low) / (high - low)
        order = np.argsort(-np.nan_to_num(level, nan=0.5), kind="stable")
        near = [CELLS[at] for at in order.tolist() if known[at] and level[at] >= _NEAR]
        far = [CELLS[at] for at in order[::-1].tolist() if known[at] and level[at] <= _FAR]
        close = where(near)
        pause = "," if " and " in close else ""
        text = f"near surfaces {close}{pause} and open space {_beyond(close, where(far))}"
    return Fact(
        aspect="layout",
        text=text,
        source=source,
        value={"near": near, "far": far},
        certainty="measured",
        confidence=_SURE,
    )


def _beyond(near: str, far: str) -> str:
    """Where the far part lies, as seen from the near one: `above` what lies along the bottom."""
    return _BEYOND.get((near, far), far)


def _distances(nearest: float, farthest: float, usual: float | None, source: Source) -> Fact:
    """The distances in words; `usual` is the nearness (0…1) of what lies between, if known."""
    value: dict[str, Any] = {"metres": [round(nearest, 3), round(farthest, 3)]}
    if usual is not None:
        value["middle"] = round(1 / (1 / farthest + usual * (1 / nearest - 1 / farthest)), 3)
    near, far = _metres(nearest), _metres(farthest)
    text = f"surfaces {near} away" if near == far else f"surfaces from {near} to {far} away"
    return Fact(
        aspect="layout",
        text=text,
        source=source,
        value=value,
    )


def _metres(distance: float) -> str:
    """Say a distance as people do: `about half a metre`, `about two and a half metres`."""
    if distance > _FARTHEST:
        return "over a hundred metres"
    if distance < 0.35:  # noqa: PLR2004
        return f"about {number_word(max(10 * round(10 * distance), 1))} centimetres"
    if distance < 0.75:  # noqa: PLR2004
        return "about half a metre"
    if distance < 4.75:  # noqa: PLR2004 - people count few metres by halves
        whole, half = divmod(round(2 * distance), 2)
        if half:
            return f"about {number_word(whole)} and a half metres"
        return "about one metre" if whole == 1 else f"about {number_word(whole)} metres"
    rounded = round(distance) if distance <= 20 else 10 * round(distance / 10)  # noqa: PLR2004
    return f"about {number_word(rounded)} metres"


def _change(fields: Floats) -> str:
    """`nearer` or `farther` where most fields go that way from the first third to the last."""
    third = max(1, len(fields) // 3)
    change = _over_time(fields[-third:]) - _over_time(fields[:third])
    change = change[np.isfinite(change)]
    if not len(change):
        return ""
    for word, sign in (("nearer", 1), ("farther", -1)):
        clear = sign * change > _CHANGE / 2
        if clear.mean() >= _MOSTLY and sign * float(change.mean()) > _CHANGE:
            return word
    return ""
