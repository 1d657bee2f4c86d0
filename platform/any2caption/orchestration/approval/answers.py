"""Answer approval tasks through Airflow's REST API, and see that the answer was taken up."""

import time

from any2caption.errors import A2CError, ConfigError, NotFoundError, UnavailableError
from any2caption.orchestration.client import AirflowClient, RunRef

TASK = "approval"
_WAITING = {"awaiting_input", "deferred"}
# An answer within seconds of the question can be lost (Airflow 3.3.2): let the task settle first.
_SETTLE_SECONDS = 8.0
_POLL_SECONDS = 2.0


def waiting(client: AirflowClient) -> dict[int, RunRef]:
    """Return the promotions that wait for a person: version → run (of several, the newest)."""
    found: dict[int, RunRef] = {}
    for ref in client.runs("promote", "running"):
        if state(client, ref) in _WAITING:
            found.setdefault(int(client.returned(ref, "request")["version"]), ref)
    return found


def answer(
    client: AirflowClient,
    option: str,
    *,
    version: int | None = None,
    timeout: float = 120.0,
    settle: float = _SETTLE_SECONDS,
) -> int:
    """Answer the approval of `version` (None: of the only one that waits); return the version.

    Answers again when a task asks again, which Airflow 3.3.2 sometimes does.

    Raises:
        NotFoundError: no promotion waits, or none of this version.
        ConfigError: several wait, and none was named.
        UnavailableError: the task did not take the answer up in time.
    """
    found = waiting(client)
    names = ", ".join(map(str, sorted(found)))
    if not found:
        raise NotFoundError("no promotion waits for an answer")
    if version is None and len(found) > 1:
        raise ConfigError(f"versions {names} wait for an answer: name one")
    if version is not None and version not in found:
        raise NotFoundError(f"version {version} does not wait for an answer; waiting: {names}")
    chosen = next(iter(found)) if version is None else version
    time.sleep(settle)
    _answer(client, found[chosen], option, time.monotonic() + timeout)
    return chosen


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
