"""VBench's figures by tiny random weights: held to their definitions, frame by frame."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from any2caption.conditions.io.clips import encode_mp4
from any2caption.errors import ConfigError, InputError
from any2caption.evaluation.figures import vbench
from any2caption.evaluation.figures.likeness import Clip

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

RNG = np.random.default_rng(5)
FRAMES = RNG.integers(0, 256, (4, 32, 48, 3), dtype=np.uint8)
STILL = np.repeat(FRAMES[:1], 3, axis=0)


def test_consistency_is_the_mean_of_likeness_to_the_first_and_to_the_one_before():
    angles = torch.tensor([0.0, 1.0, 2.5, 0.5])
    vectors = torch.stack([angles.cos(), angles.sin()], -1)
    cosine = np.cos
    pairs = [(1.0, 1.0), (2.5, 1.5), (0.5, 2.0)]  # to the first, to the one before
    right = np.mean([(max(0, cosine(one)) + max(0, cosine(other))) / 2 for one, other in pairs])
    assert vbench.consistency(vectors) == pytest.approx(100 * right, abs=1e-4)


def test_a_clip_that_stands_still_is_consistent_and_does_not_flicker(clip_folder):
    assert vbench.background_consistency(Clip(clip_folder), STILL) == pytest.approx(100, abs=1e-3)
    assert vbench.temporal_flickering(STILL) == 100.0


def test_flickering_is_the_mean_change_of_neighbours():
    change = np.mean([np.abs(a.astype(int) - b) for a, b in zip(FRAMES[1:], FRAMES, strict=False)])
    assert vbench.temporal_flickering(FRAMES) == pytest.approx(100 * (1 - change / 255))


def test_aesthetic_quality_is_the_head_s_mean_score(clip_folder, tmp_path):
    clip, head = Clip(clip_folder), tmp_path / "head.safetensors"
    weight, bias = torch.randn(1, clip.size), torch.tensor([5.0])
    save_file({"weight": weight, "bias": bias}, head)
    right = 10 * float((clip.vectors(FRAMES) @ weight.T + bias).mean())
    assert vbench.Aesthetic(clip, head).quality(FRAMES) == pytest.approx(right, abs=1e-4)
    save_file({"weight": weight[:, :-1].contiguous(), "bias": bias}, head)
    with pytest.raises(ConfigError, match="CLIP's vectors have"):
        vbench.Aesthetic(clip, head)
    head.write_bytes(b"no weights")
    with pytest.raises(ConfigError, match="no aesthetic head"):
        vbench.Aesthetic(clip, head)


def test_one_frame_has_no_such_figure():
    with pytest.raises(InputError, match="two frames"):
        vbench.temporal_flickering(FRAMES[:1])
    with pytest.raises(InputError, match="two frames"):
        vbench.consistency(torch.ones(1, 2))


def test_the_command_prints_a_row_for_each_clip(clip_folder, tmp_path, capsys, monkeypatch):
    import vbench as command

    (tmp_path / "a.mp4").write_bytes(encode_mp4(FRAMES, 8.0))
    monkeypatch.setattr(sys, "argv", ["vbench.py", str(tmp_path), "--clip", str(clip_folder)])
    command.main()
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "| clip | temporal flickering | background consistency |"
    assert told[2].startswith("| a.mp4 | ")
    assert told[3].startswith("| mean of 1 | ")
