"""May this version be promoted? The catalogue's rows in, a reason against it out. Pure.

Nothing here was read from MLflow: its tags are written for people and decide nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from typing import Protocol

from any2caption.errors import ConfigError
from any2caption.evaluation.gates import policy_digest, policy_of


class Known(Protocol):
    """What the catalogue knows of a registered version."""

    @property
    def version(self) -> int:
        """Its number."""

    @property
    def digest(self) -> str:
        """Its bundle's digest."""


class Judged(Protocol):
    """The last verdict on a version."""

    passed: bool
    reasons: list[str]
    policy: str
    policy_digest: str
    for_release: bool
    digest: str
    champion: int | None
    champion_digest: str


class Line(Protocol):
    """One line of the ledger."""

    version: int
    previous: int | None
    kind: str
    reason: str


def objection(
    candidate: Known,
    verdict: Judged | None,
    champion: Known | None,
    ledger: Sequence[Line],
    trial: Collection[str] = (),
) -> str | None:
    """Return why a version must not become champion in the place of `champion`; None if it may.

    `trial` names policies that may promote here although they are not for release.
    """
    if verdict is None:
        return "it was never evaluated"
    if not verdict.passed:
        return f"its last verdict is a refusal: {'; '.join(verdict.reasons)}"
    return next(_doubts(candidate, verdict, champion, ledger, trial), None)


def _doubts(
    candidate: Known,
    verdict: Judged,
    champion: Known | None,
    ledger: Sequence[Line],
    trial: Collection[str],
) -> Iterator[str]:
    """Say what keeps a passed verdict from counting."""
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
    if verdict.policy_digest != _present_digest(verdict.policy):
        yield f"policy {verdict.policy} is another one than it was judged by: evaluate again"
    if not verdict.for_release and verdict.policy not in trial:
        yield f"it passed policy {verdict.policy}, which is not for release"
    for line, after in zip_longest(ledger, ledger[1:]):
        if line.kind == "rollback" and line.previous == candidate.version:
            # That the version before could not be served says nothing for this one.
            undone = f"; {after.reason}" if after is not None and after.kind == "undo" else ""
            yield f"it was champion and was rolled back ({line.reason}{undone})"


def _named(version: int | None) -> str:
    return f"version {version}" if version else "nobody"


def _present_digest(policy: str) -> str | None:
    try:
        return policy_digest(policy_of(policy))
    except ConfigError:
        return None
