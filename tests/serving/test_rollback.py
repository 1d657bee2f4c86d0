"""`a2c rollback` serves the former champion without Airflow and MLflow, or changes nothing."""

import os
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from serving_lab import SERVE_PYTHON, Server, fake_repository

from any2caption.datasets.catalogue import Catalogue
from any2caption.errors import A2CError, ConflictError, UnavailableError
from any2caption.orchestration import actions
from any2caption.serving.client import CaptionClient
from any2caption.serving.releases import recall, rollout
from any2caption.serving.releases.rollout import run_release
from any2caption.storage import signatures
from any2caption.storage.digest import folder_digest
from small_disk import fill, small_disk

pytestmark = pytest.mark.server
MODEL = "any2caption"
KEY = "the-first-rollback"


@contextmanager
def a_stack(home, work):
    """Versions 1 and 2 were champions one after the other; release 2 serves."""
    server = Server(home / "triton")
    server.start()
    settings = server.settings(
        home=home,
        serve_python=str(SERVE_PYTHON),
        mlflow_url="http://127.0.0.1:9",  # nobody there: a rollback must not need it
        trial_boot=False,
        watch_seconds=0,
    )
    source = fake_repository(work / "source")
    try:
        with closing(Catalogue(settings.catalogue_url)) as catalogue:
            catalogue.migrate()
            for version in (1, 2):
                bundle = work / f"v{version}"
                bundle.mkdir(parents=True)
                (bundle / "weights").write_text(f"weights {version}")
                signatures.sign(bundle)
                digest = folder_digest(bundle)
                catalogue.record_model_version(MODEL, version, digest=digest, run_key="run")
                catalogue.promote(MODEL, version, version - 1 or None, "ann", "better")
                run_release(settings, bundle, version, source=source)
        yield settings
    finally:
        server.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Its state folder is on a disk of 8 MB."""
    work = tmp_path_factory.mktemp("rollback")
    with small_disk(work / "disk", 8 << 20) as home, a_stack(home, work) as settings:
        yield settings


def state(settings):
    """The champion by the ledger, the version that answers, and what the rows call live."""
    with closing(Catalogue(settings.catalogue_url)) as catalogue:
        champion = catalogue.champion(MODEL).version
        live = catalogue.live_deployment(settings.triton_url).release
        with CaptionClient(settings.triton_url) as client:
            answers = client.caption("hello").info["release"]
        pointer = rollout.live_repository(settings).current().release
        assert answers == live == pointer
        return champion, catalogue.release(answers).version


def a2c(settings, *arguments):
    names = ("home", "triton_url", "triton_inner_url", "mlflow_url")
    env = {f"A2C_{name.upper()}": str(getattr(settings, name)) for name in names}
    env["A2C_TRITON_KEY"] = settings.triton_key.get_secret_value()
    return subprocess.run(
        [str(Path(sys.executable).with_name("a2c")), *arguments],
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_full_disk_refuses_the_rollback_before_anything_changes(stack):
    before = state(stack)
    filler = fill(stack.home)
    try:
        done = a2c(stack, "rollback", "--approver", "ann", "--reason", "worse")
    finally:
        filler.unlink()
    assert done.returncode == UnavailableError.exit_code
    assert done.stdout == ""
    assert "a rollback needs" in done.stderr.splitlines()[-1]
    assert state(stack) == before == (2, 2)


def test_a_former_release_that_was_altered_is_not_served_again(stack):
    before = state(stack)
    code = rollout.live_repository(stack).releases / "1" / "repository" / "decoder" / "1/model.py"
    kept = code.read_bytes()
    code.chmod(0o644)
    code.write_bytes(kept + b"import os\n")
    try:
        # What is here does not count, so MLflow would have to have the bundle.
        with pytest.raises(UnavailableError, match="MLflow"):
            actions.roll_back(stack, approver="ann", reason="worse", say=lambda _: None)
    finally:
        code.write_bytes(kept)
    assert state(stack) == before == (2, 2)


def test_a_rollback_that_cannot_be_served_leaves_ledger_and_server_in_agreement(stack):
    said = []
    with (
        rollout.live_repository(stack).exclusive(),
        pytest.raises(ConflictError, match="another rollout"),
    ):
        actions.roll_back(stack, approver="ann", reason="worse", say=said.append)
    assert state(stack) == (2, 2)
    assert said[-1].startswith("ledger: version 2 is champion again")
    with closing(Catalogue(stack.catalogue_url)) as catalogue:
        lines = [(line.kind, line.version) for line in catalogue.ledger(MODEL)]
        assert lines[-2:] == [("rollback", 1), ("undo", 2)]
        assert "another rollout" in catalogue.champion(MODEL).reason


def test_a_disk_full_of_half_folders_is_cleared_and_the_rollback_is_served(stack):
    half = rollout.live_repository(stack).releases / ".9-dead"
    half.mkdir()
    fill(half)
    done = a2c(stack, "rollback", "--approver", "ann", "--reason", "worse", "--key", KEY)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "version 1 is champion now (before: 2), release 1 serves it\n"
    assert "ledger: version 1 is champion (before: 2)" in done.stderr
    assert "serving: release 1 of version 1 answers" in done.stderr
    assert not half.exists()
    assert state(stack) == (1, 1)


def test_a_rollback_sent_again_goes_no_second_step_back(stack):
    with closing(Catalogue(stack.catalogue_url)) as catalogue:
        before = len(catalogue.ledger(MODEL))
        again = a2c(stack, "rollback", "--approver", "ann", "--reason", "worse", "--key", KEY)
        assert again.returncode == 0, again.stderr
        said = "version 1 was champion already (before: 2), release 1 serves it\n"
        assert again.stdout == said
        assert len(catalogue.ledger(MODEL)) == before
    assert state(stack) == (1, 1)


def test_a_rollback_that_was_killed_before_it_served_serves_when_it_is_sent_again(stack):
    with closing(Catalogue(stack.catalogue_url)) as catalogue:
        catalogue.promote(MODEL, 2, 1, "ann", "wrong alarm")
        two = recall.find_release(stack, catalogue, 2)
        recall.serve_again(stack, catalogue, two, say=lambda _: None)
        assert state(stack) == (2, 2)
        catalogue.rollback(MODEL, "ann", "worse", key="killed")
        actions.roll_back(stack, approver="ann", reason="worse", key="killed", say=lambda _: None)
    assert state(stack) == (1, 1)


def test_without_a_former_champion_nothing_changes(stack):
    with pytest.raises(A2CError, match="no earlier champion"):
        actions.roll_back(stack, approver="ann", reason="worse", say=lambda _: None)
    assert state(stack) == (1, 1)
