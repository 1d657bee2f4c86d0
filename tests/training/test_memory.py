"""The memory estimate: exact where parameters decide, close where activations do."""

from dataclasses import replace

import pytest
import torch

from any2caption.model.any2caption import Any2Caption
from any2caption.model.presets import QWEN2_VL_7B, TINY
from any2caption.training.data.stage_batches import Source
from any2caption.training.hardware import visible_gpus
from any2caption.training.objective.objective import Objective
from any2caption.training.objective.trainable import parameter_groups
from any2caption.training.planning.facts import _stage_data
from any2caption.training.planning.memory import BUCKET, Memory, estimate, shortage, size
from any2caption.training.planning.parameters import count
from any2caption.training.planning.types import Facts, Longest, Machine, StageData
from any2caption.training.recipes.builtin import PAPER, SMOKE
from any2caption.training.recipes.schema import MODULES

from .conftest import short

NONE = Longest()
STAGE = SMOKE.stages[-1]


def given(stage=STAGE, *, longest=NONE, device="cpu", recipe=None, **values):
    """The facts of a run of one stage that trains 1000 of 3000 parameters."""
    whole = replace(SMOKE, stages=(stage,), **(recipe or {}))
    facts = {
        "config": TINY,
        "world_size": 2,
        "trained": [{"language": 1000}],
        "parameters": {"language": 3000},
        "machine": Machine(device=device, name="here", devices=2, available=None),
        **values,
    }
    data = (StageData(samples=1, longest=longest),)
    return Facts(recipe=whole, snapshot="", stages=data, encoded_tokens=0, **facts)


def memory(zero, world_size, device="cpu"):
    return estimate(given(world_size=world_size, device=device, recipe={"zero": zero}), 0)


def test_zero_divides_moments_then_gradients_then_weights():
    plain = memory(0, 4)
    assert (plain.weights, plain.gradients, plain.moments) == (12000, 4000, 8000)
    assert [memory(z, 4).moments for z in (1, 2, 3)] == [3000] * 3  # with a copy of the weights
    assert [memory(z, 4).gradients for z in (1, 2, 3)] == [4000, 1000, 1000]
    assert [memory(z, 4).weights for z in (1, 2, 3)] == [12000, 12000, 3000]
    assert memory(2, 4, "gpu").exchange == 4 * BUCKET
    assert memory(0, 1).exchange == 0


def test_the_7b_preset_is_counted_without_building_it():
    """Its published size is 8.29 G parameters; ours are a second vision tower and a camera."""
    counts = count(QWEN2_VL_7B, {}, PAPER)
    assert counts.all["vision"] == counts.all["motion"] == 675_759_104
    assert counts.all["language"] + counts.all["lm_head"] + counts.all["vision"] == 8_291_375_616
    assert counts.trained[0] == {**dict.fromkeys(MODULES, 0), "camera": counts.all["camera"]}
    assert counts.trained[2] == {**dict.fromkeys(MODULES, 0), "lm_head": 152064 * 3584}


def test_counts_are_those_of_the_model_that_is_trained(data):
    for tuning in ("full", "lora", "lm_head"):
        recipe = replace(SMOKE, language_tuning=tuning)
        counts = count(data.config, data.classes(), recipe)
        objective = Objective(Any2Caption(data.config), data.classes(), bf16=False)
        if tuning != "lora":
            assert counts.total == sum(p.numel() for p in objective.parameters())
            for stage, trained in zip(recipe.stages, counts.trained, strict=True):
                groups = parameter_groups(objective, recipe, stage)
                found = sum(p.numel() for group in groups for p in group["params"])
                assert sum(trained.values()) == found
        else:
            layers, width, kv = 4, 192, 96
            lora = layers * 16 * (2 * (width + width) + 2 * (width + kv))
            assert counts.trained[-1]["language"] == lora


@pytest.mark.parametrize("number", range(4), ids=[stage.name for stage in SMOKE.stages])
def test_activations_are_what_torch_keeps_within_a_factor_of_two(data, number):
    recipe = short()
    stage = replace(recipe.stages[number], encode_once=False)
    objective = Objective(Any2Caption(data.config), data.classes(), bf16=False)
    parameter_groups(objective, recipe, stage)
    batch = Source(data, data.processor(), stage, recipe.seed)(0, 0, 1)
    kept: dict[int, int] = {}
    own = {p.untyped_storage().data_ptr() for p in objective.parameters()}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss, _ = objective(batch, 0.0)
    assert loss.requires_grad
    longest = _stage_data(data, stage).longest
    if stage.objective != "classify":  # this batch, which need not hold the longest record
        rows, tokens = batch.input_ids.shape
        targets = int((batch.labels >= 0).sum()) // rows
        assert longest.tokens >= tokens - 8  # rows are padded to a multiple of eight
        assert longest.targets >= targets
        longest = replace(longest, tokens=tokens, targets=targets)
    trained = [dict.fromkeys(stage.train, 1)]
    facts = given(stage, longest=longest, config=data.config, trained=trained, world_size=1)
    guess = estimate(facts, 0).activations
    assert 0.5 < guess / sum(kept.values()) < 2, (guess, sum(kept.values()))


def test_a_bigger_batch_a_longer_record_and_fewer_ranks_need_more():
    longest = Longest(tokens=300, targets=200)

    def of(stage=STAGE, longest=longest, **values):
        return estimate(given(stage, longest=longest, **values), 0).activations

    assert of(replace(STAGE, batch=64)) == 2 * of()
    assert of(longest=Longest(tokens=600, targets=400)) > 2 * of()
    assert of(world_size=1) == 2 * of()


def test_bf16_offload_accumulation_and_recomputation_each_spare_their_part():
    longest = Longest(tokens=300, targets=200)

    def of(stage=STAGE, device="gpu", **recipe):
        facts = given(stage, longest=longest, device=device, recipe={"zero": 3, **recipe})
        return estimate(facts, 0)

    plain = of()
    half = of(precision="bf16")
    assert half.weights == plain.weights // 2
    assert half.activations < plain.activations
    assert (half.moments, half.gradients) == (plain.moments, plain.gradients)
    assert of(offload="optimizer").moments == 0
    assert of(offload="parameters").weights == 0
    assert of(offload="parameters", device="cpu") == of(device="cpu")  # the same memory
    assert of(replace(STAGE, accumulate=4)).activations * 4 == plain.activations
    scores = 4 * 16 * 3 * TINY.text.vocab_size * 200
    layers = plain.activations - scores
    again = of(checkpoint_activations=True).activations - scores
    assert layers / TINY.text.layers < again < layers / 2
    masters = of(zero=0, precision="bf16").moments - of(zero=0).moments
    assert masters == 4 * 1000


def sized(certain, activations):
    zeros = dict.fromkeys(("gradients", "moments", "exchange", "encoded", "saving", "libraries"), 0)
    return Memory(weights=certain, activations=activations, **zeros)


def test_short_memory_warns_and_far_too_little_refuses():
    machine = Machine(device="cpu", name="this machine", devices=2, available=1000)
    assert shortage(sized(100, 800), machine) == ("", "")
    warning, refusal = shortage(sized(100, 1500), machine)
    assert warning.startswith("memory may be short")
    assert not refusal
    assert shortage(sized(100, 2000), machine)[1].startswith("too little memory: about")
    assert shortage(sized(1001, 0), machine)[1]  # weights alone do not fit: certain
    unknown = replace(machine, available=None)
    assert "not known" in shortage(sized(10**15, 0), unknown)[0]


def test_sizes_are_readable():
    assert [size(n) for n in (12, 1400, 3 << 20, 5 << 30, 2 << 40)] == [
        "12 B",
        "1.37 KiB",
        "3 MiB",
        "5 GiB",
        "2,048 GiB",
    ]


def test_heads_of_kinds_with_an_underscore_are_trained(data):
    classes = {"masked_image": {"object": ["box", "ball"]}, "image": {"object": ["box", "ball"]}}
    objective = Objective(Any2Caption(data.config), classes, bf16=False)
    stage = replace(STAGE, objective="classify", train=("heads",), kinds=("masked_image",))
    parameter_groups(objective, SMOKE, stage)
    trained = {n for n, p in objective.heads.named_parameters() if p.requires_grad}
    assert trained == {"heads.masked_image_object.weight", "heads.masked_image_object.bias"}


@pytest.mark.parametrize(
    ("value", "left"),
    [(None, [0, 1, 2, 3]), ("", []), ("2", [2]), ("3,1", [3, 1]), ("0,-1,1", [0]), ("0,9", [0]),
     ("GPU-8932f937,GPU-0b1c", [0, 1])],
)  # fmt: skip
def test_cuda_visible_devices_limits_the_gpus_that_are_counted(monkeypatch, value, left):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if value is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert visible_gpus(4) == left
