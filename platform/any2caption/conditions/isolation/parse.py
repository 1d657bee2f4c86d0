"""Parse untrusted files in processes of their own: a hostile file can end such a process only.

`parse_condition` here does what the registry's does, in a worker (`parse_server`) with limits on
time and memory, few system calls and no keys (`sandbox`). Texts are parsed here: bounded, and
nothing to decode.

A `Pool` has a number of places; whoever has one (a `Lease`) has one worker at a time, so a file
that takes all its time holds up one place. Under a `Pool` with `uses=1` no worker lives longer than
its lease: nothing of one caller is left for the next one, and all memory goes back. A lease that is
cancelled or late kills its worker at once.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from any2caption.conditions import registry
from any2caption.conditions.isolation import parse_server
from any2caption.conditions.isolation.parse_workers import (
    SLICE,
    Cancelled,
    GoneError,
    Server,
    Worker,
    go_on,
    never,
)
from any2caption.conditions.isolation.wire import NonsenseError, unpack
from any2caption.conditions.kind import OptionValue
from any2caption.conditions.types import Condition, Part
from any2caption.errors import CancelledError, InputError, UnavailableError

__all__ = ["Cancelled", "Lease", "Pool", "never", "own_pool", "parse_condition"]

SECONDS = 10.0
"""Longest time for one condition of a request."""
PATIENCE = 120.0
"""Longest time for one condition where all files are one caller's: ingest, the command line."""
MEMORY = 2_000_000_000
"""Bytes of address space that a worker may have."""
WORKERS = 3
"""Files that are parsed at the same time; `A2C_PARSE_WORKERS` says otherwise."""
USES = 256
"""Conditions that a worker parses where all files are one caller's."""

_LOG = logging.getLogger(__name__)


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
    """

    def __init__(
        self,
        workers: int = 0,
        memory: int = MEMORY,
        uses: int = 1,
        server: str = parse_server.__name__,
    ) -> None:
        self._uses = uses
        places = workers or int(os.environ.get("A2C_PARSE_WORKERS", "0")) or WORKERS
        self._places = threading.Semaphore(places)
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
        while not self._places.acquire(timeout=SLICE):
            go_on(cancelled)
            if time.monotonic() > until:
                raise UnavailableError("every parse worker is busy; try again")
        lease = Lease(self._worker, until, cancelled)
        try:
            yield lease
        finally:
            worker = lease.worker
            if worker is not None:
                if worker.uses < self._uses:
                    self._idle.append(worker)
                else:
                    worker.close()
            self._places.release()

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

    def __init__(
        self, start: Callable[[], Worker], until: float, cancelled: Cancelled = never
    ) -> None:
        self._start, self._until, self._cancelled = start, until, cancelled
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
        request = {
            "kind": kind,
            "names": [part.name for part in parts],
            "role": role,
            "number": number,
            "options": dict(options or {}),
        }
        until = min(time.monotonic() + seconds, self._until)
        if self.worker is None:
            self.worker = self._start()
        try:
            answer, blobs = self.worker.ask(
                request, [part.data for part in parts], until, self._cancelled
            )
            if "error" not in answer:
                return _condition(answer["condition"], blobs, kind)
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
                if until == self._until:
                    said = "the request took longer than it may, while this condition was decoded"
            raise InputError(said, file=parts[0].name, field=kind) from error
        raise _refused(answer, parts[0].name, kind)

    def _drop(self) -> None:
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.close()


def _condition(packed: Any, blobs: Sequence[bytearray], kind: str) -> Condition:
    condition = unpack(packed, blobs)
    if not isinstance(condition, Condition) or condition.kind != kind:
        raise NonsenseError("no condition of the kind that was asked for")
    return condition


def _refused(answer: Mapping[str, Any], file: str, kind: str) -> InputError:
    """Return the worker's refusal; nothing of it but lines of text is believed."""
    wrong = answer["error"] if isinstance(answer["error"], dict) else {}
    if "trace" in answer:
        _LOG.error("a parser of %s failed on %r:\n%s", kind, file, answer["trace"])
    words = {
        name: None if wrong.get(name) is None else str(wrong[name])
        for name in ("file", "record", "field")
    }
    return InputError(str(wrong.get("reason", "refused")), **words)


class _Own:
    """This process's pool; a forked child starts its own."""

    pool: Pool | None = None
    owner = 0
    lock = threading.Lock()


def own_pool() -> Pool:
    """Return this process' pool, whose workers serve one caller after the other."""
    with _Own.lock:
        if _Own.pool is None or _Own.owner != os.getpid():
            _Own.pool, _Own.owner = Pool(uses=USES), os.getpid()
            atexit.register(_Own.pool.close)
        return _Own.pool
