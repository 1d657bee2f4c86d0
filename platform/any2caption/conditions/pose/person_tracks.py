"""Give people of single frames a stable identity over time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GATE = 1.0
"""A person moves at most this many body sizes between sightings; else it is somebody else."""
REMEMBERED = 128
"""Tracks that may go on: those seen last. Who left before so many others came is somebody new."""


def distances(people: Floats, others: Floats) -> Floats:
    """Distances A×B of people A×K×3 to others B×K×3, in body sizes of the larger of the two.

    The mean over the points that both have; where there is none, that of their centres.
    """
    there, known = people[..., 2] > 0, others[..., 2] > 0
    both = there[:, None] & known[None]
    shared = both.sum(axis=2)
    apart = people[:, None, :, :2] - others[None, :, :, :2]
    gaps = np.hypot(apart[..., 0], apart[..., 1])
    gap = (gaps * both).sum(axis=2) / np.maximum(shared, 1)
    between = _centres(people, there)[:, None] - _centres(others, known)[None]
    gap = np.where(shared > 0, gap, np.hypot(between[..., 0], between[..., 1]))
    scale = np.maximum(_sizes(people, there)[:, None], _sizes(others, known)[None])
    found: Floats = gap / np.maximum(scale, 1e-9)
    return found


def distance(one: Floats, other: Floats) -> float:
    """The distance of two people K×3, see `distances`."""
    return float(distances(one[None], other[None])[0, 0])


def _centres(people: Floats, there: NDArray[np.bool_]) -> Floats:
    count = np.maximum(there.sum(axis=1), 1)[:, None]
    centres: Floats = (people[..., :2] * there[..., None]).sum(axis=1) / count
    return centres


def _sizes(people: Floats, there: NDArray[np.bool_]) -> Floats:
    """Diagonals of the boxes around the points that are there."""
    places = people[..., :2]
    high = np.where(there[..., None], places, -np.inf).max(axis=1)
    low = np.where(there[..., None], places, np.inf).min(axis=1)
    seen = np.asarray(there.any(axis=1))
    sides = np.where(seen[:, None], high - low, 0.0)
    return np.hypot(sides[:, 0], sides[:, 1])


def track(frames: Sequence[Sequence[Floats]], max_people: int) -> tuple[Floats, int]:
    """Assign people (each K×3, at least one point) to tracks: T×P×K×3 and how many were left out.

    Columns behind the confidence go along.

    Frame by frame, the pairing of seen people with known tracks that has the smallest total
    distance wins (Hungarian method); pairs further than `GATE` start a new track. The time is
    linear in the frames, since only `REMEMBERED` tracks can go on. Tracks are
    ordered by how much of them was seen, the main actor first; at most `max_people` are kept.
    """
    recent: list[int] = []  # tracks that may go on, those seen last at the end
    seen: list[list[tuple[int, Floats]]] = []
    for index, people in enumerate(frames):
        if not people:
            continue
        costs = np.zeros((len(people), 0))
        if recent:
            costs = distances(np.stack(people), np.stack([seen[one][-1][1] for one in recent]))
        pairs = _pairs(costs)
        now: list[int] = []
        for who, person in enumerate(people):
            at = pairs.get(who)
            if at is None or costs[who, at] > GATE:
                now.append(len(seen))
                seen.append([])
            else:
                now.append(recent[at])
            seen[now[-1]].append((index, person))
        met = set(now)
        recent = ([one for one in recent if one not in met] + now)[-REMEMBERED:]
    weight = [sum(int((person[:, 2] > 0).sum()) for _, person in one) for one in seen]
    order = sorted(range(len(seen)), key=lambda one: (-weight[one], one))
    kept = order[:max_people]
    shape = seen[0][0][1].shape
    out = np.zeros((len(frames), len(kept), *shape))
    for place, one in enumerate(kept):
        for index, person in seen[one]:
            out[index, place] = person
    return out, len(order) - len(kept)


def _pairs(costs: Floats) -> dict[int, int]:
    """Row to column, of the smallest total."""
    if costs.size <= 1:  # one person all along: nothing to choose
        return {0: 0} if costs.size else {}
    from scipy.optimize import linear_sum_assignment

    return dict(zip(*(side.tolist() for side in linear_sum_assignment(costs)), strict=True))
