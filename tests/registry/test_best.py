import json

import pytest

from any2caption.datasets.catalogue import Catalogue
from any2caption.registry.best import best_former
from any2caption.registry.client import MODEL
from any2caption.settings import Settings
from any2caption.storage import digest_of

SNAPSHOT = "ab" * 32


@pytest.fixture
def catalogue(tmp_path):
    catalogue = Catalogue(Settings(home=tmp_path / "home").catalogue_url)
    catalogue.migrate()
    for version, accuracy in ((1, 0.97), (2, 0.99), (3, 0.98), (4, 0.96)):
        folder = tmp_path / str(version)
        folder.mkdir()
        rate = {"value": accuracy}
        report = {"slices": {"all": {"accuracy": {"determinable": rate}}}}
        raw = json.dumps(report).encode()
        (folder / "report.json").write_bytes(raw)
        run = f"run-{version}"
        catalogue.record_training_run(run, snapshot_id=SNAPSHOT, preset="tiny", recipe="tiny")
        catalogue.record_model_version(MODEL, version, digest=str(version) * 64, run_key=run)
        catalogue.record_verdict(
            run,
            policy="tiny",
            passed=True,
            reasons=["ok"],
            report=str(folder / "report.html"),
            version=version,
            snapshot_id=SNAPSHOT,
            report_digest=digest_of(raw),
        )
        catalogue.promote(MODEL, version, version - 1 or None, "ann", "r")
    yield catalogue
    catalogue.close()


def test_the_best_former_champion_is_found_on_the_same_snapshot_only(catalogue):
    assert best_former(catalogue, SNAPSHOT, {4}) == 2
    assert best_former(catalogue, SNAPSHOT, {4, 2}) == 3
    assert best_former(catalogue, "cd" * 32, {4}) is None


def test_a_report_that_was_changed_does_not_count(catalogue, tmp_path):
    path = tmp_path / "1" / "report.json"
    path.write_text(path.read_text().replace("0.97", "1.00"))
    assert best_former(catalogue, SNAPSHOT, {4}) == 2
    (tmp_path / "2" / "report.json").unlink()
    assert best_former(catalogue, SNAPSHOT, {4}) == 3
