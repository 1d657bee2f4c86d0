"""Every kind of the registry goes through all that asks for kinds: one that is forgotten fails."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from any2caption.conditions.fact import Fact
from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.inspect.preview import draw_preview
from any2caption.conditions.registry import KINDS, condition_facts, input_name
from any2caption.conditions.types import (
    Condition,
    DrawnPose,
    MaskedImage,
    Normals,
    Region,
    Regions,
    Segmentation,
    Sketch,
)
from any2caption.datasets.ingest.probe import summarise
from any2caption.endpoints.pictures import condition_pictures
from any2caption.evaluation.reports.thumbnails import picture_of
from any2caption.model.processing.processor import LABELS, TOWERS

from .conftest import make_conditions

WORDS = ("text",)  # not a picture to anybody
BY_WORDS = ("text", "camera")  # told to annotators in words


def every_kind():
    conditions = make_conditions(np.random.default_rng(5))
    ids = np.zeros((3, 20, 30), np.int32)
    ids[:, 5:9, 5:9] = 2
    strokes = np.zeros((4, 20, 30), np.uint8)
    strokes[::2, 4] = 255
    vectors = np.zeros((2, 20, 30, 3), np.float32)
    vectors[..., 2] = 1
    picture = np.full((20, 30, 3), 90, np.uint8)
    box = Region("red car", "box", np.array([[0.1, 0.2], [0.5, 0.6]]))
    drawing = np.zeros((5, 40, 40, 3), np.uint8)
    drawing[:, 10:30, 20] = 255
    found = {
        "text": "a red car",
        "segmentation": Segmentation(ids),
        "sketch": Sketch(strokes, strokes.any((1, 2))),
        "normal": Normals(vectors),
        "masked_image": MaskedImage(picture, np.zeros((20, 30), np.bool_)),
        "region": Regions(((box,), ()), picture),
    }
    made = {kind: Condition(kind, payload, "x") for kind, payload in found.items()}
    drawn = Condition("pose", DrawnPose(drawing, 8.0), "drawn pose video")
    return {**conditions, **made, "pose, drawn": drawn}


CONDITIONS = every_kind()


def test_there_is_an_example_of_every_kind_of_the_registry():
    assert {one.kind for one in CONDITIONS.values()} == set(KINDS)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_kind_is_described_and_probed_alike(name):
    told = describe(CONDITIONS[name])
    probed = summarise(CONDITIONS[name])
    assert json.loads(json.dumps(told))["kind"] == CONDITIONS[name].kind
    assert told["frames"] == probed.frames >= 1
    for side in ("height", "width"):
        assert told.get(side) == getattr(probed, side)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_kind_states_facts_under_its_own_word(name):
    condition = CONDITIONS[name]
    facts = condition_facts(condition)
    assert bool(facts) == (condition.kind not in WORDS)
    assert len(facts) <= 12
    for fact in facts:
        assert fact.source.input == input_name(condition) == f"{LABELS[condition.kind]} 1"
        assert fact.text
        assert not fact.text.endswith(".")
        assert (fact.certainty == "exact") == (fact.confidence == 1)
        assert Fact.from_json(json.loads(json.dumps(fact.as_json()))).text == fact.text


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_kind_is_shown_to_people(name, tmp_path):
    condition = CONDITIONS[name]
    assert bool(picture_of(condition)) == (condition.kind not in WORDS)
    shown = condition_pictures([replace(condition, role="reference")])
    assert bool(shown) == (condition.kind not in BY_WORDS)
    if condition.kind not in WORDS:
        draw_preview(condition, tmp_path / "preview.png")
        assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_kind_reaches_its_encoder_under_its_own_word(name, processor):
    condition = CONDITIONS[name]
    inputs = processor.assemble("x", [processor.features(condition)])
    said = processor.tokenizer.decode(inputs.input_ids.tolist(), skip_special_tokens=False)
    rows = {
        "vision": len(inputs.vision_grid),
        "motion": len(inputs.motion_grid),
        "camera": len(inputs.camera_poses),
    }
    if condition.kind in WORDS:
        assert not any(rows.values())
        return
    assert f"{LABELS[condition.kind]} 1" in said
    assert [tower for tower, count in rows.items() if count] == [TOWERS[condition.kind]]


def test_a_new_kind_with_a_form_of_its_own_is_one_module_and_one_entry(tmp_path):
    """In a process of its own, so that the registry has the kind before anything asks it."""
    script = Path(__file__).with_name("made_up_kind.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["detected"] == ["heat", "heat text"]
    assert found["described"]["kind"] == "heat"
    assert found["described"]["warmest"] == 54
    sizes = [found["described"][name] for name in ("frames", "height", "width")]
    assert sizes == found["probed"] == [1, 24, 32]
    assert found["shown"][0] == 1
    assert found["shown"][-1] == 3
    assert found["wired"] == sum(x + y for x in range(32) for y in range(24))
    assert found["thumbnail"].startswith("<img ")
    assert found["pictures"] == found["vision"] == 1
    assert found["expectations"] > 0
    assert found["configs"]
    assert found["documented"]
    assert (tmp_path / "preview.png").stat().st_size > 100
