"""Find and stop processes by a mark in their environment, which orphans inherit too."""

import contextlib
import os
import signal
from collections.abc import Iterable

import psutil


def is_same_process(pid: int, started: float) -> bool:
    """Whether the process `pid` that started at `started` (seconds since the epoch) still runs."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def marked(name: str, value: str) -> list[psutil.Process]:
    """Return live processes whose environment says `name=value`, but no caller or ancestor."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in own:
            continue
        try:
            if process.environ().get(name) == value and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # somebody else's, or gone meanwhile
    return found


def stop(processes: Iterable[psutil.Process], *, grace: float = 10.0) -> int:
    """Send SIGTERM, wait up to `grace` seconds, then SIGKILL; return how many there were."""
    targets = list(processes)
    for process in targets:
        _signal(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(targets, timeout=grace)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)
    return len(targets)


def stop_marked(name: str, value: str, *, grace: float = 10.0) -> int:
    """Stop everything that carries the mark, also what starts while others are being stopped."""
    total = 0
    for _ in range(5):
        found = marked(name, value)
        if not found:
            break
        total += stop(_with_descendants(found), grace=grace)
    return total


def _with_descendants(found: list[psutil.Process]) -> list[psutil.Process]:
    """Add what they started, whatever it made of its environment."""
    family = {process.pid: process for process in found}
    for process in found:
        with contextlib.suppress(psutil.Error):
            family.update({child.pid: child for child in process.children(recursive=True)})
    family.pop(os.getpid(), None)
    return list(family.values())


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return
