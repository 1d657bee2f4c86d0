"""Chance: intervals of rates whose unit is the scene, and what a selection could show. No clock.

Answers about one scene rise and fall together: what is uncertain is the number of scenes, not that
of questions. An interval is Wilson's with the sample's effective size, which is the number of
questions divided by the design effect of its scenes.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from any2caption.evaluation.scores import Outcome

Z95 = 1.96
Z_ONE_SIDED = 1.645
POWER = 0.8


@dataclass(frozen=True, slots=True)
class Interval:
    """A rate with the ends of its 95 % interval; `scenes` is how many it rests on."""

    low: float
    high: float
    scenes: int


def interval(clusters: Iterable[tuple[float, int]], z: float = Z95) -> Interval | None:
    """Return the interval of the rate of `(hits, n)` by scene; None of nothing."""
    found = [(hits, n) for hits, n in clusters if n]
    if not found:
        return None
    total, scenes = sum(n for _, n in found), len(found)
    rate = sum(hits for hits, _ in found) / total
    spread = sum((hits - rate * n) ** 2 for hits, n in found)
    variance = spread / total**2 * scenes / max(scenes - 1, 1)
    # No spread (all right, all wrong) says nothing of the design effect: each scene counts once.
    size = min(total, rate * (1 - rate) / variance) if variance else scenes
    middle = (rate + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * math.sqrt(rate * (1 - rate) / size + (z / (2 * size)) ** 2)
    return Interval(max(0.0, middle - half), min(1.0, middle + half), scenes)


def by_scene(outcomes: Iterable[Outcome]) -> list[tuple[int, int]]:
    """Return right answers and questions of each scene."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for one in outcomes:
        found[one.unit].append(one.correct)
    return [(sum(answers), len(answers)) for answers in found.values()]


def difference_interval(differences: Sequence[int], questions: int) -> tuple[float, float]:
    """Return both ends (each one-sided, 95 %) of a difference in accuracy, from sums by scene."""
    scenes = len(differences)
    if not scenes or not questions:
        return -1.0, 1.0
    mean = sum(differences) / scenes
    variance = sum((one - mean) ** 2 for one in differences) / max(scenes - 1, 1)
    half = Z_ONE_SIDED * math.sqrt(scenes * variance)
    return (sum(differences) - half) / questions, (sum(differences) + half) / questions


def detectable(
    sizes: Sequence[int], level: float, test: Callable[[Sequence[int]], float], *, seed: int = 0
) -> float | None:
    """Return the smallest drop in accuracy (in steps of a point) found in 80 % of cases.

    Simulated: each of a scene's questions (`sizes`) is lost with the chance of the drop, and one in
    a hundred changes to either side by itself, as between two seeds. None: not even half of all
    answers lost would be found.
    """
    rng = np.random.default_rng(seed)
    tries = 60
    counts = np.asarray(sizes)
    noise = 0.01

    def power(drop: float) -> float:
        lost = rng.binomial(counts, min(1.0, drop + noise), (tries, len(counts)))
        won = rng.binomial(counts, noise, (tries, len(counts)))
        return float(np.mean([test([int(d) for d in row]) <= level for row in won - lost]))

    steps = [n / 100 for n in (*range(1, 11), 12, 15, 20, 25, 30, 40, 50)]
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        if power(steps[middle]) >= POWER:
            high = middle
        else:
            low = middle + 1
    return steps[low] if low < len(steps) else None
