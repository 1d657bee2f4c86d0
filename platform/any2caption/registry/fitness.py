"""May this version be promoted? The catalogue's rows in, a reason against it out. Pure.

Nothing here was read from MLflow: its tags are written for people and decide nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol

from any2caption.errors import ConfigError
from any2caption.evaluation.code import code_digest, judge_digest
from any2caption.evaluation.gates import policy_digest, policy_of
from any2caption.evaluation.people import Vote, lacking, tally


class Known(Protocol):
    """What the catalogue knows of a registered version."""

    @property
    def version(self) -> int:
        """Its number."""

    @property
    def digest(self) -> str:
        """Its bundle's digest."""


class Judged(Protocol):
    """A verdict on a version."""

    passed: bool
    reasons: list[str]
    policy: str
    policy_digest: str
    for_release: bool
    digest: str
    champion: int | None
    champion_digest: str
    snapshot_id: str
    selection_digest: str
    judge_digest: str
    code_digest: str
    captions_digest: str
    report_digest: str
    requester: str


_KEPT = ("snapshot_id", "selection_digest", "judge_digest", "captions_digest", "report_digest")


class Line(Protocol):
    """One line of the ledger."""

    version: int
    previous: int | None
    kind: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the server allows and knows; `trial` policies promote although not for release.

    `promoting`, where it names any, are the only ones that promote at all. `snapshot` is the data
    that the version comes from, so that nobody picks easier ones to judge it by ("": not known).
    `votes` are what people said of the captions that the last verdict is on.
    """

    trial: Collection[str] = ()
    promoting: Collection[str] = ()
    snapshot: str = ""
    votes: Sequence[Vote] = ()


def objection(
    candidate: Known,
    verdicts: Sequence[Judged],
    champion: Known | None,
    ledger: Sequence[Line],
    frame: Frame,
) -> str | None:
    """Return why a version must not become champion in the place of `champion`; None if it may.

    `verdicts` are all on the version, oldest first; the last one must allow it.
    """
    if not verdicts:
        return "it was never evaluated"
    if not verdicts[-1].passed:
        return f"its last verdict is a refusal: {'; '.join(verdicts[-1].reasons)}"
    return next(_doubts(candidate, verdicts, champion, ledger, frame), None)


def _doubts(
    candidate: Known,
    verdicts: Sequence[Judged],
    champion: Known | None,
    ledger: Sequence[Line],
    frame: Frame,
) -> Iterator[str]:
    """Say what keeps a passed verdict from counting."""
    verdict = verdicts[-1]
    if verdict.digest != candidate.digest:
        yield (
            f"its verdict is on bundle {verdict.digest[:12] or 'unknown'}, and bundle "
            f"{candidate.digest[:12]} is registered: evaluate again"
        )
    compared = (verdict.champion, verdict.champion_digest)
    if compared != ((champion.version, champion.digest) if champion else (None, "")):
        yield (
            f"it was compared with {_named(verdict.champion)}, and the champion is "
            f"{_named(champion.version if champion else None)}: evaluate again"
        )
    yield from _stale(verdict)
    yield from _not_allowed(verdict, frame)
    people = policy_of(verdict.policy).people if _present_digest(verdict.policy) else None
    if people and (wanting := lacking(people, tally(frame.votes, verdict.digest))):
        asks = f"(a2c registry ask {candidate.version})"
        yield f"policy {verdict.policy} asks people: {wanting} {asks}"
    if frame.snapshot not in {"", verdict.snapshot_id}:
        yield (
            f"it was judged on snapshot {verdict.snapshot_id[:12]}, and its run's is "
            f"{frame.snapshot[:12]}: evaluate again"
        )
    if refused := _standing(verdicts):
        yield f"policy {refused.policy} refused it and did not pass it since"
    for line, after in zip_longest(ledger, ledger[1:]):
        if line.kind == "rollback" and line.previous == candidate.version:
            # That the version before could not be served says nothing for this one.
            undone = f"; {after.reason}" if after is not None and after.kind == "undo" else ""
            yield f"it was champion and was rolled back ({line.reason}{undone})"


def _stale(verdict: Judged) -> Iterator[str]:
    """Say what the verdict was made by or on that is not what is here now."""
    if verdict.policy_digest != _present_digest(verdict.policy):
        yield f"policy {verdict.policy} is another one than it was judged by: evaluate again"
    if missing := [name for name in _KEPT if not getattr(verdict, name)]:
        yield f"its verdict does not say on what {missing[0].partition('_')[0]}: evaluate again"
    if (verdict.code_digest, verdict.judge_digest) != (code_digest(), judge_digest()):
        yield "its captions were made or judged by other code than is here now: evaluate again"


def _not_allowed(verdict: Judged, frame: Frame) -> Iterator[str]:
    """Say why its policy promotes nothing on this server."""
    if not verdict.for_release and verdict.policy not in frame.trial:
        yield f"it passed policy {verdict.policy}, which is not for release"
    if frame.promoting and verdict.policy not in {*frame.promoting, *frame.trial}:
        yield f"policy {verdict.policy} may not promote on this server (A2C_PROMOTING_POLICIES)"


def _standing(verdicts: Sequence[Judged]) -> Judged | None:
    """Return a refusal under a policy for release that no later pass under that policy lifted.

    A verdict by other code, or on another bundle, says nothing any more.
    """
    last = verdicts[-1]
    same = [v for v in verdicts if (v.digest, v.code_digest) == (last.digest, last.code_digest)]
    latest = {verdict.policy: verdict for verdict in same}
    return next((v for v in latest.values() if v.for_release and not v.passed), None)


def _named(version: int | None) -> str:
    return f"version {version}" if version else "nobody"


def _present_digest(policy: str) -> str | None:
    try:
        return policy_digest(policy_of(policy))
    except ConfigError:
        return None
