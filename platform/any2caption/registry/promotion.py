"""Who is champion: the ledger in the catalogue decides by compare-and-swap, MLflow's alias follows.

MLflow sets an alias unconditionally, so two promotions at once would both believe they won. The
ledger's compare-and-swap lets exactly one through; the alias `champion` is only its projection, and
`reconcile` repairs it whenever the two disagree (a crash between the two writes, an alias moved by
hand).
"""

from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from any2caption.errors import ConfigError, GateRefused, NotFoundError, UnavailableError
from any2caption.registry import models
from any2caption.registry.client import MODEL
from any2caption.registry.models import PASSED, Registered
from any2caption.settings import Settings

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue

CHAMPION = "champion"


class LedgerEntry(Protocol):
    """One promotion in the ledger."""

    @property
    def version(self) -> int:
        """The model version that became champion."""


class Ledger(Protocol):
    """The part of the catalogue that promotions need."""

    def champion(self, model: str) -> LedgerEntry | None:
        """Return the latest promotion of a model, or None."""

    def promote(
        self, model: str, version: int, expected: int | None, approver: str, reason: str
    ) -> LedgerEntry:
        """Make a version champion; ConflictError when the champion is not `expected`."""

    def rollback(self, model: str, approver: str, reason: str) -> LedgerEntry:
        """Make the previous champion champion again; NotFoundError when there is none."""


class Current(Enum):
    """Stands for "whoever is champion now" where a caller expects nobody in particular."""

    CHAMPION = "current"


@dataclass(frozen=True, slots=True)
class Promoted:
    """The outcome: champion before and after, and whether the ledger changed."""

    version: int
    previous: int | None
    changed: bool


def open_ledger(settings: Settings) -> "Catalogue":
    """Open the catalogue's ledger at the settings' URL."""
    from any2caption.datasets.catalogue import Catalogue

    return Catalogue(settings.catalogue_url)


def champion_version(settings: Settings, ledger: Ledger | None = None) -> int | None:
    """Return the champion's version by the ledger, or None before the first promotion."""
    entry = (ledger or open_ledger(settings)).champion(MODEL)
    return None if entry is None else entry.version


def promote(  # noqa: PLR0913 - the decision's own inputs
    settings: Settings,
    version: int,
    approver: str,
    reason: str,
    *,
    expected: int | Current | None = Current.CHAMPION,
    force: bool = False,
    ledger: Ledger | None = None,
) -> Promoted:
    """Make a version champion: ledger first, then the alias.

    `expected` is the champion that the caller decided against (None: there was none); if somebody
    else was promoted meanwhile, nothing changes. `force` promotes without a passed verdict and
    needs a reason, which the ledger keeps. Promoting the champion again changes nothing and repairs
    the alias.

    Raises: GateRefused: the version has no passed verdict, or only one under a policy that is not
    for release while the champion has one that is. ConflictError: the champion is not the expected
    one. UnavailableError: catalogue or MLflow does not answer; without the catalogue the alias is
    left as it was.
    """
    if not approver.strip():
        raise ConfigError("a promotion needs the approver's name")
    if force and not reason.strip():
        raise ConfigError("a forced promotion needs a reason")
    ledger = ledger or open_ledger(settings)
    current = champion_version(settings, ledger)
    if current == version:
        reconcile(settings, ledger=ledger)
        return Promoted(version, current, changed=False)
    candidate = models.get(settings, version)
    if not force:
        _refuse_unfit(candidate, models.get(settings, current) if current else None)
    note = f"forced past verdict {candidate.verdict or 'none'!r}: {reason}" if force else reason
    wanted = current if isinstance(expected, Current) else expected
    ledger.promote(MODEL, version, wanted, approver, note)
    reconcile(settings, ledger=ledger)
    return Promoted(version, wanted, changed=True)


def _refuse_unfit(candidate: Registered, champion: Registered | None) -> None:
    who = f"{MODEL} version {candidate.version}"
    if candidate.verdict != PASSED:
        why = candidate.reasons or "it was never evaluated"
        raise GateRefused(f"{who} has no passed verdict: {why}")
    if champion is not None and champion.for_release and not candidate.for_release:
        raise GateRefused(
            f"{who} passed a policy that is not for release, and version {champion.version} "
            "passed one that is; evaluate it under a release policy first"
        )


def reconcile(settings: Settings, *, ledger: Ledger | None = None) -> int | None:
    """Point the alias `champion` at the ledger's champion; return its version (None: nobody).

    Writers that overtake each other still end in agreement: after writing, each reads the ledger
    again and repeats until what it wrote is what the ledger says.
    """
    ledger = ledger or open_ledger(settings)
    while (version := champion_version(settings, ledger)) is not None:
        aliased = models.by_alias(settings, CHAMPION)
        if aliased is None or aliased.version != version:
            models.set_alias(settings, CHAMPION, version)
        if champion_version(settings, ledger) == version:
            return version
    return None


def rollback(
    settings: Settings, approver: str, reason: str, *, ledger: Ledger | None = None
) -> Promoted:
    """Return to the champion before the present one, with a reason that the ledger keeps.

    An MLflow that does not answer holds up no rollback: housekeeping moves the alias later.

    Raises:
        NotFoundError: there is no champion, or none before it.
    """
    if not reason.strip():
        raise ConfigError("a rollback needs a reason")
    ledger = ledger or open_ledger(settings)
    current = champion_version(settings, ledger)
    if current is None:
        raise NotFoundError(f"{MODEL} has no champion to roll back from")
    entry = ledger.rollback(MODEL, approver, reason)
    with suppress(UnavailableError):
        reconcile(settings, ledger=ledger)
    return Promoted(entry.version, current, changed=True)


def undo_rollback(
    settings: Settings, done: Promoted, approver: str, reason: str, *, ledger: Ledger | None = None
) -> None:
    """Make the version champion again that a rollback left: it could not be served.

    Raises:
        ConflictError: somebody else promoted meanwhile; their champion stays.
    """
    if done.previous is None:
        raise NotFoundError(f"{MODEL} had no champion before the rollback")
    ledger = ledger or open_ledger(settings)
    ledger.promote(MODEL, done.previous, done.version, approver, f"rollback undone: {reason}")
    with suppress(UnavailableError):
        reconcile(settings, ledger=ledger)
