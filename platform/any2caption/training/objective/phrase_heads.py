"""Linear heads that name, from an encoder's tokens, what the condition determines.

The paper aligns encoders with movement and action phrases through a pre-trained language model; a
model that starts from nothing has none yet, so here the phrases are classes. The heads stay as an
auxiliary loss and are not part of the bundle.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from any2caption.model.config import ModelConfig
from any2caption.model.processing.processor import TOWERS
from any2caption.training.data.collate import Answers


def most_tokens(config: ModelConfig, kind: str) -> int:
    """The most encoder tokens of one item of a kind, where pictures have one size."""
    cell = config.vision.patch * config.vision.merge
    if TOWERS[kind] == "camera":
        return config.camera.frames
    if TOWERS[kind] == "motion":
        return config.processor.motion_frames // 2 * (config.processor.motion_size // cell) ** 2
    if kind == "image":
        return (config.processor.image_size // cell) ** 2
    return config.processor.video_frames // 2 * (config.processor.video_size // cell) ** 2


_BY_MEAN = frozenset({"image", "pose"})


class Heads(nn.Module):
    """A linear classifier per kind and slot.

    It reads the mean of a picture's or a pose's tokens, as a language model's attention does, which
    can't read a code that differs from token to token. Clips' tokens are read flattened, or by
    their mean too where sizes vary.
    """

    def __init__(
        self, config: ModelConfig, classes: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> None:
        super().__init__()
        one_size = config.processor.resize == "letterbox"
        self.tokens = {
            kind: most_tokens(config, kind) if one_size and kind not in _BY_MEAN else 1
            for kind in TOWERS
        }
        self.index = {
            kind: {slot: {name: i for i, name in enumerate(names)} for slot, names in slots.items()}
            for kind, slots in classes.items()
        }
        self.heads = nn.ModuleDict(
            {
                f"{kind}_{slot}": nn.Linear(self.tokens[kind] * config.rows, len(names))
                for kind, slots in classes.items()
                for slot, names in slots.items()
            }
        )
        self.slot_weights: Mapping[str, float] = {}
        """Weights of slots in the sums, of the stage that is trained; 1 where there is none."""

    def forward(
        self, outputs: Mapping[str, Tensor], answers: Sequence[Answers], *, in_step: bool = False
    ) -> tuple[Tensor, float]:
        """Cross-entropy summed over all (item, slot) pairs by slots' weights, and their sum.

        `outputs` are tower → tokens (N, rows). `in_step` runs the heads of these towers that
        have no answer too, on no rows, so that all ranks run the same ones.
        """
        total, weight = torch.zeros(()), 0.0
        for kind in self.index:
            found = [answer for answer in answers if answer.kind == kind]
            if not found and not (in_step and TOWERS[kind] in outputs):
                continue
            items = self._items(kind, outputs[TOWERS[kind]], found)
            for slot, index in self.index[kind].items():
                rows = [i for i, answer in enumerate(found) if self._known(answer, slot, index)]
                if rows or in_step:
                    targets = torch.zeros(len(rows), len(index))
                    for i, row in enumerate(rows):
                        names = [index[n] for n in found[row].slots[slot] if n in index]
                        targets[i, names] = 1 / len(names)
                    scores = self.heads[f"{kind}_{slot}"](items[rows]).float()
                    own = self.slot_weights.get(slot, 1.0)
                    total = total + own * nn.functional.cross_entropy(
                        scores, targets.to(scores.device), reduction="sum"
                    )
                    weight += own * len(rows)
        return total, weight

    def weight(self, answers: Sequence[Answers]) -> float:
        """The weight that `forward` would sum over."""
        return math.fsum(
            self.slot_weights.get(slot, 1.0)
            for answer in answers
            for slot, index in self.index.get(answer.kind, {}).items()
            if self._known(answer, slot, index)
        )

    @staticmethod
    def _known(answer: Answers, slot: str, index: Mapping[str, int]) -> bool:
        return any(name in index for name in answer.slots.get(slot, ()))

    def _items(self, kind: str, tokens: Tensor, found: Sequence[Answers]) -> Tensor:
        """Items as rows (n, width)."""
        size = self.tokens[kind]
        if size == 1:
            if not found:
                return tokens.new_zeros(0, tokens.shape[-1])
            return torch.stack([tokens[slice(*answer.rows)].mean(0) for answer in found])
        out = tokens.new_zeros(len(found), size, tokens.shape[-1])
        for i, answer in enumerate(found):
            rows = tokens[slice(*answer.rows)][:size]
            out[i, : len(rows)] = rows
        return out.flatten(1)
