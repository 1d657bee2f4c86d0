"""What the watchdog decides: at once where it is sure, with patience and back-off where not."""

import itertools

import pytest

from any2caption.stack.watchdog.upkeep import (
    AT_ONCE,
    FORGET,
    HUNG,
    LONGEST_WAIT,
    PATIENCE,
    Memory,
    Progress,
    Seen,
    decide,
)

WELL = Seen("RUNNING", 500.0, "", 120.0)
SILENT = Seen("RUNNING", 500.0, "no answer", 120.0)


def actions(seen, seconds, step=3.0, memory=None):
    """Return the times at which something is done, and what is remembered at the end."""
    memory, done, now = memory or Memory(), [], 0.0
    while now < seconds:
        action, memory = decide(seen, memory, now)
        done += [now] if action else []
        now += step
    return done, memory


@pytest.mark.parametrize("state", ["STOPPED", "EXITED", "FATAL", "UNKNOWN"])
def test_a_stopped_service_is_started_at_once(state):
    action, memory = decide(Seen(state, 0.0, "", 120.0), Memory(), 10.0)
    assert action == "start"
    assert memory.repairs == 1


@pytest.mark.parametrize("state", ["STARTING", "BACKOFF", "STOPPING"])
def test_what_supervisord_is_at_is_left_to_it(state):
    assert decide(Seen(state, 0.0, "", 120.0), Memory(), 10.0)[0] is None


def test_a_healthy_service_is_left_alone():
    assert actions(WELL, 600.0)[0] == []


def test_a_running_service_is_restarted_only_after_it_was_silent_for_long():
    done, _ = actions(SILENT, PATIENCE + 1)
    assert done == [PATIENCE]


def test_one_good_answer_starts_the_patience_again():
    _, memory = actions(SILENT, PATIENCE - 1)
    _, memory = decide(WELL, memory, PATIENCE)
    assert decide(SILENT, memory, PATIENCE + 1)[0] is None


def test_a_service_that_just_started_gets_its_time():
    young = Seen("RUNNING", 119.0, "no answer", 120.0)
    assert actions(young, 600.0)[0] == []


def test_what_cannot_be_repaired_does_not_flap():
    done, _ = actions(Seen("FATAL", 0.0, "", 120.0), 3600.0)
    assert done[:AT_ONCE] == [0.0, 3.0, 6.0]
    gaps = [later - earlier for earlier, later in itertools.pairwise(done)]
    assert gaps == sorted(gaps)
    assert max(gaps) >= LONGEST_WAIT
    assert len(done) < 20


def test_a_part_that_stayed_well_is_repaired_at_once_again():
    _, memory = actions(Seen("FATAL", 0.0, "", 120.0), 600.0)
    assert memory.repairs > AT_ONCE
    _, memory = decide(WELL, memory, 600.0 + FORGET)
    assert memory == Memory()


def test_a_step_hangs_only_when_it_finishes_nothing_for_long():
    seen = Progress(7, 0.0)
    assert not seen.after(7, HUNG - 1).hung(HUNG - 1, HUNG)
    assert seen.after(7, HUNG).hung(HUNG, HUNG)
    assert not seen.after(8, HUNG).hung(HUNG, HUNG)
