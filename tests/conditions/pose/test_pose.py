"""OpenPose JSON: sequences are read, people keep their identity, broken files are named."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.conditions.io.files import read_parts
from any2caption.conditions.pose.layouts import BODY_25, BODY_25B, COCO_18
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from ..conftest import DATA, EXAMPLES, REAL

# A person of 100 pixels height standing upright, by point name.
STANDING = {
    "nose": (50, 12),
    "head_top": (50, 0),
    "neck": (50, 22),
    "mid_hip": (50, 55),
    "r_eye": (47, 10),
    "l_eye": (53, 10),
    "r_ear": (44, 11),
    "l_ear": (56, 11),
    "r_shoulder": (40, 22),
    "r_elbow": (36, 38),
    "r_wrist": (34, 52),
    "l_shoulder": (60, 22),
    "l_elbow": (64, 38),
    "l_wrist": (66, 52),
    "r_hip": (44, 55),
    "r_knee": (43, 76),
    "r_ankle": (42, 96),
    "l_hip": (56, 55),
    "l_knee": (57, 76),
    "l_ankle": (58, 96),
    "l_big_toe": (62, 99),
    "l_small_toe": (64, 99),
    "l_heel": (56, 99),
    "r_big_toe": (38, 99),
    "r_small_toe": (36, 99),
    "r_heel": (44, 99),
}


def person(layout=COCO_18, x=0.0, y=0.0, scale=1.0, confidence=0.9):
    """Flat keypoints of a standing person."""
    return [
        number
        for name in layout.points
        for number in (STANDING[name][0] * scale + x, STANDING[name][1] * scale + y, confidence)
    ]


def frame(*people, key="pose_keypoints_2d", **more):
    return {"version": 1.3, "people": [{"person_id": [-1], key: one} for one in people], **more}


def part(value, name="p.json"):
    return Part(name, json.dumps(value).encode())


def sequence(frames):
    return [part(one, f"clip_{index}_keypoints.json") for index, one in enumerate(frames)]


def pose_of(parts, **options):
    return parse_condition("pose", parts, options=options).payload


def test_the_example_sequence_is_read(parse):
    condition = parse(
        "pose", EXAMPLES / "pose" / "balancing", options={"width": 1080, "height": 1920}
    )
    pose = condition.payload
    assert pose.layout == "BODY_25B"
    assert pose.keypoints.dtype == np.float32
    assert pose.keypoints.shape[0] == 48
    assert pose.keypoints.shape[2:] == (25, 3)
    there = pose.keypoints[..., 2] > 0
    assert there[:, 0].any(axis=1).all()
    assert there[:, 1].any(axis=1).mean() > 0.9
    assert (pose.keypoints[~there] == 0).all()


def test_people_keep_their_place_although_their_order_changes(parse):
    pose = parse("pose", DATA / "pose" / "multi", options={"width": 1080, "height": 1920}).payload
    assert pose.keypoints.shape[0] == 8
    for who in range(3):
        one = pose.keypoints[:, who]
        centres = np.array([f[f[:, 2] > 0, :2].mean(axis=0) for f in one if (f[:, 2] > 0).any()])
        assert np.abs(np.diff(centres, axis=0)).max() < 0.12


def test_swapped_people_are_tracked():
    left = [person(x=10 + t) for t in range(6)]
    right = [person(x=400 - t, scale=0.8) for t in range(6)]
    frames = [
        frame(a, b) if t % 2 else frame(b, a)
        for t, (a, b) in enumerate(zip(left, right, strict=True))
    ]
    keypoints = pose_of(sequence(frames), width=500, height=200).keypoints
    assert keypoints.shape == (6, 2, 18, 3)
    assert np.ptp(keypoints[:, 0, 1, 0]) < 0.02
    assert np.ptp(keypoints[:, 1, 1, 0]) < 0.02


def test_an_absent_person_comes_back_to_the_same_place():
    frames = [
        frame(person(x=10), person(x=300)),
        frame(person(x=301)),
        frame(person(x=302), person(x=12)),
    ]
    keypoints = pose_of(sequence(frames), width=500, height=200).keypoints
    assert keypoints.shape[1] == 2
    gone = (keypoints[1, :, :, 2] == 0).all(axis=1)
    assert gone.tolist().count(True) == 1
    stays = int(np.argmin(gone))
    assert np.ptp(keypoints[:, stays, 1, 0]) < 0.02


@pytest.mark.parametrize("layout", [BODY_25, BODY_25B], ids=lambda layout: layout.name)
def test_twenty_five_points_are_told_apart_by_geometry(layout):
    condition = parse_condition("pose", [part(frame(person(layout)))])
    assert condition.payload.layout == layout.name
    assert f"read as {layout.name}" in condition.assumptions[0]
    assert not condition.warnings


def test_a_real_body_25_file_is_told_apart(parse):
    assert parse("pose", DATA / "pose" / "im1010_openpose.json").payload.layout == "BODY_25"


def test_the_layout_can_be_stated():
    condition = parse_condition(
        "pose", [part(frame(person(BODY_25)))], options={"layout": "body_25b"}
    )
    assert condition.payload.layout == "BODY_25B"
    assert not any("read as" in text for text in condition.assumptions)


@pytest.mark.parametrize("key", ["pose_keypoints_2d", "pose_keypoints"])
def test_old_and_new_keys_are_read(key):
    assert pose_of([part(frame(person(), key=key))]).layout == "COCO_18"


def test_a_list_of_frames_in_one_file():
    condition = parse_condition(
        "pose", [part([frame(person(x=t), canvas_width=512, canvas_height=256) for t in range(4)])]
    )
    keypoints = condition.payload.keypoints
    assert keypoints.shape == (4, 1, 18, 3)
    assert keypoints[0, 0, 0, 0] == pytest.approx(50 / 512)
    assert keypoints[0, 0, 0, 1] == pytest.approx(12 / 256)
    assert not condition.assumptions


def test_frames_come_in_natural_order_of_their_names():
    parts = [part(frame(person(x=n)), f"f_{n}.json") for n in (10, 9, 100)]
    xs = pose_of(parts, width=500, height=200).keypoints[:, 0, 0, 0] * 500
    np.testing.assert_allclose(xs, (59, 60, 150), atol=1e-3)


def test_the_canvas_is_a_stated_square_when_none_is_known():
    condition = parse_condition("pose", [part(frame(person(x=1000, y=500, scale=3)))])
    points = condition.payload.keypoints[0, 0]
    assert 0 < points[:, :2].min() < 0.5 < points[:, :2].max() < 1
    tall, wide = np.ptp(points[:, 1]), np.ptp(points[:, 0])
    assert tall / wide == pytest.approx(86 / 32, rel=1e-3)
    assert "no canvas stated" in condition.assumptions[0]


def test_fractions_stay_fractions():
    flat = np.array(person()).reshape(-1, 3) * (0.01, 0.01, 1)
    condition = parse_condition("pose", [part(frame(flat.reshape(-1).tolist()))])
    np.testing.assert_allclose(condition.payload.keypoints[0, 0, 0, :2], (0.5, 0.12), atol=1e-6)
    assert "fractions" in condition.assumptions[0]


def test_points_off_screen_are_kept():
    keypoints = pose_of([part(frame(person(x=-80)))], width=100, height=100).keypoints
    assert keypoints[..., 0].min() == pytest.approx(-0.46)


def test_empty_people_and_missing_points_are_no_error():
    ghost = [0.0] * 54
    frames = [frame(), frame([], person()), {"people": [{"pose_keypoints_2d": None}]}, frame(ghost)]
    keypoints = pose_of(sequence(frames)).keypoints
    assert keypoints.shape == (4, 1, 18, 3)
    assert (keypoints[..., 2] > 0).any(axis=(1, 2)).tolist() == [False, True, False, False]


@pytest.mark.parametrize("frames", [[frame([0.0] * 75)] * 3, [frame()] * 3, [frame([])]])
def test_a_pose_with_every_point_missing_is_refused(frames, refused):
    message = refused("pose", *sequence(frames))
    assert "pose_keypoints_2d: every point is missing in every frame" in message
    assert message.startswith("clip_0_keypoints.json")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (frame(person(), person()[:-1]), "person 2: pose_keypoints_2d: 53 numbers, not a multiple"),
        (
            frame(person()[:48]),
            "person 1: pose_keypoints_2d: 16 points; 15, 17, 18, 25 are accepted",
        ),
        (frame(["a", *person()[1:]]), "person 1: pose_keypoints_2d point 0 x: 'a' is not a number"),
        (frame([True, *person()[1:]]), "'True' is not a number"),
        (frame([1e9, *person()[1:]]), "point 0 x: out of range"),
        (frame([10**400, *person()[1:]]), "point 0 x: not a finite number"),
        (frame("abc"), "person 1: pose_keypoints_2d: not a list"),
        ([frame(person()), frame(person()[:-6])], "frame 2 person 1"),
        (frame(person(), person(BODY_25)), "18 and 25 points in one sequence"),
        ({"people": {}}, "people: not a list"),
        ({"people": [3]}, "person 1: people: not an object"),
        ({"people": [{"x": 1}]}, "person 1: pose_keypoints_2d: missing"),
        ({"people": [{}] * 33}, "33 people; at most 32"),
        (frame(person(), canvas_width=0, canvas_height=5), "canvas_width: 0 is out of range"),
        (frame(person(), canvas_width=50), "canvas_height: missing"),
        ([], "an empty list of frames"),
        ({"annotations": [], "images": []}, "images: an empty list"),
        ([{"keypoints": [], "image_id": 1}], "every point is missing"),
        ([{"boxes": [], "hands_boxes": []}], "DWPose JSON"),
        ({"a": 1}, "JSON without 'people'"),
        ([1], "this JSON"),
    ],
)
def test_broken_files_name_record_and_field(value, words, refused):
    message = refused("pose", part(value))
    assert message.startswith("p.json: ")
    assert words in message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"people": [{"pose_keypoints_2d": [NaN]}]}', "NaN is not a finite number"),
        (b'{"people": [{"pose_keypoints_2d": [1e999, 1, 1]}]}', "point 0 x: not a finite number"),
        (b'{"people": [{"pose_keyp', "damaged or truncated JSON"),
        (b"[" * 100_000, "JSON"),
        (b"HIERARCHY\nROOT Hips", "no MOTION section: damaged or truncated"),
        (b"\x89PNG\r\n\x1a\n00", "damaged or truncated PNG"),
        (b"\0\0\0\x18ftypisom", "damaged or truncated MP4"),
        (b"just text", "text is not an accepted pose format"),
    ],
)
def test_other_content_is_refused_by_name(data, words, refused):
    assert words in refused("pose", Part("p.json", data))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("jumping_jacks_head.bvh", "CHANNELS: 'Xrotat' is not a channel"),
        ("editor_output_pose.json", "hands and face but no body"),
    ],
)
def test_real_files_without_a_body_are_refused_by_name(name, words, refused):
    assert words in refused("pose", *read_parts(DATA / "pose" / name))


def test_infinite_numbers_are_refused(refused):
    flat = json.dumps(frame(person())).replace("0.9", "1e999", 1)
    assert "point 0 confidence: not a finite number" in refused(
        "pose", Part("p.json", flat.encode())
    )


def test_lists_in_a_folder_are_refused(refused):
    message = refused(
        "pose", part([frame(person())] * 2, "a.json"), part(frame(person()), "b.json")
    )
    assert "a.json: frames: 2 frames in a file of a folder" in message


def test_half_a_canvas_is_refused(refused):
    assert "height: needed beside width" in refused(
        "pose", part(frame(person())), options={"width": 5}
    )


def test_a_wrong_stated_layout_is_refused(refused):
    message = refused("pose", part(frame(person())), options={"layout": "BODY_25"})
    assert "layout: BODY_25 has 25 points, the file has 18" in message


SEQUENCES = [(DATA / "pose" / "multi", 8, 3), (EXAMPLES / "pose" / "balancing", 48, 3)]
if REAL.exists():  # the whole recordings, of which the repository has an excerpt
    RECORDED = REAL / "pose" / "openpose_body25b"
    SEQUENCES += [(RECORDED / "single_cam01", 100, 3), (RECORDED / "multi_cam01", 100, 4)]


@pytest.mark.parametrize(("folder", "frames", "people"), SEQUENCES, ids=str)
def test_real_sequences_have_few_tracks(folder, frames, people, parse):
    pose = parse("pose", folder).payload
    assert pose.keypoints.shape == (frames, people, 25, 3)
    assert pose.layout == "BODY_25B"


points = st.lists(
    st.tuples(st.floats(-500, 3000), st.floats(-500, 3000), st.sampled_from([0.0, 0.3, 1.0])),
    min_size=18,
    max_size=18,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(points, max_size=3), min_size=1, max_size=4))
def test_any_well_formed_sequence_keeps_every_point(frames):
    flat = [[[n for point in one for n in point] for one in people] for people in frames]
    expected = sum(point[2] > 0 for people in frames for one in people for point in one)
    parts = sequence([frame(*people) for people in flat])
    if not expected:
        with pytest.raises(InputError, match="every point is missing"):
            parse_condition("pose", parts)
        return
    keypoints = pose_of(parts, width=640, height=480).keypoints
    assert np.isfinite(keypoints).all()
    assert (keypoints[..., 2] > 0).sum() == expected
    assert (keypoints[keypoints[..., 2] == 0] == 0).all()


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["people", "pose_keypoints_2d", "canvas_width", "canvas_height", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_no_json_crashes_the_parser(value):
    with pytest.raises(InputError) as caught:
        parse_condition("pose", [part(value, "any.json")])
    assert str(caught.value).startswith("any.json: ")
