"""Run a promotion in a process that kills itself at a step: one JSON line in, one line out each.

Everything is loaded once; each order runs in a fork of this process.
"""

import functools
import importlib
import json
import os
import signal
import sys
from pathlib import Path

import mlflow  # noqa: F401 - loaded once for every fork

from any2caption.orchestration import actions
from any2caption.registry.commands import run_promote
from any2caption.serving.releases import rollout
from any2caption.settings import Settings


def kill_at(point):
    """Patch the function of `module:qualified.name:before|after` to kill this process there."""
    module, name, when = point.split(":")
    owner = importlib.import_module(module)
    *path, last = name.split(".")
    owner = functools.reduce(getattr, path, owner)
    whole = getattr(owner, last)

    def killed(*arguments, **named):
        if when == "after":
            whole(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, last, killed)


def carry_out(order):
    settings = Settings(**order["settings"])
    source = Path(order["source"])
    rollout.run_release = functools.partial(rollout.run_release, source=source)
    if order["point"] not in {"", "between"}:
        kill_at(order["point"])
    if order["what"] == "rollback":
        actions.roll_back(settings, approver="bob", reason="worse", say=lambda _: None)
        return
    version, key = order["version"], order["key"]
    run_promote(settings, version=version, approver="ann", reason="a test", force=True, key=key)
    if order["point"] == "between":
        os.kill(os.getpid(), signal.SIGKILL)
    actions.release(settings, {"lifecycle": f"life-{version}", "version": version})


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        carry_out(json.loads(line))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
    sys.stdout.flush()
