"""Metrics: `metrics.jsonl` is the truth, MLflow gets what it says, in batches, from a thread.

The sender reads the file from where it last got through and notes that place in `mlflow.json`, so
an outage of MLflow loses nothing: what is missing is sent when it answers again. After the end of a
run the sender tries for a bounded time; then the note stays without `done`, and whoever comes later
(`send_pending`: the task that registers the bundle, housekeeping, a second start) sends the rest
and ends the run in MLflow.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from any2caption.storage.atomic import write_atomically
from any2caption.storage.locks import file_lock
from any2caption.training.checkpoints.run_folder import RUN_LOCK

FLUSH_SECONDS = 5.0
_REST_SECONDS = 60.0
_AGAIN_SECONDS = 1.0
BATCH = 1000
EXPERIMENT = "any2caption-training"
NOTE = "mlflow.json"
"""Beside the metrics: which run of MLflow they go to, how far they got, whether that is all."""


class Metrics:
    """Append-only metrics of one run. Steps are counted over all stages."""

    def __init__(
        self,
        file: Path,
        *,
        mlflow_url: str = "",
        mlflow_run: str = "",
        tags: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        """Send to MLflow at `mlflow_url` if given: to `mlflow_run`, or to a run made with `tags`.

        Such a run gets `params` too, and the snapshot that its tag names as its data set.
        The id of a run that was made is kept beside `file`, so a resumed training continues it.
        """
        self.file = file
        self.file.parent.mkdir(parents=True, exist_ok=True)
        about = {"tags": dict(tags or {}), "params": dict(params or {})}
        self._sender = _Sender(file, mlflow_url, mlflow_run, about) if mlflow_url else None

    def log(self, step: int, **values: float | str) -> None:
        """Write one line; MLflow gets its numbers."""
        self._write({"step": step, **values})

    def table(self, step: int, name: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Leave rows of text in `<name>.jsonl` beside the metrics; MLflow gets them as a table."""
        path = self.file.parent / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        self._write({"step": step, "table": name})

    def close(self) -> str:
        """Send what is left and end a run that was made here, trying for 20 seconds.

        Returns a sentence about what MLflow did not get, or an empty string.
        """
        return self._sender.close(4 * FLUSH_SECONDS, again=True) if self._sender else ""

    def _write(self, values: Mapping[str, float | str]) -> None:
        with self.file.open("a") as lines:
            lines.write(json.dumps({"time": time.time(), **values}) + "\n")


def send_rest(file: Path, url: str) -> str:
    """Send what MLflow lacks of a run that has ended; returns as `Metrics.close` does."""
    return _Sender(file, url, "", {}).close(_REST_SECONDS)


def send_pending(folders: Iterable[Path], url: str) -> dict[Path, str]:
    """Send what MLflow lacks of finished runs; `folders` are those of runs (the supervisor's OUT).

    A run without a bundle, or whose lock is held, is still training's own business. Returns for
    each folder that had something to send what `send_rest` says: an empty string if all is there.
    """
    said = {}
    for folder in folders:
        note = _read_note(folder / NOTE)
        if not (folder / "bundle" / "manifest.json").exists() or note.get("done", not note):
            continue
        with file_lock(folder / RUN_LOCK, wait=0) as held:
            if held:
                said[folder] = send_rest(folder / "metrics.jsonl", url)
    return said


def _read_note(path: Path) -> dict[str, Any]:
    """What an earlier start left; empty if there is nothing to be read."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return {}


class _Sender:
    """The background sender: a failure is tried again, it never raises into training."""

    def __init__(self, file: Path, url: str, run: str, about: Mapping[str, Any]) -> None:
        self.file, self.note, self.url = file, file.with_name(NOTE), url
        noted = _read_note(self.note)
        self.tags: dict[str, str] = about.get("tags") or dict(noted.get("tags", {}))
        self.params: dict[str, str] = about.get("params") or dict(noted.get("params", {}))
        known = run in {"", noted.get("run")}
        self.run = str(noted.get("run", "")) if known else run
        self._own = bool(noted.get("own", True)) if known else False
        self._sent = int(noted.get("sent", 0)) if known else 0
        self._told = bool(noted.get("told")) if known else False
        self._done = False
        if (
            about.get("tags") or not known
        ):  # an outage may outlast this process, and what it alone knows
            self._write_note()
        self._client: Any = None
        self._stop, self._deadline = threading.Event(), 0.0
        self._problem = ""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def close(self, seconds: float, *, again: bool = False) -> str:
        """Send the rest, waiting at most so long; returns what `Metrics.close` does.

        With `again` a failure is tried again within that time.
        """
        self._deadline = time.monotonic() + seconds * again
        self._stop.set()
        self._thread.join(seconds)
        lines = sum(1 for _ in self._lines())
        if lines:
            return f"MLflow lacks {lines} lines of {self.file.name}: {self._problem}"
        return "" if self._done else f"MLflow was not told that the run ended: {self._problem}"

    def _work(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            self._try(self._send)
        pause = min(_AGAIN_SECONDS, FLUSH_SECONDS)
        # No try begins after `close` has returned.
        while not self._try(self._finish) and time.monotonic() + 2 * pause < self._deadline:
            time.sleep(pause)

    def _try(self, what: Callable[[], None]) -> bool:
        try:
            what()
        except Exception as error:  # noqa: BLE001 - whatever MLflow raises must not stop training
            self._problem = f"{type(error).__name__}: {error}"[:300]
            self._client = None
            return False
        return True

    def _finish(self) -> None:
        """Send the rest, end the run if it was made here, and note that this is all."""
        self._send()
        if self._own and self.run:
            self._client = self._client or _client(self.url)
            self._client.set_terminated(self.run, "FINISHED")
        self._done = True
        self._write_note()

    def _send(self) -> None:
        batch: list[tuple[str, float, int, int]] = []
        end = self._sent
        for end, line in self._lines():
            self._client = self._client or _client(self.url)
            if not self.run:
                self.run = self._make_run()
                self._write_note()
            if self._own and not self._told:
                self._tell()
            if "table" in line:
                self._send_table(str(line["table"]))
            step, when = int(line["step"]), int(line["time"] * 1000)
            batch += [
                (name, float(value), when, step)
                for name, value in line.items()
                if isinstance(value, int | float) and name not in {"step", "time"}
            ]
            if len(batch) >= BATCH:
                self._send_batch(batch, end)
                batch = []
        if end > self._sent:
            self._send_batch(batch, end)

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """(offset behind it, line) of each whole line that was not sent."""
        if not self.file.exists():
            return
        at = self._sent
        with self.file.open("rb") as content:
            content.seek(at)
            for raw in content:
                if not raw.endswith(b"\n"):
                    return
                at += len(raw)
                with contextlib.suppress(ValueError):  # a line that a kill cut in two
                    yield at, json.loads(raw)

    def _send_batch(self, batch: Sequence[tuple[str, float, int, int]], end: int) -> None:
        from mlflow.entities import Metric

        for start in range(0, len(batch), BATCH):
            part = [Metric(*metric) for metric in batch[start : start + BATCH]]
            self._client.log_batch(self.run, metrics=part)
        self._sent = end
        self._write_note()

    def _send_table(self, name: str) -> None:
        path = self.file.parent / f"{name}.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        columns = list(rows[0]) if rows else []
        table = {"columns": columns, "data": [[row[c] for c in columns] for row in rows]}
        self._client.log_dict(self.run, table, f"{name}.json")

    def _make_run(self) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT)
        return str(self._client.create_run(experiment, tags=dict(self.tags)).info.run_id)

    def _tell(self) -> None:
        """Say what the run is: its parameters and its data set; said again, nothing changes."""
        if self.params:
            from mlflow.entities import Param

            params = [Param(*one) for one in self.params.items()]
            self._client.log_batch(self.run, params=params)
        if snapshot := self.tags.get("snapshot"):
            from any2caption.datasets.mlflow_input import mlflow_input

            self._client.log_inputs(self.run, datasets=[mlflow_input(snapshot, "training")])
        self._told = True
        self._write_note()

    def _write_note(self) -> None:
        note = {
            "run": self.run,
            "url": self.url,
            "own": self._own,
            "sent": self._sent,
            "tags": self.tags,
            "params": self.params,
            "told": self._told,
            "done": self._done,
        }
        write_atomically(self.note, json.dumps(note), sync=False)


def _client(url: str) -> Any:
    address = urlparse(url)
    if address.hostname:  # importing MLflow takes seconds: not before somebody listens
        socket.create_connection((address.hostname, address.port or 443), timeout=2).close()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # ours may be JSON
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=url)
