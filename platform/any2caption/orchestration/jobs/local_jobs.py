"""Jobs as local processes: started once, attached to as often as needed, killed as a whole."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from any2caption import processes
from any2caption.errors import ConflictError
from any2caption.orchestration.jobs.runner import MARK, write_json

_POLL_SECONDS = 0.5
_APPEAR_SECONDS = 30.0
_AIRFLOW = re.compile(r"_*AIRFLOW_")
_LONGEST_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Job:
    """What to run in `folder`. `key` identifies the work: the same attaches, another conflicts."""

    key: str
    command: tuple[str, ...]
    folder: Path

    @property
    def mark(self) -> str:
        """The value of A2C_JOB in the environment of everything that belongs to this job."""
        return str(self.folder.absolute())


def running_pid(job: Job) -> int | None:
    """Return the pid of the job's live runner, or None.

    Raises:
        ConflictError: other work runs in the same folder.
    """
    state = _read(job.folder / "running.json")
    if state is None or not processes.is_same_process(int(state["pid"]), float(state["started"])):
        return None
    if state["key"] != job.key:
        raise ConflictError(f"{job.folder}: job {state['key']} is still running there")
    return int(state["pid"])


def start(job: Job, environment: Mapping[str, str] | None = None) -> int:
    """Attach to the job if it runs, else launch it; return the runner's pid.

    What a killed runner left behind is stopped first.
    """
    if (pid := running_pid(job)) is not None:
        return pid
    # The runner is gone: its children, if any survived it, must not run beside new ones.
    processes.stop_marked(MARK, job.mark)
    job.folder.mkdir(parents=True, exist_ok=True)
    write_json(job.folder / "job.json", {"key": job.key, "command": list(job.command)})
    (job.folder / "exit.json").unlink(missing_ok=True)
    runner = subprocess.Popen(
        [sys.executable, "-m", "any2caption.orchestration.jobs.runner", job.mark],
        cwd=job.folder,  # `python -m` would import from the folder it starts in
        env={**without_airflow(os.environ), **(environment or {}), MARK: job.mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + _APPEAR_SECONDS
    while time.monotonic() < deadline:
        # If somebody else was faster, ours has stepped back and this is theirs.
        if (pid := running_pid(job)) is not None:
            return pid
        if _read(job.folder / "exit.json") is not None:
            return runner.pid
        runner.poll()
        time.sleep(0.05)
    return runner.pid


def without_airflow(variables: Mapping[str, str]) -> dict[str, str]:
    """Drop Airflow's own variables, its keys among them: a job has nothing to ask of Airflow."""
    return {name: value for name, value in variables.items() if not _AIRFLOW.match(name)}


def follow(job: Job, say: Callable[[str], None], *, offset: int = 0) -> int | None:
    """Wait for the job, handing each new line of its output to `say`.

    Returns the exit code, or None when the runner was killed before it could write one.
    """
    log = job.folder / "output.log"
    while True:
        alive = running_pid(job) is not None
        offset = _pump(log, offset, say)
        if not alive:
            _pump(log, offset, say)
            state = _read(job.folder / "exit.json")
            return None if state is None else int(state["code"])
        time.sleep(_POLL_SECONDS)


def cancel(job: Job) -> int:
    """Stop the job with everything it started; return how many processes that were."""
    return processes.stop_marked(MARK, job.mark)


def tail(job: Job, lines: int = 20) -> str:
    """Return the last lines of the job's output."""
    log = job.folder / "output.log"
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _LONGEST_CHUNK))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def output_size(job: Job) -> int:
    """Return how many bytes the job has written so far, over all its attempts."""
    log = job.folder / "output.log"
    return log.stat().st_size if log.exists() else 0


def _pump(log: Path, offset: int, say: Callable[[str], None]) -> int:
    """Say the whole lines after byte `offset`; return the offset after them."""
    if not log.exists():
        return offset
    with log.open("rb") as file:
        file.seek(offset)
        chunk = file.read()
    whole = chunk[: chunk.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        say(line)
    return offset + len(whole)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return None
