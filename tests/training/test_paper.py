"""The paper's recipe on small random backbones that the test saves as a user would bring them."""

import json
from dataclasses import replace

import pytest
import torch

from any2caption.errors import ConfigError
from any2caption.evaluation.run import Plan, evaluate
from any2caption.model import presets
from any2caption.model.backbones import backbone, transformers_config
from any2caption.model.bundle import load_bundle
from any2caption.model.config import QWEN_TOKENS
from any2caption.model.presets import QWEN2_VL_2B, TINY
from any2caption.model.processing.tokenization import train_tokenizer
from any2caption.model.weights import from_pretrained
from any2caption.orchestration import actions
from any2caption.orchestration.jobs import job_spec
from any2caption.progress import ProgressLog
from any2caption.training.context import RunContext
from any2caption.training.loop.metrics import Metrics
from any2caption.training.loop.trainer import Trainer
from any2caption.training.prepare.instruction_data import GeneralFile
from any2caption.training.prepare.preparation import Preparation
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import PAPER

SMALL = replace(
    QWEN2_VL_2B,
    camera=TINY.camera,
    processor=replace(
        QWEN2_VL_2B.processor,
        max_new_tokens=8,  # sample captions of a model that has learned nothing
        motion_size=56,
        motion_frames=4,
        video_frames=4,
        max_pixels=56 * 56,
        max_video_pixels=56 * 56,
    ),
)


VISION = {
    "qwen2_vl": {},
    "qwen3_vl": {"mlp": 128, "places": 16, "deepstack": (0,), "timestamps": True},
}


@pytest.fixture
def weights(tmp_path, monkeypatch, name):
    monkeypatch.setitem(presets.PRESETS, "qwen2-vl-2b", SMALL)
    tokenizer = train_tokenizer(["A red ball, on a beach."] * 9, 500)
    ids = {token: tokenizer.token_to_id(token) for token in QWEN_TOKENS}
    config = TINY.with_vocab(tokenizer.get_vocab_size())
    untied = replace(
        config,
        text=replace(config.text, tie_embeddings=False),
        vision=replace(config.vision, backbone=name, **VISION[name]),
    )
    folder = tmp_path / "weights"
    backbone(name).model(transformers_config(untied, ids)).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def general(tmp_path):
    rows = [{"instruction": f"Say {n}.", "input": "", "output": f"{n}."} for n in range(6)]
    file = tmp_path / "alpaca.json"
    file.write_text(json.dumps(rows))
    return [GeneralFile(file, "CC0-1.0")]


PROJECTIONS = ("q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight")


def paper_of(snapshot, weights, general):
    return Preparation(
        snapshot=snapshot.id,
        preset="qwen2-vl-2b",
        recipe=PAPER,
        weights=str(weights),
        general=general,
    )


@pytest.mark.parametrize(
    ("name", "tuning"),
    [("qwen2_vl", "lm_head"), ("qwen2_vl", "lora"), ("qwen2_vl", "full"), ("qwen3_vl", "lora")],
)
def test_every_stage_of_the_paper_trains_what_it_should_and_nothing_else(  # noqa: PLR0913, PLR0917
    weights, general, settings, snapshot, tmp_path, alone, name, tuning
):
    data = prepare(settings, paper_of(snapshot, weights, general), tmp_path / "data", workers=1)
    # Without warm-up: a first step at rate 0 would change nothing.
    stages = [replace(stage, steps=1, batch=2, warmup=0) for stage in PAPER.stages]
    stages[1] = replace(stages[1], train=("motion", "tokens"))
    # bf16 is emulated on most CPUs, and slow there
    recipe = replace(PAPER, stages=tuple(stages), zero=0, precision="fp32", language_tuning=tuning)
    model, _ = from_pretrained(str(weights), SMALL)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    log = ProgressLog(tmp_path / "p.jsonl")
    metrics = Metrics(tmp_path / "m.jsonl")
    trainer = Trainer(RunContext(data, tmp_path / "out", 0, 1), recipe, model, log, metrics)
    trainer.run()
    after = load_bundle(tmp_path / "out" / "bundle").load_model().state_dict()
    for key, value in model.state_dict().items():  # what was trained is what is loaded
        assert torch.equal(after[key], value.to(after[key].dtype)), key
    changed = {k for k, v in after.items() if k in before and not torch.equal(v, before[k])}
    assert any(k.startswith("camera_encoder.") for k in changed)
    assert any(k.startswith("motion_encoder.") for k in changed)
    assert not any(k.startswith("mllm.model.visual.") for k in changed)
    language = {k for k in changed if k.startswith("mllm.")}
    embedding = "mllm.model.language_model.embed_tokens.weight"
    assert embedding in language
    rows = (after[embedding] != before[embedding]).any(1).nonzero()[:, 0].tolist()
    new = trainer.processor.new_token_ids
    if tuning == "lm_head":
        assert language == {"mllm.lm_head.weight", embedding}
        assert set(rows) <= set(new)
    elif tuning == "lora":
        assert language - {embedding}
        assert all(k.endswith(PROJECTIONS) for k in language - {embedding})
        assert set(rows) <= set(new)
    else:
        assert any("mlp" in k for k in language)
        assert "mllm.lm_head.weight" not in language
    said = [line["message"] for _, line in log.read()]
    assert not any("skipped" in message for message in said)
    assert not any("no general instruction data" in message for message in said)


@pytest.mark.parametrize("name", ["qwen2_vl"])
def test_own_weights_are_trained_by_the_papers_recipe_and_judged_by_its_policy(  # noqa: PLR0913, PLR0917
    weights,
    general,
    settings,
    snapshot,
    tmp_path,
    alone,
):
    """One step a stage and random weights: the verdict is a refusal, but there is one."""
    request = {"lifecycle": "life", "preset": "qwen2-vl-2b", "recipe": "paper"}
    request |= {"weights": str(weights), "snapshot": snapshot.id}
    with pytest.raises(ConfigError, match="unknown gate policy 'none'"):
        actions.plan_training(settings, {**request, "policy": "none"})
    planned = actions.plan_training(settings, request)  # the policy asks for more records than here
    data = prepare(settings, paper_of(snapshot, weights, general), tmp_path / "data", workers=1)
    stages = tuple(replace(stage, steps=1, batch=2) for stage in PAPER.stages)
    recipe = replace(PAPER, stages=stages, zero=0, precision="fp32")
    out = job_spec.bundle(settings, planned["run"]).parent
    model, _ = from_pretrained(str(weights), SMALL)
    context = RunContext(data, out, 0, 1)
    log = ProgressLog(tmp_path / "p.jsonl")
    Trainer(context, recipe, model, log, Metrics(tmp_path / "m.jsonl")).run()
    verdict = evaluate(
        settings,
        bundle=job_spec.bundle(settings, planned["run"]),
        snapshot=snapshot.id,
        policy="paper",
        out=tmp_path / "report",
        plan=Plan(per_slice=2, batch=8),
    )
    assert (verdict.policy, verdict.for_release, verdict.passed) == ("paper", True, False)
    assert verdict.reasons
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["partial"]
    assert all(report[name] for name in ("bundle", "selection", "judge", "code", "captions"))
