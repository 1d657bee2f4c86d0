import math
import os
from dataclasses import replace

import pytest

from any2caption.datasets.ingest.engine import ingest
from any2caption.datasets.snapshots import publish
from any2caption.datasets.synthetic.corpus import make_corpus
from any2caption.settings import Settings
from any2caption.storage import open_store
from any2caption.training.data.prepared import Prepared
from any2caption.training.prepare.preparation import Preparation
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import SMOKE
from any2caption.training.run_spec import RunSpec


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    return Settings(home=tmp_path_factory.mktemp("home"), object_store="")


@pytest.fixture(scope="session")
def snapshot(settings):
    store = open_store(settings.object_store)
    make_corpus(store, "corpus", scenes=40, seed=11, workers=1)
    return publish(store, ingest(store, "corpus", store, workers=1).records)


@pytest.fixture(scope="session")
def folder(settings, snapshot):
    return prepare(settings, tiny_of(snapshot.id), settings.home / "data", workers=1)


@pytest.fixture(scope="session")
def data(folder):
    return Prepared(folder)


def short(steps: int = 3, **changes):
    """The smoke recipe with a few steps a stage and no time limit."""
    stages = tuple(replace(stage, steps=steps, batch=4) for stage in SMOKE.stages)
    return replace(SMOKE, stages=stages, max_minutes=math.inf, **changes)


def run_of(recipe, data, out, **values):
    """What a run of the tiny preset on one rank is started with."""
    given = {"preset": "tiny", "world_size": 1, "progress": out / "progress.jsonl", **values}
    return RunSpec(recipe=recipe, data=data, out=out, **given)


def tiny_of(snapshot, recipe=SMOKE, **values):
    """What data of the tiny preset are prepared from."""
    return Preparation(snapshot=snapshot, preset="tiny", recipe=recipe, **values)


def stop_after(run, steps, monkeypatch):
    """Let a trainer's run be asked to stop when it has made so many steps."""
    advance = run._advance

    def counted(*args):
        advance(*args)
        run.stopping = run.position.total_steps >= steps

    monkeypatch.setattr(run, "_advance", counted)


@pytest.fixture(scope="session")
def alone():
    """A process group of one rank in this process."""
    os.environ.update(
        RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", MASTER_ADDR="127.0.0.1", DS_ACCELERATOR="cpu"
    )
    from any2caption.training.engine.distributed import connect
    from any2caption.training.launch.supervisor import free_port

    os.environ["MASTER_PORT"] = str(free_port())
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield connect()
    torch.set_num_threads(threads)
