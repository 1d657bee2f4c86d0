"""Movements in words: one vocabulary with the captions', each source's words mapped, a preview."""

import numpy as np
import pytest
from PIL import Image

from any2caption.captions import lexicon
from any2caption.captions.camera_reading import read_camera
from any2caption.conditions.camera.movements import Movement, movements
from any2caption.conditions.camera.vocabulary import (
    PHRASES,
    camera_words,
    describe_camera,
    path_keys,
    unsupported_keys,
)
from any2caption.conditions.drawing.preview_camera import draw_camera_path
from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.types import Camera

from ..conftest import DATA
from .source_labels import SOURCES, label_keys


def test_the_vocabulary_is_the_captions_own():
    terms = {term.key: (term.phrase, term.also[0]) for term in lexicon.CAMERAS}
    assert terms == dict(PHRASES)


def test_every_source_maps_to_known_movements():
    for labels in SOURCES.values():
        for keys in labels.values():
            assert set(keys) <= set(PHRASES)


@pytest.mark.parametrize(
    ("source", "label", "keys"),
    [
        ("cami2v", "pan left", ("truck_left",)),
        ("cami2v", "look left", ("pan_left",)),
        ("cami2v", "rotate clockwise", ("roll_anticlockwise",)),
        ("videox_fun", "CW", ("roll_clockwise",)),
        ("videox_fun", "Pan_Right_Down", ("truck_right", "pedestal_down")),
        ("recammaster", "cam01", ("pan_right",)),
        ("recammaster", "zoom in", ("dolly_in",)),
        ("motionctrl", "I_0.2x", ("dolly_in",)),
        ("motionctrl", "SPIN-CW-60", ("roll_clockwise",)),
        ("viewcrafter", "zoomin1", ("dolly_in",)),
        ("vbench", "zooms in", ("zoom_in",)),
    ],
)
def test_sources_words_mean_what_their_files_do(source, label, keys):
    assert label_keys(source, label) == keys


def movement(key, start, end, shift=0.5):
    kind, _, side = key.partition("_")
    side = side.replace("anticlockwise", "counterclockwise")
    turns = kind in {"pan", "tilt", "roll", "orbit"}
    amount, unit = (np.degrees(shift), "degrees") if turns else (1.0, "units")
    return Movement(kind, side or None, start, end, amount, unit, 0.1, shift)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([("static", 0, 40)], "holds still"),
        (
            [("truck_left", 0, 40), ("pan_right", 2, 38)],
            "trucks left while panning right",
        ),
        ([("dolly_in", 0, 20), ("pan_left", 20, 40)], "dollies in, then pans left"),
        (
            [("dolly_in", 0, 40), ("pan_left", 0, 18), ("pan_right", 22, 40)],
            "dollies in while panning left, then pans right",
        ),
        (
            [("dolly_in", 0, 40), ("tilt_up", 0, 40), ("roll_anticlockwise", 0, 40)],
            "dollies in while tilting up and rolling anticlockwise",
        ),
    ],
)
def test_words_tell_what_goes_together_and_what_follows(found, words):
    said = camera_words([movement(*one) for one in found], 41)
    assert said == words
    keys = tuple(key for key, *_ in found)
    assert lexicon.read("camera", said) == lexicon.camera_phrase(keys[:2])


def test_pace_is_told_only_where_it_stands_out():
    assert camera_words([movement("pan_left", 0, 40, 0.05)], 41) == "slowly pans left"
    assert camera_words([movement("pan_left", 0, 40, 3.0)], 41) == "quickly pans left"
    assert camera_words([movement("pan_left", 0, 9, 3.0)], 41) == "pans left"
    # How fast a move is depends on how far away the scene is, which a path does not tell.
    assert camera_words([movement("dolly_in", 0, 40, 3.0)], 41) == "dollies in"


def test_a_long_path_is_summed_up_and_read_back():
    keys = [
        "dolly_in",
        "pan_left",
        "truck_left",
        "tilt_up",
        "dolly_in",
        "pan_right",
        "roll_clockwise",
    ]
    found = [movement(key, 10 * at, 10 * at + 10) for at, key in enumerate(keys)]
    said = camera_words(found, 71)
    assert said.count(",") <= 2
    assert set(read_camera(said).keys) <= set(keys)
    back_and_forth = [
        movement(key, 10 * at, 10 * at + 10)
        for at, key in enumerate(["pan_left", "pan_right"] * 13)
    ]
    assert len(camera_words(back_and_forth, 261).split()) < 16


def test_what_words_claim_is_held_against_the_path(parse):
    path = parse("camera", DATA / "camera" / "left.txt").payload
    found = [one.key for one in movements(path)]
    assert unsupported_keys(["orbit_left"], found) == ()
    assert unsupported_keys(["truck_left", "pan_right"], found) == ()
    assert unsupported_keys(["truck_left", "tilt_up", "static"], found) == ("tilt_up", "static")


def test_a_described_camera_has_words_and_movements(parse):
    condition = parse("camera", DATA / "camera" / "Pan_Left_Up.txt")
    facts = describe(condition)
    assert facts["words"] == "The camera trucks left while pedestalling up."
    assert [one["type"] for one in facts["movements"]] == ["truck", "pedestal"]
    assert facts["frames"] == 81
    assert facts["intrinsics"] is True
    assert describe_camera(condition.payload)["movements"] == facts["movements"]


@pytest.mark.parametrize("name", ["left.txt", "look_left.txt", "stationary.txt", "gendop.json"])
def test_a_preview_shows_the_path(name, parse, tmp_path):
    file = tmp_path / "path.png"
    draw_camera_path(parse("camera", DATA / "camera" / name).payload, file)
    with Image.open(file) as picture:
        picture.load()
        assert picture.format == "PNG"
        colours = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)
    assert len(colours) > 50


def test_a_preview_of_one_pose_without_a_lens_works(tmp_path):
    camera = Camera(np.full((1, 4), np.nan), np.eye(3, 4)[None])
    draw_camera_path(camera, tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 1000


def test_a_path_s_keys_come_with_the_largest_movement_first(parse):
    assert path_keys(parse("camera", DATA / "camera" / "look_left.txt").payload) == ("pan_left",)
    count = 40
    w2c = np.tile(np.eye(4)[:3], (count, 1, 1))
    w2c[:, 0, 3] = -np.linspace(0, 3, count)
    w2c[:, 2, 3] = -np.linspace(0, 1, count)
    lens = np.tile([1.0, 1.0, 0.5, 0.5], (count, 1))
    assert path_keys(Camera(lens, w2c)) == ("truck_right", "dolly_in")


def test_a_very_long_path_is_thinned_before_it_is_named():
    count = 20_000
    w2c = np.tile(np.eye(4)[:3], (count, 1, 1))
    w2c[:, 0, 3] = -np.linspace(0, 3, count)
    lens = np.tile([1.0, 1.0, 0.5, 0.5], (count, 1))
    assert path_keys(Camera(lens, w2c)) == ("truck_right",)
