"""`a2c registry …` on a real catalogue, MLflow and object store."""

import json

import pytest
from typer.testing import CliRunner

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.cli.registry import registry
from any2caption.datasets.catalogue import Catalogue
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import publish
from any2caption.errors import IntegrityError, NotFoundError
from any2caption.registry import models, promotion
from any2caption.registry.client import MODEL, mlflow_client
from any2caption.registry.lineage import findings, lineage
from any2caption.storage import open_store

pytestmark = pytest.mark.server
REASON = "forced for this test"


@pytest.fixture
def version(settings, make_bundle, request):
    """Version 1 was refused and is champion by force; its snapshot holds three sources."""
    models.register(settings, make_bundle("any", "any"))
    with mlflow_client(settings) as client:
        client.delete_registered_model_alias(MODEL, promotion.CHAMPION)
    ledger = Catalogue(settings.catalogue_url)
    ledger.migrate()
    told = [("a", "CC0-1.0"), ("a", "CC-BY-4.0"), ("b", "CC0-1.0"), ("b", "CC0-1.0")]
    caption = StructuredCaption(**dict.fromkeys(PARTS, "a red ball"))
    kept = {"split": "test", "prompt": "a ball", "conditions": (), "caption": caption}
    records = [
        Record(id=f"r{n}", source=source, licence=licence, **kept)
        for n, (source, licence) in enumerate(told)
    ]
    snapshot = publish(open_store(settings.object_store), records)
    ledger.record_snapshot(snapshot.id, source="file:///data", statistics=snapshot.statistics)
    ledger.record_training_run("run", snapshot_id=snapshot.id, preset="tiny", recipe="smoke")
    found = models.register(settings, make_bundle(request.node.name))
    ledger.record_model_version(MODEL, found.version, digest=found.digest, run_key="run")
    ledger.record_verdict(
        "run", policy="tiny", passed=False, reasons=["camera: 0.50"], version=found.version
    )
    promotion.promote(settings, found.version, "ann", REASON, force=True, ledger=ledger)
    yield found.version
    ledger.close()


def a2c(settings, *arguments, monkeypatch):
    for name in ("home", "mlflow_url"):
        monkeypatch.setenv(f"A2C_{name.upper()}", str(getattr(settings, name)))
    return CliRunner().invoke(registry, [*arguments, "--home", str(settings.home)])


def test_the_champion_is_followed_to_every_source_and_licence(settings, version, monkeypatch):
    found = lineage(settings)
    assert (found["version"], found["run"], found["weights"]) == (version, "run", "from scratch")
    assert found["sources"] == [
        {"source": "a", "licence": "CC-BY-4.0", "records": 1},
        {"source": "a", "licence": "CC0-1.0", "records": 1},
        {"source": "b", "licence": "CC0-1.0", "records": 2},
    ]
    told = a2c(settings, "lineage", monkeypatch=monkeypatch).stdout
    assert "source    a: CC-BY-4.0, 1 records" in told
    assert REASON in told
    assert "refused under tiny" in told
    with pytest.raises(NotFoundError, match="does not know version 999"):
        lineage(settings, 999)


def test_ledger_and_verdicts_are_shown_with_what_they_are_on(settings, version, monkeypatch):
    shown = json.loads(a2c(settings, "show", "--json", monkeypatch=monkeypatch).stdout)
    assert (shown["ledger"], shown["alias"], shown["live"]) == (version, version, None)
    assert not shown["agrees"]  # nothing serves it
    assert shown["lines"][0]["reason"].endswith(REASON)
    said = a2c(settings, "show", monkeypatch=monkeypatch).stdout
    assert f"they differ: ledger {version}, alias {version}, server nobody" in said
    rows = json.loads(
        a2c(settings, "verdicts", str(version), "--json", monkeypatch=monkeypatch).stdout
    )
    assert [(row["passed"], row["reasons"]) for row in rows] == [(False, ["camera: 0.50"])]
    assert set(rows[0]["digests"]) >= {"bundle", "champion", "snapshot", "selection", "policy"}


def test_what_was_altered_is_found(settings, version, monkeypatch):
    assert all(right for right, _ in findings(settings))
    with mlflow_client(settings) as client:
        client.delete_registered_model_alias(MODEL, promotion.CHAMPION)
        client.set_model_version_tag(MODEL, str(version), models.DIGEST, "0" * 64)
    wrong = [said for right, said in findings(settings) if not right]
    assert any("tampered" in said for said in wrong)
    assert any("alias champion: nothing" in said for said in wrong)
    done = a2c(settings, "verify", monkeypatch=monkeypatch)
    assert isinstance(done.exception, IntegrityError)
    assert "WRONG" in done.stdout
