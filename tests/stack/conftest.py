"""A stack of its own for tests: state under a temporary folder, free ports."""

import os
import socket

import pytest


def free_ports(count: int) -> int:
    """Return the first of `count` consecutive free ports."""
    for start in range(20000 + os.getpid() % 20000, 60000, 11):
        probes = []
        try:
            for number in range(start, start + count):
                probe = socket.socket()
                probe.bind(("127.0.0.1", number))
                probes.append(probe)
        except OSError:
            continue
        else:
            return start
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no free ports")


@pytest.fixture
def clean_environment(monkeypatch):
    """Hide the shell's own settings, and undo what loading settings puts there."""
    for name in list(os.environ):
        if name.startswith(("A2C_", "AWS_", "MLFLOW_", "AIRFLOW_")):
            monkeypatch.delenv(name)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def own_ports(clean_environment, monkeypatch):
    """Free ports for every service, set by the environment."""
    first = free_ports(8)
    names = ("AIRFLOW", "MLFLOW", "TRITON_GRPC", "TRITON_METRICS", "S3")
    for offset, name in enumerate(names):
        monkeypatch.setenv(f"A2C_PORT_{name}", str(first + offset))
    return first
