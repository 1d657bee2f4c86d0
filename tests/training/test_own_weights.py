"""Weights that somebody brings: from the plan through the paper's recipe to a verdict.

The weights are small and random, the stages one step each, so the verdict is a refusal; what counts
is that there is one.
"""

import json
from dataclasses import replace

import pytest
from test_paper import general, weights  # noqa: F401 - fixtures

from any2caption.errors import ConfigError
from any2caption.evaluation.run import Plan, evaluate
from any2caption.model import presets
from any2caption.model.weights import from_pretrained
from any2caption.orchestration import actions
from any2caption.orchestration.jobs import job_spec
from any2caption.progress import ProgressLog
from any2caption.training.context import RunContext
from any2caption.training.loop.metrics import Metrics
from any2caption.training.loop.trainer import Trainer
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import PAPER


@pytest.mark.parametrize("name", ["qwen2_vl"])
def test_own_weights_are_trained_by_the_papers_recipe_and_judged_by_its_policy(  # noqa: PLR0913, PLR0917
    weights,  # noqa: F811
    general,  # noqa: F811
    settings,
    snapshot,
    tmp_path,
    alone,
):
    request = {"lifecycle": "life", "preset": "qwen2-vl-2b", "recipe": "paper"}
    request |= {"weights": str(weights), "snapshot": snapshot.id}
    with pytest.raises(ConfigError, match="unknown gate policy 'none'"):
        actions.plan_training(settings, {**request, "policy": "none"})
    planned = actions.plan_training(settings, request)  # the policy asks for more records than here
    data = prepare(
        settings,
        snapshot=snapshot.id,
        preset="qwen2-vl-2b",
        recipe="paper",
        weights=str(weights),
        out=tmp_path / "data",
        workers=1,
        general=general,
    )
    stages = tuple(replace(stage, steps=1, batch=2) for stage in PAPER.stages)
    recipe = replace(PAPER, stages=stages, zero=0, precision="fp32")
    out = job_spec.bundle(settings, planned["run"]).parent
    model, _ = from_pretrained(str(weights), presets.PRESETS["qwen2-vl-2b"])
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
