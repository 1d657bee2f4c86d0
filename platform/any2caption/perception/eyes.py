"""Look at conditions, in processes of their own: pixels in, facts and words for the notes out."""

import math
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from any2caption.closing import Closing
from any2caption.conditions.fact import Fact
from any2caption.conditions.isolation.frames import NonsenseError
from any2caption.conditions.isolation.parse import Cancelled, Pool, never
from any2caption.conditions.isolation.parse_workers import GoneError
from any2caption.conditions.pictures.small import small
from any2caption.conditions.registry import input_name
from any2caption.conditions.types import Condition, Image, Video
from any2caption.errors import UnavailableError
from any2caption.perception import look_server, registry
from any2caption.perception.view import View

SECONDS = 8.0
"""Longest time to look at one condition, waiting for a place included."""
MEMORY = 3_000_000_000
"""Bytes of address space that a worker may have; most of it is code and weights."""
WORKERS = 2
SECONDS_ALL, MOST = 10.0, 8
"""Longest time for all pictures and clips of one request, and how many are looked at."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen, and what the user should know (empty: nothing)."""

    facts: tuple[Fact, ...]
    note: str = ""


class Eyes(Closing):
    """Looks at pictures and clips with the recognisers that are installed; thread-safe.

    The networks are loaded by the first look (or `warm`), in a process that outlives it.
    """

    def __init__(self, server: str = look_server.__name__) -> None:
        self._pool: Pool | None = None
        self._loading, self._loaded = threading.Lock(), False
        if registry.installed():
            self._pool = Pool(workers=WORKERS, memory=MEMORY, uses=1, server=server, quick=math.inf)

    @property
    def open(self) -> bool:
        """Whether any recogniser is installed."""
        return self._pool is not None

    def warm(self) -> None:
        """Load the networks, if nobody has yet; wait for whoever does.

        Raises:
            UnavailableError: they cannot be loaded.
        """
        if self._pool is None:
            return
        with self._loading:
            if not self._loaded:
                self._pool.warm()
                self._loaded = True

    def prepare(self) -> None:
        """Begin to load the networks: somebody will look soon."""
        if self._pool is not None and not self._loaded:
            threading.Thread(target=self._try, name="eyes", daemon=True).start()

    def _try(self) -> None:
        with suppress(UnavailableError):  # who looks is told
            self.warm()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.close()

    def look(
        self, condition: Condition, cancelled: Cancelled = never, until: float = math.inf
    ) -> Looked | None:
        """Return what a picture or a clip shows; None of other kinds, or where nobody can look.

        What goes wrong is a note; the answer does not depend on it. Nothing is waited for after
        `until`, in `time.monotonic` seconds.

        Raises:
            CancelledError: `cancelled` said so.
        """
        view = view_of(condition)
        if view is None or self._pool is None:
            return None
        request = {
            "shape": list(view.frames.shape),
            "name": view.name,
            "role": view.role,
            "fps": view.fps,
        }
        try:
            self.warm()
            until = min(until, time.monotonic() + SECONDS)
            with self._pool.lease(until, cancelled) as lease:
                answer, _ = lease.ask(request, [view.frames.tobytes()])
            facts = tuple(Fact.from_json(one) for one in answer["facts"])
            failed = "; ".join(str(one) for one in answer["failed"])
        except UnavailableError:
            return Looked((), f"what {view.name} shows was not looked at: nobody had the time")
        except (GoneError, NonsenseError, ValueError, KeyError, TypeError):
            late = time.monotonic() >= until
            why = "it took too long" if late else "the recognisers' process ended"
            return Looked((), f"what {view.name} shows could not be looked at: {why}")
        if failed or facts:
            return Looked(facts, failed)
        return Looked((), f"what {view.name} shows was looked at, but nothing was recognised")


def view_of(condition: Condition) -> View | None:
    """Return a picture, or frames of a clip; None of every other kind."""
    payload, name = condition.payload, input_name(condition)
    if isinstance(payload, Image):
        return View(payload.pixels[None], name, condition.role)
    if isinstance(payload, Video):
        return View(payload.frames, name, None, payload.fps)
    return None


class Looks:
    """What a request's pictures and clips show: taken one by one, then looked at in order."""

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes
        self._waiting: list[Condition] = []
        self.facts: list[Fact] = []
        self.notes: dict[str, str] = {}

    def take(self, condition: Condition) -> None:
        """Remember a picture or a clip, small enough to be looked at."""
        if not self._eyes.open or view_of(condition) is None:
            return
        if len(self._waiting) < MOST:
            self._waiting.append(small(condition))
        else:
            name = input_name(condition)
            self.notes[name] = f"what {name} shows was not looked at: {MOST} others were"

    def look(self, cancelled: Cancelled = never) -> None:
        """Look at them all.

        Raises:
            CancelledError: `cancelled` said so.
        """
        with suppress(UnavailableError):
            self._eyes.warm()
        until = time.monotonic() + SECONDS_ALL
        while self._waiting:
            condition = self._waiting.pop(0)
            looked = self._eyes.look(condition, cancelled, until)
            if looked is not None:
                self.facts += looked.facts
                self.notes[input_name(condition)] = looked.note
