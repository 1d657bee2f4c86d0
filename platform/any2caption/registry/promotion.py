"""Who is champion: the ledger in the catalogue decides by compare-and-swap, MLflow's alias follows.

MLflow sets an alias unconditionally, so two promotions at once would both believe they won. The
ledger's compare-and-swap lets exactly one through; the alias `champion` is only its projection, and
`reconcile` repairs it whenever the two disagree (a crash between the two writes, an alias moved by
hand). Whether a version may be promoted is likewise read from the catalogue alone.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from any2caption.errors import (
    A2CError,
    ConfigError,
    GateRefused,
    IntegrityError,
    NotFoundError,
)
from any2caption.evaluation.people import study_of
from any2caption.registry import models
from any2caption.registry.client import MODEL
from any2caption.registry.fitness import Frame, objection
from any2caption.settings import Settings

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue, Preference, Promotion, Verdict

CHAMPION = "champion"
RACE = timedelta(minutes=1)  # writers at once overtake each other for no longer than that


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
    """Open the catalogue's ledger at the settings' URL, at this version's schema."""
    from any2caption.datasets.catalogue import Catalogue

    catalogue = Catalogue(settings.catalogue_url)
    catalogue.migrate()
    return catalogue


def champion_version(settings: Settings, ledger: "Catalogue | None" = None) -> int | None:
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
    key: str | None = None,
    sequence: int | None = None,
    requester: str = "",
    ledger: "Catalogue | None" = None,
) -> Promoted:
    """Make a version champion: ledger first, then the alias.

    `expected` is the champion that the caller decided against (None: there was none), `sequence`
    the ledger's last line (0: none); if somebody else was promoted meanwhile, nothing changes.
    `requester` is who asked for the promotion, beside who started the run that the verdict names.
    `force` promotes past what the verdict says and needs a reason, which the ledger keeps. `key`
    names the request: sent again, it changes nothing. Promoting the champion again changes nothing
    either; both repair the alias.

    Raises: GateRefused: the last verdict on the version does not allow it (`fitness.objection`).
    ConflictError: the champion is not the expected one, a verdict came in meanwhile, or the request
    was carried out before and its outcome is history. NotFoundError: catalogue or MLflow do not
    know the version. IntegrityError: they know it as different bundles. UnavailableError: one of
    them does not answer; without the catalogue the alias is left as it was.
    """
    if not approver.strip():
        raise ConfigError("a promotion needs the approver's name")
    if force and not reason.strip():
        raise ConfigError("a forced promotion needs a reason")
    ledger = ledger or open_ledger(settings)
    lines = ledger.ledger(MODEL)
    done, current = ledger.repeated(MODEL, key), lines[-1].version if lines else None
    if done is not None or current == version:
        reconcile(settings, ledger=ledger)
        previous = done.previous if done is not None else current
        return Promoted(version, previous, changed=False)
    check_stored(settings, ledger, version)
    verdicts = ledger.verdicts(version)
    _check_approver(settings, {requester, *(verdict.requester for verdict in verdicts)}, approver)
    against = _weighed(settings, ledger, version, lines, verdicts, force=force)
    line = ledger.promote(
        MODEL,
        version,
        current if isinstance(expected, Current) else expected,
        approver,
        f"forced although {against}: {reason}" if against else reason,
        key=key,
        sequence=len(lines) if sequence is None else sequence,
        verdict=verdicts[-1].id if verdicts and not force else None,
    )
    reconcile(settings, ledger=ledger)
    return Promoted(line.version, line.previous, changed=True)


def would_promote(
    settings: Settings,
    version: int,
    approver: str,
    *,
    force: bool = False,
    ledger: "Catalogue | None" = None,
) -> Promoted:
    """Return what `promote` would do now, and do nothing; raises what it would."""
    ledger = ledger or open_ledger(settings)
    lines, verdicts = ledger.ledger(MODEL), ledger.verdicts(version)
    current = lines[-1].version if lines else None
    if current != version:
        check_stored(settings, ledger, version)
        _check_approver(settings, {verdict.requester for verdict in verdicts}, approver)
        _weighed(settings, ledger, version, lines, verdicts, force=force)
    return Promoted(version, current, changed=current != version)


def _weighed(  # noqa: PLR0913 - what a promotion is weighed by
    settings: Settings,
    ledger: "Catalogue",
    version: int,
    lines: Sequence["Promotion"],
    verdicts: Sequence["Verdict"],
    *,
    force: bool,
) -> str | None:
    """Return what speaks against a promotion that is forced all the same.

    Raises:
        GateRefused: something does, and it is not forced.
    """
    known = ledger.model_version(MODEL, version)
    against = objection(
        known,
        verdicts,
        None if not lines or force else ledger.model_version(MODEL, lines[-1].version),
        lines,
        Frame(
            trial=_names(settings.trial_policies),
            promoting=_names(settings.promoting_policies),
            snapshot=_snapshot(ledger, known.run_key),
            votes=votes_on(ledger, verdicts[-1]) if verdicts else (),
        ),
    )
    if against and not force:
        raise GateRefused(f"{MODEL} version {version} cannot be promoted: {against}")
    return against


def votes_on(ledger: "Catalogue", verdict: "Verdict") -> "list[Preference]":
    """Return what people said, blind, of the captions that a verdict is on."""
    study = study_of(verdict.digest, verdict.champion_digest, verdict.captions_digest)
    return [row for row in ledger.preferences(study) if row.blind]


def _snapshot(ledger: "Catalogue", run: str) -> str:
    """The data that a run was trained on; "" of a bundle that was trained elsewhere."""
    try:
        return ledger.training_run(run).snapshot_id
    except NotFoundError:
        return ""


def _names(setting: str) -> frozenset[str]:
    return frozenset(name.strip() for name in setting.split(",") if name.strip())


def _check_approver(settings: Settings, requesters: Collection[str], approver: str) -> None:
    """Where the server wants two people, whoever started the run is not the one who approves."""
    started = {name.strip().lower() for name in requesters}
    if settings.two_people and approver.strip().lower() in started:
        raise GateRefused(
            f"{approver} started the run and does not approve it (A2C_TWO_PEOPLE): another person "
            "decides"
        )


def rollback(  # noqa: PLR0913 - the decision's own inputs
    settings: Settings,
    approver: str,
    reason: str,
    *,
    key: str | None = None,
    sequence: int | None = None,
    held: int | None = None,
    ledger: "Catalogue | None" = None,
) -> Promoted:
    """Return to the champion before the present one, with a reason that the ledger keeps.

    One step back whatever happens: of several at once, one goes back and the others are conflicts;
    the request `key` sent again changes nothing, nor one that was made on another `sequence` of
    the ledger. `held` is a version whose release lies here whole
    and signed: it can be served without MLflow, so MLflow is not asked for it.

    Raises:
        NotFoundError: there is no champion, none before it, or MLflow no longer has that one.
        ConflictError: the champion changed meanwhile, or the request was carried out before and its
            outcome is history.
        IntegrityError: MLflow has another bundle as that version.
        UnavailableError: MLflow does not answer, and nothing is held.
    """
    if not reason.strip():
        raise ConfigError("a rollback needs a reason")
    ledger = ledger or open_ledger(settings)
    if (done := ledger.repeated(MODEL, key)) is not None:
        _follow(settings, ledger)
        return Promoted(done.version, done.previous, changed=False)
    last = ledger.champion(MODEL)
    if last is None:
        raise NotFoundError(f"{MODEL} has no champion to roll back from")
    target = ledger.rollback_target(MODEL, sequence=sequence)
    if target != held:
        check_stored(settings, ledger, target)
    seen = last.sequence if sequence is None else sequence
    line = ledger.rollback(MODEL, approver, reason, key=key, sequence=seen)
    _follow(settings, ledger)
    return Promoted(line.version, line.previous, changed=True)


def would_roll_back(settings: Settings, *, ledger: "Catalogue | None" = None) -> Promoted:
    """Return the step that `rollback` would take now, and take none.

    Raises:
        NotFoundError: there is no champion, or none before it.
    """
    ledger = ledger or open_ledger(settings)
    last = ledger.champion(MODEL)
    if last is None:
        raise NotFoundError(f"{MODEL} has no champion to roll back from")
    return Promoted(ledger.rollback_target(MODEL), last.version, changed=True)


def check_stored(settings: Settings, ledger: "Catalogue", version: int) -> None:
    """A champion must be there to be served: MLflow has it, as the bundle that was registered."""
    known = ledger.model_version(MODEL, version)
    stored = models.get(settings, version)
    if stored.digest != known.digest:
        raise IntegrityError(
            f"{MODEL} version {version} is bundle {stored.digest[:12] or 'unknown'} in MLflow and "
            f"{known.digest[:12]} in the catalogue: MLflow's was tampered with"
        )


def reconcile(settings: Settings, *, ledger: "Catalogue | None" = None) -> int | None:
    """Point the alias `champion` at the ledger's champion; return its version (None: nobody).

    An alias that had followed and points elsewhere now was moved by hand: that is recorded. Writers
    that overtake each other still end in agreement: after writing, each reads the ledger again and
    repeats until what it wrote is what the ledger says.
    """
    ledger = ledger or open_ledger(settings)
    if ledger.champion(MODEL) is None:
        with suppress(A2CError):  # without a champion nothing depends on MLflow
            _unalias(settings, ledger)
        return None
    while (line := ledger.champion(MODEL)) is not None:
        aliased = models.by_alias(settings, CHAMPION)
        if aliased is None or aliased.version != line.version:
            followed = ledger.delivery(MODEL)
            if followed and followed.aliased and datetime.now(UTC) - followed.aliased > RACE:
                found = aliased.version if aliased else None
                ledger.record_correction(MODEL, CHAMPION, found=found, restored=line.version)
            models.set_alias(settings, CHAMPION, line.version)
        ledger.mark_aliased(MODEL, line.sequence)
        if champion_version(settings, ledger) == line.version:
            return line.version
    return None


def _unalias(settings: Settings, ledger: "Catalogue") -> None:
    """Take an alias away that points at a champion although the ledger has none."""
    if (aliased := models.by_alias(settings, CHAMPION)) is not None:
        models.remove_alias(settings, CHAMPION)
        ledger.record_correction(MODEL, CHAMPION, found=aliased.version, restored=None)


def undo_rollback(
    settings: Settings,
    done: Promoted,
    approver: str,
    reason: str,
    *,
    ledger: "Catalogue | None" = None,
) -> None:
    """Make the version champion again that a rollback left: it could not be served.

    What was said against it in the rollback still stands (`fitness.objection`).

    Raises:
        ConflictError: somebody else promoted meanwhile; their champion stays.
    """
    if done.previous is None:
        raise NotFoundError(f"{MODEL} had no champion before the rollback")
    ledger = ledger or open_ledger(settings)
    ledger.undo_rollback(MODEL, done.previous, approver, f"rollback undone: {reason}")
    _follow(settings, ledger)


def _follow(settings: Settings, ledger: "Catalogue") -> None:
    """Move the alias after a rollback; what keeps it from moving holds up no rollback.

    Housekeeping moves it later.
    """
    with suppress(A2CError):
        reconcile(settings, ledger=ledger)
