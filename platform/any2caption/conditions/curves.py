"""Stretches of a curve over time: without its shaking, cut at turning points and pauses."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FEW = 4


def steady(values: Floats) -> tuple[Floats, float]:
    """A curve without its shaking, and the size of the shaking (standard deviation).

    The shaking is what a running mean over a tenth of the clip takes away, where neighbouring
    steps contradict each other; a smooth curve comes back as it is.
    """
    if len(values) < 2 * _FEW:
        return values, 0.0
    bends = np.diff(values, 2)
    rough = 1.4826 * float(np.median(np.abs(bends))) / np.sqrt(6)
    half = max(1, round(len(values) / 20))
    ends = 2 * values[0] - values[half:0:-1], 2 * values[-1] - values[-2 : -half - 2 : -1]
    padded = np.concatenate([ends[0], values, ends[1]])
    width = 2 * half + 1
    smooth = np.convolve(padded, np.full(width, 1 / width), mode="valid")
    shaking = float(np.std(values - smooth))
    if rough < 0.25 * shaking or shaking < 1e-12:  # noqa: PLR2004 - bends of a real movement
        return values, rough
    return smooth, shaking


def monotone_runs(values: Floats, threshold: float) -> list[tuple[int, int]]:
    """Cut a curve at its turning points: (start, end) of stretches that change by `threshold`.

    A counter-move smaller than `threshold` does not end a stretch.
    """
    points: list[int] = []
    low = high = extreme = direction = 0
    for at, value in enumerate(values):
        if direction == 0:
            low = at if value < values[low] else low
            high = at if value > values[high] else high
            if values[high] - values[low] >= threshold:
                direction, extreme = (1, high) if high > low else (-1, low)
                points = [low if direction > 0 else high]
        elif direction * (value - values[extreme]) > 0:
            extreme = at
        elif direction * (values[extreme] - value) >= threshold:
            points.append(extreme)
            direction, extreme = -direction, at
    return list(pairwise([*points, extreme])) if points else []


def trimmed(values: Floats, start: int, end: int, share: float = 0.05) -> tuple[int, int]:
    """Cut still ends off a stretch: from its first `share` of change to its last."""
    done = (values[start : end + 1] - values[start]) / (values[end] - values[start])
    first = start + max(0, int(np.argmax(done > share)) - 1)
    last = start + int(np.argmax(done >= 1 - share))
    return first, max(last, first + 1)


def without_pauses(
    values: Floats, start: int, end: int, pause: int, still: float
) -> list[tuple[int, int]]:
    """Cut a stretch where it changes by less than `still` for at least `pause` frames."""
    pieces: list[tuple[int, int]] = []
    at = begin = start
    while at + pause <= end:
        if np.ptp(values[at : at + pause + 1]) >= still:
            at += 1
            continue
        stop = at + pause
        while stop < end and np.ptp(values[at : stop + 2]) < still:
            stop += 1
        if at > begin:
            pieces.append((begin, at))
        at = begin = stop
    if begin < end:
        pieces.append((begin, end))
    return pieces
