"""A generator of one entry: its prompt where it is asked for, its clips where they are served."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import ConfigError
from any2caption.generation.base import Clip, Report
from any2caption.generation.registry import GENERATORS, make_generator
from any2caption.serving import contract
from any2caption.serving.in_process import InProcess

TEXT = "A red ball rolls through a quiet kitchen while the camera pans left."

# What follows from the entry is made when modules load, as it is for an entry in the source.
READER = """
import sys
from any2caption.captions.generators import GENERATORS, Generator

GENERATORS["zoetrope"] = Generator("zoetrope", "T5", 24, 1, takes=frozenset({"depth"}))
from any2caption.cli.main import main
main()
"""


def asked(generator, text=TEXT):
    command = ["caption", "--local", "--json", "--for", generator, "--text", text]
    return subprocess.run(
        [sys.executable, "-c", READER, *command], capture_output=True, text=True, check=False
    )


def test_a_prompt_of_one_entry_is_offered_compiled_and_told():
    prompt = json.loads(asked("zoetrope").stdout)["prompt"]
    assert (prompt["generator"], prompt["budget"]) == ("zoetrope", 24)
    assert 0 < prompt["tokens"] <= 24
    assert prompt["dropped"]  # a whole caption is longer
    assert "zoetrope" in asked("kinetoscope").stderr  # those there are


class Grey:
    """A generator of one module: the first word's length as grey, frame by frame lighter."""

    name = "grey"

    def render(self, caption, *, seconds, fps, size, seed):
        assert seed == 0
        grey = 10 * len(caption.dense.split()[0])
        shades = np.arange(round(seconds * fps), dtype=np.uint8) + grey
        frames = np.broadcast_to(shades[:, None, None, None], (len(shades), size, size, 3))
        report = Report(self.name, {"first word": caption.dense.split()[0]}, ("all is grey",))
        return Clip(np.ascontiguousarray(frames), fps, report)


def test_a_generator_of_one_entry_is_served_by_its_name(monkeypatch):
    monkeypatch.setitem(GENERATORS, "grey", Grey)
    monkeypatch.setitem(contract.PREVIS.parameters, "generator", "grey")
    for release in (None, contract.NO_MODEL):
        config = contract.compile_repository(release)["previs/config.pbtxt"]
        assert re.search(r'"generator" value \{ string_value: "grey" \}', config)
    with InProcess() as here:
        result = here.caption(TEXT, video=True)
    first = result.caption.dense.split()[0]
    assert result.report["generator"] == "grey"
    assert result.report["understood"] == {"first word": first}
    assert result.report["assumptions"] == ["all is grey"]
    assert result.report["w2c"] is None
    clip = parse_condition("video", [Part("clip.mp4", result.video)]).payload
    assert clip.frames.shape == (30, 256, 256, 3)
    assert clip.frames[0].mean() == pytest.approx(10 * len(first), abs=4)
    assert clip.frames[-1].mean() == pytest.approx(10 * len(first) + 29, abs=4)


def test_a_generator_that_is_not_there_is_refused_where_it_is_named(monkeypatch):
    with pytest.raises(ConfigError, match="there is no generator 'wan'; there are: previs"):
        make_generator("wan")
    monkeypatch.setitem(contract.PREVIS.parameters, "generator", "wan")
    with InProcess() as here, pytest.raises(ConfigError, match="'wan'"):
        here.caption(TEXT, video=True)
