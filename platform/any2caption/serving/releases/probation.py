"""The first seconds of a release under its callers' traffic: kept, or taken back.

An idle service is asked the smoke requests; a busy one also shows its failures in Triton's
statistics. Two steps are left out of these, since what they refuse is no fault of the release: the
first refuses what callers send wrongly, the check what contradicts facts, where its caller says so.
"""

import time
from collections.abc import Mapping

from any2caption.errors import GateRefused
from any2caption.serving import contract
from any2caption.serving.control import Counts, TritonControl
from any2caption.serving.releases import smoke

PAUSE = 2.0  # seconds between two rounds of smoke requests
STRIKES = 2  # rounds in a row that must fail: one may be load, or a server that is just restarting
FAILURES = 5  # a step that failed fewer requests is not judged,
_REFUSING = {contract.PREPROCESS.name, contract.CHECK.name}
SHARE = 0.2  # nor one that failed less of them: cancelled requests count as failures too


def observe(
    control: TritonControl, release: int, seconds: float, *, pause: float = PAUSE
) -> dict[str, int]:
    """Watch the release that is served for `seconds`; return `{"rounds", "requests"}` seen.

    Raises:
        GateRefused: it failed its smoke requests twice in a row, or too many of its callers'.
        UnavailableError: the server does not answer.
    """
    before = control.counts()
    limit = time.monotonic() + seconds
    rounds = strikes = 0
    while time.monotonic() < limit or strikes:
        rounds += 1
        try:
            smoke.check(control.url, release, key=control.key)
            strikes = 0
        except GateRefused:
            strikes += 1
            if strikes == STRIKES:
                raise
        reason = failing(before, control.counts(), release)
        if reason:
            raise GateRefused(reason)
        time.sleep(min(pause, max(0.0, limit - time.monotonic())))
    requests = _difference(
        before, control.counts(), contract.release_name(contract.CHECK.name, release)
    )
    return {"rounds": rounds, "requests": requests.requests}


def failing(before: Mapping[str, Counts], after: Mapping[str, Counts], release: int) -> str:
    """Return which step of a release failed too many requests between two counts; "" if none."""
    for step in contract.steps(release):
        if step.name in _REFUSING:
            continue
        name = contract.release_name(step.name, release)
        new = _difference(before, after, name)
        asked = new.requests + new.failures
        if new.failures >= FAILURES and new.failures > SHARE * asked:
            return f"{name} failed {new.failures} of {asked} requests"
    return ""


def _difference(before: Mapping[str, Counts], after: Mapping[str, Counts], name: str) -> Counts:
    none = Counts(0, 0, 0)
    old, new = before.get(name, none), after.get(name, none)
    return Counts(
        new.requests - old.requests,
        new.executions - old.executions,
        new.failures - old.failures,
    )
