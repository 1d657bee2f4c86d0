"""The catalogue on SQLite and on PostgreSQL: one suite, and the ledger under contention."""

import runpy
import traceback
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from any2caption.datasets.catalogue import Catalogue
from any2caption.datasets.catalogue.tables import Base
from any2caption.errors import (
    ConfigError,
    ConflictError,
    InputError,
    IntegrityError,
    NotFoundError,
    UnavailableError,
)

WRITERS = 32
MODEL = "any2caption"
DIGEST = "d" * 64


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deep' / 'catalogue.db'}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def catalogue(url):
    catalogue = Catalogue(url)
    catalogue.migrate()
    yield catalogue
    catalogue.close()


def test_migrating_twice_changes_nothing_and_matches_the_models(catalogue):
    catalogue.migrate()
    with catalogue.engine.connect() as connection:
        options = {"version_table": "a2c_alembic_version"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
        tables = set(inspect(connection).get_table_names())
    assert "a2c_alembic_version" in tables
    assert "alembic_version" not in tables
    assert set(Base.metadata.tables) <= tables


def test_migrating_from_many_threads_at_once_works(url):
    def migrate(_):
        catalogue = Catalogue(url)
        catalogue.migrate()
        catalogue.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(migrate, range(6)))
    assert Catalogue(url).champion(MODEL) is None


def test_a_catalogue_without_tables_says_what_to_do(url):
    with pytest.raises(ConfigError, match="migrate"):
        Catalogue(url).champion(MODEL)


def test_times_are_utc_with_a_zone(catalogue):
    row = catalogue.record_snapshot(DIGEST, source="s", statistics={"records": 1})
    found = catalogue.snapshot(DIGEST)
    assert found.created.tzinfo is not None
    assert found.created == row.created
    assert abs(found.created - datetime.now(UTC)) < timedelta(minutes=1)


def test_entering_a_snapshot_again_changes_nothing(catalogue):
    first = catalogue.record_snapshot(DIGEST, source="a", statistics={"records": 3})
    again = catalogue.record_snapshot(DIGEST, source="b", statistics={"records": 3})
    assert again.source == "a"
    assert again.created == first.created
    catalogue.record_snapshot("e" * 64, source="c", statistics={"records": 4})
    assert catalogue.latest_snapshot().id == "e" * 64


def test_a_training_run_is_one_row_whatever_happens_to_it(catalogue):
    arguments = {"snapshot_id": DIGEST, "preset": "tiny", "recipe": "tiny"}
    catalogue.record_training_run("key", **arguments)
    catalogue.record_training_run(
        "key", **arguments, status="done", mlflow_run="r", metrics={"loss": 0.5}
    )
    row = catalogue.training_run("key")
    assert (row.status, row.mlflow_run, row.metrics) == ("done", "r", {"loss": 0.5})


def test_rows_from_before_digests_survive_the_upgrade_and_promote_nothing(catalogue, url):
    catalogue.promote(MODEL, 1, None, "ada", "first")
    catalogue.record_verdict("key", policy="tiny", passed=True, version=2, digest=DIGEST)
    with as_file(files("any2caption.datasets") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        with catalogue.engine.execution_options(a2c_write=True).begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "0002_annotation")
    with pytest.raises(ConfigError, match="migrate it"):
        catalogue.model_version(MODEL, 1)
    catalogue.migrate()
    row = catalogue.verdict_on(2)
    assert (row.passed, row.digest, row.policy_digest, row.for_release) == (True, "", "", False)
    assert catalogue.champion(MODEL).key is None


def test_verdicts_and_validations_keep_their_reasons(catalogue):
    catalogue.record_verdict("key", policy="tiny", passed=False, reasons=["BLEU fell"])
    catalogue.record_verdict("key", policy="tiny", passed=True)
    assert [row.passed for row in catalogue.verdicts()] == [False, True]
    row = catalogue.record_validation(DIGEST, passed=False, expectations=9, failures=["empty"])
    assert row.failures == ["empty"]


def test_a_build_keeps_its_release_number_and_numbers_are_never_reused(catalogue):
    first = catalogue.record_release(MODEL, 1, digest=DIGEST)
    again = catalogue.record_release(MODEL, 1, digest=DIGEST)
    other = catalogue.record_release(MODEL, 2, digest=DIGEST)
    assert first.number == again.number < other.number
    assert catalogue.update_release(1, status="ready", uri="file:///r").status == "ready"
    assert catalogue.release(1).uri == "file:///r"
    with pytest.raises(NotFoundError, match="release 99"):
        catalogue.update_release(99, status="ready")


def test_the_live_deployment_is_the_last_one_that_went_live(catalogue):
    release = catalogue.record_release(MODEL, 1, digest=DIGEST).number
    assert catalogue.live_deployment("local") is None
    first = catalogue.record_deployment(release, target="local", status="live")
    second = catalogue.record_deployment(release, target="local", status="rolling out")
    assert catalogue.live_deployment("local").id == first.id
    catalogue.update_deployment(second.id, status="live")
    assert catalogue.live_deployment("local").id == second.id
    with pytest.raises(ConflictError):
        catalogue.record_deployment(99, target="local", status="live")


def test_promotion_is_compare_and_swap(catalogue):
    assert catalogue.champion(MODEL) is None
    first = catalogue.promote(MODEL, 3, None, "ada", "first")
    assert (first.sequence, first.previous) == (1, None)
    with pytest.raises(ConflictError, match="version 3, not None"):
        catalogue.promote(MODEL, 4, None, "bob", "stale")
    with pytest.raises(ConfigError, match="already"):
        catalogue.promote(MODEL, 3, 3, "bob", "same")
    assert catalogue.promote(MODEL, 4, 3, "bob", "better").previous == 3
    assert catalogue.champion(MODEL).version == 4
    assert catalogue.champion("another") is None


def test_rollback_goes_back_one_champion_each_time(catalogue):
    for version, expected in [(1, None), (2, 1), (3, 2)]:
        catalogue.promote(MODEL, version, expected, "ada", "better")
    assert catalogue.rollback(MODEL, "ada", "bad").version == 2
    assert catalogue.rollback(MODEL, "ada", "worse").version == 1
    with pytest.raises(NotFoundError, match="no earlier champion"):
        catalogue.rollback(MODEL, "ada", "again")
    catalogue.promote(MODEL, 4, 1, "ada", "fixed")
    assert catalogue.rollback(MODEL, "ada", "no").version == 1
    assert [line.sequence for line in catalogue.ledger(MODEL)] == [1, 2, 3, 4, 5, 6, 7]


def _promote_from_process(arguments):
    url, version = arguments
    try:
        Catalogue(url).promote(MODEL, version, None, f"writer {version}", "race")
    except ConflictError:
        return "lost"
    return "won"


def test_of_32_writers_exactly_one_wins(url, catalogue):
    def write(version):
        return _promote_from_process((url, version))

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = list(pool.map(write, range(1, WRITERS + 1)))
    assert sorted(outcomes) == ["lost"] * (WRITERS - 1) + ["won"]
    assert len(catalogue.ledger(MODEL)) == 1
    assert catalogue.champion(MODEL).version == outcomes.index("won") + 1


def test_a_request_sent_again_is_carried_out_once(catalogue):
    first = catalogue.promote(MODEL, 1, None, "ada", "first", key="one")
    assert catalogue.promote(MODEL, 1, None, "ada", "first", key="one").id == first.id
    assert catalogue.repeated(MODEL, "one").id == first.id
    assert catalogue.repeated(MODEL, "two") is None
    assert catalogue.repeated(MODEL, None) is None
    catalogue.promote(MODEL, 2, 1, "ada", "better", key="two")
    catalogue.promote(MODEL, 3, 2, "ada", "better still")
    back = [catalogue.rollback(MODEL, "bob", "bad", key="back") for _ in range(3)]
    assert {line.id for line in back} == {back[0].id}
    assert catalogue.champion(MODEL).version == 2
    assert len(catalogue.ledger(MODEL)) == 4


def test_a_stale_request_is_a_conflict_that_names_the_champion(catalogue):
    """A promotion that was undone for cause stays undone when its task is retried."""
    catalogue.promote(MODEL, 1, None, "ada", "first")
    catalogue.promote(MODEL, 2, 1, "ada", "better", key="task")
    catalogue.rollback(MODEL, "bob", "bad captions", key="undo")
    with pytest.raises(ConflictError, match="done before; the champion is version 1 since"):
        catalogue.promote(MODEL, 2, 1, "ada", "better", key="task")
    catalogue.promote(MODEL, 3, 1, "ada", "fixed")
    with pytest.raises(ConflictError, match="the champion is version 3 since"):
        catalogue.rollback(MODEL, "bob", "bad captions", key="undo")
    with pytest.raises(ConflictError, match="at line 4, not 2, and the champion is version 3"):
        catalogue.promote(MODEL, 4, 3, "ada", "r", sequence=2)
    with pytest.raises(ConflictError, match="at line 4, not 2, and the champion is version 3"):
        catalogue.rollback(MODEL, "ada", "r", sequence=2)
    assert catalogue.promote(MODEL, 4, 3, "ada", "r", sequence=4).sequence == 5


def test_of_16_rollbacks_at_once_one_goes_back(catalogue):
    for version, expected in [(1, None), (2, 1), (3, 2)]:
        catalogue.promote(MODEL, version, expected, "ada", "better")

    def roll_back(number):
        try:
            # Half of them repeat one request, half decide by themselves on what they saw.
            given = {"key": "same"} if number % 2 else {}
            return catalogue.rollback(MODEL, "bob", "bad", sequence=3, **given).version
        except ConflictError as error:
            return str(error)

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(roll_back, range(16)))
    assert 2 in outcomes
    assert all("champion is version 2" in outcome for outcome in outcomes if outcome != 2)
    assert catalogue.champion(MODEL).version == 2
    assert len(catalogue.ledger(MODEL)) == 4


def test_a_later_verdict_stops_a_promotion(catalogue):
    passed = catalogue.record_verdict("key", policy="tiny", passed=True, version=1)
    assert catalogue.verdict_on(1).id == passed.id
    catalogue.record_verdict("key", policy="tiny", passed=False, version=1)
    with pytest.raises(ConflictError, match="a later verdict on version 1"):
        catalogue.promote(MODEL, 1, None, "ada", "first", verdict=passed.id)
    last = catalogue.verdict_on(1)
    assert not last.passed
    assert catalogue.promote(MODEL, 1, None, "ada", "forced", verdict=last.id).version == 1
    assert catalogue.verdict_on(2) is None


def test_a_report_cannot_be_made_newer_than_a_refusal(catalogue):
    told = {"policy": "tiny", "version": 1}
    good = catalogue.record_verdict("key", passed=True, report_digest="a" * 64, **told)
    catalogue.record_verdict("key", passed=False, report_digest="b" * 64, **told)
    again = catalogue.record_verdict("key", passed=True, report_digest="a" * 64, **told)
    assert again.id == good.id
    assert not catalogue.verdict_on(1).passed


def test_what_a_version_is_never_changes(catalogue):
    told = {"digest": DIGEST, "run_key": "key"}
    first = catalogue.record_model_version(MODEL, 1, **told)
    assert catalogue.record_model_version(MODEL, 1, **told).created == first.created
    assert catalogue.model_version(MODEL, 1).digest == DIGEST
    with pytest.raises(ConflictError, match="version 1 of any2caption is bundle dddddddddddd"):
        catalogue.record_model_version(MODEL, 1, digest="e" * 64, run_key="key")
    with pytest.raises(ConflictError):
        catalogue.record_model_version(MODEL, 2, **told)
    with pytest.raises(NotFoundError, match="does not know version 2"):
        catalogue.model_version(MODEL, 2)


def test_of_writers_in_several_processes_exactly_one_wins(tmp_path):
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    catalogue = Catalogue(url)
    catalogue.migrate()
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        outcomes = list(pool.map(_promote_from_process, [(url, n) for n in range(1, 33)]))
    assert outcomes.count("won") == 1
    assert len(catalogue.ledger(MODEL)) == 1


def test_a_database_that_does_not_answer_is_worth_a_retry():
    with pytest.raises(UnavailableError):
        Catalogue("postgresql+psycopg2://nobody@127.0.0.1:9/none").champion(MODEL)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "is not a SQLAlchemy URL"),
        ("a2c:geheim7@host/catalogue", "is not a SQLAlchemy URL"),
        ("postgresql://a2c:geheim7@host:port/catalogue", "is not a SQLAlchemy URL"),
        ("postgresqlx://a2c:geheim7@host/catalogue", "postgresqlx is not usable"),
        ("postgresqlx://host/catalogue?password=geheim7", "postgresqlx is not usable"),
        ("mysql://a2c:geheim7@127.0.0.1/catalogue", "mysql is not usable"),
    ],
)
def test_a_wrong_url_is_refused_at_once_without_its_password(url, said):
    with pytest.raises(ConfigError, match=said) as caught:
        Catalogue(url)
    assert "geheim7" not in "".join(traceback.format_exception(caught.value))


def test_no_error_of_a_database_shows_its_password():
    catalogue = Catalogue("postgresql+psycopg2://a2c:geheim7@127.0.0.1:9/none")
    with pytest.raises(UnavailableError) as caught:
        catalogue.champion(MODEL)
    assert "geheim7" not in "".join(traceback.format_exception(caught.value))


def _run(catalogue, statement):
    with catalogue.engine.execution_options(a2c_write=True).begin() as connection:
        connection.execute(text(statement))


def _prefer(catalogue, verdict="left", **others):
    sides = {"left_by": "a" * 64, "right_by": "b" * 64}
    return catalogue.record_preference("r1", verdict, **sides, rater="ada", blind=True, **others)


def test_people_are_asked_once_for_a_pair_in_a_study_and_as_often_as_they_like_beside(catalogue):
    first = _prefer(catalogue, study=DIGEST, reason="names the dog")
    assert _prefer(catalogue, "right", study=DIGEST).id == first.id
    assert [row.verdict for row in catalogue.preferences(DIGEST)] == ["left"]
    for verdict in ("the same", "both are wrong"):
        _prefer(catalogue, verdict, details={"text": "a dog"})
    assert [row.verdict for row in catalogue.preferences()] == ["the same", "both are wrong"]
    with pytest.raises(InputError, match="which was better"):
        _prefer(catalogue, "neither")


@pytest.mark.parametrize("table", ["promotions", "verdicts", "model_versions", "preferences"])
@pytest.mark.parametrize("what", ["UPDATE {} SET lifecycle = 'x'", "DELETE FROM {}"])
def test_what_decides_is_only_ever_added_to(catalogue, table, what):
    catalogue.promote(MODEL, 1, None, "ada", "first")
    catalogue.record_verdict("key", policy="tiny", passed=False, version=1)
    catalogue.record_model_version(MODEL, 1, digest=DIGEST, run_key="key")
    _prefer(catalogue)
    column = "reason" if table in {"promotions", "preferences"} else "lifecycle"
    changed = what.format(table).replace("lifecycle", column)
    with pytest.raises(DBAPIError, match="rows are only ever added"):
        _run(catalogue, changed)
    assert catalogue.ledger(MODEL)[0].reason == "first"
    assert not catalogue.verdict_on(1).passed


def test_a_line_is_not_put_in_the_place_of_another(tmp_path):
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'catalogue.db'}")
    catalogue.migrate()
    catalogue.promote(MODEL, 1, None, "ada", "first")
    names = "model, sequence, version, kind, approver, reason, digest, created"
    for number in (1, 7):
        values = f"'{MODEL}', {number}, 2, 'promote', 'eve', 'evil', '', '2026-01-01 00:00:00'"
        ids, value = ("id, ", "1, ") if number == 7 else ("", "")
        with pytest.raises(DBAPIError, match="rows are only ever added"):
            _run(
                catalogue,
                f"INSERT OR REPLACE INTO promotions ({ids}{names}) VALUES ({value}{values})",  # noqa: S608
            )
    assert catalogue.champion(MODEL).version == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE promotions SET version = 1, digest = digest WHERE sequence = 2", "line 2 was"),
        ("UPDATE promotions SET approver = 'eve' WHERE sequence = 1", "line 1 was changed"),
        ("UPDATE promotions SET digest = 'x' WHERE sequence = 1", "line 1 was changed"),
        ("DELETE FROM promotions WHERE sequence = 1", "line 1 is missing"),
    ],
)
def test_a_ledger_altered_past_its_triggers_is_found(catalogue, change, said):
    for version in (1, 2, 3):
        catalogue.promote(MODEL, version, version - 1 or None, "ada", "better")
    assert catalogue.check_ledger(MODEL) == 3
    postgres = catalogue.engine.dialect.name == "postgresql"
    for statement in (
        ["ALTER TABLE promotions DISABLE TRIGGER ALL"]
        if postgres
        else [f"DROP TRIGGER promotions_no_{what}" for what in ("update", "delete")]
    ):
        _run(catalogue, statement)
    _run(catalogue, change)
    with pytest.raises(IntegrityError, match=f"ledger of any2caption: {said}"):
        catalogue.check_ledger(MODEL)


def test_a_line_and_what_it_has_to_bring_about_are_written_together(catalogue):
    assert catalogue.delivery(MODEL) is None
    catalogue.promote(MODEL, 1, None, "ada", "first")
    catalogue.mark_aliased(MODEL, 1)
    catalogue.mark_released(MODEL, 1)
    done = catalogue.delivery(MODEL)
    assert (done.sequence, done.version) == (1, 1)
    catalogue.mark_aliased(MODEL, 1)
    assert catalogue.delivery(MODEL).aliased == done.aliased is not None
    catalogue.promote(MODEL, 2, 1, "ada", "better")
    catalogue.mark_aliased(MODEL, 1)  # too late: that line is history
    catalogue.mark_released(MODEL, 1)
    waiting = catalogue.delivery(MODEL)
    assert (waiting.sequence, waiting.aliased, waiting.released) == (2, None, None)


def test_a_ledger_from_before_is_chained_by_the_upgrade(catalogue):
    for version in (1, 2):
        catalogue.promote(MODEL, version, version - 1 or None, "ada", "better")
    chained = [line.digest for line in catalogue.ledger(MODEL)]
    with as_file(files("any2caption.datasets") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        with catalogue.engine.execution_options(a2c_write=True).begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "0003_trust")
    catalogue.migrate()
    assert [line.digest for line in catalogue.ledger(MODEL)] == chained
    assert catalogue.check_ledger(MODEL) == 2
    assert catalogue.delivery(MODEL).version == 2


def test_of_promotions_and_rollbacks_at_once_one_wins_each_round(url):
    """A small run of bench/promotions.py, which has 16 writers and 200 rounds."""
    path = Path(__file__).parents[2] / "bench" / "promotions.py"
    found = runpy.run_path(str(path))["contend"](url, writers=8, rounds=6)
    assert found["wrong"] == 0, found
    assert sum(found["lines"].values()) == 6
