"""What control tasks decide by: the catalogue's rows, never MLflow's tags."""

from datetime import UTC, datetime, timedelta

import pytest

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.datasets.catalogue import Catalogue
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import publish
from any2caption.errors import ConfigError, ConflictError, GateRefused, NotFoundError
from any2caption.orchestration import actions
from any2caption.orchestration.jobs import job_spec
from any2caption.progress import ProgressLog
from any2caption.registry.client import MODEL
from any2caption.serving.releases.rollout import live_repository
from any2caption.settings import Settings
from any2caption.storage import open_store

RUN, SNAPSHOT = "0123456789abcdef", "ab" * 32


@pytest.fixture
def settings(tmp_path):
    """Settings whose MLflow does not answer: whoever asks it fails."""
    return Settings(home=tmp_path / "home", mlflow_url="http://127.0.0.1:9")


@pytest.fixture
def catalogue(settings):
    catalogue = Catalogue(settings.catalogue_url)
    catalogue.migrate()
    yield catalogue
    catalogue.close()


def register(catalogue, run=RUN):
    catalogue.record_training_run(run, snapshot_id=SNAPSHOT, preset="tiny", recipe="smoke")
    catalogue.record_model_version(MODEL, 1, digest="d" * 64, run_key=run)


REQUEST = {"version": 1, "policy": "tiny", "lifecycle": "life"}


def test_an_evaluation_is_planned_from_the_catalogue_alone(settings, catalogue):
    register(catalogue)
    job_spec.bundle(settings, RUN).mkdir(parents=True)
    planned = actions.plan_evaluation(settings, REQUEST)
    assert planned["snapshot"] == SNAPSHOT
    assert (planned["run"], planned["preset"], planned["recipe"]) == (RUN, "tiny", "smoke")
    assert planned["champion"] == 0
    assert planned["evaluation"] == job_spec.evaluation_name(planned)


def test_a_champion_keeps_the_report_on_the_same_snapshot_only(settings, catalogue):
    register(catalogue)
    job_spec.bundle(settings, RUN).mkdir(parents=True)
    catalogue.promote(MODEL, 1, None, "ann", "first")
    fresh = actions.plan_evaluation(settings, REQUEST)["evaluation"]
    former = settings.runs / RUN / "evaluation" / f"{fresh}-vs-7" / "report.json"
    former.parent.mkdir(parents=True)
    former.write_text("{}")
    assert actions.plan_evaluation(settings, REQUEST)["evaluation"] == f"{fresh}-vs-7"
    other = actions.plan_evaluation(settings, {**REQUEST, "snapshot": "cd" * 32})["evaluation"]
    assert other not in {fresh, f"{fresh}-vs-7"}


@pytest.mark.parametrize("run", ["../../etc", "..", "a/b"])
def test_a_run_key_that_leads_elsewhere_is_refused(settings, catalogue, run):
    register(catalogue, run)
    with pytest.raises(ConfigError, match="is not a name of a training run"):
        actions.plan_evaluation(settings, REQUEST)
    assert not (settings.home / "runs").exists()


def test_a_version_that_the_catalogue_does_not_know_is_not_evaluated(settings, catalogue):
    with pytest.raises(NotFoundError, match="does not know version 1 of any2caption"):
        actions.plan_evaluation(settings, REQUEST)


def test_only_the_champion_is_released(settings, catalogue):
    with pytest.raises(NotFoundError, match="no champion to release"):
        actions.release(settings, {"lifecycle": "life", "version": 1})
    register(catalogue)
    catalogue.promote(MODEL, 1, None, "ann", "first")
    with pytest.raises(ConflictError, match="version 2 is not released: the champion is version 1"):
        actions.release(settings, {"lifecycle": "life", "version": 2})


def test_a_champion_whose_release_never_began_or_never_ended_is_found(settings, catalogue):
    assert actions.unreleased(settings) is None
    earlier = catalogue.record_release(MODEL, 1, digest="d" * 64).number
    catalogue.record_deployment(earlier, target="local", status="live")
    catalogue.promote(MODEL, 1, None, "ann", "first")
    assert actions.unreleased(settings) is None  # its event may be on its way
    later = datetime.now(UTC) + timedelta(minutes=6)
    assert actions.unreleased(settings, now=later) == 1
    begun = catalogue.record_deployment(earlier, target="local", status="rolling out").id
    assert actions.unreleased(settings) is None  # it may not have the server's lock yet
    with live_repository(settings).exclusive():
        assert actions.unreleased(settings, now=later) is None
    assert actions.unreleased(settings, now=later) == 1  # its process died
    assert catalogue.deployments(earlier)[0].status == "interrupted"
    catalogue.update_deployment(begun, status="failed", message="does not boot")
    assert actions.unreleased(settings, now=later) is None  # it said so: a person decides
    catalogue.record_deployment(earlier, target=settings.triton_url, status="live")
    assert actions.unreleased(settings, now=later) is None
    assert catalogue.delivery(MODEL).released is not None


def test_a_policy_that_does_not_exist_is_refused_before_the_training(settings, catalogue):
    request = {"lifecycle": "life", "preset": "tiny", "recipe": "paper", "policy": "none"}
    with pytest.raises(ConfigError, match="unknown gate policy 'none'"):
        actions.plan_training(settings, {**request, "snapshot": SNAPSHOT})
    with pytest.raises(NotFoundError):
        catalogue.training_run(RUN)


def test_a_snapshot_that_could_never_be_judged_is_refused_before_the_training(settings, catalogue):
    caption = dict.fromkeys(PARTS, "A red ball rolls over a lawn.")
    few = [
        Record(id=f"r{n}", source="s", licence="CC0-1.0", split="test", prompt="A red ball",
               conditions=(), caption=StructuredCaption(**caption))
        for n in range(5)
    ]  # fmt: skip
    snapshot = publish(open_store(settings.object_store), few).id
    request = {"lifecycle": "life", "preset": "tiny", "recipe": "tiny", "policy": "tiny"}
    with pytest.raises(GateRefused, match="six parts in every caption: 5 to be measured"):
        actions.plan_training(settings, {**request, "snapshot": snapshot})
    with pytest.raises(NotFoundError):
        catalogue.training_run(RUN)
    told = [line["message"] for _, line in ProgressLog(settings.progress_log, "life").read()]
    assert any("will see all: 5 records of 1 scenes" in one for one in told)
