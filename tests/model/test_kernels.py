"""The fused operations equal their eager twins; Triton's run through its interpreter on a CPU."""

import importlib
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from any2caption.errors import ConfigError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.config import CameraConfig
from any2caption.model.encoders.camera import CameraEncoder
from any2caption.model.encoders.plucker import patchify, plucker_maps, plucker_patches
from any2caption.model.fused import kernels, linear_cross_entropy
from any2caption.model.fused.linear_cross_entropy import LossHead
from any2caption.model.presets import QWEN2_VL_7B, TINY

SMALL = CameraConfig(frames=2, size=24, patch=3, width=32, depth=1, heads=2, unshuffle=2)


def poses(count, seed=0):
    """Random cameras: proper rotations, centres and lenses, all different."""
    torch.manual_seed(seed)
    rotations = torch.linalg.qr(torch.randn(count, 3, 3))[0]
    c2w = torch.cat([rotations, torch.randn(count, 3, 1)], -1)
    lens = torch.tensor([0.6, 0.9, 0.5, 0.5]) + 0.2 * torch.rand(count, 4)
    return torch.cat([lens, c2w.flatten(1)], 1)


def statistics(config):
    torch.manual_seed(1)
    return torch.randn(6, config.size, config.size), 0.5 + torch.rand(6)


@pytest.fixture
def interpreted(monkeypatch):
    """The Triton kernel's module, decorated for the interpreter."""
    name = "any2caption.model.encoders.plucker_triton"
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module(name)
    sys.modules.pop(name, None)


def test_patches_hold_the_pixels_that_unshuffling_and_cutting_give():
    maps = torch.arange(6 * 24 * 24, dtype=torch.float32).view(1, 6, 24, 24)
    patches = patchify(maps, SMALL)[0].view(4, 4, 6, 2, 2, 3, 3)
    for gy, gx, channel, uy, ux, py, px in [(0, 0, 0, 0, 0, 0, 0), (3, 1, 4, 1, 0, 2, 1)]:
        row, column = (gy * 3 + py) * 2 + uy, (gx * 3 + px) * 2 + ux
        assert patches[gy, gx, channel, uy, ux, py, px] == maps[0, channel, row, column]


@pytest.mark.parametrize(
    "config",
    [TINY.camera, SMALL, replace(QWEN2_VL_7B.camera, size=64)],
    ids=["tiny", "odd sizes", "the paper's patch"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_triton_kernel_equals_its_eager_twin(interpreted, config, dtype):
    given, (mean, scale) = poses(3), statistics(config)
    ours = interpreted.plucker_patches(given, mean, scale, config, dtype)
    eager = plucker_patches(given, mean, scale, config, dtype)
    assert ours.shape == eager.shape == (3, config.patches, config.in_channels * config.patch**2)
    assert ours.dtype == dtype
    exact = plucker_maps(given.double(), config.size)
    exact = patchify((exact - mean.double()) / scale.double()[:, None, None], config)
    error = (ours.double() - exact).norm() / exact.norm()
    assert error < (1e-6 if dtype == torch.float32 else 4e-3)
    torch.testing.assert_close(
        ours, eager, rtol=1e-5 if dtype == torch.float32 else 1e-2, atol=1e-5
    )


def test_the_triton_kernel_writes_every_number_and_takes_no_poses(interpreted, monkeypatch):
    mean, scale = statistics(SMALL)
    monkeypatch.setattr(torch, "empty", lambda *size, **how: torch.full(size, torch.nan, **how))
    found = interpreted.plucker_patches(poses(2), mean, scale, SMALL, torch.float32)
    assert found.isfinite().all()
    assert interpreted.plucker_patches(poses(0), mean, scale, SMALL, torch.float32).shape[0] == 0


def test_the_camera_encoder_gives_the_same_with_either_kernel(interpreted):
    encoder = CameraEncoder(TINY.camera, 48).eval()
    encoder.fit_normalisation(poses(16).view(2, 8, 16))
    given = poses(24, seed=2).view(3, 8, 16)
    tokens = {}
    for encoder.kernels in ("eager", "triton"):
        with torch.no_grad():
            tokens[encoder.kernels] = encoder(given)
    torch.testing.assert_close(tokens["triton"], tokens["eager"], rtol=1e-4, atol=1e-5)


def by_torch(hidden, weight, targets, weights):
    losses = nn.functional.cross_entropy((hidden @ weight.T).float(), targets, reduction="none")
    return (losses * weights).sum()


def operands(rows=37, width=16, vocabulary=53, dtype=torch.float64):
    torch.manual_seed(3)
    hidden = torch.randn(rows, width, dtype=dtype, requires_grad=True)
    weight = torch.randn(vocabulary, width, dtype=dtype, requires_grad=True)
    return hidden, weight, torch.randint(vocabulary, (rows,)), torch.rand(rows)


@pytest.mark.parametrize("rows", [0, 1, 7, 37, 100])
def test_the_chunked_loss_and_its_gradients_equal_plain_cross_entropy(rows):
    hidden, weight, targets, weights = operands(dtype=torch.float32)
    ours = linear_cross_entropy.linear_cross_entropy(hidden, weight, targets, weights, rows=rows)
    found = torch.autograd.grad(3 * ours, (hidden, weight))
    plain = by_torch(hidden, weight, targets, weights)
    wanted = torch.autograd.grad(3 * plain, (hidden, weight))
    torch.testing.assert_close(ours, plain)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_the_chunked_loss_finds_only_the_gradients_that_are_asked_for():
    hidden, weight, targets, weights = operands(dtype=torch.float32)
    both = torch.autograd.grad(
        linear_cross_entropy.linear_cross_entropy(hidden, weight, targets, weights, rows=8),
        (hidden, weight),
    )
    for frozen, wanted in ((hidden, both[1]), (weight, both[0])):
        frozen.requires_grad_(False)
        loss = linear_cross_entropy.linear_cross_entropy(hidden, weight, targets, weights, rows=8)
        [found] = torch.autograd.grad(loss, weight if frozen is hidden else hidden)
        torch.testing.assert_close(found, wanted)
        frozen.requires_grad_(True)
    with torch.no_grad():
        value = linear_cross_entropy.linear_cross_entropy(hidden, weight, targets, weights)
    assert not value.requires_grad


def test_no_rows_give_a_loss_of_zero_and_gradients_of_zero():
    hidden, weight, targets, weights = operands(rows=0, dtype=torch.float32)
    loss = linear_cross_entropy.linear_cross_entropy(hidden, weight, targets, weights)
    assert loss == 0
    assert not torch.autograd.grad(loss, weight)[0].any()


def test_a_second_way_back_is_refused_and_not_wrong():
    hidden, weight, targets, weights = operands(dtype=torch.float32)
    loss = linear_cross_entropy.linear_cross_entropy(hidden, weight, targets, weights)
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="only once"):
        loss.backward()


def test_under_autocast_the_chunked_loss_equals_plain_cross_entropy_in_bfloat16():
    hidden, weight, targets, weights = operands(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours = linear_cross_entropy.linear_cross_entropy(hidden, weight, targets, weights, rows=8)
        plain = by_torch(hidden, weight, targets, weights)
    torch.testing.assert_close(ours, plain, rtol=2e-3, atol=0.0)
    found, wanted = (torch.autograd.grad(x, (hidden, weight)) for x in (ours, plain))
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == torch.float32
        assert (one - other).norm() / other.norm() < 1e-2


def test_the_head_gives_the_loss_of_its_own_scores_and_stays_tied():
    torch.manual_seed(0)
    model = Any2Caption(TINY)
    head = model.mllm.lm_head
    assert isinstance(head, LossHead)
    assert head.weight is model.mllm.get_input_embeddings().weight
    hidden, targets, weights = torch.randn(9, 192), torch.randint(2000, (9,)), torch.rand(9)
    plain = nn.functional.cross_entropy(model.logits(hidden), targets, reduction="none")
    torch.testing.assert_close(model.loss(hidden, targets, weights), (plain * weights).sum())


def test_auto_takes_what_the_device_and_the_packages_allow(monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    there = set()
    monkeypatch.setattr(kernels, "installed", there.__contains__)
    assert kernels.chosen("auto", gpu) == "eager"
    there.add("triton")
    assert kernels.chosen("auto", gpu) == "triton"
    there.add("liger_kernel")
    assert kernels.chosen("auto", gpu) == "liger"
    assert kernels.chosen("auto", cpu) == "eager"
    assert kernels.chosen("eager", gpu) == "eager"


def test_a_kernel_that_cannot_run_is_refused_by_name(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    there = set()
    monkeypatch.setattr(kernels, "installed", there.__contains__)
    kernels.check_kernels("auto", gpu=False)
    kernels.check_kernels("eager", gpu=True)
    with pytest.raises(ConfigError, match=r"needs triton and liger_kernel .*not installed"):
        kernels.check_kernels("liger", gpu=True)
    there |= {"triton", "liger_kernel"}
    kernels.check_kernels("liger", gpu=True)
    with pytest.raises(ConfigError, match="kernels=triton needs a GPU and none is here"):
        kernels.check_kernels("triton", gpu=False)


LIGER = """
import torch
from any2caption.model.fused.linear_cross_entropy import linear_cross_entropy

torch.manual_seed(0)
hidden, weight = torch.randn(20, 16).requires_grad_(), torch.randn(53, 16).requires_grad_()
targets = torch.randint(53, (20,))
for weights in (torch.full((20,), 0.5), torch.rand(20)):
    found = {}
    for name in ("eager", "liger"):
        loss = linear_cross_entropy(hidden, weight, targets, weights, name)
        found[name] = (loss, *torch.autograd.grad(2 * loss, (hidden, weight)))
    torch.testing.assert_close(found["liger"], found["eager"], rtol=1e-4, atol=1e-5)
print("equal")
"""


def test_ligers_loss_equals_its_eager_twin_with_equal_and_with_unequal_weights():
    environment = {**os.environ, "TRITON_INTERPRET": "1"}  # read when triton is first imported
    done = subprocess.run(
        [sys.executable, "-c", LIGER], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "equal\n", done.stderr
