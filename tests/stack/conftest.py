"""A stack of its own for tests: state under a temporary folder, free ports."""

import os

import pytest

from loopback import free_ports


def hidden(patch):
    """Hide the shell's own settings for a while, and undo what loading settings puts there."""
    for name in list(os.environ):
        if name.startswith(("A2C_", "AWS_", "MLFLOW_", "AIRFLOW_")):
            patch.delenv(name)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def choose_ports(patch):
    """Set free ports for every service by the environment; return the first."""
    first = free_ports(8)
    names = ("AIRFLOW", "MLFLOW", "TRITON_GRPC", "TRITON_METRICS", "S3")
    for offset, name in enumerate(names):
        patch.setenv(f"A2C_PORT_{name}", str(first + offset))
    return first


@pytest.fixture
def clean_environment(monkeypatch):
    """The environment of a shell that knows nothing of any stack."""
    yield from hidden(monkeypatch)


@pytest.fixture
def own_ports(clean_environment, monkeypatch):
    """Free ports for every service, set by the environment."""
    return choose_ports(monkeypatch)


@pytest.fixture(scope="module")
def module_ports():
    """The same for the tests of one module together."""
    with pytest.MonkeyPatch.context() as patch:
        for _ in hidden(patch):
            yield choose_ports(patch)
