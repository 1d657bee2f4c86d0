from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from any2caption.captions.actions import action_phrases, gerund
from any2caption.captions.lexicon import CAMERAS, PERSON_ACTIONS
from any2caption.conditions.body.movements import ACTIONS
from any2caption.conditions.camera.vocabulary import PHRASES
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part, Pose
from any2caption.datasets.ingest.probe import summarise
from any2caption.datasets.supervision import phrases
from any2caption.datasets.supervision.phrases import camera_phrases, mine, phrase_sets, pose_phrases

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(
    ("caption", "phrases"),
    [
        # GenDoP's captions
        (
            (
                "The camera moves right while yawing left, then shifts right and forward, and"
                " finally remains static."
            ),
            {"trucks right", "pans left", "dollies in", "holds still"},
        ),
        (
            (
                "The camera starts static, moves down to reveal clouds, pitches up to show more"
                " formations, and returns to a static position."
            ),
            {"holds still", "pedestals down", "tilts up"},
        ),
        ("Fixed shot, eye level.", {"holds still"}),
        ("The camera moves backward slowly, then pans right.", {"dollies out", "pans right"}),
        ("Handheld camera following the runner.", {"follows the subject", "is handheld"}),
        ("Medium shot at eye level.", set()),
    ],
)
def test_camera_phrases_of_real_captions(caption, phrases):
    assert set(camera_phrases(caption)) == phrases


def test_every_movement_of_the_vocabulary_is_mined():
    for term in CAMERAS:
        assert camera_phrases(f"The camera {term.phrase}.") == (PHRASES[term.key][0],)


@pytest.mark.parametrize(
    ("caption", "phrases"),
    [
        (  # ReCamMaster's
            (
                "A man and a woman are dancing together on a city street at dusk. The woman is"
                " wearing a yellow dress, twirling."
            ),
            ("dancing", "twirling"),
        ),
        ("A person walks forward and stops.", ("walking",)),
        ("A person marches forward, turns around.", ("marching",)),
        ("The subject remains still beside the building.", ("standing still",)),
        ("A short walk along the climbing wall; two kicks.", ()),
    ],
)
def test_action_phrases_of_real_captions(caption, phrases):
    assert action_phrases(caption) == phrases


def test_every_action_of_the_vocabulary_is_mined():
    for term in PERSON_ACTIONS:
        assert action_phrases(f"The person is {term.phrase}."), term


def test_gerunds_are_spelled_rightly():
    assert [gerund(v) for v in ("walk", "dance", "run", "lie", "see", "carry")] == [
        "walking", "dancing", "running", "lying", "seeing", "carrying",
    ]  # fmt: skip


def record(kind, text, movements=()):
    condition = SimpleNamespace(kind=kind, movements=movements)
    caption = SimpleNamespace(camera=text, action=text)
    return SimpleNamespace(conditions=(condition,), caption=caption)


def test_geometry_speaks_where_the_caption_says_nothing():
    silent = record("camera", "A wide view.", ("truck_left", "pan_right"))
    found = mine(silent)["camera"]
    assert (found.phrases, found.origin) == (("trucks left", "pans right"), "geometry")
    said = mine(record("camera", "It pans left.", ("truck_left",)))["camera"]
    assert (said.phrases, said.origin) == (("pans left",), "caption")


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_of_a_pose_has_a_phrase(action, monkeypatch):
    movement = SimpleNamespace(action=action)
    monkeypatch.setattr(phrases, "pose_movements", lambda _: [movement])
    (phrase,) = pose_phrases(None)
    assert phrase.split()[0].endswith("ing")


@pytest.mark.parametrize(
    "action", ["kneel", "lie down", "dance", "throw", "clap", "point", "gesture", "swing"]
)
def test_new_actions_are_mined_from_captions_as_from_poses(action, monkeypatch):
    monkeypatch.setattr(phrases, "pose_movements", lambda _: [SimpleNamespace(action=action)])
    (phrase,) = pose_phrases(None)
    (mined,) = action_phrases(f"The person is {phrase}.")
    assert phrase.startswith(mined)


def test_a_pose_that_waves_is_waving():
    points = np.zeros((24, 1, 17, 3), np.float32)
    points[..., 2] = 1
    x = [
        0.5,
        0.51,
        0.49,
        0.53,
        0.47,
        0.6,
        0.4,
        0.65,
        0.35,
        0.68,
        0.32,
        0.56,
        0.44,
        0.56,
        0.44,
        0.56,
        0.44,
    ]
    y = [
        0.15,
        0.13,
        0.13,
        0.14,
        0.14,
        0.25,
        0.25,
        0.4,
        0.4,
        0.5,
        0.5,
        0.55,
        0.55,
        0.75,
        0.75,
        0.95,
        0.95,
    ]
    points[:, 0, :, 0], points[:, 0, :, 1] = x, y
    points[:, 0, 10, 0] = 0.3 + 0.08 * np.sin(np.arange(24) * 1.3)
    points[:, 0, 10, 1], points[:, 0, 8, 1] = 0.1, 0.2
    pose = Pose(points, "COCO_17", 12.0)
    assert "waving" in pose_phrases(pose)
    silent = record("pose", "Nothing is said.")
    assert mine(silent) == {}
    assert mine(silent, lambda _: pose)["action"].origin == "geometry"


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("look_left.txt", "pans left"),
        ("zoom_in.txt", "dollies in"),
        ("orbit_up.txt", None),
        ("stationary.txt", "holds still"),
        ("motionctrl.json", None),
    ],
)
def test_real_camera_paths_are_mined_by_their_geometry(name, phrase):
    """The file's name says the movement, where it is one of the vocabulary's."""
    condition = parse_condition("camera", [Part(name, (DATA / "camera" / name).read_bytes())])
    moves = summarise(condition).movements
    found = mine(record("camera", "A wide view.", moves))["camera"]
    assert found.origin == "geometry"
    assert found.phrases == tuple(PHRASES[key][0] for key in moves)
    assert phrase is None or found.phrases[0] == phrase


def test_a_real_motion_capture_is_mined_by_its_geometry():
    file = Part("j.bvh", (DATA / "pose" / "jumping_jacks.bvh").read_bytes())
    pose = parse_condition("pose", [file]).payload
    found = mine(record("pose", "Nothing is said."), lambda _: pose)["action"]
    assert found.origin == "geometry"
    assert "doing jumping jacks" in found.phrases


def test_sets_count_phrases_and_where_they_come_from():
    records = [
        record("camera", "It pans left."),
        record("camera", "It pans left, then tilts up."),
        record("camera", "A view.", ("static",)),
        record("camera", "A view."),
        record("pose", "She is walking."),
        record("image", "It pans left."),
    ]
    sets = phrase_sets(records)
    assert sets["camera"].counts == {"pans left": 2, "tilts up": 1, "holds still": 1}
    assert dict(sets["camera"].origins) == {"caption": 2, "geometry": 1}
    assert sets["camera"].without == 1
    assert sets["action"].as_json() == {
        "name": "action description",
        "records": {"caption": 1},
        "without": 0,
        "phrases": {"walking": 1},
    }
