"""What alignment's heads read of an encoder's tokens."""

import pytest
import torch

from any2caption.model.presets import preset
from any2caption.training.data.collate import Answers
from any2caption.training.objective.phrase_heads import Heads, most_tokens

CONFIG = preset("tiny")
CLASSES = {kind: {"action": ["bow", "jump"]} for kind in ("image", "pose", "depth", "video")}


def loss_of(heads, kind, tokens):
    tower = "motion" if kind == "pose" else "vision"
    answers = [Answers(kind, (0, len(tokens)), {"action": ("jump",)})]
    total, weight = heads({tower: tokens}, answers)
    assert weight == 1
    return float(total.detach())


@pytest.mark.parametrize(
    ("kind", "alike"), [("image", True), ("pose", True), ("depth", False), ("video", False)]
)
def test_pictures_and_poses_are_read_by_the_mean_of_their_tokens(kind, alike):
    torch.manual_seed(0)
    heads = Heads(CONFIG, CLASSES)
    tokens = torch.randn(most_tokens(CONFIG, kind), CONFIG.rows)
    assert len(tokens) > 1
    turned = loss_of(heads, kind, tokens.flip(0))
    assert (turned == pytest.approx(loss_of(heads, kind, tokens), abs=1e-5)) == alike
