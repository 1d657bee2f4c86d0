"""Attack a served stack as a hostile client would: bounded, and on the loopback address only.

    python bench/attack.py [--home DIR] [--rounds 20] [--minutes 4] [--recovery] [--json FILE]

Without `--home` a stack of its own is started on free ports in a temporary folder, with a release
of an untrained tiny model, and removed at the end. Good clients ask fixed requests before, during
and after; decoding is greedy, so an answer that differs from the first one is a wrong answer.
Printed: requests tried by kind and what became of them, crashes, wrong good answers, p50 and p99 of
the good clients, each process's memory before, at its peak and a minute after, and with
`--recovery` the seconds until each killed, stopped or unloaded part serves again. Exit code 1 when
something crashed, a good answer was wrong or something that is forbidden was done.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from typing import Any, Self

import attack_kinds
import attack_stack
import numpy as np
import psutil

from any2caption import processes
from any2caption.errors import A2CError
from any2caption.serving.client import CaptionClient
from any2caption.serving.releases.smoke import requests as smoke_requests
from any2caption.settings import Settings
from any2caption.stack import local
from any2caption.stack.secrets import load

SAMPLE_SECONDS = 0.2
GOOD_PAUSE = 0.2
SETTLE_SECONDS = 60.0


@dataclass
class Seen:
    """What good clients saw in one phase: seconds an answer took, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    wrong: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def row(self) -> dict[str, float | int | dict[str, int]]:
        """Return the figures of a phase."""
        times = np.array(self.seconds or [np.nan])
        return {
            "answers": len(self.seconds),
            "p50 s": round(float(np.percentile(times, 50)), 3),
            "p99 s": round(float(np.percentile(times, 99)), 3),
            "wrong": self.wrong,
            "failed": dict(self.failed),
        }


class GoodClients:
    """Clients that ask the same requests again and again and compare each answer.

    Each is a process of its own: attackers in the same interpreter would take its time from it.
    """

    def __init__(self, url: str, count: int = 2) -> None:
        self.url, self.count = url, count
        self.expected = {name: self._ask(name) for name in smoke_requests()}

    def _ask(self, name: str) -> str:
        text, files = smoke_requests()[name]
        with CaptionClient(self.url, timeout=60) as client:
            return client.caption_files(text, files, writer="model").text

    @contextmanager
    def asking(self) -> Iterator[Seen]:
        """Ask for as long as the block runs; what was seen is there at its end."""
        fresh = get_context("spawn")
        seen, until, ready = Seen(), fresh.Event(), fresh.Barrier(self.count + 1)
        with ProcessPoolExecutor(
            self.count, mp_context=fresh, initializer=_inherit, initargs=(until, ready)
        ) as clients:
            asked = [clients.submit(_loop, self.url, self.expected) for _ in range(self.count)]
            try:
                ready.wait(120)
                yield seen
            finally:
                until.set()
            for one in asked:
                found = one.result(90)
                seen.seconds += found.seconds
                seen.wrong += found.wrong
                seen.failed += found.failed


class _Shared:
    """What a client's process has from the one that started it."""

    until: Event
    ready: Barrier


def _inherit(until: Event, ready: Barrier) -> None:
    _Shared.until, _Shared.ready = until, ready


def _loop(url: str, expected: dict[str, str]) -> Seen:
    """Be one good client."""
    seen = Seen()
    until = _Shared.until
    _Shared.ready.wait(120)
    with CaptionClient(url, timeout=60) as client:
        while not until.is_set():
            for name, (text, files) in smoke_requests().items():
                began = time.monotonic()
                try:
                    answer = client.caption_files(text, files, writer="model").text
                except A2CError as error:
                    seen.failed[str(error)[:90]] += 1
                else:
                    seen.seconds.append(time.monotonic() - began)
                    seen.wrong += answer != expected[name]
                until.wait(GOOD_PAUSE)
    return seen


class Memory:
    """Resident memory of each process of the stack: now, and the highest that was seen."""

    def __init__(self, settings: Settings) -> None:
        self.stack = load(settings.home).stack_id
        self.peak: dict[str, int] = {}
        self._until = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def now(self, *, own: bool = False) -> dict[str, int]:
        """Return MB by process name; several of one name are added up.

        `own`: only what no other process shares. Triton's memory for tensors, which it shares with
        its steps and never makes smaller, is not among it.
        """
        found: Counter[str] = Counter()
        family = {p.pid: p for p in processes.marked(local.MARK, self.stack)}
        for process in list(family.values()):
            try:
                family |= {child.pid: child for child in process.children(recursive=True)}
            except psutil.Error:
                continue
        for process in family.values():
            try:
                full = process.memory_full_info() if own else process.memory_info()
                found[name_of(process)] += full.uss if own else full.rss
            except psutil.Error:
                continue
        return {name: size >> 20 for name, size in sorted(found.items())}

    def _watch(self) -> None:
        while not self._until.wait(SAMPLE_SECONDS):
            for name, size in self.now().items():
                self.peak[name] = max(size, self.peak.get(name, 0))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._until.set()
        self._thread.join(30)


def name_of(process: psutil.Process) -> str:
    """A short name: the step of a stub, else what is run."""
    words = process.cmdline()
    if not words:
        return process.name()
    first = Path(words[0]).name
    if "triton_python_backend_stub" in first:
        return "step " + Path(words[1]).parents[1].name.split("-r")[0]
    if first.startswith("python") and "-m" in words:
        return words[words.index("-m") + 1].removeprefix("any2caption.")
    return Path(words[1]).name if first.startswith("python") and len(words) > 1 else first


def attack(
    url: str, kinds: list[attack_kinds.Kind], rounds: int, minutes: float
) -> dict[str, Counter[str]]:
    """Send every kind `rounds` times, two at a time, for at most `minutes`; return the outcomes."""
    outcomes: dict[str, Counter[str]] = {kind.name: Counter() for kind in kinds}
    jobs = iter([kind for _ in range(rounds) for kind in kinds])
    lock, limit = threading.Lock(), time.monotonic() + 60 * minutes

    def work() -> None:
        attack_kinds.give_way()
        while time.monotonic() < limit:
            with lock:
                kind = next(jobs, None)
            if kind is None:
                return
            began = time.monotonic()
            said = kind.send(url)
            took = time.monotonic() - began
            with lock:
                outcomes[kind.name][said] += 1
                if took > attack_kinds.LONGEST:
                    outcomes[kind.name][f"took longer than {attack_kinds.LONGEST:.0f} s"] += 1

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def recovery(
    settings: Settings, parts: dict[str, Callable[[], None]]
) -> dict[str, dict[str, float]]:
    """Break each part; return seconds until `status` says so, and until all is healthy again."""
    rows = {}
    for name, harm in parts.items():
        wait_healthy(settings, 120)
        began = time.monotonic()
        harm()
        noticed = None
        while noticed is None and time.monotonic() - began < 15:
            if not healthy(settings):
                noticed = time.monotonic() - began
        wait_healthy(settings, 120)
        rows[name] = {
            "status says so after s": round(noticed, 1) if noticed is not None else float("nan"),
            "healthy again after s": round(time.monotonic() - began, 1),
        }
        print(f"{name}: {rows[name]}", flush=True)
    return rows


def healthy(settings: Settings) -> bool:
    """Whether every row of `a2c status` is healthy."""
    return {row.state for row in local.status(settings)} == {"healthy"}


def wait_healthy(settings: Settings, seconds: float) -> None:
    """Wait for it."""
    limit = time.monotonic() + seconds
    while not healthy(settings):
        if time.monotonic() > limit:
            raise SystemExit(f"not healthy within {seconds:.0f} s: {local.status(settings)}")
        time.sleep(0.2)


def run(
    settings: Settings,
    rounds: int,
    minutes: float,
    *,
    calm_seconds: float = 20.0,
    settle_seconds: float = SETTLE_SECONDS,
) -> dict[str, Any]:
    """Attack a running stack; return all figures but those of its recovery."""
    url = settings.triton_url
    good = GoodClients(url)
    kinds = attack_kinds.kinds(settings)
    servers = attack_stack.server_pids(settings)
    with Memory(settings) as memory:
        before, own_before = memory.now(), memory.now(own=True)
        with good.asking() as calm:
            time.sleep(calm_seconds)
        with good.asking() as during:
            outcomes = attack(url, kinds, rounds, minutes)
        with good.asking() as flooded:
            outcomes["60 × 25 MB at once"] = Counter(attack_kinds.flood(url))
        crashed = sorted(set(servers.items()) - set(attack_stack.server_pids(settings).items()))
        time.sleep(settle_seconds)
        with good.asking() as after:
            time.sleep(calm_seconds / 2)
        later, own_later = memory.now(), memory.now(own=True)
        peak = memory.peak
    names = sorted({*before, *later, *peak})
    return {
        "tried": {name: dict(count) for name, count in outcomes.items()},
        "forbidden things done": sum(c[attack_kinds.DONE] for c in outcomes.values()),
        "crashed": [name for name, _ in crashed],
        "good clients": {
            "before": calm.row(),
            "during": during.row(),
            "during 60 × 25 MB at once": flooded.row(),
            "after": after.row(),
        },
        "memory MB (before, peak, after)": {
            name: [before.get(name, 0), peak.get(name, 0), later.get(name, 0)] for name in names
        },
        "of these their own alone (before, after)": {
            name: [own_before.get(name, 0), own_later.get(name, 0)] for name in names
        },
    }


def main() -> None:
    """Attack and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a running stack; without it one is started")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=4.0, help="longest time of the attack")
    parser.add_argument("--recovery", action="store_true", help="also kill, stop and unload parts")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="a2c-attack-") as folder:
        stack = (
            attack_stack.existing(chosen.home) if chosen.home else attack_stack.own(Path(folder))
        )
        with stack as settings:
            figures = run(settings, chosen.rounds, chosen.minutes)
            if chosen.recovery:
                figures["recovery"] = recovery(settings, attack_stack.harms(settings))
    print(json.dumps(figures, indent=2))
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2))
    good: dict[str, Any] = figures["good clients"]
    wrong = sum(phase["wrong"] for phase in good.values())
    sys.exit(bool(figures["crashed"] or wrong or figures["forbidden things done"]))


if __name__ == "__main__":
    main()
