"""Answer approval tasks through Airflow's REST API, and see that the answer was taken up."""

import time

from any2caption.errors import A2CError, UnavailableError
from any2caption.orchestration.client import AirflowClient, RunRef

TASK = "approval"
_WAITING = {"awaiting_input", "deferred"}
# An answer within seconds of the question can be lost (Airflow 3.3.2): let the task settle first.
_SETTLE_SECONDS = 8.0
_POLL_SECONDS = 2.0


def answer_all(
    client: AirflowClient, option: str, *, timeout: float = 120.0, settle: float = _SETTLE_SECONDS
) -> list[str]:
    """Answer every waiting approval with `option`; return the runs that took it up.

    Answers again when a task asks again, which Airflow 3.3.2 sometimes does.

    Raises:
        UnavailableError: a task did not take the answer up in time.
    """
    asked = waiting(client)
    if asked:
        time.sleep(settle)
    deadline = time.monotonic() + timeout
    for ref in asked:
        _answer(client, ref, option, deadline)
    return [ref.run for ref in asked]


def waiting(client: AirflowClient) -> list[RunRef]:
    """Return the promotions that wait for a person."""
    return [ref for ref in client.runs("promote", "running") if state(client, ref) in _WAITING]


def state(client: AirflowClient, ref: RunRef) -> str:
    """Return the state of a run's approval task."""
    tasks = [task for task in client.tasks(ref) if task["task_id"] == TASK]
    return str(tasks[0]["state"]) if tasks else ""


def _answer(client: AirflowClient, ref: RunRef, option: str, deadline: float) -> None:
    while state(client, ref) != "success":
        if state(client, ref) in _WAITING:
            try:
                client.answer(ref, TASK, option)
            except A2CError:
                if state(client, ref) in _WAITING and time.monotonic() > deadline:
                    raise
        if time.monotonic() > deadline:
            raise UnavailableError(f"promote {ref.run} did not take the answer up in time")
        time.sleep(_POLL_SECONDS)
