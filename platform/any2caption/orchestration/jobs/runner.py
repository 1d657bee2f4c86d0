"""Run one job in its own session: `python -m any2caption.orchestration.jobs.runner JOB_FOLDER`.

The folder's `job.json` says what to run. The runner holds the folder's lock for its whole life, so
a job never runs twice at once whoever starts it; writes `running.json` (its pid and start time)
before the command starts, appends the command's output to `output.log`, and leaves `exit.json`.
It outlives the Airflow task that started it, so a retried task can attach to it again.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import psutil

from any2caption.storage.atomic import write_atomically
from any2caption.storage.locks import file_lock

MARK = "A2C_JOB"
ALREADY_RUNNING = 111


def write_json(path: Path, value: object) -> None:
    """Write JSON through a temporary file and a rename."""
    write_atomically(path, json.dumps(value, indent=2))


def main(folder: Path) -> int:
    """Run the job of `folder` to its end; return its exit code, or 111 when it already runs."""
    job = json.loads((folder / "job.json").read_text())
    with file_lock(folder / "lock", wait=0) as held:
        if not held:
            return ALREADY_RUNNING
        (folder / "exit.json").unlink(missing_ok=True)
        started = psutil.Process().create_time()
        running = {"pid": os.getpid(), "started": started, "key": job["key"]}
        write_json(folder / "running.json", running)
        with (folder / "output.log").open("ab") as output:
            code = _run(job["command"], output.fileno())
        write_json(folder / "exit.json", {"code": code, "key": job["key"]})
    return code


def _run(command: list[str], output: int) -> int:
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    )

    def stop(number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
