"""Following a life cycle: the chain by its events, failures with the stage's own reason."""

import time

import httpx
import pytest

from any2caption.errors import (
    A2CError,
    ConfigError,
    ConflictError,
    GateRefused,
    NotFoundError,
    UnavailableError,
)
from any2caption.orchestration import client, lifecycle
from any2caption.orchestration.approval.answers import answer, waiting
from any2caption.orchestration.client import AirflowClient, RunRef
from any2caption.orchestration.lifecycle import CHAIN, run_lifecycle
from any2caption.progress import ProgressLog


class FakeAirflow(AirflowClient):
    """A chain whose runs succeed at once, except the one named `fails`."""

    def __init__(self, log: ProgressLog, fails: str = "", *, chained: bool = True) -> None:
        super().__init__("http://airflow", "user", "password")
        self.log, self.fails, self.chained = log, fails, chained
        self.conf: dict = {}
        self.asked = 0

    def dag_is_known(self, dag: str) -> bool:
        return True

    def unpause(self, dag: str) -> None:
        return

    def trigger(self, dag, run, conf):
        self.conf = dict(conf)
        return RunRef(dag, run)

    def state(self, ref):
        self.log.emit(ref.dag, "at work", **({"loss": 1.0} if ref.dag == "finetune" else {}))
        if ref.dag == self.fails:
            return "failed"
        return "success"

    def runs(self, dag, state):
        return []

    def tasks(self, ref):
        return [{"task_id": "judge", "state": "failed", "try_number": 1}]

    def last_lines(self, ref, task, attempt, count=5):
        return ["KeyError: 'x'"]

    def events(self, ref):
        number = CHAIN.index(ref.dag)
        later = CHAIN[number + 1 : number + 2] if self.chained else ()
        runs = [{"dag_id": dag, "run_id": f"run-{dag}"} for dag in later]
        name = ("snapshot", "candidate", "challenger", "champion", "release")[number]
        return [{"name": name, "extra": {"version": number}, "created_dagruns": runs}]


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(lifecycle, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(lifecycle, "_EVENT_SECONDS", 0.05)


@pytest.fixture
def log(tmp_path):
    return ProgressLog(tmp_path / "progress.jsonl", "lc")


def test_the_chain_is_followed_to_its_release(log):
    airflow, lines = FakeAirflow(log), []
    outcome = run_lifecycle(airflow, log, {"source": "s"}, lines.append, timeout=60.0)
    assert airflow.conf == {"source": "s", "lifecycle": "lc"}
    assert list(outcome.stages) == list(CHAIN)
    assert outcome.carried == {"version": 4}
    assert [line["stage"] for line in lines] == list(CHAIN)
    assert outcome.trained


def test_a_write_that_airflow_could_not_commit_is_tried_again(monkeypatch):
    monkeypatch.setattr(client, "_BETWEEN_TRIES", 0.0)
    locked = UnavailableError("Airflow answered HTTP 500: Database error")
    answers = [locked, locked, ConflictError("that run exists")]
    calls: list[tuple[str, str]] = []

    def call(self, method, path, body=None):
        calls.append((method, path))
        raise answers.pop(0)

    monkeypatch.setattr(AirflowClient, "call", call)
    airflow = AirflowClient("http://airflow", "user", "password")
    # The second try had started the run although Airflow answered with an error.
    assert airflow.trigger("ingest_conditions", "first", {}) == RunRef("ingest_conditions", "first")
    assert calls == [("POST", "/dags/ingest_conditions/dagRuns")] * 3
    answers = [ConflictError("that run exists")]
    with pytest.raises(ConflictError):
        airflow.trigger("ingest_conditions", "first", {})
    answers = [locked] * 100
    with pytest.raises(UnavailableError, match="Database error"):
        airflow.unpause("ingest_conditions")


def test_lines_of_other_life_cycles_and_of_the_past_are_not_shown(log):
    log.emit("ingest", "an earlier attempt under this id")
    ProgressLog(log.path, "other").emit("ingest", "someone else's")
    lines: list[dict] = []
    run_lifecycle(FakeAirflow(log), log, {}, lines.append, timeout=60.0)
    assert {line["message"] for line in lines} == {"at work"}


def test_a_refused_gate_stops_with_its_reasons(log):
    airflow = FakeAirflow(log, fails="evaluate")
    original = airflow.state

    def state(ref):
        if ref.dag == "evaluate":
            log.emit("evaluate", "camera 0.41, wanted 0.93", status="failed", error="GateRefused")
        return original(ref)

    airflow.state = state
    with pytest.raises(GateRefused, match=r"evaluate: camera 0\.41, wanted 0\.93"):
        run_lifecycle(airflow, log, {}, lambda _: None, timeout=60.0)


def test_a_crash_without_words_of_its_own_names_the_task_and_the_logs_end(log):
    with pytest.raises(A2CError, match="finetune: task judge failed: KeyError: 'x'"):
        run_lifecycle(FakeAirflow(log, fails="finetune"), log, {}, lambda _: None, timeout=60.0)


def test_a_stage_that_starts_nothing_is_an_error_that_names_the_run(log):
    with pytest.raises(A2CError, match="ingest_conditions ended without starting finetune"):
        run_lifecycle(FakeAirflow(log, chained=False), log, {}, lambda _: None, timeout=60.0)


def test_a_stage_waits_as_long_as_an_earlier_life_cycles_is_at_work(log):
    airflow = FakeAirflow(log, chained=False)
    until = time.monotonic() + 4 * lifecycle._EVENT_SECONDS

    def runs(dag, state):
        airflow.chained = time.monotonic() > until
        return [] if airflow.chained else [RunRef(dag, "an earlier one's")]

    airflow.runs = runs
    assert list(run_lifecycle(airflow, log, {}, lambda _: None, timeout=60.0).stages) == list(CHAIN)


def test_an_import_error_of_a_dag_file_is_told_at_once(log):
    airflow = FakeAirflow(log)
    airflow.dag_is_known = lambda _: False
    airflow.import_errors = lambda: ["dags/finetune.py: SyntaxError"]
    with pytest.raises(ConfigError, match=r"finetune\.py: SyntaxError"):
        run_lifecycle(airflow, log, {}, lambda _: None, timeout=60.0)


def test_airflow_may_stumble_on_the_way(log):
    airflow = FakeAirflow(log)
    stumbled = []

    def stumbling(call):
        def once_away(about, *rest):
            dag = getattr(about, "dag", about)
            if (call.__name__, dag) not in stumbled:
                stumbled.append((call.__name__, dag))
                raise UnavailableError("HTTP 500")
            return call(about, *rest)

        return once_away

    for name in ("state", "events", "runs", "tasks"):
        setattr(airflow, name, stumbling(getattr(airflow, name)))
    assert run_lifecycle(airflow, log, {}, lambda _: None, timeout=60.0).carried == {"version": 4}
    assert {name for name, _ in stumbled} == {"state", "events", "runs"}


def test_a_failure_is_told_though_airflow_stumbles(log):
    airflow = FakeAirflow(log, fails="finetune")
    tasks, asked = airflow.tasks, []

    def away_at_first(ref):
        asked.append(ref)
        if len(asked) == 1:
            raise UnavailableError("connection reset by peer")
        return tasks(ref)

    airflow.tasks = away_at_first
    with pytest.raises(A2CError, match="finetune: task judge failed"):
        run_lifecycle(airflow, log, {}, lambda _: None, timeout=60.0)


def over(handler):
    """A client whose requests `handler` answers."""
    airflow = AirflowClient("http://airflow/sub", "user", "password")
    transport = httpx.MockTransport(handler)
    airflow._http = httpx.Client(base_url=airflow.url, transport=transport)
    return airflow


def test_a_token_that_has_run_out_is_asked_for_again():
    asked = []

    def handler(request):
        asked.append((request.url.path, request.headers.get("authorization")))
        if request.url.path == "/sub/auth/token":
            return httpx.Response(201, json={"access_token": f"t{len(asked)}"})
        if request.headers["authorization"] == "Bearer t1":
            return httpx.Response(401, json={"detail": "expired"})
        return httpx.Response(200, json={"state": "running"})

    assert over(handler).state(RunRef("d", "a/b")) == "running"
    path = "/sub/api/v2/dags/d/dagRuns/a/b"
    assert asked == [
        ("/sub/auth/token", None),
        (path, "Bearer t1"),
        ("/sub/auth/token", None),
        (path, "Bearer t3"),
    ]


@pytest.mark.parametrize(
    ("status", "content", "error", "message"),
    [
        (403, {"detail": "no"}, ConfigError, "Airflow at http://airflow/sub refuses user user"),
        (404, {"detail": "no run"}, NotFoundError, "Airflow: no run"),
        (409, {"detail": "there"}, ConflictError, "Airflow: there"),
        (422, {"detail": "bad"}, ConfigError, "Airflow refused GET /api/v2/dags/d: bad"),
        (500, {"detail": "db"}, UnavailableError, "Airflow answered HTTP 500 to GET .*: db"),
        (599, "<html>", UnavailableError, 'Airflow answered HTTP 599 to GET .*: "<html>"'),
    ],
)
def test_airflows_refusals_are_told_apart(status, content, error, message):
    def handler(request):
        if request.url.path == "/sub/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        return httpx.Response(status, json=content)

    with pytest.raises(error, match=message):
        over(handler).call("GET", "/dags/d")


def test_no_airflow_is_worth_another_try():
    with pytest.raises(UnavailableError):
        AirflowClient("http://127.0.0.1:9", "u", "p").state(RunRef("d", "r"))


class Asks:
    """An approval that forgets its first answer, as Airflow 3.3.2 sometimes does."""

    def __init__(self, forgets: int) -> None:
        self.forgets, self.answers, self.done = forgets, [], False

    def runs(self, dag, state):
        return [RunRef(dag, "r1")]

    def tasks(self, ref):
        return [{"task_id": "approval", "state": "success" if self.done else "awaiting_input"}]

    def returned(self, ref, task):
        return {"version": 7}

    def answer(self, ref, task, option):
        self.answers.append(option)
        self.done = len(self.answers) > self.forgets


def test_an_answer_that_was_lost_is_given_again(monkeypatch):
    monkeypatch.setattr("any2caption.orchestration.approval.answers._POLL_SECONDS", 0.0)
    airflow = Asks(forgets=2)
    assert answer(airflow, "Approve", settle=0.0) == 7
    assert airflow.answers == ["Approve"] * 3


def test_nothing_to_answer_answers_nothing():
    airflow = Asks(forgets=0)
    airflow.done = True
    with pytest.raises(NotFoundError, match="no promotion waits"):
        answer(airflow, "Reject", settle=0.0)
    assert airflow.answers == []


def test_only_the_version_that_was_named_is_answered(monkeypatch):
    monkeypatch.setattr("any2caption.orchestration.approval.answers._POLL_SECONDS", 0.0)
    airflow = Asks(forgets=0)
    runs = {"r1": 7, "r2": 8, "r3": 7}
    monkeypatch.setattr(airflow, "runs", lambda *_: [RunRef("promote", name) for name in runs])
    monkeypatch.setattr(airflow, "returned", lambda ref, _: {"version": runs[ref.run]})
    assert {version: ref.run for version, ref in waiting(airflow).items()} == {7: "r1", 8: "r2"}
    with pytest.raises(ConfigError, match="versions 7, 8 wait for an answer: name one"):
        answer(airflow, "Approve", settle=0.0)
    with pytest.raises(NotFoundError, match="version 9 does not wait"):
        answer(airflow, "Approve", version=9, settle=0.0)
    assert airflow.answers == []
    assert answer(airflow, "Reject", version=8, settle=0.0) == 8
    assert airflow.answers == ["Reject"]
