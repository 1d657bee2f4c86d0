"""The recipe `smol` on SmolLM2's real weights, for some steps: what should learn, learns."""

import math
from dataclasses import replace

import pytest
import torch

from any2caption.evaluation.policies import policy_of
from any2caption.model import presets
from any2caption.model.bundle import load_bundle
from any2caption.model.presets import SMOL as PRESET
from any2caption.model.weights import from_pretrained
from any2caption.progress import ProgressLog
from any2caption.training.context import RunContext
from any2caption.training.data.collate import Collator
from any2caption.training.data.prepared import Prepared
from any2caption.training.loop import validation
from any2caption.training.loop.metrics import Metrics
from any2caption.training.loop.trainer import Trainer
from any2caption.training.objective.objective import Objective
from any2caption.training.prepare.preparation import Preparation
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import SMOL, default_recipe

LORA = ("q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight")


@pytest.fixture(scope="module")
def smol_data(settings, snapshot, smol_weights):
    """The snapshot prepared for the recipe; sample captions are short, to save time."""
    short = replace(PRESET.processor, max_new_tokens=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(presets.PRESETS, "smol", replace(PRESET, processor=short))
        out = settings.home / "data-smol"
        made_from = Preparation(
            snapshot=snapshot.id, preset="smol", recipe=SMOL, weights=str(smol_weights)
        )
        prepare(settings, made_from, out, workers=1)
    return Prepared(out)


@torch.no_grad()
def loss_of(model, data, stage):
    batch = Collator(data, data.processor(), stage, 0)(data.samples("validation")[:2], 0)
    total, weight = Objective(model, {}, bf16=False)(batch, 0.0)
    return float(total / weight)


@pytest.mark.slow
@pytest.mark.parametrize("tuning", ["lora", "lm_head"])
def test_steps_of_the_recipe_lower_the_loss_and_train_what_they_name(  # noqa: PLR0913, PLR0917
    smol_data, smol_weights, tmp_path, alone, monkeypatch, tuning
):
    monkeypatch.setattr(validation, "LOSS_RECORDS", 1)
    monkeypatch.setattr(validation, "SAMPLES_PER_KIND", 1)
    last = SMOL.stages[-1]
    stages = (replace(last, steps=3, batch=2, warmup=0, lr=1e-3),)
    if tuning == "lora":  # the aligning stages once are enough
        stages = (*(replace(s, steps=1, batch=2, warmup=0) for s in SMOL.stages[:-1]), *stages)
    recipe = replace(
        SMOL, stages=stages, language_tuning=tuning, precision="fp32", max_minutes=math.inf
    )
    model, _ = from_pretrained(str(smol_weights), smol_data.config)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    was = loss_of(model, smol_data, last)
    log, metrics = ProgressLog(tmp_path / "p.jsonl"), Metrics(tmp_path / "m.jsonl")
    context = RunContext(smol_data.folder, tmp_path / "out", 0, 1)
    Trainer(context, recipe, model, log, metrics).run()
    bundle = load_bundle(tmp_path / "out" / "bundle")
    assert bundle.config.processor.facts == "both"
    trained = bundle.load_model()
    assert loss_of(trained, smol_data, last) < was
    after = trained.state_dict()
    changed = {key for key, value in before.items() if not torch.equal(value, after[key])}
    language = {key for key in changed if key.startswith("mllm.model.language_model.layers")}
    assert bool(language) == (tuning == "lora")
    assert all(key.endswith(LORA) for key in language)
    assert any(key.startswith("camera_encoder.") for key in changed)
    rows = (after["mllm.lm_head.weight"] != before["mllm.lm_head.weight"]).any(1).sum()
    assert (int(rows) > 1000) == (tuning == "lm_head")


def test_prompts_of_its_data_state_facts_in_smollms_own_tokens(smol_data):
    sample = next(one for one in smol_data.samples("train") if one.item_numbers)
    assert sample.facts.startswith("Facts:\n")
    assert smol_data.processor().tokenizer.get_vocab_size() == PRESET.text.vocab_size


def test_the_preset_has_its_recipe_and_the_recipe_its_policy():
    assert default_recipe("smol") == "smol"
    assert policy_of("smol").for_release
