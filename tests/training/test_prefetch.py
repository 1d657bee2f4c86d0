import threading

import pytest

from any2caption.training.data.prefetch import Prefetcher


def test_batches_come_in_order_and_are_made_before_they_are_asked_for():
    made, done = [], threading.Event()

    def source(step, rank, world_size):
        made.append((step, rank, world_size))
        if step == 1:
            done.set()
        return step * 10 + rank

    with Prefetcher(source, 4) as batches:
        assert batches(0, 1, 2) == 1
        assert done.wait(5)  # nobody asked for step 1 yet
        assert [batches(step, 1, 2) for step in (1, 2, 3)] == [11, 21, 31]
    assert made == [(step, 1, 2) for step in range(4)]  # each once, none after the last


def test_the_parts_of_a_step_are_each_made_ahead():
    made = []

    def source(step, rank, world_size):
        made.append((step, rank))
        return step, rank

    with Prefetcher(source, 3) as batches:
        for step in range(3):
            assert [batches(step, rank, 2) for rank in (0, 1)] == [(step, 0), (step, 1)]
    assert len(made) == len(set(made)) == 6


def test_an_error_is_raised_where_its_batch_is_asked_for():
    def source(step, rank, world_size):
        if step == 1:
            raise ValueError("damaged record")
        return step

    with Prefetcher(source, 9) as batches:
        assert batches(0, 0, 1) == 0
        with pytest.raises(ValueError, match="damaged record"):
            batches(1, 0, 1)


def test_a_step_out_of_order_is_made_all_the_same():
    with Prefetcher(lambda step, rank, world_size: step, 100) as batches:
        assert [batches(step, 0, 1) for step in (5, 6, 40, 2)] == [5, 6, 40, 2]
