"""An MLflow that is away while a training ends loses no metrics and no end: a real server."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

import pytest

from any2caption.orchestration.actions import send_metrics
from any2caption.settings import Settings
from any2caption.training.loop import metrics as tracking
from any2caption.training.loop.metrics import Metrics, send_pending
from loopback import free_port

SWITCHES = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


class Server:
    """A real MLflow server that can be stopped and started again at the same address."""

    def __init__(self, home):
        self.home, self.process, self.port = home, None, free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        store = f"sqlite:///{self.home / 'mlflow.db'}"
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--workers", "1", "--backend-store-uri", store),
            *("--artifacts-destination", str(self.home / "artifacts")),
        ]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=os.environ | SWITCHES, stdout=log, stderr=log,
                cwd=self.home, start_new_session=True,
            )  # fmt: skip
        until(self.answers, 180)

    def answers(self):
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/health", timeout=2):  # noqa: S310
            return True
        return False

    def stop(self):
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(30)
            self.process = None


def until(said, seconds=60):
    limit = time.monotonic() + seconds
    while not (value := said()):
        assert time.monotonic() < limit, f"not within {seconds} s: {said}"
        time.sleep(0.1)
    return value


@pytest.fixture
def server(tmp_path):
    one = Server(tmp_path)
    one.start()
    yield one
    one.stop()


def finished(folder):
    """What a training run leaves when it is done."""
    (folder / "bundle").mkdir(parents=True)
    (folder / "bundle" / "manifest.json").write_text("{}")


@pytest.mark.server
def test_what_an_outage_at_the_end_held_back_is_sent_later_and_the_run_ends(
    server, tmp_path, monkeypatch
):
    from mlflow import MlflowClient

    monkeypatch.setattr(tracking, "FLUSH_SECONDS", 0.2)
    settings = Settings(home=tmp_path / "home", mlflow_url=server.url)
    out = settings.runs / "r1" / "train"
    metrics = Metrics(out / "metrics.jsonl", mlflow_url=server.url, tags={"recipe": "tiny"})
    for step in range(5):
        metrics.log(step, loss=1.0 / (step + 1))
    note = out / tracking.NOTE
    run = until(lambda: tracking._read_note(note).get("sent") and tracking._read_note(note)["run"])
    server.stop()
    for step in range(5, 19):
        metrics.log(step, loss=1.0 / (step + 1))
    assert "MLflow lacks 14 lines" in metrics.close()
    assert send_pending([out], server.url) == {}  # no bundle: training may still resume
    finished(out)
    assert "MLflow lacks 14 lines" in send_metrics(settings)[0]

    server.start()
    client = MlflowClient(tracking_uri=server.url)
    assert client.get_run(run).info.status == "RUNNING"
    assert send_metrics(settings) == ["training run r1: its last metrics are in MLflow now"]
    history = client.get_metric_history(run, "loss")
    assert sorted((m.step, m.value) for m in history) == [(s, 1.0 / (s + 1)) for s in range(19)]
    assert client.get_run(run).info.status == "FINISHED"
    assert send_metrics(settings) == []
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT)
    assert len(client.search_runs([experiment.experiment_id])) == 1


def test_a_short_outage_at_the_end_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "FLUSH_SECONDS", 0.5)
    asked, ended = [], []

    class Back:
        def log_batch(self, run, metrics):
            asked.append(len(metrics))

        def set_terminated(self, run, status):
            ended.append((run, status))

        def get_experiment_by_name(self, _):
            return None

        def create_experiment(self, _):
            return "1"

        def create_run(self, _, tags):
            return type("Run", (), {"info": type("Info", (), {"run_id": "r"})})

    def client(_):
        asked.append("asked")
        if asked.count("asked") < 3:
            raise ConnectionError("not yet")
        return Back()

    monkeypatch.setattr(tracking, "_client", client)
    metrics = Metrics(tmp_path / "metrics.jsonl", mlflow_url="x")
    metrics.log(1, loss=0.5)
    assert metrics.close() == ""
    assert asked == ["asked", "asked", "asked", 1]
    assert ended == [("r", "FINISHED")]


def test_a_run_that_still_trains_is_left_alone(tmp_path):
    from any2caption.training.launch.supervisor import _alone

    out = tmp_path / "train"
    finished(out)
    (out / tracking.NOTE).write_text('{"run": "r", "sent": 0, "own": true}')
    with _alone(out):
        assert send_pending([out], "http://127.0.0.1:9") == {}
    assert "was not told" in send_pending([out], "http://127.0.0.1:9")[out]
