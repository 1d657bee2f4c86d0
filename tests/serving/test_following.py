"""Which steps work on a request is told by those that do, and to nobody who did not ask."""

import pytest

from any2caption.errors import CancelledError
from any2caption.serving import contract
from any2caption.serving.following import STAGES, stage
from any2caption.serving.in_process import InProcess
from any2caption.serving.steps.cancellation import CancelFlags, new_token
from any2caption.serving.steps.progress import StepLog


@pytest.fixture
def log(tmp_path):
    flags = CancelFlags(tmp_path / "flags")
    flags.prepare()
    return StepLog(flags.folder)


def test_steps_that_began_and_have_not_ended_are_told_in_their_order(log):
    token = new_token()
    log.follow(token)
    assert log.running(token) == ()
    with log.working(token, "preprocess"):
        assert log.running(token) == ("preprocess",)
    with log.working(token, "endpoint"), log.working(token, "decoder"):
        assert log.running(token) == ("endpoint", "decoder")
    assert log.running(token) == ()
    log.forget(token)
    assert list(log.folder.iterdir()) == []


def test_a_request_that_nobody_follows_leaves_nothing(log):
    with log.working(new_token(), "preprocess"):
        assert list(log.folder.iterdir()) == []


def test_what_a_door_left_goes_with_the_flags(log):
    log.follow(new_token())
    CancelFlags(log.folder).sweep(0.0)
    assert list(log.folder.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "", "A" * 32])
def test_only_tokens_become_file_names(log, name):
    with pytest.raises(ValueError, match="no request token"):
        log.follow(name)


def test_every_step_of_a_release_has_its_stage():
    stages = [stage([step.name]) for step in contract.steps()]
    assert stages == sorted(stages)
    assert set(stages) == set(range(len(STAGES)))
    assert stage([]) == 0


def test_this_process_tells_its_steps_and_stops_when_told_to():
    told = []
    with InProcess() as here:
        here.caption("A dog runs.", follow=lambda running: told.extend(running) or True)
        assert list(dict.fromkeys(told)) == ["preprocess", "endpoint", "check"]
        with pytest.raises(CancelledError):
            here.caption("A dog runs.", follow=lambda running: "endpoint" not in running)
        assert here.caption("A dog runs.").writer == "compose"
