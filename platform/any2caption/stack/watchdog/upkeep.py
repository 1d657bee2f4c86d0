"""What the watchdog does about a service, decided from what it sees and remembers. No I/O.

A stopped service is started at once. A running one that does not answer is started anew after it
had `PATIENCE` seconds; one that has just started gets its time first. The first repairs of a part
follow at once, then each doubles the wait before the next: what can't be repaired does not flap.
"""

from dataclasses import dataclass, replace
from typing import Literal

PATIENCE = 30.0
AT_ONCE = 3  # repairs of a part without a wait
FIRST_WAIT = 5.0
LONGEST_WAIT = 300.0
HUNG = 180.0  # seconds; longer than any batch takes
FORGET = 300.0  # seconds in health after which a part's repairs no longer count

Action = Literal["start", "restart"]


@dataclass(frozen=True, slots=True)
class Seen:
    """How a service was found: supervisord's word, seconds since its start, its own answer."""

    state: str
    up_seconds: float
    reason: str
    start_seconds: float

    @property
    def down(self) -> bool:
        """Whether nobody but us will start it again."""
        return self.state in {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a part between two rounds; times as `time.monotonic` says."""

    ailing_since: float | None = None
    repairs: int = 0
    repaired_at: float = 0.0

    def may_repair(self, now: float) -> bool:
        """Whether the wait after the last repair is over."""
        if self.repairs < AT_ONCE:
            return True
        wait: float = min(FIRST_WAIT * 2.0 ** (self.repairs - AT_ONCE), LONGEST_WAIT)
        return now - self.repaired_at >= wait

    def repaired(self, now: float) -> "Memory":
        """Remember one more repair."""
        return Memory(None, self.repairs + 1, now)

    def well(self, now: float) -> "Memory":
        """Remember that the part is in health; long enough, and its repairs are forgotten."""
        forgotten = self.repairs and now - self.repaired_at > FORGET
        return Memory() if forgotten else replace(self, ailing_since=None)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many executions a step had finished, and since when no more were added."""

    executions: int
    since: float

    def after(self, executions: int, now: float) -> "Progress":
        """Return the progress seen now."""
        return self if executions == self.executions else Progress(executions, now)

    def hung(self, now: float, limit: float) -> bool:
        """Whether a step that does not answer has also finished nothing for `limit` seconds."""
        return now - self.since >= limit


def decide(seen: Seen, memory: Memory, now: float) -> tuple[Action | None, Memory]:
    """Return what to do about a service, and what to remember of it."""
    if seen.down:
        if memory.may_repair(now):
            return "start", memory.repaired(now)
        return None, memory
    if seen.state == "RUNNING" and not seen.reason:
        return None, memory.well(now)
    if seen.state != "RUNNING" or seen.up_seconds < seen.start_seconds:
        return None, replace(memory, ailing_since=None)  # it has its time to start or to stop
    since = now if memory.ailing_since is None else memory.ailing_since
    if now - since >= PATIENCE and memory.may_repair(now):
        return "restart", memory.repaired(now)
    return None, replace(memory, ailing_since=since)
