"""Masks that were painted in colours: which colours are objects, also after lossy coding.

A colour counts when it fills areas: the pixels that equal their neighbours are put into a coarse
histogram, and its peaks that lie far enough apart are the colours. Every pixel then belongs to the
nearest colour; near black is not an object. Ids are those of PASCAL VOC's palette (as in DAVIS)
where all colours are of it, else numbers from 1 in order of appearance.
"""

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.palette import PALETTE
from any2caption.errors import InputError

MOST_COLOURS = 64
_BITS = 3  # of a level's eight that the histogram drops
_SIDE = 1 << (8 - _BITS)
_EVEN = 8  # levels between neighbours inside an area
_APART = 40  # levels (Euclidean) between two colours
_NEAR = 9  # levels in each channel between a colour and a pixel that shows it: a bin beside
_AREA = 2
_BLACK = 40
_LEAST = 0.0002  # share of a frame that a colour fills somewhere
_SHOWN = 0.85  # share of the pixels that show one of the colours
_OTHERS = 0.5  # the same, of the pixels without those of the largest colour: a photo on white
_VOC = 24  # levels between a colour and PASCAL VOC's
_VOC_IDS = 40
Frames = NDArray[np.uint8]


def read_colours(frames: Frames, file: str) -> tuple[NDArray[np.int32], str]:
    """Return the ids T×H×W of frames T×H×W×3 in colour, and the rule in words.

    Raises:
        InputError: a photo or film: its pixels are not of a few colours.
    """
    colours, shown, largest = _colours(frames)
    others = (shown - largest) / (1 - largest) if largest < 1 else 1.0
    if len(colours) > MOST_COLOURS or shown < _SHOWN or others < _OTHERS:
        raise InputError(
            f"a photo or film, not masks: {shown:.0%} of the pixels show one of "
            f"{len(colours)} even colours (masks: at least {_SHOWN:.0%}, at most {MOST_COLOURS}); "
            "option values=mask reads light areas as one object",
            file=file,
            field="colour",
        )
    ids = _voc_ids(colours)
    known = ids is not None
    if ids is None:
        ids = np.zeros(len(colours), np.int32)
        objects = colours.max(axis=1) > _BLACK
        ids[objects] = np.arange(1, objects.sum() + 1)
    rule = (
        f"{int((ids > 0).sum())} colours are objects, near black is none; ids: "
        + ("PASCAL VOC's palette" if known else "in order of appearance")
        + " (option values=mask: light areas are one object)"
    )
    table = ids[_nearest(colours)]
    found = np.empty(frames.shape[:3], np.int32)
    for index, frame in enumerate(frames):
        found[index] = table[_bins(frame)]
    return found, rule


def voc_index(colours: NDArray[np.int32]) -> NDArray[np.int32] | None:
    """Return the ids of N×3 exact colours in PASCAL VOC's palette; None unless all are of it."""
    codes = PALETTE.astype(np.int64) @ (1, 256, 65536)
    order = np.argsort(codes)
    wanted = colours.astype(np.int64) @ (1, 256, 65536)
    at = order[np.minimum(np.searchsorted(codes, wanted, sorter=order), len(codes) - 1)]
    if not (codes[at] == wanted).all():
        return None
    return at.astype(np.int32)


def _bins(frame: Frames) -> NDArray[np.int32]:
    coarse = (frame >> _BITS).astype(np.int32)
    binned: NDArray[np.int32] = (coarse[..., 0] * _SIDE + coarse[..., 1]) * _SIDE + coarse[..., 2]
    return binned


def _centres() -> NDArray[np.float64]:
    axis = np.arange(_SIDE) * (1 << _BITS) + (1 << _BITS) / 2
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)


def _colours(frames: Frames) -> tuple[NDArray[np.float64], float, float]:
    """Return the even colours N×3 in order of appearance, and shares of the pixels.

    The shares: what shows any of them, and what shows the largest of them.
    """
    size = _SIDE**3
    total, most, first = np.zeros(size), np.zeros(size), np.full(size, len(frames))
    everything = np.zeros(size)
    for index, frame in enumerate(frames):
        binned = _bins(frame)
        even = np.bincount(binned[_even(frame)], minlength=size)
        everything += np.bincount(binned.ravel(), minlength=size)
        total += even
        most = np.maximum(most, even)
        first[(even > 0) & (first == len(frames))] = index
    centres = _centres()
    least = _LEAST * frames.shape[1] * frames.shape[2]
    chosen: list[int] = []
    free = total.copy()
    while free.any() and len(chosen) <= MOST_COLOURS:
        peak = int(free.argmax())
        near = np.linalg.norm(centres - centres[peak], axis=1) < _APART
        if free[near].max() and most[near].max() >= least:
            chosen.append(peak)
        free[near] = 0
    if not chosen:
        return np.zeros((0, 3)), 0.0, 0.0
    peaks, largest = [], 0.0
    shown = np.zeros(size, np.bool_)
    for peak in chosen:
        near = np.abs(centres - centres[peak]).max(axis=1) <= _NEAR
        colour = np.average(centres[near], axis=0, weights=total[near])
        seen = int(first[near].min())
        shown |= near
        largest = max(largest, float(everything[near].sum()))
        peaks.append((seen, *colour))
    ordered = np.array(sorted(peaks))
    whole = float(everything.sum())
    return ordered[:, 1:], float(everything[shown].sum()) / whole, largest / whole


def _even(frame: Frames) -> NDArray[np.bool_]:
    """Where a pixel equals its neighbours to the left and above, four deep."""
    levels = frame.astype(np.int16)
    even = np.zeros(frame.shape[:2], np.bool_)
    across = np.abs(levels[1:, 1:] - levels[1:, :-1]).max(axis=2) <= _EVEN
    down = np.abs(levels[1:, 1:] - levels[:-1, 1:]).max(axis=2) <= _EVEN
    even[1:, 1:] = across & down
    for _ in range(_AREA):  # lossy coding leaves ghosts of one or two pixels along edges
        even[1:, 1:] &= even[:-1, :-1] & even[1:, :-1] & even[:-1, 1:]
    return even


def _nearest(colours: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each bin the nearest colour."""
    distance = np.linalg.norm(_centres()[:, None] - colours, axis=2)
    nearest: NDArray[np.int64] = distance.argmin(axis=1)
    return nearest


def _voc_ids(colours: NDArray[np.float64]) -> NDArray[np.int32] | None:
    palette = PALETTE[:_VOC_IDS].astype(np.float64)
    distance = np.abs(colours[:, None] - palette).max(axis=2)
    ids: NDArray[np.int32] = distance.argmin(axis=1).astype(np.int32)
    if (distance.min(axis=1) > _VOC).any() or len(set(ids.tolist())) < len(ids):
        return None
    return ids
