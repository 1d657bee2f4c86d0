"""Start a service that listens on a port: `python -m any2caption.stack.launch NAME COMMAND…`.

A server that was killed can leave workers that still hold its port, and its successor could never
listen. They are stopped first; then this process becomes the command.
"""

import os
import sys
from collections.abc import Sequence

import psutil

from any2caption import processes

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
    """Stop leftovers and become the command."""
    name, *command = arguments
    processes.stop(leftovers(name, dict(os.environ)), grace=5.0)
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
