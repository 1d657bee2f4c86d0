"""A task's links lead to pages that a real MLflow serves; without them there is no link."""

import json
import urllib.request
from types import SimpleNamespace

import pytest

from any2caption.datasets.catalogue import Catalogue
from any2caption.evaluation.gates import Check, Verdict
from any2caption.orchestration import links
from any2caption.registry import models
from any2caption.registry.client import MODEL
from any2caption.registry.datasets import log_data_set
from any2caption.training.loop.metrics import Metrics

pytestmark = pytest.mark.server
SNAPSHOT = "ab" * 32


@pytest.fixture
def link(settings, monkeypatch):
    """Ask a task's link as Airflow does, with what the task returned or was given."""
    for name in ("home", "mlflow_url"):
        monkeypatch.setenv(f"A2C_{name.upper()}", str(getattr(settings, name)))

    def ask(one, returned=None, given=None, work=None):
        ti = SimpleNamespace(task_id="t", xcom_pull=lambda task_ids: returned)
        operator = SimpleNamespace(op_args=[given], **({"work": work} if work else {}))
        return one.get_link(operator, ti_key=ti)

    return ask


def served(settings, url):
    """Fetch the artifact that a page of MLflow shows."""
    _, _, _, run, _, *path = url.partition("/#/")[2].split("/")
    ask = f"{settings.mlflow_url}/get-artifact?run_uuid={run}&path={'/'.join(path)}"
    with urllib.request.urlopen(ask, timeout=30) as answer:  # noqa: S310
        return answer.read().decode()


def test_a_data_sets_report_card_and_run_are_reached(settings, link, tmp_path):
    for name in ("index.html", "data_card.html"):
        (tmp_path / name).write_text(f"<!doctype html>{name}")
    (tmp_path / "README.md").write_text("---\na: b\n---\n# Data card")
    result = {
        "snapshot": SNAPSHOT,
        "source": "s3://b/clips/",
        "records": 1200,
        "data_docs": tmp_path / "index.html",
        "data_card": tmp_path / "data_card.html",
    }
    run = log_data_set(settings, result)
    request = {"snapshot": SNAPSHOT}
    assert "index.html" in served(settings, link(links.DATA_REPORT, request))
    assert "data_card.html" in served(settings, link(links.DATA_CARD, request))
    assert link(links.DATA_CARD, {"snapshot": "cd" * 32}) == ""
    from mlflow import MlflowClient

    found = MlflowClient(tracking_uri=settings.mlflow_url).get_run(run)
    assert found.info.run_name == f"clips, 1,200 records ({SNAPSHOT[:12]})"
    assert found.data.tags["mlflow.note.content"] == "# Data card"
    assert found.inputs.dataset_inputs[0].dataset.name == f"snapshot {SNAPSHOT[:12]}"


def test_a_refused_versions_report_is_reached_from_the_task_that_failed(
    settings, link, make_bundle, request, tmp_path
):
    found = models.register(
        settings, make_bundle(request.node.name), snapshot=SNAPSHOT, preset="tiny", recipe="smoke"
    )
    (tmp_path / "report.html").write_text("<!doctype html>refused")
    verdict = Verdict("tiny", True, False, (Check("camera", 0.4, 0.9, False, "camera: 0.4"),))
    models.record_verdict(settings, found.version, verdict, tmp_path)
    given = {"version": found.version}
    assert link(links.GATE_REPORT, None, given) == ""  # not yet judged
    ledger = Catalogue(settings.catalogue_url)
    ledger.migrate()
    ledger.record_training_run("run", snapshot_id=SNAPSHOT, preset="tiny", recipe="smoke")
    ledger.record_model_version(MODEL, found.version, digest=found.digest, run_key="run")
    ledger.record_verdict("run", policy="tiny", passed=False, version=found.version)
    ledger.close()
    assert "refused" in served(settings, link(links.GATE_REPORT, None, given))
    assert link(links.VERSION, given).endswith(f"/#/models/{MODEL}/versions/{found.version}")
    from mlflow import MlflowClient

    run = MlflowClient(tracking_uri=settings.mlflow_url).get_run(found.run_id)
    name = f"tiny by smoke on {SNAPSHOT[:12]}, bundle {found.digest[:12]}"
    assert run.info.run_name == name
    assert run.data.params == {"preset": "tiny", "recipe": "smoke"}


def test_a_trainings_run_shows_what_it_is_and_is_reached_from_its_task(settings, link):
    from mlflow import MlflowClient

    from any2caption.training.recipes.builtin import RECIPES
    from any2caption.training.recipes.told import parameters

    folder = settings.runs / "r1"
    work = {"folder": str(folder / "jobs" / "train")}
    assert link(links.TRAINING_RUN, "job-r1", work=work) == ""
    metrics = Metrics(
        folder / "train" / "metrics.jsonl",
        mlflow_url=settings.mlflow_url,
        tags={"mlflow.runName": "tiny by tiny", "snapshot": SNAPSHOT},
        params=parameters(RECIPES["tiny"]),
    )
    metrics.log(1, loss=0.5)
    assert metrics.close() == ""
    address = link(links.TRAINING_RUN, "job-r1", work=work)
    found = MlflowClient(tracking_uri=settings.mlflow_url).get_run(address.rpartition("/")[2])
    assert found.info.run_name == "tiny by tiny"
    assert found.data.params["optimizer"] == "AdamW, Muon for the encoders' matrices"
    stage = found.data.params["stage 1 align-camera"]
    assert stage.startswith("classify on camera: trains camera+heads, 160 steps of 64")
    data = found.inputs.dataset_inputs[0]
    assert json.loads(data.dataset.source) == {"snapshot": SNAPSHOT}
    assert [(tag.key, tag.value) for tag in data.tags] == [("mlflow.data.context", "training")]


def test_no_answer_of_mlflow_is_no_link_and_no_fault(link, monkeypatch):
    monkeypatch.setenv("A2C_MLFLOW_URL", "http://127.0.0.1:9")
    assert link(links.MODEL_CARD, {"version": 1}) == ""
    assert link(links.MODEL_CARD, None, None) == ""
