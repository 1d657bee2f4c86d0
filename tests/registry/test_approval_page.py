"""What a person reads before a promotion, from a real catalogue and MLflow."""

import json
import urllib.request
from dataclasses import asdict

import pytest

from any2caption.datasets.catalogue import Catalogue
from any2caption.errors import NotFoundError
from any2caption.evaluation.gates import Check, Verdict
from any2caption.evaluation.reports.report import SCHEMA
from any2caption.evaluation.statistics.paired import Comparison
from any2caption.orchestration.approval.page import page
from any2caption.registry import models
from any2caption.storage.digest import file_digest

pytestmark = pytest.mark.server
CHECKS = (
    Check("camera | alone", 0.97, 0.93, True, "camera: 0.97"),
    Check("action", None, 0.93, False, "action: not measured"),
)
WORSE = Comparison("mix", 128, 512, 0.95, 0.91, -0.04, 0.013, 0.05, 0.01, 0, -0.07, -0.01)


def test_a_person_sees_figures_the_difference_to_the_champion_and_the_report(
    settings, make_bundle, tmp_path, request
):
    catalogue = Catalogue(settings.catalogue_url)
    catalogue.migrate()
    found = models.register(settings, make_bundle(request.node.name))
    with pytest.raises(NotFoundError, match="never evaluated"):
        page(settings, found.version)
    verdict = Verdict("tiny", True, False, CHECKS, (WORSE,))
    report = tmp_path / "report.json"
    content = {
        "schema": SCHEMA,
        "bundle": found.digest,
        "champion": "c" * 64,
        "snapshot": "s",
        "policy": {"name": "tiny"},
        "verdict": asdict(verdict),
    }
    report.write_text(json.dumps(content))
    report.with_suffix(".html").write_text("<!doctype html>the report")
    models.record_verdict(settings, found.version, verdict, tmp_path)
    catalogue.promote("any2caption", 4, None, "ann", "first")
    catalogue.record_verdict(
        "run",
        policy="tiny",
        passed=False,
        version=found.version,
        champion=4,
        report=str(tmp_path / "report.html"),
        report_digest=file_digest(report),
        requester="bob",
        for_release=True,
    )
    said = page(settings, found.version)
    assert "was **refused** by policy `tiny`, started by bob" in said
    assert "Champion: version 4. Compared with: version 4." in said
    assert "| camera \\| alone | 0.970 | 0.930 | holds |" in said
    assert "| action | not measured | 0.930 | **fails** |" in said
    assert "| mix | 0.950 | 0.910 | -0.040 | -0.070 to -0.010 | 0.0130 |" in said
    url = said.rpartition("](")[2].rstrip(")")
    place = url.partition("/#/")[2].split("/")
    path = f"get-artifact?run_uuid={place[3]}&path={'/'.join(place[5:])}"
    with urllib.request.urlopen(f"{settings.mlflow_url}/{path}", timeout=30) as answer:  # noqa: S310
        assert b"the report" in answer.read()
    report.write_text(json.dumps(content | {"snapshot": "another"}))
    assert "is not the report that was judged" in page(settings, found.version)
    assert "0.970" not in page(settings, found.version)
