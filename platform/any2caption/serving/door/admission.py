"""How much may be under way: a count of requests and a sum of bytes, both fixed beforehand.

A request takes a slot before its body is read. The body of a gRPC message has no announced length,
so the longest one allowed is reserved until it is read; what is not read stays with its client
(HTTP/2 flow control) and costs nothing here.
"""

import asyncio

from any2caption.errors import UnavailableError

_FASTEST_HINT, _SLOWEST_HINT = 0.1, 5.0
_SMOOTHING = 0.2


class Full(UnavailableError):  # noqa: N818 - a state, not a fault
    """No room now; `seconds` says when trying again makes sense."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(f"{message}; try again in {seconds * 1000:.0f} ms")
        self.seconds = seconds


class Admission:
    """`requests` slots and `total` bytes, of which a body being read reserves `largest`."""

    def __init__(self, requests: int, total: int, largest: int) -> None:
        self.requests, self.largest = requests, largest
        self.taken, self.held = 0, 0
        self._total = max(total, largest)
        self._usual = 0.5
        self._freed = asyncio.Event()

    def hint(self) -> float:
        """Seconds after which a slot is likely to be free."""
        return min(max(self._usual / 2, _FASTEST_HINT), _SLOWEST_HINT)

    def enter(self) -> "Place":
        """Take a slot.

        Raises:
            Full: all slots are taken.
        """
        if self.taken >= self.requests:
            raise Full(f"busy: {self.requests} requests are being answered", self.hint())
        self.taken += 1
        return Place(self)

    async def reserve(self, seconds: float) -> None:
        """Wait up to `seconds` until a body of any length may be read.

        Raises:
            Full: the bytes under way left no room for it.
        """
        try:
            async with asyncio.timeout(seconds):
                while self.held + self.largest > self._total:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError as error:
            raise Full(f"busy: {self.held >> 20} MB are under way", self.hint()) from error
        self.held += self.largest

    def give(self, size: int) -> None:
        """Return bytes."""
        self.held -= size
        self._freed.set()

    def leave(self, seconds: float) -> None:
        """Return a slot, after a request that took `seconds`."""
        self.taken -= 1
        self._usual += _SMOOTHING * (seconds - self._usual)


class Place:
    """One request's slot and bytes; `leave` returns both, once."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._began = asyncio.get_running_loop().time()
        self._size = 0
        self._left = False

    async def reserve(self, seconds: float) -> None:
        """Reserve the longest body; see `Admission.reserve`."""
        await self._admission.reserve(seconds)
        self._size = self._admission.largest

    def keep(self, size: int) -> None:
        """Keep only the bytes that the body turned out to have."""
        surplus, self._size = self._size - size, size
        self._admission.give(surplus)

    def leave(self) -> None:
        """Return the slot and its bytes."""
        if self._left:
            return
        self._left = True
        self._admission.leave(asyncio.get_running_loop().time() - self._began)
        self._admission.give(self._size)
