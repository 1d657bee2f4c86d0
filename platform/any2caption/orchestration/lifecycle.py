"""Start a life cycle and follow it over its DAG runs, from asset event to asset event."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from any2caption import errors
from any2caption.errors import A2CError, UnavailableError
from any2caption.orchestration.client import AirflowClient, RunRef, wait_for_dags
from any2caption.progress import ProgressLog

CHAIN = ("ingest_conditions", "finetune", "evaluate", "promote", "release")
_LEAVES = ("snapshot", "candidate", "challenger", "champion", "release")
_POLL_SECONDS = 1.0
_EVENT_SECONDS = 120.0
_AWAY_SECONDS = 60.0
_WAITING = {"awaiting_input", "deferred"}

Line = dict[str, Any]
OnLine = Callable[[Line], None]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished life cycle: what the last event carried, the gate's report, seconds per DAG."""

    lifecycle: str
    carried: Mapping[str, Any]
    report: str
    seconds: float
    stages: Mapping[str, float]
    trained: bool


@dataclass(slots=True)
class Follower:
    """Follows one life cycle. `on_line` gets every line of its progress, also our own."""

    client: AirflowClient
    log: ProgressLog
    on_line: OnLine
    offset: int = 0
    lines: list[Line] = field(default_factory=list)

    def pump(self) -> None:
        """Hand on what was appended to the progress log."""
        for offset, line in self.log.read(self.offset):
            self.offset = offset
            self.lines.append(dict(line))
            self.on_line(self.lines[-1])

    def wait(self, ref: RunRef, deadline: float) -> None:
        """Wait for the end of a run.

        Raises:
            A2CError: the run failed; the class and the reason are those of the stage that failed.
            UnavailableError: `deadline` passed.
        """
        asked = False
        while True:
            state = self._ask(self.client.state, ref)
            self.pump()
            if state == "success":
                return
            if state == "failed":
                raise self._failure(ref)
            if ref.dag == "promote" and not asked and self._waits_for_person(ref):
                asked = True
                self.log.emit("promote", "waits for a person: `a2c approve VERSION`, or in Airflow")
            if time.monotonic() > deadline:
                raise UnavailableError(f"{ref.dag} {ref.run} is still {state} after the time limit")
            time.sleep(_POLL_SECONDS)

    def _ask(self, question: Callable[..., Answer], *about: Any) -> Answer:
        """Ask Airflow, which may be away for as long as a restart takes."""
        deadline = time.monotonic() + _AWAY_SECONDS
        while True:
            try:
                return question(*about)
            except UnavailableError:
                if time.monotonic() > deadline:
                    raise
            self.pump()
            time.sleep(_POLL_SECONDS)

    def next_run(self, ref: RunRef, asset: str, following: str) -> tuple[RunRef, Mapping[str, Any]]:
        """Return the run that the asset event of `ref` started, and what the event carried.

        A stage runs once at a time: while an earlier life cycle's is at work, its own waits.
        """
        deadline = time.monotonic() + _EVENT_SECONDS
        while time.monotonic() < deadline:
            for event in self._events(ref, asset):
                for run in event["created_dagruns"]:
                    if run["dag_id"] == following:
                        return RunRef(following, str(run["run_id"])), event["extra"]
            if self._ask(self.client.runs, following, "running"):
                deadline = time.monotonic() + _EVENT_SECONDS
            self.pump()
            time.sleep(_POLL_SECONDS / 2)
        raise A2CError(
            f"{ref.dag} ended without starting {following}: see run {ref.run} in Airflow"
        )

    def carried(self, ref: RunRef, asset: str) -> Mapping[str, Any]:
        """Return what the run's asset event carried; nothing if it made none."""
        deadline = time.monotonic() + _AWAY_SECONDS
        while not (events := self._events(ref, asset)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return events[-1]["extra"] if events else {}

    def _events(self, ref: RunRef, asset: str) -> list[dict[str, Any]]:
        try:
            events = self.client.events(ref)
        except UnavailableError:
            return []  # Airflow 3.3.2 answers 500 until the run that the event made has started
        return [event for event in events if event["name"] == asset]

    def _waits_for_person(self, ref: RunRef) -> bool:
        return any(
            task["task_id"] == "approval" and task["state"] in _WAITING
            for task in self._ask(self.client.tasks, ref)
        )

    def _failure(self, ref: RunRef) -> A2CError:
        failed = [line for line in self.lines if line.get("status") == "failed"]
        if failed:
            kind = getattr(errors, str(failed[-1].get("error", "")), A2CError)
            kind = kind if isinstance(kind, type) and issubclass(kind, A2CError) else A2CError
            return kind(f"{failed[-1]['stage']}: {failed[-1]['message']}")
        bad = [task for task in self._ask(self.client.tasks, ref) if task["state"] == "failed"]
        if not bad:
            return A2CError(f"{ref.dag} failed before any task; see run {ref.run} in Airflow")
        task = bad[0]
        try:
            tail = self.client.last_lines(ref, task["task_id"], int(task["try_number"]))
        except A2CError:
            tail = []
        reason = " | ".join(tail) or "see its log in Airflow"
        return A2CError(f"{ref.dag}: task {task['task_id']} failed: {reason}")


def new_id() -> str:
    """A life cycle's id: sortable by time, unique, fit for file names."""
    return f"{time.strftime('%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def run_lifecycle(
    client: AirflowClient,
    log: ProgressLog,
    params: Mapping[str, Any],
    on_line: OnLine,
    *,
    timeout: float,
) -> Outcome:
    """Trigger `ingest_conditions` and follow the chain to its release.

    Raises:
        A2CError: a stage failed (its own class where known), or something did not answer in time.
    """
    began = time.monotonic()
    deadline = began + timeout
    wait_for_dags(client, CHAIN)
    offset = log.path.stat().st_size if log.path.exists() else 0
    follower = Follower(client, log, on_line, offset)
    ref = client.trigger(
        CHAIN[0], f"lifecycle__{log.lifecycle}", {**params, "lifecycle": log.lifecycle}
    )
    stages: dict[str, float] = {}
    for number, dag in enumerate(CHAIN):
        started = time.monotonic()
        follower.wait(ref, deadline)
        stages[dag] = round(time.monotonic() - started, 1)
        if number + 1 < len(CHAIN):
            ref, _ = follower.next_run(ref, _LEAVES[number], CHAIN[number + 1])
    follower.pump()
    reports = [str(line["report"]) for line in follower.lines if line.get("report")]
    return Outcome(
        lifecycle=log.lifecycle,
        carried=follower.carried(ref, _LEAVES[-1]),
        report=reports[-1] if reports else "",
        seconds=round(time.monotonic() - began, 1),
        stages=stages,
        trained=any(line["stage"] == "finetune" and line.get("loss") for line in follower.lines),
    )
