"""Metrics: `metrics.jsonl` is the truth.

MLflow gets the same in batches, from a thread, and may be down.
"""

import json
import queue
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

FLUSH_SECONDS = 5.0
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
        note = file.with_name("mlflow.json")
        self._remote = _Remote(mlflow_url, mlflow_run, note, tags or {}) if mlflow_url else None

    def log(self, step: int, **values: float | str) -> None:
        """Write one line; numbers also go to MLflow."""
        now = time.time()
        with self.file.open("a") as lines:
            lines.write(json.dumps({"time": now, "step": step, **values}) + "\n")
        if self._remote:
            for name, value in values.items():
                if isinstance(value, int | float):
                    self._remote.put((name, float(value), int(now * 1000), step))

    def table(self, name: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Send rows of text to MLflow as the table `<name>.json`; the caller keeps its own copy."""
        if self._remote and rows:
            self._remote.tables.put((f"{name}.json", [dict(row) for row in rows]))

    def close(self) -> str:
        """Send what is left.

        Returns a sentence about what MLflow did not get, or an empty string.
        """
        return self._remote.close() if self._remote else ""


class _Remote:
    """The background sender.

    A failure keeps the lines and tries again; it never raises into training.
    """

    def __init__(self, url: str, run: str, note: Path, tags: Mapping[str, str]) -> None:
        self.url, self.run, self.note, self.tags = url, run, note, dict(tags)
        self._queue: queue.SimpleQueue[tuple[str, float, int, int]] = queue.SimpleQueue()
        self.tables: queue.SimpleQueue[tuple[str, list[dict[str, str]]]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._unsent: list[tuple[str, float, int, int]] = []
        self._problem = ""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def put(self, metric: tuple[str, float, int, int]) -> None:
        """Queue one metric."""
        self._queue.put(metric)

    def close(self) -> str:
        """Send the rest, waiting at most some seconds."""
        self._stop.set()
        self._thread.join(4 * FLUSH_SECONDS)
        count = len(self._unsent) + self._queue.qsize()
        return (
            f"MLflow lacks {count} metrics, metrics.jsonl has them: {self._problem}"
            if count
            else ""
        )

    def _work(self) -> None:
        client: Any = None
        while True:
            stopping = self._stop.wait(FLUSH_SECONDS)
            while not self._queue.empty():
                self._unsent.append(self._queue.get())
            try:
                if self._unsent or not self.tables.empty():
                    client = client or _client(self.url)
                    self.run = self.run or self._own_run(client)
                    self._send(client)
                    self._send_tables(client)
                if stopping and self.note.exists() and client:
                    client.set_terminated(self.run, "FINISHED")
            except Exception as error:  # noqa: BLE001 - whatever MLflow raises must not stop training
                self._problem = f"{type(error).__name__}: {error}"[:300]
            if stopping:
                return

    def _own_run(self, client: Any) -> str:
        """Find the run of an earlier start, or make one."""
        if self.note.exists():
            return str(json.loads(self.note.read_text())["run"])
        found = client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
        run = str(client.create_run(experiment, tags=self.tags).info.run_id)
        self.note.write_text(json.dumps({"run": run, "url": self.url}))
        return run

    def _send(self, client: Any) -> None:
        from mlflow.entities import Metric

        while self._unsent:
            part = self._unsent[:BATCH]
            client.log_batch(self.run, metrics=[Metric(*metric) for metric in part])
            del self._unsent[: len(part)]

    def _send_tables(self, client: Any) -> None:
        while not self.tables.empty():
            name, rows = self.tables.get()
            columns = list(rows[0])
            table = {"columns": columns, "data": [[row[c] for c in columns] for row in rows]}
            client.log_dict(self.run, table, name)


def _client(url: str) -> Any:
    import os

    address = urlparse(url)
    if address.hostname:  # importing MLflow takes seconds: not before somebody listens
        socket.create_connection((address.hostname, address.port or 443), timeout=2).close()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=url)
