"""Progress that any process can append to and any other can follow: JSON lines."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProgressLog:
    """Append-only log at `path`; `lifecycle` ties the lines of one life cycle together."""

    path: Path
    lifecycle: str = ""

    def emit(self, stage: str, message: str = "", **fields: object) -> None:
        """Append a line: stage (`ingest`, `finetune`, …), sentence, numbers (step, total, loss).

        On a full disk the line is lost, so that telling of the work can't break it.
        """
        line = {
            "time": time.time(),
            "lifecycle": self.lifecycle,
            "stage": stage,
            "message": message,
            **fields,
        }
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # O_APPEND writes of a small line do not interleave: ranks and tasks can share the file.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, (json.dumps(line, default=str) + "\n").encode())
            finally:
                os.close(descriptor)

    def read(self, offset: int = 0) -> Iterator[tuple[int, dict[str, object]]]:
        """Yield `(offset after it, line)` for each whole line of this life cycle."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(offset)
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                offset += len(raw)
                try:
                    line = json.loads(raw)
                except ValueError:  # cut short by a full disk
                    continue
                if not self.lifecycle or line["lifecycle"] == self.lifecycle:
                    yield offset, line
