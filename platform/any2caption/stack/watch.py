"""The stack's own watchdog: `python -m any2caption.stack.watch`, a service under supervisord.

Every few seconds it asks supervisord, every service and every model of the current release, and
repairs what it finds: stopped services are started, hung ones started anew, processes that a signal
stopped go on, dead steps and unloaded models are loaded again. Each repair is a line of its log and
an entry of `<home>/watch.json`. supervisord starts it again if it dies itself.
"""

import contextlib
import json
import os
import sys
import time
import xmlrpc.client
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from any2caption.errors import A2CError, UnavailableError
from any2caption.settings import Settings
from any2caption.stack import environment, supervisor
from any2caption.stack.services import WATCH, Service, services, watch_file
from any2caption.stack.upkeep import Memory, Seen, decide

if TYPE_CHECKING:
    from any2caption.serving.watchdog import Probe

INTERVAL = 3.0
_PROBE_SECONDS = 3.0
_REVIVE_SECONDS = 30.0
_KEPT = 100
_JOB = "A2C_JOB"


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


class Watchdog:
    """The loop's state: what is watched, and what is remembered of each part."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        with_swift = environment.uses_swift(settings)
        everything = services(settings, with_swift=with_swift)
        self.services = [service for service in everything if service.name != WATCH]
        self.memory: dict[str, Memory] = {}
        self.repairs: list[Repair] = _earlier(settings.home)

    def round(self) -> list[Repair]:
        """Look once at everything, repair what can be repaired now, and write it down."""
        done = _go_on() + self._services() + self._serving()
        self.repairs = [*self.repairs, *done][-_KEPT:]
        state = {"at": _now(), "repairs": [asdict(one) for one in self.repairs]}
        path = watch_file(self.settings.home)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(state, indent=1))
        fresh.replace(path)
        return done

    def _services(self) -> list[Repair]:
        known = supervisor.states(self.settings.home)
        if not known:
            return []  # going down, or gone: then nothing can be started through it
        done = []
        now = time.monotonic()
        for service, seen in zip(self.services, _look(self.services, known), strict=True):
            action, memory = decide(seen, self.memory.get(service.name, Memory()), now)
            self.memory[service.name] = memory
            if action and (told := _act(self.settings.home, service.name, action)):
                reason = seen.reason or seen.state.lower()
                done.append(Repair(_now(), service.name, reason, told))
        return done

    def _serving(self) -> list[Repair]:
        """Bring back what of the current release is dead or unloaded."""
        from any2caption.serving import watchdog
        from any2caption.serving.control import connect
        from any2caption.serving.rollout import live_repository

        live = live_repository(self.settings)
        try:
            with connect(self.settings) as control:
                found = watchdog.inspect(control, live, timeout=_PROBE_SECONDS)
                now = time.monotonic()
                due = {one.model: self._due(one, now) for one in found}
                chosen = [one if due[one.model] else replace(one, state="left") for one in found]
                after = watchdog.repair(control, live, chosen, timeout=_REVIVE_SECONDS)
        except UnavailableError:
            return []  # the server itself: a service like the others
        except A2CError as error:
            return [Repair(_now(), "serving", "not repaired", str(error))]
        if after == chosen:
            return []  # nothing to do, or a rollout is at it
        done = []
        for before, one in zip(found, after, strict=True):
            if due[one.model]:
                self.memory[one.model] = self.memory.get(one.model, Memory()).repaired(now)
                done.append(Repair(_now(), one.model, before.message, _told(one)))
        return done

    def _due(self, found: "Probe", now: float) -> bool:
        memory = self.memory.get(found.model, Memory())
        if found.state == "alive":
            self.memory[found.model] = memory.well(now)
        return found.state == "dead" and memory.may_repair(now)


def _told(after: "Probe") -> str:
    if after.revived:
        return "loaded again"
    return "back with its steps" if after.state == "alive" else f"still dead: {after.message}"


def _look(wanted: Sequence[Service], known: dict[str, dict[str, Any]]) -> list[Seen]:
    entries = {one.name: known.get(one.name, {"statename": "UNKNOWN"}) for one in wanted}
    running = [one for one in wanted if entries[one.name]["statename"] == "RUNNING"]
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda one: one.ask(float(entries[one.name]["start"])), running)
        reasons = dict(zip((one.name for one in running), answers, strict=True))
    seen = []
    for service in wanted:
        entry, reason = entries[service.name], reasons.get(service.name, "")
        if service.asks and reasons.get(service.asks, "not running"):
            reason = ""  # nobody there who could know
        up_seconds = float(entry.get("now", 0)) - float(entry.get("start", 0))
        seen.append(Seen(str(entry["statename"]), up_seconds, reason, service.start_seconds))
    return seen


def _act(home: Path, name: str, action: str) -> str:
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


def _go_on() -> list[Repair]:
    """Let processes of the stack go on that a signal stopped; jobs may be paused on purpose."""
    done = []
    parent = psutil.Process(os.getppid())
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_STOPPED or _JOB in process.environ():
                continue
            name = process.environ().get("A2C_SERVICE", process.name())
            process.resume()
            done.append(Repair(_now(), name, f"process {process.pid} was stopped", "goes on"))
    return done


def _earlier(home: Path) -> list[Repair]:
    try:
        return [Repair(**one) for one in json.loads(watch_file(home).read_text())["repairs"]]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main() -> None:
    """Watch until stopped."""
    watchdog = Watchdog(environment.with_interpreters(Settings()))
    while True:
        began = time.monotonic()
        for repair in watchdog.round():
            sys.stdout.write(f"{repair}\n")
        sys.stdout.flush()
        time.sleep(max(0.5, INTERVAL - (time.monotonic() - began)))


if __name__ == "__main__":
    main()
