"""The stack's watchdog: `python -m any2caption.stack.watchdog.watch`, a service under supervisord.

Every few seconds it asks supervisord, every service and every model of the current release, and
repairs what it finds: stopped services are started, hung ones started anew, processes that a signal
stopped go on, dead steps and unloaded models are loaded again. Each repair is a line of its log and
an entry of `<home>/watch.json`. supervisord starts it again if it dies itself.
"""

import contextlib
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from any2caption.errors import A2CError, UnavailableError
from any2caption.settings import Settings
from any2caption.stack import environment, supervisor
from any2caption.stack.services import WATCH, Service, services, watch_file
from any2caption.stack.watchdog.repairs import Repair, act, earlier, go_on, kill_step, now_utc
from any2caption.stack.watchdog.upkeep import HUNG, Memory, Progress, Seen, decide
from any2caption.storage.atomic import write_atomically

if TYPE_CHECKING:
    from any2caption.serving.control import TritonControl
    from any2caption.serving.releases.watchdog import Probe

INTERVAL = 3.0
_PROBE_SECONDS = 3.0
_REVIVE_SECONDS = 30.0
_KEPT = 100


class Watchdog:
    """The loop's state: what is watched, and what is remembered of each part."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        with_swift = environment.uses_swift(settings)
        everything = services(settings, with_swift=with_swift)
        self.services = [service for service in everything if service.name != WATCH]
        self.memory: dict[str, Memory] = {}
        self.progress: dict[str, Progress] = {}
        self.repairs: list[Repair] = earlier(settings.home)

    def round(self) -> list[Repair]:
        """Look once at everything, repair what can be repaired now, and write it down."""
        done = go_on() + self._services() + self._serving()
        self.repairs = [*self.repairs, *done][-_KEPT:]
        state = {"at": now_utc(), "repairs": [asdict(one) for one in self.repairs]}
        path = watch_file(self.settings.home)
        with contextlib.suppress(OSError):  # a full disk must not stop the repairs
            write_atomically(path, json.dumps(state, indent=1), sync=False)
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
            if action and (told := act(self.settings.home, service.name, action)):
                reason = seen.reason or seen.state.lower()
                done.append(Repair(now_utc(), service.name, reason, told))
        return done

    def _serving(self) -> list[Repair]:
        """Bring back what of the current release is dead or unloaded."""
        from any2caption.serving.control import connect
        from any2caption.serving.releases import watchdog
        from any2caption.serving.releases.rollout import live_repository
        from any2caption.storage.signing_keys import Keys

        live = live_repository(self.settings)
        try:
            with connect(self.settings) as control:
                found = watchdog.inspect(control, live, timeout=_PROBE_SECONDS)
                now = time.monotonic()
                if killed := self._hung(control, found, now):
                    return killed  # dead at the next look
                due = {one.model: self._due(one, now) for one in found}
                chosen = [one if due[one.model] else replace(one, state="left") for one in found]
                keys = Keys.of(self.settings)
                after = watchdog.repair(control, live, chosen, timeout=_REVIVE_SECONDS, keys=keys)
        except UnavailableError:
            return []  # the server itself: a service like the others
        except A2CError as error:
            return [Repair(now_utc(), "serving", "not repaired", str(error))]
        if after == chosen:
            return []  # nothing to do, or a rollout is at it
        done = []
        for before, one in zip(found, after, strict=True):
            if due[one.model]:
                self.memory[one.model] = self.memory.get(one.model, Memory()).repaired(now)
                done.append(Repair(now_utc(), one.model, before.message, _told(one)))
        return done

    def _hung(self, control: "TritonControl", found: "list[Probe]", now: float) -> list[Repair]:
        """Kill the processes of steps that neither answer nor finish anything any more."""
        slow = [one.model for one in found if one.state == "slow"]
        counts = control.counts() if slow else {}
        executions = {model: counts[model].executions for model in slow if model in counts}
        self.progress = {
            model: self.progress.get(model, Progress(number, now)).after(number, now)
            for model, number in executions.items()
        }
        done = []
        for model, progress in self.progress.items():
            if progress.hung(now, HUNG) and kill_step(self.settings.home, model):
                reason = f"no answer, and nothing finished for {now - progress.since:.0f} s"
                done.append(Repair(now_utc(), model, reason, "its process killed"))
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
