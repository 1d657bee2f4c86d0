"""What only a GPU can show: real kernels, and a step there equal to the same step on a CPU."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from any2caption.model.decoder import Decoder
from any2caption.model.encoders.plucker import plucker_patches
from any2caption.model.fused import packed_attention
from any2caption.model.fused.linear_cross_entropy import linear_cross_entropy
from any2caption.model.inference import decoder_inputs
from any2caption.model.presets import QWEN2_VL_7B, TINY
from any2caption.training.data.collate import Batch
from any2caption.training.objective.objective import Objective
from any2caption.training.reinforce.rollouts import encode

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]


def poses(count, device):
    torch.manual_seed(0)
    c2w = torch.cat([torch.linalg.qr(torch.randn(count, 3, 3))[0], torch.randn(count, 3, 1)], -1)
    lens = torch.tensor([0.6, 0.9, 0.5, 0.5]) + 0.2 * torch.rand(count, 4)
    return torch.cat([lens, c2w.flatten(1)], 1).to(device)


@pytest.mark.parametrize("config", [TINY.camera, QWEN2_VL_7B.camera], ids=["tiny", "7b"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_compiled_triton_kernel_equals_the_eager_twin_on_a_cpu(config, dtype):
    from any2caption.model.encoders.plucker_triton import plucker_patches as fused

    given, mean = poses(5, "cpu"), torch.randn(6, config.size, config.size)
    scale = 0.5 + torch.rand(6)
    ours = fused(given.cuda(), mean.cuda(), scale.cuda(), config, dtype).cpu()
    eager = plucker_patches(given, mean, scale, config, dtype)
    assert ours.shape == eager.shape
    error = (ours.double() - eager.double()).norm() / eager.double().norm()
    assert error < (1e-5 if dtype == torch.float32 else 3e-3)


@pytest.mark.parametrize("kernels", ["eager", "liger"])
@pytest.mark.parametrize("equal", [True, False], ids=["equal weights", "unequal weights"])
def test_the_fused_loss_equals_float64(kernels, equal):
    torch.manual_seed(1)
    hidden, weight = torch.randn(300, 64), torch.randn(1000, 64) * 0.1
    targets = torch.randint(1000, (300,))
    weights = torch.full((300,), 0.5) if equal else torch.rand(300)
    both = [t.clone().cuda().requires_grad_() for t in (hidden, weight)]
    loss = linear_cross_entropy(*both, targets.cuda(), weights.cuda(), kernels, rows=128)
    found = torch.autograd.grad(2 * loss, both)
    exact = [t.double().requires_grad_() for t in (hidden, weight)]
    losses = torch.nn.functional.cross_entropy(exact[0] @ exact[1].T, targets, reduction="none")
    wanted = torch.autograd.grad(2 * (losses * weights.double()).sum(), exact)
    for one, other in zip(found, wanted, strict=True):
        assert (one.cpu().double() - other).norm() / other.norm() < 1e-3


def batch_of(processor, conditions):
    """Two records, each with every condition in another order of length, and a caption."""
    rows = []
    for kinds in (("image", "depth", "camera"), ("video", "pose", "camera", "image")):
        inputs = processor.assemble(
            "Show two red balls.", [processor.features(conditions[k]) for k in kinds]
        )
        caption = np.asarray(processor.caption_ids("1. Dense caption: two red balls."), np.int64)
        rows.append((inputs, caption))
    longest = max(len(i.input_ids) + len(c) for i, c in rows)
    ids, types = (torch.zeros(2, longest, dtype=torch.int64) for _ in range(2))
    labels, weights = torch.full((2, longest), -1), torch.zeros(2, longest)
    positions = torch.zeros(3, 2, longest, dtype=torch.int64)
    for row, (inputs, caption) in enumerate(rows):
        start, end = len(inputs.input_ids), len(inputs.input_ids) + len(caption)
        ids[row, :end] = torch.from_numpy(np.concatenate([inputs.input_ids, caption]))
        types[row, :start] = torch.from_numpy(inputs.token_types)
        labels[row, start - 1 : end - 1] = torch.from_numpy(caption)
        weights[row, start - 1 : end - 1] = 1
        positions[:, row, :start] = torch.from_numpy(inputs.position_ids)
        positions[:, row, start:end] = inputs.position_ids.max() + 1 + torch.arange(len(caption))
    joined = {
        name: torch.from_numpy(np.concatenate([getattr(inputs, name) for inputs, _ in rows]))
        for name in (
            "vision_patches",
            "vision_grid",
            "motion_patches",
            "motion_grid",
            "camera_poses",
        )
    }
    return Batch(
        ids=("a", "b"),
        input_ids=ids,
        positions=positions,
        types=types,
        labels=labels,
        weights=weights,
        vision=joined["vision_patches"],
        vision_grid=joined["vision_grid"],
        motion=joined["motion_patches"],
        motion_grid=joined["motion_grid"],
        camera=joined["camera_poses"],
        answers=(),
        tokens=int((labels >= 0).sum()),
    )


def on_gpu(batch):
    values = {f.name: getattr(batch, f.name) for f in dataclasses.fields(batch)}
    return type(batch)(**{k: v.cuda() if torch.is_tensor(v) else v for k, v in values.items()})


@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
def test_a_training_step_on_a_gpu_equals_the_step_on_a_cpu(model, processor, conditions, bf16):
    batch = batch_of(processor, conditions)
    here = Objective(copy.deepcopy(model).train(), {}, bf16=False)
    there = Objective(copy.deepcopy(model).train(), {}, bf16=bf16).cuda()
    results = []
    for objective, given in ((here, batch), (there, on_gpu(batch))):
        loss, weight = objective(given, 0.0)
        (loss / weight).backward()
        norm = torch.stack(
            [p.grad.float().norm() for p in objective.parameters() if p.grad is not None]
        )
        results.append((float(loss.detach()), norm.cpu(), float(weight)))
    (loss, norms, weight), (loss_there, norms_there, weight_there) = results
    assert weight == weight_there
    assert loss_there == pytest.approx(loss, rel=1e-2 if bf16 else 1e-4)
    assert norms.shape == norms_there.shape
    error = (norms - norms_there).norm() / norms.norm()
    assert error < (3e-2 if bf16 else 1e-3)


def test_captions_written_on_a_gpu_equal_those_of_a_cpu(model, processor, conditions):
    inputs = processor.assemble(
        "Show two red balls.",
        [processor.features(conditions[k]) for k in ("image", "pose", "camera")],
    )
    written = []
    for device in (torch.device("cpu"), torch.device("cuda")):
        own = copy.deepcopy(model).eval().to(device)
        rows = [part.cpu().numpy() for part in encode(own, inputs, device)]
        batch = [decoder_inputs(inputs, *rows)] * 2
        written.append(Decoder.from_model(own, processor).generate_ids(batch))
    assert written[0] == written[1]


def test_attention_within_packed_documents_equals_each_document_alone():
    torch.manual_seed(2)
    lengths = [[70, 33, 20], [5, 96]]
    layout = packed_attention.lay_out(lengths, 128)
    query, key, value = (
        torch.randn(256, heads, 64, device="cuda", dtype=torch.bfloat16) for heads in (4, 2, 2)
    )
    found = packed_attention.attend(query, key, value, layout.to("cuda"), 0.125)
    for row, sizes in enumerate(lengths):
        at = row * 128
        for size in sizes:
            q, k, v = (x[at : at + size].transpose(0, 1)[None].float() for x in (query, key, value))
            alone = torch.nn.functional.scaled_dot_product_attention(
                q, k, v, is_causal=True, scale=0.125, enable_gqa=True
            )[0].transpose(0, 1)
            error = (found[at : at + size].float() - alone).norm() / alone.norm()
            assert error < 1e-2
            at += size
