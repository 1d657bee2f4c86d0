import json
from dataclasses import asdict

import pytest

from any2caption.datasets.catalogue import Catalogue
from any2caption.errors import ConflictError, GateRefused, InputError, NotFoundError
from any2caption.evaluation.gates import Check, Verdict
from any2caption.evaluation.report import SCHEMA
from any2caption.progress import ProgressLog
from any2caption.registry import models
from any2caption.registry.commands import (
    champion_bundle,
    run_promote,
    run_reconcile,
    run_register,
    run_rollback,
)
from any2caption.registry.promotion import CHAMPION
from any2caption.storage.digest import folder_digest

pytestmark = pytest.mark.server


@pytest.fixture
def report(tmp_path):
    """Write an evaluation report that passed or was refused."""

    def write(*, passed, champion=None):
        check = Check("camera", 0.95 if passed else 0.4, 0.93, passed, "camera: as measured")
        folder = tmp_path / f"report-{passed}"
        folder.mkdir(exist_ok=True)
        verdict = asdict(Verdict("tiny", True, passed, (check,)))
        content = {"schema": SCHEMA, "champion": champion, "verdict": verdict}
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

    one = register(settings, first, report(passed=True))
    assert one["passed"] is True
    assert one["champion"] is None
    done = run_promote(
        settings, version=one["version"], approver="ann", reason="first", expected=one["champion"]
    )
    assert done == {
        "model": "any2caption", "version": one["version"], "previous": None, "changed": True,
    }  # fmt: skip

    two = register(settings, second, report(passed=True, champion=one["digest"]))
    assert two["champion"] == one["version"]
    run_promote(settings, version=two["version"], approver="bob", reason="better")
    assert folder_digest(champion_bundle(settings)) == folder_digest(second)

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
        register(settings, bundle, report(passed=False), run_key="refused")
    found = models.register(settings, bundle)
    assert found.verdict == "refused"
    assert found.reasons == "camera: as measured"
    row = Catalogue(settings.catalogue_url).latest_verdict("refused")
    assert (row.passed, row.version, row.reasons) == (False, found.version, ["camera: as measured"])
    with pytest.raises(GateRefused):
        run_promote(settings, version=found.version, approver="ann", reason="please")
    assert champion_bundle(settings) is None


def test_a_retried_step_gives_the_same_ids(settings, make_bundle, report, request):
    bundle = make_bundle(request.node.name)
    first, again = (register(settings, bundle, report(passed=True)) for _ in range(2))
    assert first == again
    ids = {"version": first["version"], "approver": "ann", "reason": "r", "expected": None}
    assert run_promote(settings, **ids)["changed"]
    assert not run_promote(settings, **ids)["changed"]


def test_a_champion_that_changed_since_the_evaluation_stops_the_promotion(
    settings, make_bundle, report, request
):
    one = register(settings, make_bundle(f"{request.node.name} 1", "one"), report(passed=True))
    two = register(settings, make_bundle(f"{request.node.name} 2", "two"), report(passed=True))
    run_promote(settings, version=one["version"], approver="ann", reason="first", expected=None)
    with pytest.raises(ConflictError):
        run_promote(settings, version=two["version"], approver="bob", reason="r", expected=None)


def test_a_verdict_against_another_champion_does_not_count(settings, make_bundle, report, request):
    one = register(settings, make_bundle(f"{request.node.name} 1", "one"), report(passed=True))
    run_promote(settings, version=one["version"], approver="ann", reason="first")
    two = make_bundle(f"{request.node.name} 2", "two")
    with pytest.raises(ConflictError, match=r"compared with no champion.*evaluate again"):
        register(settings, two, report(passed=True))
    assert models.register(settings, two).verdict == ""
    assert register(settings, two, report(passed=True, champion=one["digest"]))["passed"]


def test_a_broken_report_registers_nothing_as_passed(settings, make_bundle, tmp_path, request):
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(InputError, match="not an evaluation report"):
        register(settings, make_bundle(request.node.name), tmp_path)
    with pytest.raises(NotFoundError):
        register(settings, tmp_path / "missing")
