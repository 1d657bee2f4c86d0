"""The watchdog's hands: what is done to a part, and how it is written down."""

import contextlib
import json
import os
import xmlrpc.client
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from any2caption.errors import UnavailableError
from any2caption.stack import supervisor
from any2caption.stack.services import watch_file

JOB = "A2C_JOB"
_STACK = "A2C_STACK"


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that was done: when (UTC), to which part, why and what."""

    at: str
    part: str
    reason: str
    action: str

    def __str__(self) -> str:
        """The line of the log."""
        return f"{self.at} {self.part}: {self.reason}; {self.action}"


def act(home: Path, name: str, action: str) -> str:
    """Start a service, or kill one so that supervisord starts it; return what was done."""
    try:
        with supervisor.connect(home) as rpc:
            if action == "start":
                rpc.startProcess(name, False)
                return "started"
            rpc.signalProcess(name, "KILL")
            return "killed, to start anew"
    except xmlrpc.client.Fault as fault:
        if "ALREADY_STARTED" in fault.faultString or "SHUTDOWN" in fault.faultString:
            return ""
        return f"not repaired: {fault.faultString}"
    except UnavailableError:
        return ""


def go_on() -> list[Repair]:
    """Let processes of the stack go on that a signal stopped; jobs may be paused on purpose."""
    done = []
    parent = psutil.Process(os.getppid())
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_STOPPED:
                continue
            theirs = process.environ()
            if theirs.get(_STACK) != os.environ.get(_STACK, "") or JOB in theirs:
                continue
            name = theirs.get("A2C_SERVICE", process.name())
            process.resume()
            done.append(Repair(now_utc(), name, f"process {process.pid} was stopped", "goes on"))
    return done


def kill_step(home: Path, model: str) -> bool:
    """Kill the process of a step; whether there was one."""
    pid = int(supervisor.states(home).get("triton", {}).get("pid", 0))
    found = False
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(pid).children() if pid else []:
            with contextlib.suppress(psutil.Error):
                if f"/{model}/" in " ".join(process.cmdline()[1:2]):
                    process.kill()
                    found = True
    return found


def earlier(home: Path) -> list[Repair]:
    """Return the repairs that an earlier start has written down."""
    try:
        return [Repair(**one) for one in json.loads(watch_file(home).read_text())["repairs"]]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def now_utc() -> str:
    """Return the time for a log line."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
