"""Give people of single frames a stable identity over time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GATE = 1.0
"""A person moves at most this many body sizes between sightings; else it is somebody else."""


def _size(person: Floats) -> float:
    points = person[person[:, 2] > 0, :2]
    return float(np.hypot(*np.ptp(points, axis=0)))


def distance(one: Floats, other: Floats) -> float:
    """Mean distance of the points (K×3) that both have, in body sizes; else of the centres."""
    both = (one[:, 2] > 0) & (other[:, 2] > 0)
    if both.any():
        gap = float(np.hypot(*(one[both, :2] - other[both, :2]).T).mean())
    else:
        centres = [person[person[:, 2] > 0, :2].mean(axis=0) for person in (one, other)]
        gap = float(np.hypot(*(centres[0] - centres[1])))
    scale = max(_size(one), _size(other), 1e-9)
    return gap / scale


def track(frames: Sequence[Sequence[Floats]], max_people: int) -> tuple[Floats, int]:
    """Assign people (each K×3, at least one point) to tracks: T×P×K×3 and how many were left out.

    Frame by frame, the pairing of seen people with known tracks that has the smallest total
    distance wins (Hungarian method); pairs further than `GATE` start a new track. Tracks are
    ordered by how much of them was seen, the main actor first; at most `max_people` are kept.
    """
    from scipy.optimize import linear_sum_assignment

    last: list[Floats] = []
    seen: list[list[tuple[int, Floats]]] = []
    for index, people in enumerate(frames):
        costs = np.array([[distance(a, b) for b in last] for a in people]).reshape(
            len(people), len(last)
        )
        pairs = dict(zip(*(side.tolist() for side in linear_sum_assignment(costs)), strict=True))
        for who, person in enumerate(people):
            known = pairs.get(who)
            if known is None or costs[who, known] > GATE:
                known = len(last)
                last.append(person)
                seen.append([])
            last[known] = person
            seen[known].append((index, person))
    weight = [sum(int((person[:, 2] > 0).sum()) for _, person in one) for one in seen]
    order = sorted(range(len(seen)), key=lambda one: (-weight[one], one))
    kept = order[:max_people]
    points = len(last[0])
    out = np.zeros((len(frames), len(kept), points, 3))
    for place, one in enumerate(kept):
        for index, person in seen[one]:
            out[index, place] = person
    return out, len(order) - len(kept)
