"""Parallel work in order, bounded, and alive after a worker's death."""

import os
import signal
from pathlib import Path

import pytest

from any2caption.datasets.ingest.pool import Crashed, WorkerPool
from any2caption.errors import UnavailableError


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Let worker processes import this file, under the name that pytest gives it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))


def prepare(value):
    os.environ["A2C_TEST_POOL"] = value


def double(items):
    return [f"{os.environ['A2C_TEST_POOL']}{2 * item}" for item in items]


def die_at_13(items):
    if 13 in items:
        os.kill(os.getpid(), signal.SIGKILL)
    return items


def unavailable(_):
    raise UnavailableError("the store does not answer")


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_from_prepared_workers(workers, monkeypatch):
    monkeypatch.setenv("A2C_TEST_POOL", "")
    with WorkerPool(workers, prepare, ("v",)) as pool:
        found = list(pool.map(double, range(50), chunk=8))
        assert list(pool.map(double, [])) == []
    assert found == [(item, f"v{2 * item}") for item in range(50)]


def test_an_item_that_kills_its_worker_is_reported_and_the_others_are_done():
    with WorkerPool(2, prepare, ("v",)) as pool:
        found = dict(pool.map(die_at_13, range(40), chunk=4))
    assert found.pop(13) == Crashed()
    assert found == {item: item for item in range(40) if item != 13}


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_that_are_no_fault_of_an_item_end_the_run(workers):
    with (
        WorkerPool(workers, prepare, ("v",)) as pool,
        pytest.raises(UnavailableError, match="does not answer"),
    ):
        list(pool.map(unavailable, [1, 2, 3]))


def cannot_start(_):
    raise OSError("no such device")


def test_workers_that_cannot_start_are_no_fault_of_the_items():
    with (
        WorkerPool(2, cannot_start, ("v",)) as pool,
        pytest.raises(UnavailableError, match="cannot start"),
    ):
        list(pool.map(double, range(40)))


def test_no_process_is_started_for_nothing():
    with WorkerPool(2, prepare, ("v",)) as pool:
        assert list(pool.map(double, [])) == []
        assert pool._pool is None
