import json
from dataclasses import asdict
from pathlib import PurePosixPath

import pytest

from any2caption.datasets.catalogue import Catalogue
from any2caption.errors import (
    ConflictError,
    GateRefused,
    InputError,
    IntegrityError,
    NotFoundError,
    UnavailableError,
)
from any2caption.evaluation.code import code_digest, judge_digest
from any2caption.evaluation.gates import Check, Verdict, policy_digest, policy_of
from any2caption.evaluation.reports.report import SCHEMA
from any2caption.progress import ProgressLog
from any2caption.registry import models
from any2caption.registry.client import MODEL, mlflow_client
from any2caption.registry.commands import (
    champion_bundle,
    judged_captions,
    run_promote,
    run_reconcile,
    run_register,
    run_rollback,
    version_bundle,
)
from any2caption.registry.promotion import (
    CHAMPION,
    Promoted,
    would_promote,
    would_roll_back,
)
from any2caption.storage.digest import SIGNATURE, folder_digest

pytestmark = pytest.mark.server


@pytest.fixture
def report(tmp_path):
    """Write an evaluation report on a bundle that passed or was refused."""

    def write(bundle, *, passed, champion=None, policy="tiny", **others):
        check = Check("camera", 0.95 if passed else 0.4, 0.93, passed, "camera: as measured")
        folder = tmp_path / f"report-{bundle.name}-{policy}-{passed}"
        folder.mkdir(exist_ok=True)
        rules = policy_of(policy)
        content = {
            "schema": SCHEMA,
            "bundle": folder_digest(bundle),
            "champion": champion,
            "snapshot": "snapshot",
            "policy": {"name": policy, "digest": policy_digest(rules)},
            "verdict": asdict(Verdict(policy, rules.for_release, passed, (check,))),
            "selection": "5" * 64,
            "captions": "6" * 64,
            "judge": judge_digest(),
            "code": code_digest(),
            **others,
        }
        (folder / "report.json").write_text(json.dumps(content))
        (folder / "report.html").write_text("<!doctype html>")
        return folder

    return write


def register(settings, bundle, report=None, run_key="key"):
    return run_register(
        settings,
        bundle=bundle,
        snapshot="snapshot",
        run_key=run_key,
        preset="tiny",
        recipe="smoke",
        report=report,
        lifecycle="life",
    )


def test_the_chain_from_bundle_to_champion_and_back(
    settings, make_bundle, report, tmp_path, request
):
    first = make_bundle(f"{request.node.name} 1", "one")
    second = make_bundle(f"{request.node.name} 2", "two")
    assert champion_bundle(settings) is None

    one = register(settings, first, report(first, passed=True))
    assert one["passed"] is True
    assert one["champion"] is None
    assert would_promote(settings, one["version"], "ann") == Promoted(one["version"], None, True)
    assert champion_bundle(settings) is None
    done = run_promote(
        settings, version=one["version"], approver="ann", reason="first", expected=one["champion"]
    )
    assert not would_promote(settings, one["version"], "ann").changed
    assert done == {
        "model": "any2caption", "version": one["version"], "previous": None, "changed": True,
    }  # fmt: skip

    two = register(settings, second, report(second, passed=True, champion=one["digest"]))
    assert two["champion"] == one["version"]
    run_promote(settings, version=two["version"], approver="bob", reason="better")
    assert folder_digest(champion_bundle(settings)) == folder_digest(second)

    step = Promoted(one["version"], two["version"], changed=True)
    assert would_roll_back(settings) == would_roll_back(settings) == step
    back = run_rollback(settings, approver="ann", reason="worse on real cameras", lifecycle="life")
    assert (back["version"], back["previous"]) == (one["version"], two["version"])
    assert folder_digest(champion_bundle(settings, tmp_path / "x")) == folder_digest(first)
    models.set_alias(settings, CHAMPION, two["version"])
    assert run_reconcile(settings)["version"] == one["version"]
    stages = {line["stage"] for _, line in ProgressLog(settings.progress_log, "life").read()}
    assert stages == {"register", "promote"}


def test_a_refused_model_is_registered_with_its_reasons_and_stops_the_chain(
    settings, make_bundle, report, request
):
    bundle = make_bundle(request.node.name)
    with pytest.raises(GateRefused, match="camera: as measured"):
        register(settings, bundle, report(bundle, passed=False), run_key="refused")
    found = models.register(settings, bundle)
    assert found.verdict == "refused"
    assert found.reasons == "camera: as measured"
    row = Catalogue(settings.catalogue_url).verdicts()[-1]
    assert (row.passed, row.version, row.reasons) == (False, found.version, ["camera: as measured"])
    with pytest.raises(GateRefused):
        run_promote(settings, version=found.version, approver="ann", reason="please")
    with pytest.raises(GateRefused, match="cannot be promoted"):
        would_promote(settings, found.version, "ann")
    assert would_promote(settings, found.version, "ann", force=True).changed
    assert champion_bundle(settings) is None


def test_judged_captions_are_read_here_or_in_mlflow_and_held_to_the_verdict(
    settings, make_bundle, report, request
):
    bundle = make_bundle(request.node.name)
    texts = {"r1": {"gold": "g", "model": "what the model wrote"}}
    folder = report(bundle, passed=True, texts=texts)
    version = register(settings, bundle)["version"]
    assert judged_captions(settings, version) is None, "it was never evaluated"
    register(settings, bundle, folder)
    here = judged_captions(settings, version)
    assert (here.policy, here.snapshot) == ("tiny", "snapshot")
    assert here.texts == {"r1": "what the model wrote"}
    path = folder / "report.json"
    path.write_text(path.read_text().replace("what the model", "what nobody"))
    assert judged_captions(settings, version) == here, "MLflow has the one that was judged"
    path.unlink()
    assert judged_captions(settings, version) == here
    with mlflow_client(settings) as client:
        run = models.get(settings, version).run_id
        client.log_text(run, "{}", "evaluation/tiny/report.json")
    with pytest.raises(IntegrityError, match=f"gone.*not the report.*evaluate version {version}"):
        judged_captions(settings, version)
    away = settings.model_copy(update={"mlflow_url": "http://127.0.0.1:9"})
    with pytest.raises(UnavailableError):
        judged_captions(away, version)


def test_a_retried_step_gives_the_same_ids(settings, make_bundle, report, request):
    bundle = make_bundle(request.node.name)
    first, again = (register(settings, bundle, report(bundle, passed=True)) for _ in range(2))
    assert first == again
    ids = {"version": first["version"], "approver": "ann", "reason": "r", "expected": None}
    assert run_promote(settings, **ids)["changed"]
    assert not run_promote(settings, **ids)["changed"]


@pytest.fixture
def two_bundles(make_bundle, request):
    return [make_bundle(f"{request.node.name} {name}", name) for name in ("one", "two")]


def test_a_champion_that_changed_since_the_evaluation_stops_the_promotion(
    settings, two_bundles, report
):
    one, two = (register(settings, bundle, report(bundle, passed=True)) for bundle in two_bundles)
    run_promote(settings, version=one["version"], approver="ann", reason="first", expected=None)
    with pytest.raises(GateRefused, match=r"compared with nobody, and the champion is version \d"):
        run_promote(settings, version=two["version"], approver="bob", reason="r", expected=None)
    with pytest.raises(ConflictError, match="not None"):
        run_promote(
            settings, version=two["version"], approver="bob", reason="r", expected=None, force=True
        )


def test_a_verdict_against_another_champion_does_not_count(settings, two_bundles, report):
    first, second = two_bundles
    one = register(settings, first, report(first, passed=True))
    run_promote(settings, version=one["version"], approver="ann", reason="first")
    with pytest.raises(ConflictError, match=r"compared with no champion.*evaluate again"):
        register(settings, second, report(second, passed=True))
    assert models.register(settings, second).verdict == ""
    assert register(settings, second, report(second, passed=True, champion=one["digest"]))["passed"]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"bundle": "0" * 64}, "on bundle 000000000000, not"),
        ({"snapshot": "another"}, "on snapshot another, not snapshot"),
        ({"policy": {"name": "tiny", "digest": "1" * 64}}, "on policy content 111111111111, not"),
        ({"policy": {"name": "tiny"}}, "on policy content unknown, not"),
        ({"partial": True}, "on fewer records than its policy asks for"),
    ],
)
def test_a_report_on_something_else_does_not_count(settings, two_bundles, report, told, message):
    bundle = two_bundles[0]
    folder = report(bundle, passed=True)
    content = json.loads((folder / "report.json").read_text())
    (folder / "report.json").write_text(json.dumps({**content, **told}))
    with pytest.raises(ConflictError, match=message):
        register(settings, bundle, folder)
    assert not Catalogue(settings.catalogue_url).verdicts()


def test_a_report_says_itself_for_release_in_vain(settings, make_bundle, report, request):
    bundle = make_bundle(request.node.name)
    folder = report(bundle, passed=True, policy="smoke")
    content = json.loads((folder / "report.json").read_text())
    content["verdict"]["for_release"] = True
    (folder / "report.json").write_text(json.dumps(content))
    version = register(settings, bundle, folder)["version"]
    with pytest.raises(GateRefused, match="not for release"):
        run_promote(settings, version=version, approver="ann", reason="please")


def test_a_pass_handed_in_again_does_not_undo_a_refusal(settings, make_bundle, report, request):
    bundle = make_bundle(request.node.name)
    good = report(bundle, passed=True, policy="smoke")
    version = register(settings, bundle, good)["version"]
    with pytest.raises(GateRefused):
        register(settings, bundle, report(bundle, passed=False))
    register(settings, bundle, good)
    with pytest.raises(GateRefused, match="last verdict is a refusal: camera"):
        run_promote(settings, version=version, approver="ann", reason="please")


def test_tags_set_in_mlflow_promote_nothing(settings, two_bundles, report):
    refused, unjudged = two_bundles
    with pytest.raises(GateRefused):
        register(settings, refused, report(refused, passed=False))
    one, two = models.register(settings, refused).version, register(settings, unjudged)["version"]
    with mlflow_client(settings) as client:
        for version in (one, two):
            for name, value in (
                (models.VERDICT, models.PASSED),
                (models.FOR_RELEASE, "true"),
                (models.POLICY, "tiny"),
            ):
                client.set_model_version_tag(MODEL, str(version), name, value)
            client.set_registered_model_alias(MODEL, models.CHALLENGER, str(version))
    for version, why in ((one, "a refusal"), (two, "never evaluated")):
        with pytest.raises(GateRefused, match=why):
            run_promote(settings, version=version, approver="ann", reason="please")
    assert champion_bundle(settings) is None


def test_another_bundle_is_not_accepted_as_the_registered_one(
    settings, two_bundles, report, tmp_path
):
    """Whoever writes MLflow's tags and artifacts cannot make a version mean something else."""
    good, evil = two_bundles
    version = register(settings, good, report(good, passed=True))["version"]
    other = models.register(settings, evil)
    with mlflow_client(settings) as client:
        known = models.get(settings, version)
        client.set_model_version_tag(MODEL, str(version), models.DIGEST, other.digest)
        with pytest.raises(IntegrityError, match="tampered"):
            run_promote(settings, version=version, approver="ann", reason="please")
        client.set_model_version_tag(MODEL, str(version), models.DIGEST, known.digest)
        for file in sorted(evil.rglob("*")):
            if file.is_file():
                parent = (PurePosixPath(models.BUNDLE) / file.relative_to(evil).parent).as_posix()
                client.log_artifact(known.run_id, str(file), parent)
    run_promote(settings, version=version, approver="ann", reason="first")
    with pytest.raises(IntegrityError, match="was registered"):
        version_bundle(settings, version)
    assert not (settings.home / "bundles" / f"v{version}").exists()


def test_a_digest_claimed_by_another_version_is_a_conflict(settings, two_bundles, report):
    good, evil = two_bundles
    first = register(settings, evil)["version"]
    with mlflow_client(settings) as client:
        digest = folder_digest(good)
        client.set_model_version_tag(MODEL, str(first), models.DIGEST, digest)
    with pytest.raises(ConflictError, match=f"version {first} of any2caption is bundle"):
        register(settings, good, report(good, passed=True))


def test_an_unsigned_bundle_is_not_registered(settings, make_bundle, request):
    bundle = make_bundle(request.node.name)
    (bundle / "nested" / "model.safetensors").write_bytes(b"evil")
    with pytest.raises(IntegrityError, match=r"model\.safetensors: changed since it was signed"):
        register(settings, bundle)
    (bundle / SIGNATURE).unlink()
    with pytest.raises(IntegrityError, match="a2c model sign"):
        register(settings, bundle)


def test_a_broken_report_registers_nothing_as_passed(settings, make_bundle, tmp_path, request):
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(InputError, match="not an evaluation report"):
        register(settings, make_bundle(request.node.name), tmp_path)
    with pytest.raises(NotFoundError):
        register(settings, tmp_path / "missing")
