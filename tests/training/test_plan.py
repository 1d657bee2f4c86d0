"""The plan: what will run, what is frozen, what a resume does; and what is refused beforehand."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from any2caption.errors import ConfigError
from any2caption.training.checkpoints import write
from any2caption.training.checkpoints.run_folder import Header, Position, refuse_another
from any2caption.training.data.prepared import Prepared
from any2caption.training.launch import supervisor
from any2caption.training.open_data import verify
from any2caption.training.planning.facts import survey, this_machine
from any2caption.training.planning.plan import make_plan
from any2caption.training.planning.types import Facts, Longest, Machine, StageData
from any2caption.training.recipes.builtin import PAPER, SMOKE, TINY
from any2caption.training.recipes.checks import check_positions, check_recipe

from .conftest import run_of, tiny_of

KINDS = ("image", "video", "depth", "pose", "camera")


def changed(recipe=SMOKE, **values):
    """The recipe with its last stage changed."""
    return replace(recipe, stages=(*recipe.stages[:-1], replace(recipe.stages[-1], **values)))


def facts(config, recipe=SMOKE, **values):
    data = StageData(samples=64, longest=Longest(tokens=100, targets=50), longest_id="r1")
    modules = {"vision": 100, "camera": 10, "language": 1000, "heads": 1}
    return Facts(
        **{
            "recipe": recipe,
            "config": config,
            "world_size": 2,
            "snapshot": "ab" * 32,
            "stages": (data,) * len(recipe.stages),
            "parameters": modules,
            "trained": [{"language": 1000}] * len(recipe.stages),
            "encoded_tokens": 0,
            "machine": Machine(device="cpu", name="here", devices=2, available=1 << 40),
            **values,
        }
    )


@pytest.fixture(scope="module")
def surveyed(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("none") / "run"
    return survey(run_of(SMOKE, folder, out, world_size=2))


def at(stage, step, *, total=40, **values):
    position = Position(stage=stage, step=step, total_steps=total)
    names = {"recipe": SMOKE.digest}
    given = {"world_size": 2, "zero": 0, "identity": names, **values}
    return Header(folder=Path(f"step-{total:08d}-{stage}"), position=position, **given)


def test_the_plan_says_stages_steps_and_what_is_frozen(surveyed, snapshot):
    plan = make_plan(surveyed)
    assert [stage.name for stage in plan.stages] == [stage.name for stage in SMOKE.stages]
    assert plan.steps == sum(stage.steps for stage in SMOKE.stages)
    assert plan.snapshot == snapshot.id
    first, last = plan.stages[0], plan.stages[-1]
    assert set(first.trained) == {"camera", "heads"}
    assert {"vision", "motion", "language", "lm_head"} <= set(first.frozen)
    assert set(last.trained) == {"language", "lm_head"}
    assert set(last.frozen) == {"vision", "motion", "camera", "heads"}
    for stage in plan.stages:
        assert sum(stage.trained.values()) + sum(stage.frozen.values()) == plan.parameters
    assert (last.batch, last.batch_per_rank, last.learning_rate) == (32, 16, 2e-3)
    assert plan.memory == max(stage.memory.total for stage in plan.stages)
    assert plan.resume.does == "starts"
    json.dumps(plan.as_dict(), allow_nan=False)


def test_a_stage_counts_the_samples_that_training_uses(surveyed, data):
    found = {stage.name: stage.samples for stage in make_plan(surveyed).stages}
    assert found["interpret"] == len(data.samples("train"))
    cameras = {n for s in data.samples("train") for n in s.item_numbers
               if data.items[n]["kind"] == "camera" and "camera" in s.answers}  # fmt: skip
    assert found["align-camera"] == len(cameras)


def test_a_survey_writes_nothing(folder, snapshot, settings, tmp_path):
    out = tmp_path / "run"
    before = sorted(p.name for p in folder.iterdir())
    survey(run_of(SMOKE, folder, out))
    found = survey(run_of(SMOKE, out / "data", out), tiny_of(snapshot.id), settings)
    assert not out.exists()
    assert sorted(p.name for p in folder.iterdir()) == before
    assert found.snapshot == snapshot.id
    assert any("not prepared yet" in note for note in found.notes)


def test_a_snapshots_bounds_are_not_below_what_preparing_measures(
    surveyed, snapshot, settings, tmp_path
):
    run = run_of(SMOKE, tmp_path / "run/data", tmp_path / "run", world_size=2)
    bounded = survey(run, tiny_of(snapshot.id), settings)
    for bound, measured in zip(bounded.stages, surveyed.stages, strict=True):
        for name in ("vision_patches", "motion_patches", "cameras"):
            assert getattr(bound.longest, name) >= getattr(measured.longest, name)
        assert bound.samples == pytest.approx(measured.samples, rel=0.35)


def test_a_resume_says_from_where(surveyed):
    resumed = make_plan(replace(surveyed, checkpoint=at(3, 12, total=30)))
    assert resumed.resume.sentence == (
        "resumes from step-00000030-3: stage interpret at step 12 of 42, after 30 steps in all"
    )
    assert [stage.does for stage in resumed.stages] == ["done", "done", "done", "resumes"]
    assert resumed.steps == SMOKE.stages[3].steps - 12
    fresh = make_plan(replace(surveyed, checkpoint=at(1, 0, total=4)))
    assert [stage.does for stage in fresh.stages] == ["done", "runs", "runs", "runs"]


def test_a_resume_on_other_ranks_says_what_is_equal(surveyed):
    other = make_plan(replace(surveyed, checkpoint=at(3, 12, world_size=4, zero=3)))
    assert not other.resume.same_world_size
    assert "4 ranks wrote it and now there are 2: the same data order" in other.resume.sentence
    assert make_plan(
        replace(surveyed, checkpoint=at(3, 12, world_size=2, zero=3))
    ).resume.same_world_size


def test_a_finished_run_says_that_its_bundle_is_reused(surveyed):
    plan = make_plan(replace(surveyed, bundle={"steps": 54}))
    assert plan.resume.sentence == "this run is finished after 54 steps; its bundle is reused"
    assert (plan.steps, plan.memory) == (0, 0)
    assert {stage.does for stage in plan.stages} == {"done"}
    ended = make_plan(replace(surveyed, checkpoint=at(4, 0, total=54)))
    assert ended.resume.does == "writes the bundle"
    assert ended.steps == 0


def test_a_checkpoint_that_does_not_name_its_recipe_is_told(surveyed):
    plan = make_plan(replace(surveyed, checkpoint=at(3, 12, identity={})))
    assert any("does not say which recipe" in warning for warning in plan.warnings)


def test_stages_without_data_are_said_to_be_skipped(data):
    none = StageData(samples=0, longest=Longest())
    given = facts(data.config)
    some = replace(given, stages=(none, *given.stages[1:]))
    plan = make_plan(some)
    assert plan.stages[0].does == "skipped"
    assert "stage align-camera is skipped: the data has nothing for it" in plan.warnings
    with pytest.raises(ConfigError, match="nothing for any stage"):
        make_plan(replace(given, stages=(none,) * 4))


def test_a_stage_that_trains_nothing_of_this_model_is_refused(data):
    with pytest.raises(ConfigError, match="interpret trains no parameter"):
        make_plan(facts(data.config, trained=[{"camera": 1}] * 3 + [{"language": 0}]))


def test_a_record_longer_than_the_positions_is_refused_by_name(data):
    long = StageData(samples=9, longest=Longest(tokens=5000), longest_id="r-77")
    with pytest.raises(ConfigError, match=r"record r-77 has 5000 tokens, .* positions for 4096"):
        make_plan(facts(data.config, stages=(long,) * 4))
    make_plan(facts(data.config, stages=(long,) * 4, measured=False))  # a bound is no reason
    with pytest.raises(ConfigError, match="a pack has 8192 tokens"):
        check_positions(8192, 4096, "a pack")


def test_too_little_memory_is_a_refusal_that_can_be_overruled(surveyed):
    need = make_plan(surveyed).memory
    for share, warned, refused in ((2, 0, 0), (0.7, 1, 0), (0.3, 0, 1)):
        machine = replace(surveyed.machine, available=round(share * need))
        plan = make_plan(replace(surveyed, machine=machine))
        assert sum("memory may be short" in w for w in plan.warnings) == warned
        assert len(plan.refusals) == refused


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (changed(encode_once=True, train=("vision", "language")), "encode_once, but it trains"),
        (replace(SMOKE, zero=3), "ZeRO 3 cannot shard the frozen vision, motion, camera"),
        (changed(batch=33), "batch 33 is not divisible by 2 ranks"),
        (changed(train=()), "trains nothing"),
        (changed(kinds=("smell",)), "unknown kinds smell; there are image"),
        (changed(lr=0.0), "lr must be a number above 0"),
        (changed(lr=float("nan")), "lr must be a number above 0"),
        (changed(steps=0), "steps must be 1 or more"),
        (changed(drop_condition=1.5), "drop_condition must be between 0 and 1"),
        (changed(betas=(0.9, 1.0)), "betas must be"),
        (changed(muon_lr=0.01), "muon_lr is for vision, motion, camera, of which it trains none"),
        (replace(SMOKE, zero=1), "stage align-vision: muon_lr needs whole fp32 matrices: zero 0"),
        (replace(SMOKE, precision="bf16"), "precision auto or fp32, not bf16"),
        (changed(shift=0.1), "shift is for classify, not for interpret"),
        (changed(mirror=True), "mirror is for classify, not for interpret"),
        (changed(slot_weights={"shape": 0.0}), "slot_weights.shape must be a number above 0"),
        (changed(objective="describe", encode_once=False), "describe needs a part"),
        (changed(objective="classify", encode_once=False), "classify needs kinds"),
        (replace(SMOKE, keep_checkpoints=0), "keep_checkpoints must be 1 or more"),
        (replace(SMOKE, stages=()), "has no stage"),
        (replace(SMOKE, stages=(SMOKE.stages[0],) * 2), "two stages are called align-camera"),
        (replace(SMOKE, max_minutes=float("nan")), "max_minutes must be above 0"),
        (PAPER, "is for qwen2-vl-2b, qwen2-vl-7b, qwen2.5-vl-7b, qwen3-vl-8b, not for tiny"),
    ],
)
def test_impossible_combinations_are_refused(recipe, said):
    with pytest.raises(ConfigError, match=r"^recipe \w+: ") as caught:
        check_recipe(recipe, "tiny", 2, KINDS)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_platforms_own_recipes_are_possible():
    for recipe in (TINY, SMOKE, PAPER):
        for preset in recipe.presets:
            check_recipe(recipe, preset, supervisor.world_size_of(recipe), KINDS)


def test_the_number_of_ranks_divides_every_batch(monkeypatch):
    monkeypatch.setattr(supervisor, "gpus", lambda: 6)
    assert supervisor.world_size_of(PAPER) == 4
    assert supervisor.world_size_of(PAPER, 6) == 6  # asked for: refused by the check, not changed
    assert supervisor.world_size_of(replace(PAPER, world_size=1)) == 1


@pytest.fixture
def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "data")


@pytest.mark.parametrize("name", ["pixels.npy", "records.jsonl", "tokenizer.json"])
def test_prepared_data_that_fail_their_digest_are_refused(copied, tmp_path, name):
    assert verify(copied) == []
    content = bytearray((copied / name).read_bytes())
    content[-2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{name}: damaged: its SHA-256 is") as caught:
        survey(run_of(SMOKE, copied, tmp_path / "r"))
    assert caught.value.exit_code == 2
    (copied / name).write_bytes(content[:-1])
    with pytest.raises(ConfigError, match=r"bytes, not \d+"):
        verify(copied)
    (copied / name).unlink()
    with pytest.raises(ConfigError, match="is missing"):
        verify(copied)


def test_prepared_data_without_digests_are_told(copied):
    marker = copied / "prepared.json"
    content = json.loads(marker.read_text())
    del content["files"]
    marker.write_text(json.dumps(content))
    assert "not verified" in verify(copied)[0]
    marker.write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        Prepared(copied)


def test_data_prepared_for_something_else_are_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match="vocab 1200, this run's is 2000"):
        survey(run_of(TINY, folder, tmp_path / "r"))
    with pytest.raises(ConfigError, match="weights '', this run's is '/w'"):
        survey(run_of(SMOKE, folder, tmp_path / "r", weights="/w"))


def test_a_snapshot_that_fails_its_digest_is_refused(settings, snapshot, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(settings.home, home, ignore=shutil.ignore_patterns("media", "data"))
    other = settings.model_copy(update={"object_store": (home / "store").as_uri()})
    key = snapshot.metadata["manifest"]["key"]
    file = home / "store" / key
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"snapshot {snapshot.id[:12]} fails its digest") as found:
        survey(run_of(SMOKE, tmp_path / "data", tmp_path), tiny_of(snapshot.id), other)
    assert found.value.exit_code == 2


def save(out, recipe, snapshot, total=4):
    identity = {"recipe": recipe.digest, "snapshot": snapshot}
    folder = out / "checkpoints" / f"step-{total:08d}-1"
    write.write_tensors(folder, "weights", [("w", torch.ones(2))])
    position = Position(stage=1, total_steps=total)
    write.commit(Header(folder, position, 1, 0, identity), keep=2)


def test_a_checkpoint_of_another_recipe_is_refused_with_both_digests(folder, snapshot, tmp_path):
    save(tmp_path, TINY, snapshot.id)
    with pytest.raises(ConfigError) as caught:
        survey(run_of(SMOKE, folder, tmp_path))
    assert TINY.digest in str(caught.value)
    assert SMOKE.digest in str(caught.value)
    with pytest.raises(ConfigError, match="another recipe"):
        supervisor.refuse_early(run_of(SMOKE, folder, tmp_path))
    refuse_another(tmp_path, TINY.digest, snapshot.id)
    with pytest.raises(ConfigError, match="another snapshot"):
        refuse_another(tmp_path, TINY.digest, "cd" * 32)


def test_a_finished_run_of_another_recipe_is_not_reused(tmp_path, folder):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    (bundle / "meta.json").write_text(json.dumps({"recipe_digest": TINY.digest}))
    with pytest.raises(ConfigError, match="another recipe"):
        supervisor.refuse_early(run_of(SMOKE, folder, tmp_path))
    (bundle / "meta.json").write_text("")
    with pytest.raises(ConfigError, match="damaged bundle"):
        supervisor.refuse_early(run_of(SMOKE, folder, tmp_path))


def test_a_plan_says_that_a_damaged_checkpoint_is_left_out(folder, snapshot, tmp_path):
    save(tmp_path, SMOKE, snapshot.id, total=4)
    save(tmp_path, SMOKE, snapshot.id, total=9)
    weights = tmp_path / "checkpoints/step-00000009-1/weights-00000.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    found = survey(run_of(SMOKE, folder, tmp_path))
    plan = make_plan(found)
    assert plan.resume.checkpoint == "step-00000004-1"
    assert any("step-00000009-1: damaged checkpoint" in warning for warning in plan.warnings)


def test_this_machine_has_memory_for_every_rank():
    one, two = this_machine(1), this_machine(2)
    assert one.available > 1 << 28
    assert two.available == pytest.approx(one.available / 2, rel=0.2) or two.device == "gpu"
