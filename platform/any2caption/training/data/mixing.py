"""Which places of a step's global batch hold general instruction data. Pure in (seed, step, place).

The paper gives a "joint-train ratio" a stage and does not say of what. `general_ratio_means`:

    chance    each place is a general sample with this chance (the default)
    share     this share of every global batch, rounding carried from step to step
    relative  so many general samples for each of the stage's own: a chance of r / (1 + r)

A general sample takes the place of one of the stage's own, so steps and batch sizes stay as stated.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.training.data.collate import Order
from any2caption.training.data.lines import concatenated
from any2caption.training.data.types import Sample
from any2caption.training.recipes.schema import Stage

MIX = 7_919  # keeps this draw apart from the orders', which start from the same seed


def general_share(stage: Stage) -> float:
    """The expected share of general samples among all of a stage's."""
    ratio = stage.general_ratio
    return ratio / (1 + ratio) if stage.general_ratio_means == "relative" else ratio


def general_places(stage: Stage, seed: int, step: int) -> NDArray[np.bool_]:
    """Return which of the `stage.batch` places of a step hold general data."""
    wanted = general_share(stage)
    rng = np.random.default_rng([seed, MIX, step])
    if stage.general_ratio_means != "share":
        return np.asarray(rng.random(stage.batch) < wanted)
    count = int(wanted * stage.batch * (step + 1)) - int(wanted * stage.batch * step)
    places = np.zeros(stage.batch, np.bool_)
    places[rng.permutation(stage.batch)[:count]] = True
    return places


class Mixture:
    """The global batches of a stage: its own samples, and general ones in some places."""

    def __init__(
        self, own: Sequence[Sample], general: Sequence[Sample], stage: Stage, seed: int
    ) -> None:
        self.stage, self.seed = stage, seed
        mixed = stage.general_ratio and general
        self.samples = concatenated(own, general) if mixed else own
        self._first_general = len(own)
        self._own = Order(_lengths(own), stage.batch, seed)
        self._general = Order(_lengths(general), stage.batch, seed + MIX) if general else None

    def __call__(self, step: int) -> NDArray[np.int64]:
        """Return the numbers in `samples` of a step's global batch."""
        chosen = self._own(step).copy()
        if self._general is not None and self.stage.general_ratio:
            places = general_places(self.stage, self.seed, step)
            chosen[places] = self._first_general + self._general(step)[places]
        return chosen


def _lengths(samples: Sequence[Sample]) -> NDArray[np.int64]:
    return np.asarray([sample.length for sample in samples], np.int64)
