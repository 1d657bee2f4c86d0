import json
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from any2caption.captions.text import render
from any2caption.commands import run_command
from any2caption.conditions.types import Camera, Condition, Image
from any2caption.datasets.snapshots import publish
from any2caption.errors import ConfigError, IntegrityError
from any2caption.evaluation import run
from any2caption.evaluation.code import code_digest, sources_digest
from any2caption.evaluation.gates import Policy, Threshold, policy_digest, policy_of
from any2caption.evaluation.reports.report import load_finding
from any2caption.evaluation.scores import ALL, Selector
from any2caption.grounding.gather import gather
from any2caption.settings import Judge, Settings
from any2caption.storage import open_store, signatures

sys.path.insert(0, str(Path(__file__).parents[1] / "annotation"))
from api_server import KEY, ChatServer

STRICT = Policy(
    name="strict",
    summary="for this test",
    for_release=True,
    thresholds=(
        Threshold(name="six parts", bound=1.0, structure=True),
        Threshold(name="only condition", bound=0.9, select=Selector(group="only_condition")),
        Threshold(
            name="camera shuffled",
            bound=0.4,
            direction="at_most",
            select=Selector("camera_only", "only_condition", "camera", shuffled=True),
        ),
    ),
)


def reader(item):
    """A perfect model: what the conditions show, which is the donor's scene if there is one."""
    return render((item.donor or item.record).caption)


@lru_cache
def said(prompt):
    """What a request states by its text; its media are not real here."""
    return gather(prompt, [])


def constant(_item):
    parts = ("Dense", "Main object", "Background", "Camera", "Style", "Action")
    return "\n".join(f"{n}. {part} caption: a red ball" for n, part in enumerate(parts, 1))


@pytest.fixture
def world(tmp_path, monkeypatch, records):
    """A snapshot in a folder store, and bundles whose `model.txt` says how they answer."""
    settings = Settings(home=tmp_path / "home")
    snapshot = publish(open_store(settings.object_store), records).id
    loads = []

    def texter_of(bundle, _store):
        loads.append(bundle.name)
        answer = {"reader": reader, "constant": constant}[(bundle / "model.txt").read_text()]
        return lambda items: [answer(item) for item in items]

    def condition(_store, kept):
        payload = Image(np.full((8, 8, 3), 200, np.uint8))
        if kept.kind == "camera":
            poses = np.tile(np.eye(3, 4), (9, 1, 1))
            poses[:, 2, 3] = -np.linspace(0, 2, 9)
            payload = Camera(np.full((9, 4), 0.5), poses)
        return Condition(kept.kind, payload, kept.format, kept.role, kept.number)

    monkeypatch.setattr(run, "texter_of", texter_of)
    monkeypatch.setattr(run, "free_texts", lambda _, __, found: ["no six lines"] * len(found))
    monkeypatch.setattr(run, "load_condition", condition)
    monkeypatch.setattr(run, "_facts", lambda _store, record: said(record.prompt))
    monkeypatch.setattr(run, "BASELINES", {})
    monkeypatch.setitem(run.gates.POLICIES, "strict", STRICT)
    monkeypatch.setattr(run, "Settings", lambda: settings)

    def bundle(name, answers):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.txt").write_text(answers)
        signatures.sign(folder)
        return folder

    def evaluate(folder, champion=None):
        return run.evaluate(
            settings,
            bundle=folder,
            snapshot=snapshot,
            policy="strict",
            out=tmp_path / "out",
            champion=champion,
            plan=run.Plan(per_slice=16, batch=8),
            lifecycle="life",
        )

    return settings, snapshot, bundle, evaluate, loads


def test_a_reader_passes_and_the_report_is_written(world, tmp_path):
    settings, snapshot, bundle, evaluate, _ = world
    result = evaluate(bundle("good", "reader"))
    assert result.passed, result.reasons
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["snapshot"] == snapshot
    assert report["synthetic"] == report["records"] > 0
    raw = report["structure"]
    assert raw["constrained"] == raw["records"] > raw["free"] == 0
    assert "0 as the model writes by itself" in (tmp_path / "out" / "report.html").read_text()
    assert report["samples"][0]["conditions"][0]["picture"].startswith("<img")
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!doctype html>")
    loop = report["closed_loop"]
    assert list(loop["errors"]) == ["gold", "model", "shuffled", "static"]
    assert loop["excess"]["model"] == dict.fromkeys(("rot_err", "trans_err", "cam_mc"), 0)
    lines = [line for _, line in run.ProgressLog(settings.progress_log, "life").read()]
    assert lines[-1]["passed"] is True
    assert any(line.get("step") == line.get("total") for line in lines)


def test_figures_that_were_asked_for_are_in_the_report_and_decide_nothing(
    world, tmp_path, clip_folder
):
    """A model that calls everything wrong, and CLIP with random weights."""
    settings, _, bundle, evaluate, _ = world
    told = {"correct": False, "quality": 0}
    with ChatServer().serving() as server:
        server.answer = lambda body: json.dumps(
            told if "right answer" in str(body["messages"]) else {"answer": "nothing"}
        )
        settings.judge = Judge(base_url=server.url, api_key=KEY, model="strict", requests=60)
        settings.clip_weights = clip_folder
        assert evaluate(bundle("good", "reader")).passed
        assert len(server.requests) == 60
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    everything = report["irscore"]["aspects"]["all"]
    assert everything["value"] == everything["agrees"] == 0
    assert everything["n"] + sum(report["irscore"]["unanswered"].values()) > 100
    assert report["irscore"]["stopped"] == "budget"
    assert list(report["clip_t"]["means"]) == ["gold", "model", "shuffled"]
    assert report["clip_t"]["means"]["model"] == report["clip_t"]["means"]["gold"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "strict answered" in page
    assert "CLIP-T of captions" in page
    assert {"CLIP-I, DINO-I"} == {
        one["metric"] for one in report["not_measured"] if "CLIP" in one["metric"]
    }


def test_weights_that_are_none_are_refused_before_any_caption(world, tmp_path):
    settings, _, bundle, evaluate, loads = world
    settings.clip_weights = tmp_path
    with pytest.raises(ConfigError, match=str(tmp_path)):
        evaluate(bundle("good", "reader"))
    assert loads == []


def test_a_model_that_is_blind_is_refused_with_reasons(world):
    _, _, bundle, evaluate, _ = world
    result = evaluate(bundle("blind", "constant"))
    assert not result.passed
    assert any(reason.startswith("only condition: 0.") for reason in result.reasons)


def test_a_regression_against_the_champion_is_refused(world):
    _, _, bundle, evaluate, _ = world
    result = evaluate(bundle("blind", "constant"), champion=bundle("good", "reader"))
    assert any("no regression in mix: 1.000 → 0." in reason for reason in result.reasons)


def test_captions_are_made_once_per_bundle_and_record(world):
    _, _, bundle, evaluate, loads = world
    good, blind = bundle("good", "reader"), bundle("blind", "constant")
    evaluate(good)
    evaluate(blind, champion=good)
    evaluate(good)
    assert loads == ["good", "blind"]


def test_captions_of_other_code_are_made_again(world, monkeypatch):
    """A decoder that was broken since is not judged by what it said before."""
    _, _, bundle, evaluate, loads = world
    good = bundle("good", "reader")
    evaluate(good)
    monkeypatch.setattr(run, "code_digest", lambda: "0" * 64)
    evaluate(good)
    assert loads == ["good", "good"]


def test_the_codes_digest_sees_every_source_that_makes_a_caption(tmp_path):
    for part in ("model", "captions"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "decoder.py").write_text("good = True\n")
    before = sources_digest(tmp_path)
    assert before == sources_digest(tmp_path)
    (tmp_path / "model" / "decoder.py").write_text("good = False\n")
    assert sources_digest(tmp_path) != before
    assert len(code_digest()) == 64


def test_the_command_ends_with_zero_whatever_the_verdict(world, tmp_path, capsys):
    _, snapshot, bundle, _, _ = world
    blind = bundle("blind", "constant")
    arguments = ["--bundle", str(blind), "--snapshot", snapshot, "--out", str(tmp_path / "out")]
    assert run_command(run.main, arguments) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_a_policy_of_one_entry_is_offered_resolved_and_held_to(
    world, tmp_path, capsys, monkeypatch
):
    _, snapshot, bundle, _, _ = world
    action = Threshold(
        name="the action is seen", bound=0.9, select=Selector(slot="action"), minimum_n=4
    )
    policy = Policy(
        name="dance",
        summary="What dancers are told apart by.",
        thresholds=(action,),
        for_release=False,
        per_slice=4,
        control=0,
    )
    monkeypatch.setitem(run.gates.POLICIES, policy.name, policy)
    findings = {}
    for answers in ("reader", "constant"):
        out = tmp_path / f"out-{answers}"
        command = ["--bundle", str(bundle(answers, answers)), "--snapshot", snapshot]
        assert run_command(run.main, [*command, "--out", str(out), "--policy", "dance"]) == 0
        report = json.loads((out / "report.json").read_text())
        assert report["policy"]["summary"] == policy.summary
        sizes = {name: one["records"] for name, one in report["slices"].items() if name != ALL}
        assert max(sizes.values()) == policy.per_slice
        findings[answers] = load_finding(out / "report.json")
    assert {one.policy_digest for one in findings.values()} == {policy_digest(policy)}
    seen, blind = findings["reader"].verdict, findings["constant"].verdict
    deciding = [check.name for check in seen.checks if check.state != "told"]
    assert deciding == ["the action is seen"]
    assert (seen.passed, blind.passed) == (True, False)
    assert blind.reasons[0].startswith("the action is seen: 0.000")
    assert not seen.for_release
    with pytest.raises(ConfigError, match=r"known: .*dance"):
        policy_of("ballet")


def test_an_altered_bundle_is_not_evaluated_nor_compared_with(world, tmp_path):
    _, _, bundle, evaluate, loads = world
    good, altered = bundle("good", "reader"), bundle("altered", "constant")
    (altered / "model.txt").write_text("reader")
    for arguments in ((altered,), (good, altered)):
        with pytest.raises(IntegrityError, match=r"altered/model\.txt: changed"):
            evaluate(*arguments)
    assert loads == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--bundle": "/missing"}, "no model bundle"),
        ({"--snapshot": "f" * 64}, "no snapshot"),
        ({"--per-slice": "0"}, "'--per-slice': Input should be greater than or equal to 1"),
    ],
)
def test_what_cannot_be_evaluated_is_named(world, tmp_path, capsys, change, message):
    _, snapshot, bundle, _, _ = world
    given = {"--bundle": str(bundle("good", "reader")), "--snapshot": snapshot}
    given |= {"--out": str(tmp_path / "out")} | change
    assert run_command(run.main, [word for pair in given.items() for word in pair]) != 0
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
