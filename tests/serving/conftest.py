import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from serving_lab import Server, fake_release

from any2caption.serving.releases.rollout import rollout


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running Triton with an empty repository."""
    one = Server(tmp_path_factory.mktemp("triton"))
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def control(server):
    with server.control() as one:
        yield one


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """Where fake releases are built."""
    return tmp_path_factory.mktemp("workshop")


@pytest.fixture(scope="module")
def fake(server, control, workshop):
    """Release 1 of the fake steps, served."""
    release = fake_release(workshop, 1)
    rollout(release, control, server.live)
    return release
