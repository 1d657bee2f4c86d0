import io
import json
from pathlib import Path

import numpy as np
import pytest

from any2caption.annotation.extractors import make_extractor
from any2caption.annotation.media import Media
from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.registry import parse_condition
from any2caption.errors import IntegrityError
from any2caption.perception import install, look_server, people, weights
from any2caption.perception.view import View

EXAMPLES = Path(__file__).parents[2] / "examples"


def pixels(name):
    from PIL import Image

    return np.asarray(Image.open(EXAMPLES / "images" / name).convert("RGB").resize((480, 480)))


@pytest.fixture(scope="module")
def found():
    return people.People(weights.folder())


def test_a_dog_and_a_drawn_figure_are_no_people(found):
    assert found.find(pixels("dog.jpg")) == []
    assert found.find(pixels("red_cartoon.jpg")) == []


def test_boxes_that_overlap_are_one_person():
    anchors = people._anchors()
    assert anchors.shape == (2254, 2)
    boxes, scores = np.zeros((2254, 12)), np.full(2254, -9.0)
    boxes[:, 2:4] = 80
    for at, logit in ((700, 3.0), (701, 2.0), (40, 1.5)):
        scores[at] = logit
    kept = people.detections(boxes, scores)
    assert [round(score, 2) for _, score in kept] == [0.95, 0.82]
    assert kept[0][0][0] == pytest.approx(anchors[700], abs=0.01)


def test_the_neck_lies_between_the_shoulders_and_hidden_points_are_missing():
    points = np.full((39, 3), 0.9)
    points[11], points[12], points[28] = (0.2, 0.4, 0.9), (0.4, 0.4, 0.8), (0.1, 0.1, 0.2)
    coco = people.coco_points(points)
    assert coco.shape == (18, 3)
    assert coco[1] == pytest.approx([0.3, 0.4, 0.8])
    assert not coco[10].any()


def test_people_keep_their_place_over_time():
    one, other = np.full((18, 3), 0.3), np.full((18, 3), 0.7)
    one[:, 1] += np.linspace(0, 0.2, 18)
    other[:, 1] += np.linspace(0, 0.2, 18)
    pose = people.pose_of([[one, other], [other, one], []], 1.5, 8.0)
    assert pose.keypoints.shape == (3, 2, 18, 3)
    assert pose.keypoints[0, 0] == pytest.approx(pose.keypoints[1, 0])
    assert people.pose_of([[], []], 1.0, 8.0).keypoints.shape == (2, 0, 18, 3)


def person(score):
    value = {"noun": "person", "number": 1, "names": ["person"], "kind": ""}
    return Fact("subject", "a person", Source("picture 1"), value, "estimated", score)


def thing(noun):
    value = {"noun": noun, "names": [noun], "kind": ""}
    return Fact("subject", f"a {noun}", Source("picture 1"), value, "estimated", 0.9)


def test_clothes_are_not_told_beside_who_wears_them():
    texts = [fact.text for fact in look_server.consistent([thing("coat"), person(0.7)])]
    assert texts == ["a person"]
    assert look_server.consistent([thing("coat")]) == [thing("coat")]


def test_a_dog_is_no_person_however_it_sits_but_may_have_one_beside_it():
    texts = [fact.text for fact in look_server.consistent([thing("dog"), person(0.7)])]
    assert texts == ["a dog"]
    assert len(look_server.consistent([thing("dog"), person(0.95)])) == 2


def test_a_clip_with_nobody_gives_no_pose():
    frames = np.zeros((2, 64, 64, 3), np.uint8)
    assert make_extractor("pose").extract(Media("a", frames, 8.0)) == []


def test_a_clip_gives_a_pose_condition_that_is_read_back(monkeypatch):
    points = np.column_stack([np.linspace(0.2, 0.4, 18), np.linspace(0.1, 0.9, 18), np.ones(18)])
    one = people.Person(points, 0.9)
    monkeypatch.setattr(people.People, "find", lambda _self, _pixels: [one])
    tool = make_extractor("people")
    (extracted,) = tool.extract(Media("a", np.zeros((3, 40, 80, 3), np.uint8), 8.0))
    first = json.loads(extracted.parts[0].data)["people"][0]["pose_keypoints_2d"]
    assert first[:3] == pytest.approx([16.0, 4.0, 1.0])
    pose = parse_condition("pose", extracted.parts, options=extracted.options).payload
    assert pose.keypoints.shape[:2] == (3, 1)
    assert pose.keypoints[0, 0, :, :2] == pytest.approx(points[:, :2], abs=1e-3)
    assert tool.version


def test_a_style_picture_is_not_looked_at_for_people():
    look = people.load(weights.folder())
    assert look(View(pixels("dog.jpg")[None], "picture 1", "style")) == []


def test_a_package_with_another_digest_is_refused(monkeypatch):
    install._pose_package.cache_clear()
    monkeypatch.setattr(install.shutil, "which", lambda _: None)
    monkeypatch.setattr(install.urllib.request, "urlopen", lambda *_a, **_k: io.BytesIO(b"other"))
    with pytest.raises(IntegrityError, match="not the package that was pinned"):
        install._pose_package()


def test_nothing_is_written_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(install, "WEIGHTS", {"a": lambda path: path.write_bytes(b"1")})
    assert [path.name for path in install.install(tmp_path)] == ["a"]
    assert install.install(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
