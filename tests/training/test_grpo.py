"""GRPO on a small random model."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from any2caption.errors import ConfigError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.processing.processor import LABELS
from any2caption.progress import ProgressLog
from any2caption.training.context import RunContext
from any2caption.training.data.prepared import Prepared
from any2caption.training.loop.metrics import Metrics
from any2caption.training.loop.trainer import Trainer
from any2caption.training.objective.objective import Objective
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import SMOKE
from any2caption.training.recipes.checks import check_recipe
from any2caption.training.recipes.schema import Reinforce, Stage
from any2caption.training.reinforce.grpo import ReinforceSource, advantages_of
from any2caption.training.reinforce.rollouts import drawn

from .conftest import tiny_of

STAGE = Stage(
    name="reinforce",
    objective="reinforce",
    train=("language", "lm_head"),
    steps=2,
    batch=2,
    lr=3e-3,
    warmup=0,
    weight_decay=0.0,
    reasoning=True,
    reinforce=Reinforce(rollouts=6, max_new_tokens=10),
    share=1.0,
)
RECIPE = replace(SMOKE, stages=(STAGE,), name="grpo", precision="fp32")


@pytest.fixture(scope="module")
def facts(settings, snapshot):
    return prepare(settings, tiny_of(snapshot.id, RECIPE), settings.home / "facts", workers=1)


def vowels(_, text):
    return text.count("e") / max(1, len(text))


def learned(data, folder, steps, judge=None):
    """Train from a fixed beginning; returns (mean reward a step, weights)."""
    torch.manual_seed(0)
    model = Any2Caption(data.config)
    objective = Objective(model, {}, bf16=False)
    objective.requires_grad_(False)
    model.language.requires_grad_(True)
    trained = [p for p in objective.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=STAGE.lr, weight_decay=0.0)
    folder.mkdir()
    source = ReinforceSource(data, data.processor(), STAGE, 1, objective, folder, judge)
    rewards = []
    for step in range(steps):
        batch = source(step, 0, 1)
        loss, weight = objective(batch, 0.0)
        optimizer.zero_grad()
        (loss / weight).backward()
        optimizer.step()
        rewards.append(float(np.mean(batch.rewards)))
    return rewards, [p.detach().clone() for p in trained]


def test_reward_rises_and_the_same_seed_gives_the_same_run(facts, tmp_path):
    data = Prepared(facts)
    rewards, weights = learned(data, tmp_path / "a", 40, vowels)
    assert np.mean(rewards[-5:]) > 2 * np.mean(rewards[:5]) + 0.02
    again, _ = learned(data, tmp_path / "b", 3, vowels)
    assert again == rewards[:3]
    assert all(torch.isfinite(weight).all() for weight in weights)


def test_advantages_are_relative_to_the_group():
    rewards = np.asarray([1.0, 0.0, 0.0, 1.0])
    assert advantages_of(rewards, scale=False).tolist() == [0.5, -0.5, -0.5, 0.5]
    assert advantages_of(rewards, scale=True) == pytest.approx([1, -1, -1, 1], abs=1e-3)
    assert not advantages_of(np.ones(4), scale=True).any()


def test_draws_follow_the_distribution():
    scores = torch.log(torch.tensor([0.2, 0.5, 0.3])).repeat(4000, 1)
    uniforms = torch.tensor(np.random.default_rng(0).random(4000))
    shares = torch.bincount(drawn(scores, uniforms), minlength=3) / 4000
    assert shares.tolist() == pytest.approx([0.2, 0.5, 0.3], abs=0.03)


def test_the_first_step_does_not_diverge_from_the_reference(facts, tmp_path):
    data = Prepared(facts)
    objective = Objective(Any2Caption(data.config), {}, bf16=False)
    source = ReinforceSource(data, data.processor(), STAGE, 1, objective, tmp_path, vowels)
    batch = source(0, 0, 1)
    with torch.no_grad():
        # Advantages of a group add up to 0 and every ratio is 1: what is left is the divergence.
        assert float(objective(batch, 0.0)[0]) == pytest.approx(0, abs=1e-4)
    before = [p.clone() for p in objective.parameters()]
    with torch.no_grad():
        objective.model.mllm.lm_head.weight.mul_(1.5)
    far = source(1, 0, 1)
    with torch.no_grad():
        assert float(objective(replace(far, kl=10.0), 0.0)[0]) > 0.01
        objective.model.mllm.lm_head.weight.div_(1.5)
    for old, now in zip(before, objective.parameters(), strict=True):
        assert torch.allclose(old, now)


def test_a_run_with_a_reinforce_stage_leaves_a_bundle_and_its_rewards(facts, tmp_path, alone):
    log, metrics = ProgressLog(tmp_path / "p.jsonl"), Metrics(tmp_path / "m.jsonl")
    data = Prepared(facts)
    out = tmp_path / "out"
    config = replace(data.config, processor=replace(data.config.processor, max_new_tokens=8))
    Trainer(RunContext(facts, out, 0, 1), RECIPE, Any2Caption(config), log, metrics).run()
    metrics.close()
    assert (out / "bundle" / "manifest.json").is_file()
    assert (out / "reference-reinforce.safetensors").is_file()
    lines = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert any("reinforce/reward" in json.dumps(line) for line in lines)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reinforce": None}, "needs the field reinforce"),
        ({"train": ("camera",)}, "not camera"),
        ({"drop_sentence": 0.5}, "drop_sentence has no meaning"),
        ({"reinforce": Reinforce(rollouts=1)}, "rollouts must be 2 or more"),
        ({"objective": "interpret"}, "the field reinforce is for reinforce"),
    ],
)
def test_impossible_reinforce_stages_are_refused_in_one_line(changes, message):
    recipe = replace(RECIPE, stages=(replace(STAGE, **changes),))
    with pytest.raises(ConfigError, match=message) as caught:
        check_recipe(recipe, "tiny", 1, tuple(LABELS))
    assert "\n" not in str(caught.value)


def test_split_weights_are_refused():
    with pytest.raises(ConfigError, match="ZeRO 3"):
        check_recipe(replace(RECIPE, zero=3), "tiny", 1, tuple(LABELS))
