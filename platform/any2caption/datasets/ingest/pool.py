"""A bounded parallel map over processes that survives a crash of one of them.

At most two chunks a worker are in flight, so memory does not grow with the source. A worker that
dies (a hostile file that crashes a decoder, the kernel's memory killer) takes its pool along; the
items in flight are then run one by one, and only the item that kills its process is reported.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from types import TracebackType
from typing import Generic, Self, TypeVar

from any2caption.errors import UnavailableError

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 64
_AHEAD = 2  # chunks in flight for each worker


@dataclass(frozen=True, slots=True)
class Crashed:
    """Stands for the result of an item whose worker process died."""


class WorkerPool:
    """Worker processes prepared by `prepare(*arguments)`; one worker means this process itself.

    Processes are started at the first call that has work, freshly (spawn), because forking a
    process that has threads is unsafe.
    """

    def __init__(
        self, workers: int, prepare: Callable[..., None], arguments: tuple[object, ...]
    ) -> None:
        self._workers, self._prepare, self._arguments = workers, prepare, arguments
        self._pool: ProcessPoolExecutor | None = None
        if workers <= 1:
            prepare(*arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def map(
        self, work: Callable[[list[Item]], list[Result]], items: Sequence[Item], chunk: int = 0
    ) -> Iterator[tuple[Item, Result | Crashed]]:
        """Yield (item, result) in the items' order; `work` maps a list to one of equal length."""
        chunk = chunk or CHUNK
        chunks = (list(items[at : at + chunk]) for at in range(0, len(items), chunk))
        if self._workers <= 1:
            for part in chunks:
                yield from zip(part, work(part), strict=True)
            return
        flying: deque[_Flight[Item, Result]] = deque()
        for part in chunks:
            flying.append(self._launch(work, part))
            if len(flying) >= _AHEAD * self._workers:
                yield from self._land(work, flying)
        while flying:
            yield from self._land(work, flying)

    def _launch(
        self, work: Callable[[list[Item]], list[Result]], part: list[Item]
    ) -> "_Flight[Item, Result]":
        try:
            return _Flight(part, self._start(self._workers).submit(work, part))
        except BrokenProcessPool:
            self._stop()
            return _Flight(part, self._start(self._workers).submit(work, part))

    def _land(
        self,
        work: Callable[[list[Item]], list[Result]],
        flying: "deque[_Flight[Item, Result]]",
    ) -> Iterator[tuple[Item, Result | Crashed]]:
        flight = flying.popleft()
        try:
            results = flight.future.result()
        except BrokenProcessPool:
            broken = [flight, *flying]
            flying.clear()
            for other in broken:
                yield from self._recover(work, other)
            self._stop()
        else:
            yield from zip(flight.items, results, strict=True)

    def _recover(
        self, work: Callable[[list[Item]], list[Result]], flight: "_Flight[Item, Result]"
    ) -> Iterator[tuple[Item, Result | Crashed]]:
        future = flight.future
        if future.done() and not future.cancelled() and future.exception() is None:
            yield from zip(flight.items, future.result(), strict=True)
            return
        self._stop()
        for item in flight.items:
            outcome = self._alone(work, item)
            yield item, outcome

    def _alone(self, work: Callable[[list[Item]], list[Result]], item: Item) -> Result | Crashed:
        if self._pool is None:
            self._check_start()
        try:
            results = self._start(1).submit(work, [item]).result()
        except BrokenProcessPool:
            self._stop()
            return Crashed()
        return results[0]

    def _check_start(self) -> None:
        """Tell a worker that cannot start at all from an item that kills its worker."""
        try:
            self._start(1).submit(_ready).result()
        except BrokenProcessPool as error:
            self._stop()
            raise UnavailableError("worker processes cannot start; see their output") from error

    def _start(self, workers: int) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                workers,
                mp_context=get_context("spawn"),
                initializer=self._prepare,
                initargs=self._arguments,
            )
        return self._pool

    def _stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _ready() -> None:
    """Do nothing: that it was done is the news."""


@dataclass(frozen=True, slots=True)
class _Flight(Generic[Item, Result]):
    items: list[Item]
    future: "Future[list[Result]]"
