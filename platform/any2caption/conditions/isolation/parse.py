"""Parse untrusted files in processes of their own: a hostile file can end such a process only.

`parse_condition` here does what the registry's does, in a worker (`parse_server`) with limits on
time and memory, few system calls and no keys (`sandbox`). Texts are parsed here: bounded, and
nothing to decode.

A `Pool` has a number of places; whoever has one (a `Lease`) has one worker at a time. A lease that
takes longer than `QUICK` gives its place up and goes on, with less of the processor, in one of the
few for what is slow; where none is free its worker ends, and another starts anew when one is. So
files that take all their time hold up each other, not the quick ones.

Under a `Pool` with `uses=1` no worker lives longer than its lease: nothing of one caller is left
for the next one, and all memory goes back. A lease that is cancelled or late kills its worker at
once.
"""

import atexit
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from any2caption.conditions import registry
from any2caption.conditions.fact import Fact
from any2caption.conditions.isolation import parse_server
from any2caption.conditions.isolation.frames import NonsenseError
from any2caption.conditions.isolation.parse_workers import (
    MEMORY,
    PATIENCE,
    Cancelled,
    GoneError,
    Server,
    Worker,
    never,
    refusal_of,
)
from any2caption.conditions.isolation.turns import NoRoomError, Turn
from any2caption.conditions.isolation.wire import unpack, unpack_facts
from any2caption.conditions.kind import OptionValue
from any2caption.conditions.types import Condition, Part
from any2caption.errors import CancelledError, InputError

__all__ = ["Asked", "Cancelled", "Lease", "Pool", "never", "own_pool", "parse_condition"]

SECONDS = 10.0
"""Longest time for one condition of a request."""
WORKERS = 3
"""Quick places; `A2C_PARSE_WORKERS` says otherwise. What is slow has two thirds as many."""
QUICK = 1.0
"""Seconds that a lease has before it counts as slow."""
USES = 256
"""Conditions that a worker parses where all files are one caller's."""


def parse_condition(  # noqa: PLR0913 - the registry's own arguments
    kind: str,
    parts: Sequence[Part],
    *,
    role: str | None = None,
    number: int = 1,
    options: Mapping[str, OptionValue] | None = None,
    seconds: float = PATIENCE,
    cancelled: Cancelled = never,
) -> Condition:
    """Parse a condition as `registry.parse_condition` does, in a worker of this process' pool.

    Raises:
        InputError: as the registry's, and when a file ends its decoder, or takes longer than
            `seconds`, or more memory than `MEMORY`, or makes a parser fail.
        CancelledError: `cancelled` said so.
        UnavailableError: every worker is busy for `seconds`, or none can be started.
    """
    if not _risky(kind, parts):
        return registry.parse_condition(kind, parts, role=role, number=number, options=options)
    if parse_server.in_worker():
        try:
            return registry.parse_condition(kind, parts, role=role, number=number, options=options)
        except Exception as error:
            raise parse_server.as_input_error(error, parts[0].name, kind) from error
    # A place is waited for as long as a file may take that has one.
    with own_pool().lease(time.monotonic() + 2 * seconds, cancelled) as lease:
        return lease.parse(kind, parts, role=role, number=number, options=options, seconds=seconds)


def _risky(kind: str, parts: Sequence[Part]) -> bool:
    """Hold files to the limits on count and bytes; whether a worker has to look at them."""
    if kind in registry.KINDS:
        registry.check_parts(kind, parts)
    return kind in registry.KINDS and kind != "text"


class Pool:
    """Places for workers; safe to use from several threads.

    Args:
        workers: places, that is workers at the same time.
        memory: bytes of address space of one worker.
        uses: conditions that a worker may parse in all, over several leases; with 1 it ends with
            its lease, whatever it parsed.
        server: the module that is run to start workers.
        quick: seconds after which a lease counts as slow; infinity where all files are one
            caller's.
    """

    def __init__(
        self,
        workers: int = 0,
        memory: int = MEMORY,
        uses: int = 1,
        server: str = parse_server.__name__,
        quick: float = QUICK,
    ) -> None:
        self._uses, self._seconds = uses, quick
        places = workers or int(os.environ.get("A2C_PARSE_WORKERS", "0")) or WORKERS
        self._quick = threading.Semaphore(places)
        self._slow = threading.Semaphore(max(1, 2 * places // 3))
        self._idle: list[Worker] = []
        self._server = Server(server, memory)

    @property
    def server_pid(self) -> int | None:
        """Process id of the workers' server; None before the first file."""
        return self._server.pid

    @contextmanager
    def lease(self, until: float, cancelled: Cancelled = never) -> "Iterator[Lease]":
        """Wait for a place and have it.

        Args:
            until: when to give up, in `time.monotonic` seconds; parsing stops then, too.
            cancelled: asked while waiting for a place, and for each answer.

        Raises:
            CancelledError: `cancelled` said so.
            UnavailableError: no place was free in time.
        """
        turn = Turn(self._quick, self._slow, self._seconds, until, cancelled)
        turn.take()
        lease = Lease(self._worker, turn)
        try:
            yield lease
        finally:
            worker = lease.worker
            if worker is not None:
                if worker.uses < self._uses and not turn.slow:
                    self._idle.append(worker)
                else:
                    worker.close()
            turn.give_back()

    def warm(self) -> None:
        """Start the server of the workers now, so that the first file need not wait for it."""
        self._idle.append(self._server.worker())

    def close(self) -> None:
        """End all workers and their server; the next lease starts new ones."""
        while self._idle:
            self._idle.pop().close()
        self._server.close()

    def _worker(self) -> Worker:
        with suppress(IndexError):
            return self._idle.pop()
        return self._server.worker()


class Lease:
    """One place of a pool; for one thread."""

    def __init__(self, start: Callable[[], Worker], turn: Turn) -> None:
        self._start, self._turn = start, turn
        self.worker: Worker | None = None

    def parse(  # noqa: PLR0913 - the registry's own arguments
        self,
        kind: str,
        parts: Sequence[Part],
        *,
        role: str | None = None,
        number: int = 1,
        options: Mapping[str, OptionValue] | None = None,
        seconds: float = SECONDS,
    ) -> Condition:
        """Parse in this place's worker; see `parse_condition` for what is raised."""
        asked = Asked(kind, parts, role, number, options, facts=False)
        return self.read(asked, seconds)[0]

    def ask(
        self, request: Mapping[str, Any], blobs: Sequence[bytes]
    ) -> tuple[dict[str, Any], list[bytearray]]:
        """Ask this place's worker until the lease ends; one that fails is ended.

        Raises:
            GoneError: it died, or did not answer in time.
            NonsenseError: its answer is none.
            CancelledError: nobody waits any more.
            UnavailableError: none can be started.
        """
        worker = self.worker = self.worker or self._start()
        self._turn.begin(worker)
        try:
            return worker.ask(
                request, blobs, self._turn.until, lambda: self._turn.cancelled(worker)
            )
        except (CancelledError, GoneError, NonsenseError):
            self._drop()
            raise

    def read(self, asked: "Asked", seconds: float = SECONDS) -> tuple[Condition, tuple[Fact, ...]]:
        """Parse in this place's worker, which also finds what the condition states."""
        try:
            return self._answer(asked, seconds)
        except NoRoomError:
            self._drop()
            self._turn.take(slow=True)
            return self._answer(asked, seconds)

    def _answer(self, asked: "Asked", seconds: float) -> tuple[Condition, tuple[Fact, ...]]:
        until = min(time.monotonic() + seconds, self._turn.until)
        worker = self.worker = self.worker or self._start()
        self._turn.begin(worker)
        try:
            answer, blobs = worker.ask(
                asked.header(),
                [part.data for part in asked.parts],
                until,
                lambda: self._turn.cancelled(worker),
            )
            if "error" not in answer:
                return _told(answer, blobs, asked)
        except CancelledError:
            self._drop()
            raise
        except (GoneError, NonsenseError, KeyError) as error:
            self._drop()
            said = "the file makes its decoder answer nonsense"
            if isinstance(error, GoneError):
                said = str(error)
            if time.monotonic() >= until:
                said = f"decoding took longer than {seconds:g} s"
                if until == self._turn.until:
                    said = "the request took longer than it may, while this condition was decoded"
            raise InputError(said, file=asked.parts[0].name, field=asked.kind) from error
        raise refusal_of(answer, asked.parts[0].name, asked.kind)

    def _drop(self) -> None:
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.close()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a worker is asked: a condition's files, as they came, and what is wanted of them."""

    kind: str
    parts: Sequence[Part]
    role: str | None = None
    number: int = 1
    options: Mapping[str, OptionValue] | None = None
    facts: bool = True
    payload: bool = True
    """Whether the canonical form is wanted; without it, it is `""`: no pixels leave the worker."""
    small: bool = False
    """Whether the pixels of a picture or clip that is small enough to be looked at are, too."""

    def header(self) -> dict[str, Any]:
        """Return all but the files' content."""
        return {
            "kind": self.kind,
            "names": [part.name for part in self.parts],
            "role": self.role,
            "number": self.number,
            "options": dict(self.options or {}),
            "facts": self.facts,
            "payload": self.payload,
            "small": self.small,
        }


def _told(
    answer: Mapping[str, Any], blobs: Sequence[bytearray], asked: Asked
) -> tuple[Condition, tuple[Fact, ...]]:
    condition = unpack(answer["condition"], blobs)
    if not isinstance(condition, Condition) or condition.kind != asked.kind:
        raise NonsenseError("no condition of the kind that was asked for")
    if not asked.facts:
        return condition, ()
    return condition, unpack_facts(answer["facts"], registry.input_name(condition))


class _Own:
    """This process's pool; a forked child starts its own."""

    pool: Pool | None = None
    owner = 0
    lock = threading.Lock()


def own_pool() -> Pool:
    """Return this process' pool, whose workers serve one caller after the other."""
    with _Own.lock:
        if _Own.pool is None or _Own.owner != os.getpid():
            _Own.pool, _Own.owner = Pool(uses=USES, quick=math.inf), os.getpid()
            atexit.register(_Own.pool.close)
        return _Own.pool
