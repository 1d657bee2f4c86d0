"""A small client of Airflow's REST API: trigger a run, follow it, find what it started."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
from httpx import QueryParams
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from any2caption.errors import ConfigError, ConflictError, NotFoundError, UnavailableError

_TIMEOUT = 15.0
# On SQLite, Airflow answers a write with 500 while its scheduler holds the database's lock.
_TRIES = 10
_BETWEEN_TRIES = 1.0
_ERRORS: dict[int, type[Exception]] = {
    HTTPStatus.BAD_REQUEST: ConfigError,
    HTTPStatus.UNAUTHORIZED: PermissionError,
    HTTPStatus.FORBIDDEN: PermissionError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.UNPROCESSABLE_ENTITY: ConfigError,
}


@dataclass(frozen=True, slots=True)
class RunRef:
    """One DAG run."""

    dag: str
    run: str


@dataclass(slots=True)
class AirflowClient:
    """Speaks to `url` as `user`. Errors: UnavailableError, NotFoundError, ConfigError (params)."""

    url: str
    user: str
    password: str = field(repr=False)
    _token: str = field(default="", repr=False)
    _http: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._http = httpx.Client(base_url=self.url, timeout=_TIMEOUT, follow_redirects=True)

    def trigger(self, dag: str, run: str, conf: Mapping[str, Any]) -> RunRef:
        """Start a DAG run with the id `run` and these params."""
        body = {"dag_run_id": run, "logical_date": None, "conf": dict(conf)}
        self._insist("POST", f"/dags/{dag}/dagRuns", body)
        return RunRef(dag, run)

    def unpause(self, dag: str) -> None:
        """Let the scheduler run the DAG."""
        self._insist("PATCH", f"/dags/{dag}", {"is_paused": False})

    def dag_is_known(self, dag: str) -> bool:
        """Whether the DAG's file has been parsed."""
        try:
            self.call("GET", f"/dags/{dag}")
        except NotFoundError:
            return False
        return True

    def import_errors(self) -> list[str]:
        """Return what kept DAG files from being parsed."""
        found = self.call("GET", "/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace']}" for error in found]

    def state(self, ref: RunRef) -> str:
        """Return the run's state: queued, running, success or failed."""
        return str(self.call("GET", self._path(ref))["state"])

    def tasks(self, ref: RunRef) -> list[dict[str, Any]]:
        """Return the run's task instances."""
        return list(self.call("GET", f"{self._path(ref)}/taskInstances")["task_instances"])

    def returned(self, ref: RunRef, task: str) -> Any:
        """Return what a task of the run returned; NotFoundError before it has."""
        path = f"{self._path(ref)}/taskInstances/{task}/xcomEntries/return_value"
        value = self.call("GET", path)["value"]
        return json.loads(value) if isinstance(value, str) else value

    def events(self, ref: RunRef) -> list[dict[str, Any]]:
        """Return the asset events that the run made, with the runs that they started."""
        query = QueryParams({"source_dag_id": ref.dag, "source_run_id": ref.run})
        return list(self.call("GET", f"/assets/events?{query}")["asset_events"])

    def publish(self, asset: str, extra: Mapping[str, Any]) -> None:
        """Make an event of an asset by hand; the DAGs that wait for it start."""
        query = QueryParams({"name_pattern": asset, "limit": 100})
        found = self.call("GET", f"/assets?{query}")["assets"]
        ids = [entry["id"] for entry in found if entry["name"] == asset]
        if not ids:
            raise NotFoundError(f"Airflow knows no asset {asset!r} yet")
        self.call("POST", "/assets/events", {"asset_id": ids[0], "extra": dict(extra)})

    def last_lines(self, ref: RunRef, task: str, attempt: int, count: int = 5) -> list[str]:
        """Return the last lines of a task's log; its exception alone if it ended with one."""
        path = f"{self._path(ref)}/taskInstances/{task}/logs/{attempt}?full_content=true"
        content = [
            line if isinstance(line, dict) else {"event": line}
            for line in self.call("GET", path)["content"]
        ]
        for line in reversed(content):
            if detail := line.get("error_detail"):
                return [f"{detail[0]['exc_type']}: {detail[0]['exc_value']}"]
        return [str(line["event"]) for line in content if line.get("event")][-count:]

    def answer(
        self,
        ref: RunRef,
        task: str,
        option: str,
        *,
        index: int = -1,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Answer a task that waits for a person; `index` is that of a mapped task."""
        path = f"{self._path(ref)}/taskInstances/{task}/{index}/hitlDetails"
        body = {"chosen_options": [option], "params_input": dict(texts or {})}
        self.call("PATCH", path, body)

    def runs(self, dag: str, state: str) -> list[RunRef]:
        """Return the DAG's runs in a state, newest first."""
        query = QueryParams({"state": state, "order_by": "-run_after", "limit": 50})
        found = self.call("GET", f"/dags/{dag}/dagRuns?{query}")["dag_runs"]
        return [RunRef(dag, str(run["dag_run_id"])) for run in found]

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call `/api/v2<path>`; logs in first, and again when the token has run out."""
        if not self._token:
            self._login()
        try:
            return self._send(method, f"/api/v2{path}", body, {"Authorization": self._token})
        except PermissionError:
            self._login()
        try:
            return self._send(method, f"/api/v2{path}", body, {"Authorization": self._token})
        except PermissionError as error:
            raise ConfigError(f"Airflow at {self.url} refuses user {self.user}") from error

    def _insist(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        """Write what may be written twice, again while Airflow answers with an error of its own."""
        tries = Retrying(
            retry=retry_if_exception_type(UnavailableError),
            stop=stop_after_attempt(_TRIES),
            wait=wait_fixed(_BETWEEN_TRIES),
            reraise=True,
        )
        for attempt in tries:
            with attempt:
                try:
                    self.call(method, path, body)
                except ConflictError:
                    if attempt.retry_state.attempt_number == 1:
                        raise
                    # An earlier try had been carried out all the same.

    def _login(self) -> None:
        try:
            answer = self._send(
                "POST", "/auth/token", {"username": self.user, "password": self.password}, {}
            )
        except PermissionError as error:
            raise ConfigError(f"Airflow at {self.url} refuses user {self.user}") from error
        self._token = f"Bearer {answer['access_token']}"

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> Any:
        try:
            answer = self._http.request(method, path, json=body, headers=dict(headers))
            if answer.is_success:
                return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise UnavailableError(f"Airflow at {self.url} does not answer: {error}") from error
        raise _error(answer, f"{method} {path}")

    def _path(self, ref: RunRef) -> str:
        return f"/dags/{ref.dag}/dagRuns/{quote(ref.run, safe='')}"


def wait_for_dags(client: AirflowClient, dags: tuple[str, ...], timeout: float = 120.0) -> None:
    """Wait until every DAG's file has been parsed, and unpause it.

    Raises:
        ConfigError: a DAG file cannot be imported.
        UnavailableError: the DAG processor was not done in time.
    """
    deadline = time.monotonic() + timeout
    missing = list(dags)
    while missing:
        missing = [dag for dag in missing if not client.dag_is_known(dag)]
        if missing and (errors := client.import_errors()):
            raise ConfigError(f"a DAG file cannot be imported: {errors[0]}")
        if missing and time.monotonic() > deadline:
            raise UnavailableError(
                f"Airflow has not parsed {', '.join(missing)} in {timeout:.0f} s"
            )
        if missing:
            time.sleep(0.5)
    for dag in dags:
        client.unpause(dag)


def _error(answer: httpx.Response, what: str) -> Exception:
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.text[:300]
    found = _ERRORS.get(answer.status_code, UnavailableError)
    if found is UnavailableError:
        return found(f"Airflow answered HTTP {answer.status_code} to {what}: {detail}")
    if found is ConfigError:
        return found(f"Airflow refused {what}: {detail}")
    return found(f"Airflow: {detail}")
