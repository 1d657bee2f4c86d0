"""What the pictures of a training set look like, so that others are told from them.

A model that has seen only drawings answers a photograph in the words of drawings. Words can be
counted; a picture is measured: brightness, contrast, saturation, fine texture, flatness and how
many colours it has. How far a picture lies from those of training is the Mahalanobis distance of
these numbers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from any2caption.model.inputs import Features

KINDS = frozenset({"image", "video"})
"""Kinds whose content nothing but the model tells."""
LEAST = 100
"""Pictures from which a distribution is estimated at least."""
MOST = 2_000
WITHIN = 0.995
"""The share of the training pictures that lies within the limit."""
_FRAMES = 3
_FLAT, _EDGE = 2 / 255, 0.1
_RIDGE = 1e-6


def measured(features: Features) -> NDArray[np.float64] | None:
    """Return 14 numbers of a condition's frames (the mean of up to three); None of no picture."""
    frames = features.get("frames")
    if str(features["kind"]) not in KINDS or frames is None or frames.ndim != 4 or not len(frames):  # noqa: PLR2004 - T×H×W×3
        return None
    chosen = np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).round().astype(int)
    mean: NDArray[np.float64] = np.stack([_measure(frames[at]) for at in chosen]).mean(0)
    return mean


def _measure(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    pixels = frame.astype(np.float64) / 255
    steps = [np.abs(np.diff(pixels, axis=axis)).mean(-1).ravel() for axis in (0, 1)]
    step = np.concatenate([*steps, np.zeros(1)])
    spread = pixels.max(-1) - pixels.min(-1)
    codes = (frame >> 5).astype(np.int64) @ np.array([64, 8, 1])
    share = np.bincount(codes.ravel(), minlength=512) / codes.size
    share = share[share > 0]
    curve = np.abs(np.diff(pixels, 2, axis=1))
    return np.array([
        pixels.mean(), pixels.std(), spread.mean(), spread.std(),
        step.mean(), np.sqrt((step**2).mean()), (step < _FLAT).mean(), (step > _EDGE).mean(),
        -(share * np.log(share)).sum(), np.log(len(share)), curve.mean() if curve.size else 0.0,
        *pixels.mean((0, 1)),
    ])  # fmt: skip


@dataclass(frozen=True)
class Appearance:
    """The distribution of one kind's pictures: mean [14], inverse covariance [14, 14], limit."""

    mean: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    limit: float

    @classmethod
    def of(cls, rows: Iterable[NDArray[np.float64]]) -> Self | None:
        """Estimate it from the pictures of training; None of fewer than `LEAST`."""
        found = np.array(list(rows))
        if len(found) < LEAST:
            return None
        mean = found.mean(0)
        ridge = _RIDGE * (np.eye(found.shape[1]) + np.diag(found.var(0)))
        precision = np.linalg.inv(np.cov(found.T) + ridge)
        distances = np.sqrt(np.einsum("ij,jk,ik->i", found - mean, precision, found - mean))
        rows_of = tuple(tuple(map(float, row)) for row in precision)
        return cls(tuple(map(float, mean)), rows_of, float(np.quantile(distances, WITHIN)))

    def distance(self, row: NDArray[np.float64]) -> float:
        """Return how far a picture's numbers lie from the mean, in standard deviations."""
        apart = row - np.array(self.mean)
        return float(np.sqrt(max(0.0, apart @ np.array(self.precision) @ apart)))

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"mean": self.mean, "precision": self.precision, "limit": self.limit}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_json` gave; ValueError, KeyError or TypeError where it is damaged."""
        mean = tuple(float(one) for one in data["mean"])
        precision = tuple(tuple(float(one) for one in row) for row in data["precision"])
        if {len(row) for row in precision} != {len(mean)} or len(precision) != len(mean):
            raise ValueError("looks: the sizes of mean and precision differ")
        return cls(mean, precision, float(data["limit"]))
