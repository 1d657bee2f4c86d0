"""Figures of a generated clip as VBench defines them (Huang et al. 2024, arXiv 2311.17982).

Subject consistency by DINO, background consistency by CLIP, aesthetic quality by a linear head on
CLIP, all from weights that are given, and temporal flickering, which needs none. All are 0…100 and
compare with figures of the same weights only: VBench takes DINO ViT-B/16, CLIP ViT-B/32 and, under
LAION's aesthetic head, CLIP ViT-L/14. Its motion smoothness (AMT), dynamic degree (RAFT) and
imaging quality (MUSIQ) need networks that no library here has, and are left out.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from any2caption.errors import ConfigError, InputError
from any2caption.evaluation.figures.likeness import Clip, Dino, Frames


def consistency(vectors: torch.Tensor) -> float:
    """Return how alike a clip's frames are to the first and to the one before, 0…100.

    `vectors` are T×D, of length 1; cosines below 0 count as 0.

    Raises:
        InputError: fewer than two frames.
    """
    if len(vectors) < 2:  # noqa: PLR2004 - one frame is like nothing
        raise InputError("a clip needs two frames to be consistent")
    first = (vectors[1:] @ vectors[0]).clamp(min=0)
    before = (vectors[1:] * vectors[:-1]).sum(-1).clamp(min=0)
    return 100 * float((first + before).mean() / 2)


def subject_consistency(dino: Dino, frames: Frames) -> float:
    """Return how far the subject stays itself, by DINO's [CLS] token, 0…100."""
    return consistency(dino.vectors(frames))


def background_consistency(clip: Clip, frames: Frames) -> float:
    """Return how far the scene stays itself, by CLIP's picture vectors, 0…100."""
    return consistency(clip.vectors(frames))


def temporal_flickering(frames: Frames) -> float:
    """Return 100 less the mean absolute difference of neighbouring frames, in percent of 255.

    Meant for clips of scenes that stand still: what moves flickers too.

    Raises:
        InputError: fewer than two frames.
    """
    if len(frames) < 2:  # noqa: PLR2004 - as above
        raise InputError("a clip needs two frames to flicker")
    change = np.abs(np.diff(frames.astype(np.int16), axis=0)).mean()
    return 100 * (1 - float(change) / 255)


class Aesthetic:
    """A linear head on CLIP's picture vectors: `weight` 1×D and `bias` 1 in a safetensors file."""

    def __init__(self, clip: Clip, head: Path) -> None:
        self._clip = clip
        try:
            found = load_file(head)
            self._weight, self._bias = found["weight"].float(), found["bias"].float()
        except (OSError, SafetensorError, KeyError) as error:
            line = str(error).splitlines()[0] if str(error) else "empty"
            raise ConfigError(f"{head}: no aesthetic head (weight, bias): {line}") from error
        if self._weight.shape != (1, clip.size):
            shape = "×".join(map(str, self._weight.shape))
            raise ConfigError(f"{head}: weight is {shape}, CLIP's vectors have {clip.size} numbers")

    def quality(self, frames: Frames) -> float:
        """Return the mean of the frames' scores, of 10, in percent."""
        return 10 * float((self._clip.vectors(frames) @ self._weight.T + self._bias).mean())
