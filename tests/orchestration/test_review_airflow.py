"""People's readings through a real Airflow: scheduler, API server, mapped tasks that wait."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from any2caption.annotation import reviews
from any2caption.annotation.verification import TEXTS
from any2caption.errors import A2CError
from any2caption.orchestration.client import AirflowClient, wait_for_dags
from any2caption.stack import environment, local, own
from any2caption.stack.secrets import load
from loopback import free_port

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]
DAG = "annotate_conditions"
PEOPLE = ("admin", "bob")
DAGS = Path(__file__).parents[2] / "dags"
AIRFLOW = str(Path(sys.executable).parent / "airflow")


@pytest.fixture
def settings(tmp_path, monkeypatch):
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("A2C_", "AWS_", "MLFLOW_", "AIRFLOW_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("A2C_PORT_AIRFLOW", str(free_port()))
    only = tmp_path / "dags"
    only.mkdir()
    shutil.copy(DAGS / f"{DAG}.py", only)
    monkeypatch.setenv("A2C_DAGS", str(only))
    monkeypatch.setenv("A2C_AIRFLOW_USERS", "admin:admin,bob:op")
    yield environment.load_settings(tmp_path / "home")
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def airflow(settings):
    """Airflow alone, with this one DAG."""
    home = settings.home / "airflow"
    home.mkdir(parents=True)
    keys = load(settings.home)
    (home / "passwords.json").write_text(json.dumps(dict.fromkeys(PEOPLE, keys.airflow_password)))
    inherited = own.of_service("airflow-scheduler", settings, swift=False)
    run = {"env": inherited, "cwd": home, "stdout": subprocess.DEVNULL}
    subprocess.run([AIRFLOW, "db", "migrate"], check=True, timeout=300, stderr=-3, **run)
    started = []
    for arguments in (("api-server",), ("scheduler", "--skip-serve-logs"), ("dag-processor",)):
        with (home / f"{arguments[0]}.log").open("w") as log:
            process = subprocess.Popen(
                [AIRFLOW, *arguments], stderr=log, start_new_session=True, **run
            )
        started.append(process)
    client = AirflowClient(settings.airflow_url, *local.airflow_login(settings))
    deadline = time.monotonic() + 300
    while True:
        try:
            client.call("GET", "/version")
            break
        except A2CError:
            assert time.monotonic() < deadline, "Airflow did not start"
            time.sleep(1)
    wait_for_dags(client, (DAG,), timeout=300)
    yield client
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
    for process in started:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def waiting(client, ref):
    tasks = [task for task in client.tasks(ref) if task["task_id"] == "review"]
    return {t["map_index"] for t in tasks if t["state"] in {"awaiting_input", "deferred"}}


def question(client, ref, index):
    """Return (record, reading) that a waiting task asks for."""
    path = f"/dags/{ref.dag}/dagRuns/{ref.run}/taskInstances/review/{index}/hitlDetails"
    subject = client.call("GET", path)["subject"]
    return subject.split()[2], 2 if "second reading" in subject else 1


def finish(client, ref, answers=None):
    """Answer by record and reading until the run ends; an answer that was lost is given again.

    Returns what was asked.
    """
    asked = set()
    state = None
    deadline = time.monotonic() + 400
    while state not in {"success", "failed"}:
        assert time.monotonic() < deadline, (state, asked)
        time.sleep(2)
        try:
            state = client.state(ref)
            ready = waiting(client, ref)
            if ready:
                time.sleep(8)  # Airflow 3.3.2 can lose an answer within seconds of the question
            for index in sorted(ready):
                about = question(client, ref, index)
                asked.add(about)
                option, texts = answers[about]
                form = {**dict.fromkeys(TEXTS, ""), **texts}
                client.answer(ref, "review", option, index=index, texts=form)
        except A2CError:
            continue  # busy, or answered meanwhile: looked at again
    assert state == "success", [(t["task_id"], t["state"]) for t in client.tasks(ref)]
    return asked


def test_people_accept_edit_and_reject_and_are_not_asked_again(settings, airflow, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    lines = [
        {"id": f"r{n}", "source": "s", "licence": "CC0-1.0", "prompt": "a red ball on a beach"}
        for n in range(3)
    ]
    (source / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    params = {"source": source.as_uri(), "review_share": 1, "second_share": 0.3}
    ref = airflow.trigger(DAG, "first", params)
    firsts = {
        ("r0", 1): ("Accept", {}),
        ("r1", 1): ("Edit", {"style": "Noir."}),
        ("r2", 1): ("Reject", {}),
    }
    seconds = {(record, 2): answer for (record, _), answer in firsts.items()}
    asked = finish(airflow, ref, firsts | seconds)
    assert len(asked) == 4  # three records, one of them twice
    assert asked >= set(firsts)
    (event,) = airflow.events(ref)
    key = event["extra"]["source"].split("/")[-2]
    told = {(one.record_id, one.reading): one.outcome for one in reviews.readings(settings, key)}
    # One person gave both answers to a record: the second is not entered.
    assert told == {("r0", 1): "accepted", ("r1", 1): "edited", ("r2", 1): "rejected"}
    found = reviews.report(settings, key)
    assert (found["reviewed"], found["reviewers"]) == (3, ["admin"])
    assert found["agreement"]["pairs"] == 0
    manifest = Path(event["extra"]["source"].removeprefix("file://")) / "manifest.jsonl"
    kept = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert [record["id"] for record in kept] == ["r0", "r1"]

    # Another person is asked for the second reading, and for nothing else.
    bob = AirflowClient(airflow.url, "bob", airflow.password)
    again = bob.trigger(DAG, "again", params)
    assert finish(bob, again, seconds) == asked - set(firsts)
    found = reviews.report(settings, key)
    assert (found["reviewed"], found["reviewers"]) == (3, ["admin", "bob"])
    assert (found["agreement"]["pairs"], found["agreement"]["observed"]) == (1, 1)
    assert len(manifest.read_text().splitlines()) == 2

    last = airflow.trigger(DAG, "last", params)
    assert finish(airflow, last) == set()
    assert reviews.report(settings, key) == found
