"""Paired comparison of two models on the same questions, with the scene as the unit of chance.

Questions about one scene, of one record or of several, rise and fall together, so tests that count
questions as independent (McNemar's on question level) are too sure. Here each scene gives one
integer: right answers of the challenger minus those of the champion. Under "no difference" each
sign is a fair coin; the null distribution of the sum is computed exactly by convolution (a
sign-flip test; with differences of ±1 it is McNemar's exact test). No random numbers, no
approximation.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from any2caption.evaluation.scores import Outcome
from any2caption.evaluation.statistics.chance import difference_interval

POOLED, PARTS, WITHIN = 1 / 2, 3 / 8, 1 / 8
"""Shares of a policy's significance: pooled; slices, slots and whole captions; slots in slices."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Challenger against champion in one slice, over all, or in one slot.

    `difference` is in accuracy (−1…1, positive = better); `p_worse` the one-sided exact p-value of
    a regression; `level` the p-value below which it counts as significant; `smallest` the smallest
    drop in accuracy that a sample of this size could ever have shown as significant (None: it could
    show none, whatever happened); `unmatched` questions that only one of the two answered;
    `records` is the number of scenes; `lowest` and `highest` the ends of the difference's interval,
    each one-sided at 95 %; `detectable` the smallest drop that would be found in four cases of five
    (None: not simulated, or none).
    """

    slice: str
    records: int
    questions: int
    champion: float
    challenger: float
    difference: float
    p_worse: float
    level: float
    smallest: float | None
    unmatched: int
    lowest: float = -1.0
    highest: float = 1.0
    detectable: float | None = None

    @property
    def regressed(self) -> bool:
        """Whether the challenger is significantly worse."""
        return self.difference < 0 and self.p_worse <= self.level


def sign_flip_p(differences: Sequence[int]) -> float:
    """P(sum ≤ observed sum) when each difference's sign is a fair coin; 1 without any.

    Exact: the distribution of the sum is built by convolving one two-point distribution per scene.
    """
    steps = [abs(d) for d in differences if d]
    if not steps:
        return 1.0
    reach = sum(steps)
    chance = np.zeros(2 * reach + 1)
    chance[reach] = 1.0
    for step in steps:
        chance = 0.5 * (np.roll(chance, step) + np.roll(chance, -step))
    return min(1.0, float(chance[: reach + sum(differences) + 1].sum()))


def smallest_effect(records: int, questions: int, level: float) -> float | None:
    """Smallest significant drop in accuracy: k records lose one question, none gains.

    k is the least number with 0.5^k ≤ level; None when the sample has fewer than k records.
    """
    needed = math.ceil(-math.log2(level))
    return needed / questions if questions and needed <= records else None


def compare(
    name: str, challenger: Sequence[Outcome], champion: Sequence[Outcome], level: float
) -> Comparison:
    """Compare two models' outcomes in one slice; questions are matched by record and index."""
    new = {(o.record, o.index): o.correct for o in challenger}
    old = {(o.record, o.index): o.correct for o in champion}
    scene = {o.record: o.unit for o in challenger}
    shared = sorted(new.keys() & old.keys())
    per_scene: defaultdict[str, int] = defaultdict(int)
    for key in shared:
        per_scene[scene[key[0]]] += int(new[key]) - int(old[key])
    n = len(shared)
    lowest, highest = difference_interval(list(per_scene.values()), n)
    before = sum(old[key] for key in shared) / n if n else 0.0
    after = sum(new[key] for key in shared) / n if n else 0.0
    return Comparison(
        slice=name,
        records=len(per_scene),
        questions=n,
        champion=before,
        challenger=after,
        difference=after - before,
        p_worse=sign_flip_p(list(per_scene.values())),
        level=level,
        smallest=smallest_effect(len(per_scene), n, level),
        unmatched=len(new.keys() ^ old.keys()),
        lowest=lowest,
        highest=highest,
    )
