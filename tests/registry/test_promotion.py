import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from any2caption.datasets.catalogue import Catalogue, database
from any2caption.errors import (
    ConfigError,
    ConflictError,
    GateRefused,
    NotFoundError,
    UnavailableError,
)
from any2caption.evaluation.code import code_digest, judge_digest
from any2caption.evaluation.gates import POLICIES, Check, Verdict, policy_digest, policy_of
from any2caption.evaluation.people import study_of
from any2caption.evaluation.policies.schema import People
from any2caption.registry import models, promotion
from any2caption.registry.client import MODEL, mlflow_client
from any2caption.settings import Settings

RELEASE = Verdict("tiny", True, True, (Check("camera", 0.97, 0.93, True, "camera: 0.97"),))
SMOKE = Verdict("smoke", False, True, (Check("any", 0.1, 0.02, True, "any: 0.10"),))
WHOLE = {
    **dict.fromkeys(
        ("snapshot_id", "selection_digest", "captions_digest", "report_digest"), "5" * 64
    ),
    "judge_digest": judge_digest(),
    "code_digest": code_digest(),
}
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
def version(settings, ledger, make_bundle, request):
    """Register a bundle of its own, judged `against` a version, and return its version."""

    def make(name, verdict=RELEASE, against=None, **others):
        found = models.register(settings, make_bundle(f"{request.node.name}{name}", name))
        ledger.record_model_version(MODEL, found.version, digest=found.digest, run_key=name)
        ledger.record_training_run(name, snapshot_id="5" * 64, preset="tiny", recipe="tiny")
        if verdict is not None:
            compared = ledger.model_version(MODEL, against).digest if against else ""
            row = {
                "policy": verdict.policy,
                "passed": verdict.passed,
                "reasons": verdict.reasons,
                "version": found.version,
                "champion": against,
                "digest": found.digest,
                "champion_digest": compared,
                "policy_digest": policy_digest(policy_of(verdict.policy)),
                "for_release": verdict.for_release,
                **WHOLE,
            }
            ledger.record_verdict(name, **{**row, **others})
        return found.version

    return make


def ledger_file(settings):
    return settings.catalogue_url.removeprefix("sqlite:///")


def aliased(settings):
    found = models.by_alias(settings, promotion.CHAMPION)
    return found.version if found else None


pytestmark = pytest.mark.server


def test_promotion_writes_the_ledger_and_the_alias_follows(settings, ledger, version):
    first = version("a")
    second = version("b", against=first)
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
    assert ledger.ledger(MODEL)[-1].reason == (
        "forced although its last verdict is a refusal: camera: 0.50: outage of 3 May"
    )
    assert aliased(settings) == unfit


def test_a_verdict_not_for_release_promotes_nothing_not_even_the_first(
    settings, ledger, version, monkeypatch
):
    smoke = version("a", SMOKE)
    with pytest.raises(GateRefused, match="policy smoke, which is not for release"):
        promotion.promote(settings, smoke, "ann", "a first one", ledger=ledger)
    assert aliased(settings) is None
    monkeypatch.setenv("A2C_TRIAL_POLICIES", "other, smoke")
    trial = Settings(home=settings.home, mlflow_url=settings.mlflow_url)
    assert promotion.promote(trial, smoke, "ann", "a trial stack", ledger=ledger).changed


def test_a_refusal_is_not_lifted_by_passing_an_easier_policy(settings, ledger, version):
    unfit = version("a", REFUSED)
    row = {"policy": "smoke", "passed": True, "version": unfit, "for_release": False, **WHOLE}
    row |= {"digest": ledger.model_version(MODEL, unfit).digest, "report_digest": "6" * 64}
    ledger.record_verdict("a", policy_digest=policy_digest(policy_of("smoke")), **row)
    trial = settings.model_copy(update={"trial_policies": "smoke"})
    with pytest.raises(GateRefused, match="policy tiny refused it and did not pass it since"):
        promotion.promote(trial, unfit, "ann", "please", ledger=ledger)


def test_the_server_says_which_policies_promote(settings, ledger, version):
    first = version("a")
    strict = settings.model_copy(update={"promoting_policies": "paper, other"})
    with pytest.raises(GateRefused, match="policy tiny may not promote on this server"):
        promotion.promote(strict, first, "ann", "please", ledger=ledger)
    open_to_it = settings.model_copy(update={"promoting_policies": "paper, tiny"})
    assert promotion.promote(open_to_it, first, "ann", "please", ledger=ledger).changed


def test_a_policy_may_ask_people_first(settings, ledger, version, monkeypatch):
    rule = People(votes=6, raters=2, bound=0.2)
    monkeypatch.setitem(POLICIES, "tiny", replace(policy_of("tiny"), people=rule))
    asked = version("a")
    verdict = ledger.verdict_on(asked)
    study = study_of(verdict.digest, verdict.champion_digest, verdict.captions_digest)

    def vote(rater, *, blind=True):
        for item in ("r1", "r2", "r3"):
            sides = {"left_by": verdict.digest, "right_by": "data"}
            given = {"rater": rater, "blind": blind, "study": study}
            ledger.record_preference(item, "left", **sides, **given)

    with pytest.raises(GateRefused, match=rf"0 of 6 votes.*a2c registry ask {asked}"):
        promotion.promote(settings, asked, "ann", "first", ledger=ledger)
    vote("ada")
    vote("eve", blind=False)
    with pytest.raises(GateRefused, match="3 of 6 votes"):
        promotion.promote(settings, asked, "ann", "first", ledger=ledger)
    vote("bob")
    assert promotion.promote(settings, asked, "ann", "first", ledger=ledger).changed


def test_where_two_people_are_wanted_who_started_a_run_does_not_approve_it(
    settings, ledger, version
):
    first = version("a", requester="Ann")
    two = settings.model_copy(update={"two_people": True})
    for approver, more in (("ann ", {}), ("bob", {"requester": "bob"})):
        with pytest.raises(GateRefused, match="started the run and does not approve it"):
            promotion.promote(two, first, approver, "mine", ledger=ledger, **more)
    assert promotion.promote(two, first, "carl", "looks good", ledger=ledger).changed


def test_a_decision_on_an_older_ledger_is_a_conflict_that_names_the_champion(
    settings, ledger, version
):
    first = version("a")
    second = version("b", against=first)
    promotion.promote(settings, first, "ann", "first", sequence=0, ledger=ledger)
    promotion.promote(settings, second, "ann", "better", sequence=1, ledger=ledger)
    assert promotion.rollback(settings, "bob", "worse", sequence=2, ledger=ledger).version == first
    for again in (
        lambda: promotion.rollback(settings, "bob", "worse", sequence=2, ledger=ledger),
        lambda: promotion.promote(
            settings, second, "ann", "r", sequence=1, force=True, ledger=ledger
        ),
    ):
        with pytest.raises(ConflictError, match=f"the champion is version {first}"):
            again()
    assert ledger.check_ledger(MODEL) == 3


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"digest": "0" * 64}, "its verdict is on bundle 000000000000"),
        ({"digest": ""}, "its verdict is on bundle unknown"),
        ({"policy_digest": "0" * 64}, "policy tiny is another one than it was judged by"),
        ({"policy": "gone"}, "policy gone is another one"),
        ({"code_digest": "0" * 64}, "by other code than is here now"),
        ({"judge_digest": "0" * 64}, "judged by other code than is here now"),
        ({"selection_digest": ""}, "does not say on what selection"),
        ({"captions_digest": ""}, "does not say on what captions"),
        ({"snapshot_id": ""}, "does not say on what snapshot"),
        (
            {"snapshot_id": "6" * 64},
            "judged on snapshot 666666666666, and its run's is 555555555555",
        ),
        ({"report_digest": ""}, "does not say on what report"),
        ({"champion": 77, "champion_digest": "7" * 64}, "compared with version 77"),
        ({"champion_digest": "7" * 64}, "compared with nobody"),
    ],
)
def test_a_verdict_on_something_else_promotes_nothing(settings, ledger, version, row, why):
    unfit = version("a", **row)
    with pytest.raises(GateRefused, match=why):
        promotion.promote(settings, unfit, "ann", "please", ledger=ledger)
    assert ledger.ledger(MODEL) == []


def test_a_version_that_was_rolled_back_needs_force(settings, ledger, version):
    first = version("a")
    second = version("b", against=first)
    promotion.promote(settings, first, "ann", "first", ledger=ledger)
    task = {"expected": first, "key": "life promotes"}
    promotion.promote(settings, second, "ann", "better", ledger=ledger, **task)
    promotion.rollback(settings, "bob", "burning houses", ledger=ledger)
    with pytest.raises(ConflictError, match=f"done before; the champion is version {first} since"):
        promotion.promote(settings, second, "ann", "better", ledger=ledger, **task)
    with pytest.raises(GateRefused, match=r"was rolled back \(burning houses\)"):
        promotion.promote(settings, second, "ann", "again", ledger=ledger)
    assert promotion.promote(settings, second, "ann", "wrong alarm", force=True, ledger=ledger)


def test_a_rollback_that_was_undone_leaves_the_champion_as_it_was_and_keeps_what_was_said_of_it(
    settings, ledger, version
):
    first = version("a")
    second = version("b", against=first)
    third = version("c", against=second)
    for one in (first, second):
        promotion.promote(settings, one, "ann", "better", ledger=ledger)
    done = promotion.rollback(settings, "bob", "burning houses", key="click", ledger=ledger)
    promotion.undo_rollback(settings, done, "bob", "does not boot", ledger=ledger)
    assert ledger.champion(MODEL).version == aliased(settings) == second
    with pytest.raises(ConflictError, match="was undone: send it again with another key"):
        promotion.rollback(settings, "bob", "burning houses", key="click", ledger=ledger)
    with pytest.raises(ConflictError, match="not the ledger's last line"):
        promotion.undo_rollback(settings, done, "bob", "twice", ledger=ledger)

    # It is champion, so whoever follows it is promoted, and a rollback leads back to it, unforced.
    assert not promotion.promote(settings, second, "ann", "again", ledger=ledger).changed
    promotion.promote(settings, third, "ann", "better", ledger=ledger)
    assert promotion.rollback(settings, "bob", "worse", ledger=ledger).version == second

    # What somebody had against it was not withdrawn by what kept the version before from booting.
    assert promotion.rollback(settings, "bob", "burning still", ledger=ledger).version == first
    said = r"rolled back \(burning houses; rollback undone: does not boot\)"
    with pytest.raises(GateRefused, match=said):
        promotion.promote(settings, second, "ann", "again", ledger=ledger)


def test_a_verdict_that_comes_in_between_stops_the_promotion(
    settings, ledger, version, monkeypatch
):
    first = version("a")
    checked = promotion.objection

    def refuse_meanwhile(*rows):
        ledger.record_verdict("late", policy="tiny", passed=False, version=first)
        return checked(*rows)

    monkeypatch.setattr(promotion, "objection", refuse_meanwhile)
    with pytest.raises(ConflictError, match="a later verdict"):
        promotion.promote(settings, first, "ann", "first", ledger=ledger)
    assert ledger.ledger(MODEL) == []


def test_catalogue_down_during_a_promotion_leaves_the_alias_unchanged(settings, ledger, version):
    first = version("a")
    second = version("b", against=first)
    promotion.promote(settings, first, "ann", "first", ledger=ledger)
    down = Catalogue("postgresql+psycopg2://nobody@127.0.0.1:9/catalogue")
    with pytest.raises(UnavailableError):
        promotion.promote(settings, second, "ann", "second", ledger=down)
    assert aliased(settings) == first


def test_a_catalogue_that_fails_after_it_was_read_promotes_nobody(
    settings, ledger, version, monkeypatch
):
    first = version("a")
    second = version("b", against=first)
    promotion.promote(settings, first, "ann", "first", ledger=ledger)
    file = ledger_file(settings)

    class Seized(Catalogue):
        """Somebody else holds the database for good by the time of the write."""

        def promote(self, *arguments, **named):
            with closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                return super().promote(*arguments, **named)

    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.3)
    with (
        closing(Seized(settings.catalogue_url)) as seized,
        pytest.raises(UnavailableError, match="locked"),
    ):
        promotion.promote(settings, second, "ann", "second", ledger=seized)
    assert [line.version for line in ledger.ledger(MODEL)] == [first]
    assert aliased(settings) == first


def test_a_crash_between_ledger_and_alias_is_repaired(settings, ledger, version, monkeypatch):
    first = version("a")
    second = version("b", against=first)
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
    assert ledger.corrections(MODEL) == []  # nobody moved it


def test_an_alias_moved_by_hand_is_moved_back_and_recorded(settings, ledger, version, monkeypatch):
    first = version("a")
    second = version("b", against=first)
    promotion.promote(settings, first, "ann", "first", ledger=ledger)
    models.set_alias(settings, promotion.CHAMPION, second)
    monkeypatch.setattr(promotion, "RACE", timedelta(0))
    assert promotion.reconcile(settings, ledger=ledger) == first
    assert aliased(settings) == first
    assert [(c.alias, c.found, c.restored) for c in ledger.corrections(MODEL)] == [
        ("champion", second, first)
    ]
    assert promotion.reconcile(settings, ledger=ledger) == first
    assert len(ledger.corrections(MODEL)) == 1


def test_an_alias_set_by_hand_while_nobody_is_champion_is_taken_away(settings, ledger, version):
    models.set_alias(settings, promotion.CHAMPION, version("a"))
    assert promotion.reconcile(settings, ledger=ledger) is None
    assert aliased(settings) is None
    assert ledger.corrections(MODEL)[0].restored is None


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
        except (ConflictError, GateRefused):  # too late, before or in the swap
            return None

    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(attempt, range(32)))
    changed = [done for done in results if done and done.changed]
    assert len(changed) == 1
    assert len(ledger.ledger(MODEL)) == 1
    assert aliased(settings) == ledger.champion(MODEL).version == changed[0].version


def test_a_promotion_decided_against_another_champion_loses(settings, ledger, version):
    first = version("a")
    second, third = version("b", against=first), version("c", against=first)
    promotion.promote(settings, first, "ann", "first", ledger=ledger)
    promotion.promote(settings, second, "ann", "second", expected=first, ledger=ledger)
    with pytest.raises(GateRefused, match=f"compared with version {first}, and the champion is"):
        promotion.promote(settings, third, "ann", "third", expected=first, ledger=ledger)
    with pytest.raises(ConflictError, match=f"is version {second}, not {first}"):
        promotion.promote(settings, third, "a", "r", expected=first, force=True, ledger=ledger)
    assert aliased(settings) == second


def test_rollback_returns_to_the_previous_champion_with_a_reason(settings, ledger, version):
    first = version("a")
    second = version("b", against=first)
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


def test_a_rollback_sent_again_goes_back_once(settings, ledger, version):
    first = version("a")
    second = version("b", against=first)
    third = version("c", against=second)
    for one in (first, second, third):
        promotion.promote(settings, one, "ann", "better", ledger=ledger)
    done = [
        promotion.rollback(settings, "ann", "bad", key="click", ledger=ledger) for _ in range(3)
    ]
    assert [each.version for each in done] == [second] * 3
    assert [each.changed for each in done] == [True, False, False]
    assert aliased(settings) == second
    promotion.promote(settings, third, "ann", "after all", force=True, ledger=ledger)
    with pytest.raises(ConflictError, match=f"the champion is version {third} since"):
        promotion.rollback(settings, "ann", "bad", key="click", ledger=ledger)


def test_a_rollback_to_what_mlflow_no_longer_has_changes_nothing(settings, ledger, version):
    first = version("a")
    second = version("b", against=first)
    for one in (first, second):
        promotion.promote(settings, one, "ann", "better", ledger=ledger)
    with mlflow_client(settings) as client:
        client.delete_model_version(MODEL, str(first))
    with pytest.raises(NotFoundError, match="MLflow"):
        promotion.rollback(settings, "ann", "bad", ledger=ledger)
    assert ledger.champion(MODEL).version == aliased(settings) == second
