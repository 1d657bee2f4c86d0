"""A data set's contract is in MLflow: one run a snapshot, however often it is validated."""

import pytest

from any2caption.errors import UnavailableError
from any2caption.registry.datasets import EXPERIMENT, log_data_set
from any2caption.settings import Settings

RESULT = {"snapshot": "ab" * 32, "records": 7, "rejected": 1, "expectations": 66, "seconds": 1.5,
          "warnings": ["drift: x"], "data_docs": "/docs/index.html"}  # fmt: skip


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("A2C_HOME", str(tmp_path))
    monkeypatch.setenv("A2C_MLFLOW_URL", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return Settings()


def test_a_result_is_one_run_with_its_numbers(settings):
    from mlflow import MlflowClient

    first = log_data_set(settings, RESULT)
    assert log_data_set(settings, {**RESULT, "passed": False, "failures": ["a"]}) == first
    client = MlflowClient(tracking_uri=settings.mlflow_url)
    run = client.get_run(first)
    assert run.data.metrics["records"] == 7
    assert run.data.tags["contract"] == "failed"
    assert run.data.tags["data_docs"] == "/docs/index.html"
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert len(client.search_runs([experiment.experiment_id])) == 1


def test_nothing_is_logged_without_a_snapshot(settings):
    assert log_data_set(settings, {"snapshot": None}) is None


def test_a_server_that_is_down_is_said_to_be(tmp_path, monkeypatch):
    monkeypatch.setenv("A2C_HOME", str(tmp_path))
    monkeypatch.setenv("A2C_MLFLOW_URL", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError):
        log_data_set(Settings(), RESULT)
