import gzip
import json

import pytest
import torch

from any2caption.errors import ConfigError
from any2caption.training.profiling import Profile, Steps, parse_steps
from any2caption.training.recipes import TINY


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
        ("interpret:1499-1500", "steps go from 0 to 1499"),
        ("interpret:9-3", "steps go from 0 to 1499"),
        ("interpret:0-50", "at most 50 at a time"),
    ],
)
def test_impossible_steps_are_refused(text, said):
    with pytest.raises(ConfigError, match=said):
        parse_steps(text, TINY)
