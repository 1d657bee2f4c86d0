"""Keep below an endpoint's limits: requests and tokens are spread evenly over the minute."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_MINUTE = 60.0


@dataclass(slots=True)
class Pace:
    """At most `requests` and `tokens` a minute over all threads; 0 means no limit.

    A request reserves the next free moment and pushes the one after it back by what it uses up, so
    there are no bursts.
    """

    requests: float = 0.0
    tokens: float = 0.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _free: float = field(default=float("-inf"), init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def wait(self, tokens: float) -> float:
        """Wait for the turn of a request of about `tokens` tokens; return the seconds waited."""
        uses = max(
            _MINUTE / self.requests if self.requests else 0.0,
            _MINUTE * tokens / self.tokens if self.tokens else 0.0,
        )
        with self._lock:
            now = self.clock()
            turn = max(now, self._free)
            self._free = turn + uses
        if turn > now:
            self.sleep(turn - now)
        return turn - now
