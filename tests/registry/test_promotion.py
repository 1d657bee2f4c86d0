import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from any2caption.datasets.catalogue import Catalogue, database
from any2caption.errors import (
    ConfigError,
    ConflictError,
    GateRefused,
    NotFoundError,
    UnavailableError,
)
from any2caption.evaluation.gates import Check, Verdict
from any2caption.registry import models, promotion
from any2caption.registry.client import MODEL, mlflow_client

RELEASE = Verdict("tiny", True, True, (Check("camera", 0.97, 0.93, True, "camera: 0.97"),))
SMOKE = Verdict("smoke", False, True, (Check("any", 0.1, 0.02, True, "any: 0.10"),))
REFUSED = Verdict("tiny", True, False, (Check("camera", 0.5, 0.93, False, "camera: 0.50"),))


@pytest.fixture
def ledger(settings):
    with mlflow_client(settings) as client:
        client.create_registered_model(MODEL) if not client.search_registered_models() else None
        client.delete_registered_model_alias(MODEL, promotion.CHAMPION)
    catalogue = Catalogue(settings.catalogue_url)
    catalogue.migrate()
    return catalogue


@pytest.fixture
def version(settings, make_bundle, request):
    """Register a bundle of its own with a verdict and return its version."""

    def make(name, verdict=RELEASE):
        registered = models.register(settings, make_bundle(f"{request.node.name}{name}", name))
        if verdict is not None:
            models.record_verdict(settings, registered.version, verdict)
        return registered.version

    return make


def ledger_file(settings):
    return settings.catalogue_url.removeprefix("sqlite:///")


def aliased(settings):
    found = models.by_alias(settings, promotion.CHAMPION)
    return found.version if found else None


pytestmark = pytest.mark.server


def test_promotion_writes_the_ledger_and_the_alias_follows(settings, ledger, version):
    first, second = version("a"), version("b")
    done = promotion.promote(settings, first, "ann", "first", ledger=ledger)
    assert (done.version, done.previous, done.changed) == (first, None, True)
    done = promotion.promote(settings, second, "bob", "better", ledger=ledger)
    assert (done.version, done.previous) == (second, first)
    assert aliased(settings) == ledger.champion(MODEL).version == second
    last = ledger.ledger(MODEL)[-1]
    assert (last.version, last.approver, last.reason) == (second, "bob", "better")


@pytest.mark.parametrize("verdict", [None, REFUSED])
def test_a_version_without_a_passed_verdict_is_refused(settings, ledger, version, verdict):
    unfit = version("a", verdict)
    with pytest.raises(GateRefused, match="camera: 0.50" if verdict else "never evaluated"):
        promotion.promote(settings, unfit, "ann", "please", ledger=ledger)
    assert ledger.ledger(MODEL) == []
    assert aliased(settings) is None


def test_force_needs_a_reason_and_the_ledger_keeps_it(settings, ledger, version):
    unfit = version("a", REFUSED)
    with pytest.raises(ConfigError, match="reason"):
        promotion.promote(settings, unfit, "ann", " ", force=True, ledger=ledger)
    promotion.promote(settings, unfit, "ann", "outage of 3 May", force=True, ledger=ledger)
    assert ledger.ledger(MODEL)[-1].reason == "forced past verdict 'refused': outage of 3 May"
    assert aliased(settings) == unfit


def test_a_smoke_verdict_cannot_replace_a_released_champion(settings, ledger, version):
    smoke, released, other_smoke = version("a", SMOKE), version("b"), version("c", SMOKE)
    promotion.promote(settings, smoke, "ann", "a first one", ledger=ledger)
    promotion.promote(settings, released, "ann", "a real one", ledger=ledger)
    with pytest.raises(GateRefused, match="not for release"):
        promotion.promote(settings, other_smoke, "ann", "oops", ledger=ledger)
    assert aliased(settings) == released


def test_catalogue_down_during_a_promotion_leaves_the_alias_unchanged(settings, ledger, version):
    first, second = version("a"), version("b")
    promotion.promote(settings, first, "ann", "first", ledger=ledger)
    down = Catalogue("postgresql+psycopg2://nobody@127.0.0.1:9/catalogue")
    with pytest.raises(UnavailableError):
        promotion.promote(settings, second, "ann", "second", ledger=down)
    assert aliased(settings) == first


def test_a_catalogue_that_fails_after_it_was_read_promotes_nobody(
    settings, ledger, version, monkeypatch
):
    first, second = version("a"), version("b")
    promotion.promote(settings, first, "ann", "first", ledger=ledger)
    file = ledger_file(settings)

    class Seized(Catalogue):
        """Somebody else holds the database for good by the time of the write."""

        def promote(self, *arguments):
            with closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                return super().promote(*arguments)

    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.3)
    with (
        closing(Seized(settings.catalogue_url)) as seized,
        pytest.raises(UnavailableError, match="locked"),
    ):
        promotion.promote(settings, second, "ann", "second", ledger=seized)
    assert [line.version for line in ledger.ledger(MODEL)] == [first]
    assert aliased(settings) == first


def test_a_crash_between_ledger_and_alias_is_repaired(settings, ledger, version, monkeypatch):
    first, second = version("a"), version("b")
    promotion.promote(settings, first, "ann", "first", ledger=ledger)

    def unavailable(*_args):
        raise UnavailableError("MLflow does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(models, "set_alias", unavailable)
        with pytest.raises(UnavailableError):
            promotion.promote(settings, second, "ann", "second", ledger=ledger)
    assert (aliased(settings), ledger.champion(MODEL).version) == (first, second)
    retried = promotion.promote(settings, second, "ann", "second", ledger=ledger)
    assert not retried.changed
    assert aliased(settings) == second
    assert len(ledger.ledger(MODEL)) == 2


def test_an_alias_moved_by_hand_is_moved_back(settings, ledger, version):
    first, second = version("a"), version("b")
    promotion.promote(settings, first, "ann", "first", ledger=ledger)
    models.set_alias(settings, promotion.CHAMPION, second)
    assert promotion.reconcile(settings, ledger=ledger) == first
    assert aliased(settings) == first


def test_thirty_two_promotions_at_once_have_one_winner(settings, ledger, version):
    versions = [version(str(number)) for number in range(4)]
    start = threading.Barrier(32)

    def attempt(number):
        start.wait()
        try:
            return promotion.promote(
                settings,
                versions[number % 4],
                f"writer {number}",
                "race",
                expected=None,
                ledger=ledger,
            )
        except ConflictError:
            return None

    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(attempt, range(32)))
    changed = [done for done in results if done and done.changed]
    assert len(changed) == 1
    assert len(ledger.ledger(MODEL)) == 1
    assert aliased(settings) == ledger.champion(MODEL).version == changed[0].version


def test_a_promotion_decided_against_another_champion_loses(settings, ledger, version):
    first, second, third = version("a"), version("b"), version("c")
    promotion.promote(settings, first, "ann", "first", ledger=ledger)
    promotion.promote(settings, second, "ann", "second", expected=first, ledger=ledger)
    with pytest.raises(ConflictError):
        promotion.promote(settings, third, "ann", "third", expected=first, ledger=ledger)
    assert aliased(settings) == second


def test_rollback_returns_to_the_previous_champion_with_a_reason(settings, ledger, version):
    first, second = version("a"), version("b")
    with pytest.raises(NotFoundError, match="no champion"):
        promotion.rollback(settings, "ann", "bad", ledger=ledger)
    promotion.promote(settings, first, "ann", "first", ledger=ledger)
    promotion.promote(settings, second, "ann", "second", ledger=ledger)
    with pytest.raises(ConfigError, match="reason"):
        promotion.rollback(settings, "ann", "", ledger=ledger)
    done = promotion.rollback(settings, "ann", "worse on real cameras", ledger=ledger)
    assert (done.version, done.previous) == (first, second)
    assert aliased(settings) == first
    assert ledger.ledger(MODEL)[-1].reason == "worse on real cameras"
