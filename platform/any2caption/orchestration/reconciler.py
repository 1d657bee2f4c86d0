"""Ledger, alias and live deployment agree: what a killed promotion left undone is done here.

The ledger decides. Its last line's row in the outbox says what has followed; what has not is found
by looking (MLflow's alias, the server's pointer, the catalogue's deployments), never by believing
that a step which was begun was also ended.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from any2caption.errors import A2CError, ConflictError, NotFoundError
from any2caption.orchestration.lifecycle import new_id
from any2caption.registry import models, promotion
from any2caption.registry.client import MODEL
from any2caption.serving.releases import recall, rollout
from any2caption.settings import Settings

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue

EVENT_TIME = timedelta(minutes=5)  # from a promotion to the start of its release, at most
_SAID_SO = ("failed", "rolled back")


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is champion by the ledger, by MLflow's alias and on the server; None: nobody.

    `note` says why they differ, where that is known.
    """

    ledger: int | None
    alias: int | None
    live: int | None
    release: int | None
    note: str = ""

    @property
    def agrees(self) -> bool:
        """Whether all three name the same version."""
        return self.ledger == self.alias == self.live


def standing(settings: Settings, ledger: "Catalogue") -> Standing:
    """Look at all three.

    Raises:
        UnavailableError: MLflow or the catalogue do not answer.
    """
    line, (version, release) = ledger.champion(MODEL), _live(settings, ledger)
    try:
        aliased = models.by_alias(settings, promotion.CHAMPION)
    except NotFoundError:  # MLflow has no model yet
        aliased = None
    last = ledger.deployed_since(MODEL, line.version, line.created) if line else None
    failed = last is not None and last.status in _SAID_SO
    return Standing(
        ledger=line.version if line else None,
        alias=aliased.version if aliased else None,
        live=version,
        release=release,
        note=f"its release {last.status}: {last.message}" if last and failed else "",
    )


def _live(settings: Settings, ledger: "Catalogue") -> tuple[int | None, int | None]:
    """Return version and release that are served: the pointer and the catalogue must say so."""
    row, pointer = (
        ledger.live_deployment(settings.triton_url),
        rollout.live_repository(settings).current(),
    )
    if row is None or (pointer is not None and pointer.release != row.release):
        return None, None
    return ledger.release(row.release).version, row.release


def unserved(
    settings: Settings,
    ledger: "Catalogue",
    *,
    now: datetime | None = None,
    patience: timedelta = EVENT_TIME,
) -> int | None:
    """Return the champion if it is not served and nobody is about to serve it.

    A roll-out that failed is another matter: it said so, and a person decides. One that was begun
    and not ended is none, once its process holds the server's lock no more.
    """
    line, now = ledger.champion(MODEL), now or datetime.now(UTC)
    if line is None:
        return None
    if _live(settings, ledger)[0] == line.version:
        ledger.mark_released(MODEL, line.version)
        return None
    last = ledger.deployed_since(MODEL, line.version, line.created)
    if last is None:
        return line.version if now - line.created >= patience else None
    if last.status in _SAID_SO:
        return None
    if last.status == "rolling out":
        if now - last.updated < patience or _under_way(settings):
            return None
        ledger.update_deployment(last.id, status="interrupted", message="its process died")
    return line.version


def _under_way(settings: Settings) -> bool:
    try:
        with rollout.live_repository(settings).exclusive():
            return False
    except ConflictError:
        return True


def _answered(ledger: "Catalogue", release: int) -> bool:
    """Whether a release was live before: then it needs no trial and no watch."""
    return any(row.status in {"live", "replaced"} for row in ledger.deployments(release))


def settle(settings: Settings, *, say: Callable[[str], None]) -> Standing:
    """Let alias and server follow the ledger, on the machine of the server; return how they stand.

    Raises:
        A2CError: one of them could not follow; the other one did if it could.
    """
    from any2caption.orchestration import actions

    failure: A2CError | None = None
    with closing(promotion.open_ledger(settings)) as ledger:
        try:
            promotion.reconcile(settings, ledger=ledger)
        except A2CError as error:  # the server may follow all the same
            failure = error
        version = unserved(settings, ledger, patience=timedelta(0))
        if version is not None:
            say(f"version {version} is champion and is not served: rolling it out")
            lifecycle = f"settle-{new_id()}"
            found = recall.find_release(settings, ledger, version)
            if found is not None and _answered(ledger, found.number):
                recall.serve_again(settings, ledger, found, lifecycle=lifecycle, say=say)
            else:
                actions.release(settings, {"lifecycle": lifecycle, "version": version})
        if failure is not None:
            raise failure
        return standing(settings, ledger)
