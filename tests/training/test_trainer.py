import importlib
import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from any2caption.errors import ConfigError, InterruptedTrainingError, NonFiniteLossError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.bundle import load_bundle, load_scope
from any2caption.progress import ProgressLog
from any2caption.training.context import RunContext
from any2caption.training.data.alignment import AlignData
from any2caption.training.engine.engine import set_rate, start
from any2caption.training.loop.metrics import Metrics
from any2caption.training.loop.trainer import Trainer
from any2caption.training.objective.objective import Objective
from any2caption.training.objective.trainable import trained_modules
from any2caption.training.recipes.builtin import PAPER

from .conftest import short, stop_after


def trainer(folder, out, recipe):
    from any2caption.training.data.prepared import Prepared

    torch.manual_seed(recipe.seed)
    model = Any2Caption(Prepared(folder).config)
    log = ProgressLog(out / "progress.jsonl")
    return Trainer(
        RunContext(folder, out, 0, 1), recipe, model, log, Metrics(out / "metrics.jsonl")
    )


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory, alone):
    out = tmp_path_factory.mktemp("whole")
    trainer(folder, out, short()).run()
    return out


def test_a_run_leaves_a_bundle_metrics_and_progress(finished, snapshot):
    meta = load_bundle(finished / "bundle").meta
    assert meta["snapshot"] == snapshot.id
    assert meta["steps"] == 12
    assert meta["starts"] == 1
    assert math.isfinite(meta["validation_loss"])
    scope = load_scope(finished / "bundle")
    assert sorted(scope.kinds) == meta["kinds"]
    assert {"video", "camera"} <= set(scope.words)
    lines = [json.loads(line) for line in (finished / "progress.jsonl").read_text().splitlines()]
    stages = [line["message"] for line in lines if "step" in line]
    assert set(stages) == {"align-camera", "align-motion", "align-vision", "interpret"}
    last = next(line for line in reversed(lines) if line["message"] == "interpret")
    assert {"loss", "total", "elapsed", "eta"} <= set(last)
    assert last["tokens_per_second"] > 0
    assert 0 < last["useful_share"] <= 1
    assert 0 <= last["data_wait"] < 1
    assert last["memory_mb"] > 100
    metrics = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    said = next(line for line in metrics if "interpret/tokens_per_second" in line)
    names = ("loss", "useful_share", "data_wait", "memory_mb", "eta")
    assert {f"interpret/{name}" for name in names} <= set(said)


def test_a_run_leaves_sample_captions_and_losses_of_each_kind(finished, data):
    rows = [json.loads(line) for line in (finished / "samples/interpret.jsonl").open()]
    kinds = {row["kind"] for row in rows}
    assert "camera" in kinds
    assert all(row["truth"].startswith("1. Dense caption:") for row in rows)
    assert all(row["prediction"].startswith("1. Dense caption:") for row in rows)
    metrics = [json.loads(line) for line in (finished / "metrics.jsonl").open()]
    assert all(math.isfinite(metrics[-1][f"validation_loss/{kind}"]) for kind in kinds & {"camera"})


def test_resume_equals_uninterrupted_run(folder, finished, tmp_path, alone, monkeypatch):
    stopped = 0
    for at in (2, 7, 11):  # in alignment, in the next stage, in interpretation
        run = trainer(folder, tmp_path, short())
        stop_after(run, at - 1, monkeypatch)
        with pytest.raises(InterruptedTrainingError):
            run.run()
        stopped += 1
    trainer(folder, tmp_path, short()).run()
    ours, theirs = load_bundle(tmp_path / "bundle"), load_bundle(finished / "bundle")
    assert ours.meta["starts"] == stopped + 1
    assert ours.meta["steps"] == theirs.meta["steps"]
    for (name, a), b in zip(
        ours.load_model().state_dict().items(),
        theirs.load_model().state_dict().values(),
        strict=True,
    ):
        assert torch.equal(a, b), name


def test_a_loss_that_is_not_finite_stops_before_the_step(folder, tmp_path, alone):
    run = trainer(folder, tmp_path, short())
    with torch.no_grad():
        run.objective.model.camera_encoder.norm.weight.fill_(float("nan"))
    before = run.objective.model.camera_encoder.embed.weight.clone()
    with pytest.raises(NonFiniteLossError, match=r"align-camera at step 0.*camera item \d+"):
        run.run()
    assert torch.equal(run.objective.model.camera_encoder.embed.weight, before)


def test_a_gradient_that_is_not_finite_stops_before_the_step_and_saves_nothing(
    folder, tmp_path, alone
):
    """The loss itself is finite: only what backward makes of it overflows."""
    run = trainer(folder, tmp_path, short())
    weight = run.objective.model.camera_encoder.embed.weight
    weight.register_hook(lambda gradient: gradient * float("inf"))
    before = weight.clone()
    with pytest.raises(NonFiniteLossError, match="gradient norm is not finite in align-camera"):
        run.run()
    assert torch.equal(weight, before)
    assert not list((tmp_path / "checkpoints").glob("step-*"))


def test_the_norm_of_the_gradients_is_among_the_metrics(finished):
    lines = [json.loads(line) for line in (finished / "metrics.jsonl").open()]
    norms = [line["interpret/gradient_norm"] for line in lines if "interpret/gradient_norm" in line]
    assert norms
    assert all(math.isfinite(norm) and norm > 0 for norm in norms)


def test_alignment_leaves_other_parts_untouched(data, alone):
    objective = Objective(Any2Caption(data.config), data.classes(), bf16=False)
    recipe = short()
    start(objective, recipe, recipe.stages[0], 1).destroy()
    thawed = {n for n, p in objective.named_parameters() if p.requires_grad}
    assert all(n.startswith(("model.camera_encoder.", "heads.heads.camera_")) for n in thawed)


def test_muon_steps_the_matrices_of_an_encoders_layers(data, alone):
    objective = Objective(Any2Caption(data.config), data.classes(), bf16=False)
    recipe = short()
    stage = recipe.stages[2]
    assert stage.muon_lr
    engine = start(objective, recipe, stage, 1)
    names = {id(parameter): name for name, parameter in objective.named_parameters()}
    groups = engine.optimizer.param_groups
    matrices = {names[id(p)] for g in groups if g.get("muon") for p in g["params"]}
    others = {names[id(p)] for g in groups if not g.get("muon") for p in g["params"]}
    assert all(".blocks." in name and name.endswith("weight") for name in matrices)
    assert "model.mllm.model.visual.patch_embed.proj.weight" in others
    batch = AlignData(data, data.config, stage, 1).batch(0, 0, 1)
    before = {names[id(p)]: p.detach().clone() for g in groups for p in g["params"]}
    loss, weight = engine(batch, 0.0)
    engine.backward(loss / weight)
    set_rate(engine, stage, 1.0)
    engine.step()
    after = dict(objective.named_parameters())
    moves = {name: after[name].detach() - before[name] for name in matrices}
    # The update's largest singular value is the scale, whatever the gradient's size was.
    for move in moves.values():
        scale = 0.2 * stage.muon_lr * math.sqrt(max(move.shape))
        assert float(torch.linalg.matrix_norm(move, 2)) == pytest.approx(scale, rel=0.4)
    assert not torch.equal(after["model.mllm.model.visual.patch_embed.proj.weight"],
                           before["model.mllm.model.visual.patch_embed.proj.weight"])  # fmt: skip
    engine.destroy()


def test_the_language_switch_decides_what_the_paper_recipe_trains():
    assert trained_modules(PAPER, PAPER.stages[-1]) == ("lm_head",)

    full = replace(PAPER, language_tuning="full")
    assert trained_modules(full, PAPER.stages[-1]) == ("language",)


def test_a_batch_that_does_not_divide_is_refused(data, alone):
    objective = Objective(Any2Caption(data.config), data.classes(), bf16=False)
    with pytest.raises(ConfigError, match="not divisible by 3 ranks"):
        start(objective, short(), short().stages[0], 3)


def test_an_mlflow_outage_never_stops_training(tmp_path, monkeypatch):
    from any2caption.training.loop import metrics as tracking

    monkeypatch.setattr(tracking, "FLUSH_SECONDS", 0.05)

    def down(_):
        raise ConnectionError("nobody there")

    monkeypatch.setattr(tracking, "_client", down)
    metrics = Metrics(tmp_path / "m.jsonl", mlflow_run="r", mlflow_url="http://127.0.0.1:9")
    for step in range(5):
        metrics.log(step, loss=0.5)
    assert "lacks 5 lines" in (said := metrics.close())
    assert "nobody there" in said
    assert len((tmp_path / "m.jsonl").read_text().splitlines()) == 5
    got = []
    back = SimpleNamespace(
        log_batch=lambda run, metrics: got.extend(metric.step for metric in metrics),
        get_experiment_by_name=lambda _: SimpleNamespace(experiment_id="1"),
        create_run=lambda _, tags: SimpleNamespace(info=SimpleNamespace(run_id="r")),
        set_terminated=lambda *_: None,
    )
    monkeypatch.setattr(tracking, "_client", lambda _: back)
    assert tracking.send_rest(tmp_path / "m.jsonl", "x") == ""
    assert got == list(range(5))
    assert tracking.send_rest(tmp_path / "m.jsonl", "x") == ""
    assert got == list(range(5))


def test_a_run_that_ended_in_an_outage_gets_its_tags_later(tmp_path, monkeypatch):
    from any2caption.training.loop import metrics as tracking

    monkeypatch.setattr(tracking, "FLUSH_SECONDS", 0.05)

    def down(_):
        raise ConnectionError("nobody there")

    monkeypatch.setattr(tracking, "_client", down)
    metrics = Metrics(tmp_path / "m.jsonl", mlflow_url="x", tags={"recipe_digest": "abc"})
    metrics.log(1, loss=0.5)
    assert "lacks 1 lines" in metrics.close()
    made = []
    back = SimpleNamespace(
        log_batch=lambda *_, **__: None,
        get_experiment_by_name=lambda _: SimpleNamespace(experiment_id="1"),
        create_run=lambda _, tags: (
            made.append(tags) or SimpleNamespace(info=SimpleNamespace(run_id="r"))
        ),
        set_terminated=lambda *_: None,
    )
    monkeypatch.setattr(tracking, "_client", lambda _: back)
    assert tracking.send_rest(tmp_path / "m.jsonl", "x") == ""
    assert made == [{"recipe_digest": "abc"}]


def test_metrics_reach_mlflow_in_batches(tmp_path, monkeypatch):
    from any2caption.training.loop import metrics as tracking

    monkeypatch.setattr(tracking, "FLUSH_SECONDS", 0.05)
    importlib.import_module("mlflow.entities")  # takes longer to import than this test waits
    sent, tables = [], []

    class Client:
        made = 0

        def get_experiment_by_name(self, _):
            return SimpleNamespace(experiment_id="1")

        def create_run(self, _, tags):
            assert tags == {"recipe": "tiny"}
            Client.made += 1
            return SimpleNamespace(info=SimpleNamespace(run_id="own"))

        def set_terminated(self, run, status):
            assert (run, status) == ("own", "FINISHED")

        def log_batch(self, run, metrics):
            assert run == "own"
            sent.append((run, len(metrics)))

        def log_dict(self, run, table, name):
            tables.append((run, name, table["columns"], len(table["data"])))

    monkeypatch.setattr(tracking, "_client", lambda _: Client())
    for first in (0, 1250):  # the second is a resumed run: it continues the first one's
        metrics = Metrics(tmp_path / "m.jsonl", mlflow_url="x", tags={"recipe": "tiny"})
        for step in range(first, first + 1250):
            metrics.log(step, loss=0.5)
        metrics.table(first, "samples", [{"prompt": "a", "prediction": "b"}])
        assert metrics.close() == ""
    assert Client.made == 1
    assert sum(count for _, count in sent) == 2500
    assert len(sent) < 20
    assert tables == [("own", "samples.json", ["prompt", "prediction"], 1)] * 2


def test_lora_trains_only_its_updates_and_merges_them_into_the_bundle(
    folder, data, tmp_path, alone
):
    recipe = short(language_tuning="lora")
    stage = replace(recipe.stages[-1], train=("language",))
    recipe = replace(recipe, stages=(stage,))
    run = trainer(folder, tmp_path, recipe)
    before = {k: v.clone() for k, v in run.objective.model.state_dict().items()}
    run.run()
    thawed = {n for n, p in run.objective.named_parameters() if p.requires_grad}
    assert not thawed - {n for n in thawed if "lora_" in n}
    after = load_bundle(tmp_path / "bundle").load_model().state_dict()
    changed = {
        k for k, v in after.items() if not torch.equal(v, before.get(k, before.get(_base(k))))
    }
    changed -= {"camera_encoder.mean", "camera_encoder.scale"}  # set from the data, not trained
    assert changed
    assert all("self_attn" in name for name in changed)


def _base(name):
    return name.replace("_proj.", "_proj.base.")


def test_encoding_once_needs_frozen_encoders(folder, tmp_path, alone):
    stage = replace(short().stages[-1], train=("camera", "language"), encode_once=True)
    run = trainer(folder, tmp_path, replace(short(), stages=(stage,)))
    with pytest.raises(ConfigError, match=r"interpret: encode_once, but it trains \['camera'\]"):
        run.run()


def test_a_packed_run_resumes_to_the_same_weights(folder, tmp_path, alone, monkeypatch):
    stage = replace(short().stages[-1], pack_tokens=1024, drop_condition=0.3, batch=2, steps=4)
    recipe = replace(short(), stages=(stage,))
    whole, again = tmp_path / "whole", tmp_path / "again"
    for out in (whole, again):
        out.mkdir()
    trainer(folder, whole, recipe).run()
    run = trainer(folder, again, recipe)
    stop_after(run, 1, monkeypatch)
    with pytest.raises(InterruptedTrainingError):
        run.run()
    trainer(folder, again, recipe).run()
    first = load_bundle(whole / "bundle").load_model().state_dict()
    second = load_bundle(again / "bundle").load_model().state_dict()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
