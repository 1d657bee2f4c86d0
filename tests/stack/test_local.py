"""The real stack: up, up again, a lost service, down."""

import os
import signal
import time
import urllib.request

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from any2caption import processes
from any2caption.errors import ConfigError
from any2caption.orchestration.client import AirflowClient, wait_for_dags
from any2caption.registry import models
from any2caption.registry.client import MODEL, mlflow_client
from any2caption.stack import environment, local, supervisor
from any2caption.stack.secrets import load

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]


def client(settings, secret: str):
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        aws_access_key_id=load(settings.home).s3_access_key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )


def living_in(folder) -> list[str]:
    """Command lines of processes that work below a folder, whatever their environment says."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(folder)):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def pid_of(settings, name: str) -> int:
    return next(row.pid for row in local.status(settings) if row.name == name)


@pytest.fixture
def settings(own_ports, tmp_path):
    chosen = environment.load_settings(tmp_path / "home")
    yield chosen
    local.down(chosen, say=print)


def healthy(settings, seconds=60):
    """All services' rows: a busy machine may let a single answer of one pass its time limit."""
    until = time.monotonic() + seconds
    while True:
        rows = {row.name: row for row in local.status(settings)}
        told = {name: (row.state, row.detail) for name, row in rows.items()}
        if {state for state, _ in told.values()} == {"healthy"}:
            return rows
        assert time.monotonic() < until, told
        time.sleep(1)


def an_alias_that_was_set_by_hand_is_taken_away_at_once(settings, seconds=240):
    """MLflow's webhook starts housekeeping; the clock would in a quarter of an hour."""
    airflow = AirflowClient(settings.airflow_url, *local.airflow_login(settings))
    wait_for_dags(airflow, ["housekeeping"])
    with mlflow_client(settings) as registry:
        registry.create_registered_model(MODEL)
        registry.create_model_version(MODEL, "s3://nowhere/model")
        registry.set_registered_model_alias(MODEL, "champion", "1")
    until = time.monotonic() + seconds
    while models.by_alias(settings, "champion") is not None:
        assert time.monotonic() < until, "still there"
        time.sleep(1)
    while "asset_triggered" not in run_types(airflow):  # the clock may have been first
        assert time.monotonic() < until, run_types(airflow)
        time.sleep(1)


def run_types(airflow):
    runs = airflow.call("GET", "/dags/housekeeping/dagRuns")["dag_runs"]
    return {run["run_type"] for run in runs}


@pytest.mark.slow
def test_up_continues_and_down_leaves_nothing(settings):
    said: list[str] = []
    with_swift = local.choose_store(settings, "s3")
    local.up(settings, with_swift=with_swift, say=said.append)
    rows = healthy(settings)
    assert {"mlflow", "airflow-api", "airflow-scheduler", "triton", "s3"} <= set(rows)
    an_alias_that_was_set_by_hand_is_taken_away_at_once(settings)

    # Another stack on the same ports is told which service and which setting.
    other = environment.with_interpreters(settings.model_copy(update={"home": settings.home / "b"}))
    with pytest.raises(ConfigError, match=r"port \d+ for .* set A2C_PORT_"):
        local.up(other, with_swift=False, say=said.append)

    # The same stack with other settings is told to stop first.
    moved = settings.model_copy(update={"object_store": "file:///elsewhere"})
    with pytest.raises(ConfigError, match=r"A2C_OBJECT_STORE.*a2c down"):
        local.up(moved, with_swift=True, say=said.append)

    secret = load(settings.home).s3_secret_key
    client(settings, secret).put_object(Bucket="a2c", Key="kept/object", Body=b"durable")
    with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|403"):
        client(settings, "wrong").list_objects_v2(Bucket="a2c")

    # A service that dies comes back; `up` on a running stack changes nothing.
    # Its own workers, which still hold the port, do not keep it from coming back.
    os.kill(rows["mlflow"].pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while pid_of(settings, "mlflow") in {0, rows["mlflow"].pid}:
        assert time.monotonic() < deadline, "not started again"
        time.sleep(0.2)
    local.up(settings, with_swift=with_swift, say=said.append)
    again = healthy(settings)  # a worker of the dead one may have answered for the new one
    assert again["airflow-scheduler"].pid == rows["airflow-scheduler"].pid

    # supervisord killed: its children are orphans, and down finds them all the same.
    pid = int((settings.home / "supervisord.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    stack_id = load(settings.home).stack_id
    assert processes.marked(local.MARK, stack_id)
    local.down(settings, say=said.append)
    assert processes.marked(local.MARK, stack_id) == []
    assert living_in(settings.home) == []
    assert not supervisor.is_running(settings.home)

    # A second up continues from what is there.
    local.up(settings, with_swift=with_swift, say=said.append)
    body = client(settings, secret).get_object(Bucket="a2c", Key="kept/object")["Body"].read()
    assert body == b"durable"
    with urllib.request.urlopen(f"{settings.mlflow_url}/health", timeout=5) as answer:  # noqa: S310
        assert answer.status == 200
    local.down(settings, say=said.append)
    assert processes.marked(local.MARK, stack_id) == []
    assert living_in(settings.home) == []
