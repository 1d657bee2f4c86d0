import gzip
import json
from types import SimpleNamespace

import pytest
import torch

from any2caption.errors import ConfigError
from any2caption.training.loop.profiling import Profile, Steps, parse_steps
from any2caption.training.planning.plan import refuse_past
from any2caption.training.recipes.builtin import TINY

STEPS = TINY.stages[-1].steps


def test_a_trace_holds_the_chosen_steps_and_no_others(tmp_path):
    profile, files = Profile(Steps("interpret", 2, 3), tmp_path, 1), []
    for stage in ("align-camera", "interpret"):
        for step in range(5):
            profile.before(stage, step)
            with torch.profiler.record_function(f"{stage} {step}"):
                torch.ones(8) @ torch.ones(8)
            files.append(profile.after(step))
    (file,) = filter(None, files)
    assert file == tmp_path / "profile/interpret-2-3-rank1.json.gz"
    assert files.index(file) == 5 + 3
    with gzip.open(file) as content:
        names = {event.get("name") for event in json.load(content)["traceEvents"]}
    assert {"interpret 2", "interpret 3"} <= names
    assert not {"interpret 1", "interpret 4", "align-camera 2"} & names
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_stage_that_ends_early_leaves_the_steps_it_made(tmp_path):
    profile = Profile(Steps("pose", 1, 9), tmp_path, 0)
    profile.before("pose", 1)
    assert profile.after(1) is None
    assert profile.after(2, ends=True) == tmp_path / "profile/pose-1-2-rank0.json.gz"
    profile.before("camera", 1)
    assert profile.after(1, ends=True) is None


@pytest.mark.parametrize(
    ("does", "at", "said"),
    [
        ("resumes", 6, "goes on at step 6, behind 5"),
        ("done", 0, "is done"),
        ("skipped", 0, "is skip"),
    ],
)
def test_steps_that_a_resumed_run_does_not_make_are_refused(does, at, said):
    plans = [SimpleNamespace(name="pose", does=does, first_step=at)]
    with pytest.raises(ConfigError, match=said):
        refuse_past(Steps("pose", 5, 7), plans)
    refuse_past(Steps("pose", 5, 7), [SimpleNamespace(name="pose", does="resumes", first_step=5)])


def test_without_steps_nothing_is_written(tmp_path):
    profile = Profile(None, tmp_path, 0)
    profile.before("interpret", 0)
    assert profile.after(0) is None
    assert not list(tmp_path.iterdir())


def test_steps_are_read_from_the_option():
    assert parse_steps("interpret:20-24", TINY) == Steps("interpret", 20, 24)
    assert parse_steps("align-camera:3", TINY) == Steps("align-camera", 3, 3)
    assert parse_steps("", TINY) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("20-24", "must be STAGE:FIRST-LAST"),
        ("interpret:9-", "must be STAGE:FIRST-LAST"),
        ("nothing:1", "no stage 'nothing'; there are align-camera"),
        (f"interpret:{STEPS - 1}-{STEPS}", f"steps go from 0 to {STEPS - 1}"),
        ("interpret:9-3", f"steps go from 0 to {STEPS - 1}"),
        ("interpret:0-50", "at most 50 at a time"),
    ],
)
def test_impossible_steps_are_refused(text, said):
    with pytest.raises(ConfigError, match=said):
        parse_steps(text, TINY)
