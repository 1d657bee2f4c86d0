"""Metrics: `metrics.jsonl` is the truth, MLflow gets what it says, in batches, from a thread.

The sender reads the file from where it last got through and notes that place in `mlflow.json`, so
an outage of MLflow loses nothing: what is missing is sent when it answers again, by the run's next
start, or by `send_rest`.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

FLUSH_SECONDS = 5.0
_REST_SECONDS = 60.0
BATCH = 1000
EXPERIMENT = "any2caption-training"


class Metrics:
    """Append-only metrics of one run. Steps are counted over all stages."""

    def __init__(
        self,
        file: Path,
        *,
        mlflow_url: str = "",
        mlflow_run: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Send to MLflow at `mlflow_url` if given: to `mlflow_run`, or to a run made with `tags`.

        The id of a run that was made is kept beside `file`, so a resumed training continues it.
        """
        self.file = file
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._sender = _Sender(file, mlflow_url, mlflow_run, tags or {}) if mlflow_url else None

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
        """Send what is left.

        Returns a sentence about what MLflow did not get, or an empty string.
        """
        return self._sender.close(4 * FLUSH_SECONDS) if self._sender else ""

    def _write(self, values: Mapping[str, float | str]) -> None:
        with self.file.open("a") as lines:
            lines.write(json.dumps({"time": time.time(), **values}) + "\n")


def send_rest(file: Path, url: str) -> str:
    """Send what MLflow lacks of a run that has ended; returns as `Metrics.close` does."""
    return _Sender(file, url, "", {}).close(_REST_SECONDS)


class _Sender:
    """The background sender: a failure is tried again, it never raises into training."""

    def __init__(self, file: Path, url: str, run: str, tags: Mapping[str, str]) -> None:
        self.file, self.note, self.url = file, file.with_name("mlflow.json"), url
        noted = self._noted()
        self.tags = tags or dict(noted.get("tags", {}))
        known = run in {"", noted.get("run")}
        self.run = str(noted.get("run", "")) if known else run
        self._own = bool(noted.get("own", True)) if known else False
        self._sent = int(noted.get("sent", 0)) if known else 0
        if tags or not known:  # an outage may outlast this process, and what it alone knows
            self._write_note()
        self._client: Any = None
        self._stop = threading.Event()
        self._problem = ""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> str:
        """Send the rest, waiting at most so long; returns what `Metrics.close` does."""
        self._stop.set()
        self._thread.join(seconds)
        lines = sum(1 for _ in self._lines())
        return f"MLflow lacks {lines} lines of {self.file.name}: {self._problem}" if lines else ""

    def _work(self) -> None:
        while True:
            stopping = self._stop.wait(FLUSH_SECONDS)
            try:
                self._send()
                if stopping and self._own and self._client:
                    self._client.set_terminated(self.run, "FINISHED")
            except Exception as error:  # noqa: BLE001 - whatever MLflow raises must not stop training
                self._problem = f"{type(error).__name__}: {error}"[:300]
                self._client = None
            if stopping:
                return

    def _send(self) -> None:
        batch: list[tuple[str, float, int, int]] = []
        end = self._sent
        for end, line in self._lines():
            self._client = self._client or _client(self.url)
            if not self.run:
                self.run = self._make_run()
                self._write_note()
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

    def _write_note(self) -> None:
        note = {
            "run": self.run,
            "url": self.url,
            "own": self._own,
            "sent": self._sent,
            "tags": dict(self.tags),
        }
        part = self.note.with_suffix(".part")
        part.write_text(json.dumps(note))
        part.rename(self.note)

    def _noted(self) -> dict[str, Any]:
        """What an earlier start left."""
        try:
            return dict(json.loads(self.note.read_text()))
        except (OSError, ValueError, TypeError):
            return {}


def _client(url: str) -> Any:
    address = urlparse(url)
    if address.hostname:  # importing MLflow takes seconds: not before somebody listens
        socket.create_connection((address.hostname, address.port or 443), timeout=2).close()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # ours may be JSON
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=url)
