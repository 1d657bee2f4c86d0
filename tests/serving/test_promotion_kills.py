"""`kill -9` at each step from the ledger's line to the live release; then all agree again.

After one run of the reconciler ledger, alias, server and the catalogue's rows name one version.
Real MLflow, Triton, catalogue and signals; the release's steps are fakes. Every fourth point runs
with the suite, all with A2C_ALL_KILLS=1.
"""

import functools
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from serving_lab import SERVE_PYTHON, Server, fake_repository

from any2caption.datasets.catalogue import Catalogue
from any2caption.orchestration import reconciler
from any2caption.registry import models, promotion
from any2caption.registry.client import MODEL
from any2caption.serving.client import CaptionClient
from any2caption.serving.releases import rollout
from any2caption.storage import signatures
from mlflow_server import mlflow_server

pytestmark = pytest.mark.server
CATALOGUE = "any2caption.datasets.catalogue.service:Catalogue"
ROLLOUT = "any2caption.serving.releases.rollout"
LIVE = "any2caption.serving.releases.live_repository:LiveRepository"
POINTS = (
    f"{CATALOGUE}.promote:before",
    f"{CATALOGUE}.promote:after",
    "any2caption.registry.models:set_alias:after",
    "between",
    f"{CATALOGUE}.record_release:after",
    f"{ROLLOUT}:build:after",
    f"{CATALOGUE}.record_deployment:after",
    f"{ROLLOUT}:_start_beside:after",
    f"{ROLLOUT}:_switch:after",
    f"{LIVE}.set_current:after",
    f"{CATALOGUE}.update_deployment:before",
    f"{CATALOGUE}.mark_released:before",
)
ROLLBACKS = (f"{CATALOGUE}.rollback:after", f"{ROLLOUT}:_switch:after")
if not os.environ.get("A2C_ALL_KILLS"):
    POINTS, ROLLBACKS = POINTS[1::4], ROLLBACKS[:1]


class Stack:
    """Triton, MLflow and a catalogue; every version is a bundle of its own."""

    def __init__(self, work, url, server, killer):
        self.work, self.killer, self.source = work, killer, fake_repository(work / "source")
        self.settings = server.settings(
            home=work / "home",
            mlflow_url=url,
            serve_python=str(SERVE_PYTHON),
            trial_boot=False,
            watch_seconds=0,
        )
        self.ledger = Catalogue(self.settings.catalogue_url)
        self.ledger.migrate()
        self.key = self.settings.triton_key.get_secret_value()

    def register(self):
        folder = self.work / f"bundle-{len(list(self.work.glob('bundle-*')))}"
        folder.mkdir()
        (folder / "weights").write_text(folder.name)
        signatures.sign(folder)
        found = models.register(self.settings, folder)
        self.ledger.record_model_version(MODEL, found.version, digest=found.digest, run_key="run")
        return found.version

    def order(self, point, version=0):
        """Run a promotion and its release (version 0: a rollback) that dies at `point`."""
        names = ("home", "triton_url", "triton_inner_url", "mlflow_url", "serve_python")
        told = {name: str(getattr(self.settings, name)) for name in names}
        told |= {"triton_key": self.key, "trial_boot": False, "watch_seconds": 0}
        order = {"settings": told, "source": str(self.source), "point": point, "version": version}
        order |= {"what": "promote" if version else "rollback", "key": f"promotes {version}"}
        self.killer.stdin.write(json.dumps(order) + "\n")
        self.killer.stdin.flush()
        return int(self.killer.stdout.readline())

    def settle(self):
        """Run the reconciler once; return the version on which all agree."""
        stands = reconciler.settle(self.settings, say=lambda _: None)
        with CaptionClient(self.settings.triton_url) as client:
            answers = client.caption("hello").info["release"]
        live = self.ledger.live_deployment(self.settings.triton_url).release
        pointer = rollout.live_repository(self.settings).current().release
        assert answers == live == pointer == stands.release
        assert self.ledger.release(answers).version == stands.live
        assert stands.agrees, stands
        assert self.ledger.delivery(MODEL).released is not None
        return stands.ledger


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    work = tmp_path_factory.mktemp("kills")
    (work / "mlflow").mkdir()
    killer = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("killed.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(work / "killed.log").open("w"),
        text=True,
    )
    server = Server(work / "home" / "triton")
    with mlflow_server(work / "mlflow") as url, pytest.MonkeyPatch.context() as patch:
        server.start()
        try:
            one = Stack(work, url, server, killer)
            release = functools.partial(rollout.run_release, source=one.source)
            patch.setattr(rollout, "run_release", release)
            with closing(one.ledger):
                assert one.order("", one.register()) == 0, (work / "killed.log").read_text()
                yield one
        finally:
            server.stop()
            killer.stdin.close()
            killer.wait(30)


@pytest.mark.parametrize("point", POINTS)
def test_a_promotion_killed_at_any_step_is_ended_by_one_run_of_the_reconciler(stack, point):
    before = stack.ledger.champion(MODEL).version
    version = stack.register()
    assert stack.order(point, version) == -signal.SIGKILL
    lines = stack.ledger.check_ledger(MODEL)
    assert stack.settle() == (before if point.endswith("promote:before") else version)
    assert stack.ledger.check_ledger(MODEL) == lines
    # The same request again: nothing is promoted twice.
    again = promotion.promote(
        stack.settings, version, "ann", "a test", force=True, key=f"promotes {version}"
    )
    assert again.changed == point.endswith("promote:before")
    if again.changed:
        assert stack.settle() == version


@pytest.mark.parametrize("point", ROLLBACKS)
def test_a_rollback_killed_at_any_step_is_ended_by_one_run_of_the_reconciler(stack, point):
    target = stack.ledger.rollback_target(MODEL)
    assert stack.order(point) == -signal.SIGKILL
    assert stack.settle() == target


def test_who_agrees_already_is_left_alone(stack):
    said = []
    before = stack.ledger.deployments(
        stack.ledger.live_deployment(stack.settings.triton_url).release
    )
    assert reconciler.settle(stack.settings, say=said.append).agrees
    after = stack.ledger.deployments(before[0].release)
    assert [row.id for row in before] == [row.id for row in after]
    assert said == []
