"""Become a service with its own environment: `python -m any2caption.stack.launch FILE COMMAND…`.

FILE is JSON, readable by its owner only, and holds the service's whole environment: nothing of what
this process inherited goes further. With `--alone` before it, what an earlier start has left
running is stopped first: a server that was killed can leave workers that still hold its port, and
its successor could never listen.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from any2caption import processes

ALONE = "--alone"
MARK = "A2C_SERVICE"
STACK = "A2C_STACK"
_JOB = "A2C_JOB"  # work that Airflow started outlives its services on purpose


def leftovers(name: str, environment: dict[str, str]) -> list[psutil.Process]:
    """Return what an earlier start of the service in the same stack has left running."""
    found = []
    for process in processes.marked(MARK, name):
        try:
            theirs = process.environ()
        except psutil.Error:
            continue
        if theirs.get(STACK) == environment.get(STACK) and _JOB not in theirs:
            found.append(process)
    return found


def main(arguments: Sequence[str]) -> None:
    """Stop leftovers if asked to, and become the command."""
    alone = arguments[0] == ALONE
    file, *command = arguments[1:] if alone else arguments
    environment = {str(k): str(v) for k, v in json.loads(Path(file).read_text()).items()}
    if alone:
        processes.stop(leftovers(environment[MARK], environment), grace=5.0)
    sys.stdout.flush()
    os.execve(command[0], command, environment)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
