"""Poses of other formats than OpenPose: COCO, DWPose, MMPose, editors, motion capture, drawings."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage

from any2caption.conditions.drawing.skeleton import draw_skeleton, with_neck
from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.io.files import read_parts
from any2caption.conditions.io.images import encode_mp4, encode_png
from any2caption.conditions.pose.layouts import BODY_25, COCO_17, COCO_18, MPI_15
from any2caption.conditions.registry import KINDS, parse_condition
from any2caption.conditions.types import DrawnPose, Part
from any2caption.errors import InputError

from ..conftest import DATA
from .test_pose import STANDING, frame, part, person

POSE = DATA / "pose"
JACKS = (POSE / "jumping_jacks.bvh").read_bytes()


def coco_person(image, x=0.0, v=2, **more):
    flat = [
        value for name in COCO_17.points for value in (STANDING[name][0] + x, STANDING[name][1], v)
    ]
    return {"image_id": image, "keypoints": flat, **more}


def coco(people, images=1, **more):
    sizes = [
        {"id": i, "file_name": f"dir/{i}.jpg", "width": 200, "height": 100} for i in range(images)
    ]
    return {"images": sizes, "annotations": people, **more}


def pose_of(value, **options):
    return parse_condition("pose", [part(value)], options=options)


def test_real_coco_annotations_are_frames_in_image_order(parse):
    condition = parse("pose", POSE / "test_coco.json")
    keypoints = condition.payload.keypoints
    assert condition.format == "COCO keypoint JSON"
    assert condition.payload.layout == "COCO_17"
    source = json.loads((POSE / "test_coco.json").read_text())
    for at, image in enumerate(source["images"]):
        people = [
            np.array(one["keypoints"]).reshape(-1, 3)
            for one in source["annotations"]
            if one["image_id"] == image["id"] and any(one["keypoints"])
        ]
        seen = sum(int((points[:, 2] > 0).sum()) for points in people)
        assert (keypoints[at, ..., 2] > 0).sum() == seen
    assert "4 images read as pictures of their own" in condition.assumptions[0]


def walking(images):
    """Somebody who crosses the pictures from left to right."""
    people = [coco_person(one["id"], x=20.0 * at) for at, one in enumerate(images)]
    return {"images": [{"width": 640, "height": 480, **one} for one in images],
            "annotations": people}  # fmt: skip


@pytest.mark.parametrize(
    ("images", "why"),
    [
        ([{"id": n, "file_name": f"walk_{n:04}.jpg"} for n in range(12)], None),
        ([{"id": n, "file_name": f"v/{30 * n}.jpg"} for n in range(12)], None),
        ([{"id": 9000 * n, "frame_id": n} for n in range(12)], None),
        ([{"id": n} for n in range(12)], None),
        ([{"id": n, "width": 300 + n} for n in range(12)], "their sizes differ"),
        ([{"id": n, "file_name": f"{'ab'[n % 2]}{n}.jpg"} for n in range(12)], "not one name"),
        ([{"id": n, "file_name": f"{'x' * n}.jpg"} for n in range(12)], "not one name"),
        (
            [{"id": n, "file_name": f"{n * 4567:012}.jpg"} for n in range(12)],
            "do not rise",
        ),
        ([{"id": n, "file_name": f"{99 - n}.jpg"} for n in range(12)], "do not rise"),
    ],
)
def test_only_images_of_a_sequence_show_movement(images, why):
    condition = pose_of(walking(images))
    assert condition.payload.clip is (why is None)
    facts = describe(condition)
    assert bool(facts["movements"]) is (why is None)
    said = " ".join(condition.assumptions)
    assert ("read as frames" in said) if why is None else (why in said and "no movements" in said)


def test_results_of_scattered_images_are_pictures_and_fps_makes_them_a_clip():
    results = [
        {**coco_person(139 * n + 7 * n * n, x=20.0 * n, v=0.5), "category_id": 1} for n in range(12)
    ]
    condition = pose_of(results, width=640, height=480)
    assert not condition.payload.clip
    assert describe(condition)["movements"] == []
    filmed = pose_of(results, width=640, height=480, fps=8.0)
    assert filmed.payload.clip
    assert describe(filmed)["movements"]


def test_one_image_of_a_coco_file_can_be_selected(parse):
    source = json.loads((POSE / "test_coco.json").read_text())
    name = source["images"][2]["file_name"]
    for select in (name, name.split(".")[0], str(source["images"][2]["id"])):
        condition = parse("pose", POSE / "test_coco.json", options={"select": select})
        assert condition.payload.keypoints.shape[0] == 1
        assert not condition.assumptions


def test_coco_visibility_becomes_confidence():
    people = [coco_person(0, v=2), coco_person(0, x=90, v=1), coco_person(0, v=0)]
    keypoints = pose_of(coco(people)).payload.keypoints
    assert keypoints.shape == (1, 2, 17, 3)
    assert sorted(set(keypoints[..., 2].ravel().tolist())) == [0.5, 1.0]
    assert keypoints[0, :, 0, 0].tolist() == pytest.approx([50 / 200, 140 / 200])


def test_people_without_keypoints_and_empty_images_are_no_error():
    people = [
        coco_person(1),
        {"image_id": 0, "bbox": [1, 2, 3, 4]},
        {"image_id": 0, "keypoints": []},
    ]
    keypoints = pose_of(coco(people, images=3)).payload.keypoints
    assert (keypoints[..., 2] > 0).any(axis=(1, 2)).tolist() == [False, True, False]


def test_coco_result_lists_are_grouped_by_image():
    results = [
        {**coco_person(f"{n}.jpg", x=n, v=0.5), "category_id": 1, "score": 0.9}
        for n in (10, 9, 100)
    ]
    condition = pose_of(results, width=500, height=200)
    xs = condition.payload.keypoints[:, 0, 0, 0] * 500
    np.testing.assert_allclose(xs, (59, 60, 150), atol=1e-3)
    assert condition.payload.keypoints[0, 0, 0, 2] == 0.5


def test_a_drawing_of_coco_17_has_a_neck():
    pose = pose_of(coco([coco_person(0)])).payload
    neck = with_neck(pose).keypoints[0, 0, COCO_18.points.index("neck"), :2]
    assert neck.tolist() == pytest.approx([50 / 200, 22 / 100])
    assert draw_skeleton(pose, 64, 64, 1).any()


def dwpose(scores=None, **more):
    points = np.array(person()).reshape(-1, 3)[:, :2] / 100
    subset = [[*range(17), -1]]
    bodies = {"candidate": points.tolist(), "subset": subset}
    return {"bodies": bodies | ({"score": [scores]} if scores else {}), "hands": [], **more}


def test_dwpose_bodies_are_read():
    keypoints = pose_of([dwpose(), dwpose([0.5] * 18)]).payload.keypoints
    assert keypoints.shape == (2, 1, 18, 3)
    assert keypoints[0, 0, 17].tolist() == [0, 0, 0]
    assert keypoints[0, 0, 0].tolist() == pytest.approx([0.5, 0.12, 1.0])
    assert keypoints[1, 0, 0, 2] == 0.5


def test_mmpose_predictions_are_read():
    points = [list(STANDING[name]) for name in COCO_17.points]
    one = {"keypoints": points, "keypoint_scores": [0.7] * 17}
    video = {"instance_info": [{"frame_id": n, "instances": [one] * n} for n in (1, 0, 2)]}
    assert pose_of(video).payload.keypoints.shape == (3, 2, 17, 3)
    assert pose_of([one, one]).format == "MMPose JSON"
    body = {"keypoints": points + [[0, 0]] * 116, "keypoint_scores": [0.7] * 133}
    assert pose_of([body]).payload.layout == "COCO_17"


@pytest.mark.parametrize("nested", [False, True])
def test_editor_exports_with_a_canvas_are_read(nested):
    points = [[STANDING[name][0], STANDING[name][1]] for name in COCO_18.points]
    points[4] = None
    value = {"width": 400, "height": 200, "keypoints": [points] if nested else points}
    pose = pose_of(value).payload
    assert pose.keypoints[0, 0, 0, :2].tolist() == pytest.approx([50 / 400, 12 / 200])
    assert pose.keypoints[0, 0, 4, 2] == 0
    assert pose.aspect == 2


@pytest.mark.parametrize("layout", [COCO_17, MPI_15], ids=lambda layout: layout.name)
def test_openpose_files_with_other_counts_are_read(layout):
    flat = [v for name in layout.points for v in (*STANDING.get(name, (50, 40)), 0.9)]
    assert pose_of(frame(flat)).payload.layout == layout.name


def test_points_as_lists_of_three_are_read():
    triples = np.array(person()).reshape(-1, 3).tolist()
    assert pose_of(frame(triples)).payload.keypoints.shape == (1, 1, 18, 3)


def test_frames_inside_an_object_keep_its_canvas():
    value = {"width": 400, "height": 200, "frames": [frame(person()), frame()]}
    pose = pose_of(value).payload
    assert (len(pose.keypoints), pose.aspect) == (2, 2)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (coco([coco_person(0, v=3)]), "person 1: keypoints: a visibility that is not 0, 1 or 2"),
        (coco([{"image_id": 0, "keypoints": [1, 2]}]), "person 1: keypoints: 2 numbers"),
        (coco([{"image_id": 0, "keypoints": [1] * 9}]), "3 points; 17 are accepted"),
        (coco([]), "every point is missing"),
        (coco([], images=0), "images: an empty list"),
        ({"annotations": 3, "images": []}, "annotations: not a list of objects"),
        (coco([coco_person(0)], categories=[{"keypoints": ["nose"] * 17}]), "not at COCO's place"),
        ([coco_person(0), {"image_id": 1}], "person 2: keypoints: missing"),
        ([dwpose(), {"x": 1}], "every"),
        (
            [{"bodies": {"candidate": [[1, 2]], "subset": [[5] * 18]}}],
            "5 is not an index of 1 points",
        ),
        ([{"bodies": {"candidate": "x"}}], "candidate: not a list"),
        ([{"bodies": {"candidate": [[1, 2]] * 18, "subset": [[0.5] * 18]}}], "0.5 is not an index"),
        ({"keypoints": [[1, 2]] * 17}, "17 points, not a multiple of 18"),
        ({"keypoints": [["a", 2]] * 18}, "keypoints point 0 x: 'a' is not a number"),
        ([{"keypoints": [[1, 2]], "keypoint_scores": [1, 1]}], "2 scores for 1 points"),
        ([frame(person()), 3], "frame 2: frames: not an object"),
        ([frame(person()), {"a": 3}], "frame 2: people: missing"),
    ],
)
def test_broken_files_name_the_place(value, words, refused):
    if words == "every":
        assert pose_of(value).payload.keypoints.shape[0] == 2
        return
    assert words in refused("pose", part(value))


def test_an_image_that_is_not_there_is_refused(refused):
    message = refused("pose", part(coco([coco_person(0)])), options={"select": "none.jpg"})
    assert "select: no image is called 'none.jpg'" in message
    assert "select" in refused("pose", part(frame(person())), options={"select": "x"})


def test_dwpose_boxes_are_refused_because_they_hold_no_body(refused):
    message = refused("pose", *read_parts(POSE / "dwpose_meta.json"))
    assert "boxes and hand scores (no body points)" in message


def test_mixed_formats_are_refused(refused):
    message = refused("pose", part(frame(person()), "a.json"), part(dwpose(), "b.json"))
    assert "b.json: format: DWPose JSON, but a.json is OpenPose JSON" in message


# --- motion capture ---


def jacks(**options):
    return parse_condition("pose", [Part("j.bvh", JACKS)], options=options)


def test_real_motion_capture_stands_upright_and_faces_us():
    condition = jacks()
    points = {name: condition.payload.keypoints[0, 0, at] for at, name in enumerate(BODY_25.points)}
    assert condition.payload.keypoints.shape == (125, 1, 25, 3)
    assert condition.payload.fps == pytest.approx(1 / 0.0333333, rel=0.01)
    assert points["nose"][1] < points["neck"][1] < points["mid_hip"][1] < points["l_knee"][1]
    assert points["l_knee"][1] < points["l_ankle"][1]
    assert points["l_shoulder"][0] > points["r_shoulder"][0]  # their left is at our right
    assert points["l_eye"].tolist() == [0, 0, 0]
    assert condition.payload.keypoints[..., :2].min() >= 0
    assert condition.payload.keypoints[..., :2].max() <= 1


def test_the_view_of_motion_capture_can_be_stated():
    front, back = (jacks(view=view).payload.keypoints[..., 0] for view in ("front", "back"))
    there = jacks().payload.keypoints[..., 2] > 0
    np.testing.assert_allclose((front + back)[there], (front + back)[there][0], atol=1e-5)
    side = jacks(view="left").payload.keypoints[0, 0]
    hip, toe = (side[BODY_25.points.index(name), 0] for name in ("l_ankle", "l_big_toe"))
    assert toe < hip  # seen from their left they face our left


def test_bones_keep_their_length():
    from any2caption.conditions.kind import Limits
    from any2caption.conditions.pose.bvh import read_bvh

    capture = read_bvh(Part("j.bvh", JACKS), Limits(part_bytes=1, total_bytes=1))
    for at, joint in enumerate(capture.joints):
        if joint.parent >= 0:
            bones = capture.places[:, at] - capture.places[:, joint.parent]
            np.testing.assert_allclose(
                np.linalg.norm(bones, axis=1), np.linalg.norm(joint.offset), atol=1e-6
            )


def bvh(names, frames=1):
    """A flat skeleton: a root, and one joint a name with an offset in the plane."""
    joints = "".join(
        f"JOINT {name} {{ OFFSET {x} {y} 0 CHANNELS 0 }}\n" for name, (x, y) in names.items()
    )
    return (
        "HIERARCHY\nROOT Hips { OFFSET 0 0 0 CHANNELS 3 Xposition Yposition Zposition\n"
        f"{joints}}}\n"
        f"MOTION\nFrames: {frames}\nFrame Time: 0.04\n" + "0 90 0\n" * frames
    )


SIDES = {"l": 1, "r": -1}
HEIGHTS = {"shoulder": 50, "elbow": 30, "wrist": 10, "hip": 0, "knee": -40, "ankle": -80}
SKELETONS = {
    "mixamo": "mixamorig:{Long}Arm mixamorig:{Long}ForeArm mixamorig:{Long}Hand "
    "mixamorig:{Long}UpLeg mixamorig:{Long}Leg mixamorig:{Long}Foot",
    "biped": "Bip01_{S}_UpperArm Bip01_{S}_Forearm Bip01_{S}_Hand Bip01_{S}_Thigh Bip01_{S}_Calf "
    "Bip01_{S}_Foot",
    "unreal": "upperarm_{s} lowerarm_{s} hand_{s} thigh_{s} calf_{s} foot_{s}",
    "smpl": "{S}_Shoulder {S}_Elbow {S}_Wrist {S}_Hip {S}_Knee {S}_Ankle",
    "poser": "{s}Shldr {s}ForeArm {s}Hand {s}Thigh {s}Shin {s}Foot",
    "cmu": "{Long}Shoulder {Long}Elbow {Long}Wrist {Long}Hip {Long}Knee {Long}Ankle",
    "lower": "{long}upperarm {long}lowerarm {long}hand {long}upleg {long}leg {long}foot",
}


def skeleton(pattern):
    out = {}
    for short, sign in SIDES.items():
        long = {"l": "left", "r": "right"}[short]
        names = pattern.format(s=short, S=short.upper(), long=long, Long=long.title()).split()
        out |= {name: (10 * sign, y) for name, y in zip(names, HEIGHTS.values(), strict=True)}
    return out


@pytest.mark.parametrize("pattern", SKELETONS.values(), ids=SKELETONS)
def test_joint_names_of_common_skeletons_are_known(pattern):
    condition = parse_condition("pose", [Part("a.bvh", bvh(skeleton(pattern), 2).encode())])
    points = condition.payload.keypoints[0, 0]
    for name in HEIGHTS:
        left, right = (points[BODY_25.points.index(f"{side}_{name}")] for side in "lr")
        assert left[2] == right[2] == 1
        assert left[0] > right[0]
    assert any("neck" in text for text in condition.assumptions)


def test_an_unknown_skeleton_is_refused_with_what_is_missing(refused):
    names = {name: at for name, at in skeleton(SKELETONS["unreal"]).items() if "calf" not in name}
    message = refused("pose", Part("a.bvh", bvh(names).encode()))
    assert "no joint for l_knee, r_knee; joints here: Hips, upperarm_l" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[: text.rindex("\n", 0, len(text) // 2)], "truncated"),
        (lambda text: text.replace("Frames: 125", "Frames: 126"), "truncated: 125 of 126"),
        (
            lambda text: text.replace("Frames: 125", "Frames: 124").rstrip() + " 1\n",
            "more lines than the 124",
        ),
        (lambda text: text.replace("Frames: 125", "Frames: 1e5"), "at most 10,000"),
        (lambda text: text.replace("Frames: 125", "Frames: x"), "'x' is not a usable number"),
        (lambda text: text.replace("Frame Time:", "Time:"), "'Frame Time: …' is missing"),
        (lambda text: text.replace("OFFSET 1.62329", "OFFSET nan", 1), "OFFSET: 'nan'"),
        (lambda text: text.replace("CHANNELS 3 Z", "CHANNELS 9 Z", 1), "9 channels"),
        (lambda text: text.replace("Zrotation", "Wrotation", 1), "'Wrotation' is not a channel"),
        (lambda text: text.replace("End Site", "Finish", 1), "'Finish' is not expected"),
        (lambda text: text.rstrip() + " 1\n", "numbers; the hierarchy has"),
    ],
)
def test_damaged_motion_capture_names_the_line(change, words, refused):
    message = refused("pose", Part("j.bvh", change(JACKS.decode()).encode()))
    assert message.startswith("j.bvh: line ")
    assert words in message


@pytest.mark.parametrize("change", [b"\r\n", b"\n\n"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(change):
    other = b"\xef\xbb\xbf" + JACKS.replace(b"\r\n", b"\n").replace(b"\n", change).rstrip()
    again = parse_condition("pose", [Part("j.bvh", other)]).payload.keypoints
    np.testing.assert_array_equal(again, jacks().payload.keypoints)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(JACKS)), st.binary(max_size=6), st.integers(0, 40))
def test_no_change_of_bytes_crashes_the_reader(at, new, cut):
    message = ""
    try:
        pose = parse_condition("pose", [Part("j.bvh", JACKS[:at] + new + JACKS[at + cut :])])
        assert np.isfinite(pose.payload.keypoints).all()
    except InputError as error:
        message = str(error)
    assert not message or message.startswith("j.bvh: ")


@pytest.mark.parametrize("name", ["layout", "select", "width"])
def test_an_option_without_effect_is_refused(name, refused):
    value = "BODY_25" if name == "layout" else "5"
    assert name in refused("pose", Part("j.bvh", JACKS), options={name: value})
    assert "view" in refused("pose", part(frame(person())), options={"view": "back"})


# --- drawings ---


def drawing(frames=6, size=96, ground=0):
    pose = parse_condition("pose", [part([frame(person(x=4 * t)) for t in range(frames)])]).payload
    clip = draw_skeleton(pose, size, size, frames)
    return np.where(clip.any(axis=3, keepdims=True), clip, np.uint8(ground))


def test_a_real_drawn_pose_is_kept_as_pixels(parse):
    condition = parse("pose", POSE / "ip_adapter_openpose.png")
    pixels = np.asarray(PilImage.open(POSE / "ip_adapter_openpose.png").convert("RGB"))
    np.testing.assert_array_equal(condition.payload.frames[0], pixels)
    assert condition.format == "drawn pose pictures"
    assert "no points are read off it" in condition.assumptions[-1]
    assert describe(condition)["height"] == 768


@pytest.mark.parametrize("ground", [0, 255])
def test_a_skeleton_clip_is_a_drawn_pose(ground):
    clip = encode_mp4(drawing(ground=ground), 12)
    condition = parse_condition("pose", [Part("s.mp4", clip)])
    assert isinstance(condition.payload, DrawnPose)
    assert condition.payload.frames.shape == (6, 96, 96, 3)
    assert condition.payload.fps == pytest.approx(12)
    assert abs(condition.payload.ground[0] - ground) < 8


def test_numbered_pictures_are_a_drawn_pose_in_natural_order():
    frames = drawing(3)
    parts = [Part(f"{n}.png", encode_png(frames[at])) for at, n in enumerate((9, 10, 100))][::-1]
    np.testing.assert_array_equal(parse_condition("pose", parts).payload.frames, frames)


def test_a_film_is_no_drawn_pose(refused):
    message = refused("pose", *read_parts(DATA / "video" / "hiker.mp4"))
    assert "a film or photo, not a drawn pose" in message


def test_an_empty_drawing_is_refused(refused):
    black = encode_png(np.zeros((64, 64, 3), np.uint8))
    assert "nothing is drawn" in refused("pose", Part("a.png", black))


def test_masks_and_depth_maps_are_no_drawn_pose(refused):
    mask = np.zeros((64, 64, 3), np.uint8)
    mask[20:40, 20:40] = 255
    depth = np.zeros((64, 64, 3), np.uint8)
    depth[:, 40:] = np.linspace(20, 250, 24).astype(np.uint8)[None, :, None] // 32 * 32
    one = mask * np.array([1, 0, 0], np.uint8)
    ids = np.zeros((64, 64, 3), np.uint8)
    for at, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]):
        ids[4:30, 2 + 15 * at : 15 + 15 * at] = colour
    for pixels, word in (
        (mask, "no colours"),
        (depth, "no colours"),
        (one, "hues"),
        (ids, "areas"),
    ):
        message = refused("pose", Part("a.png", encode_png(pixels)))
        assert word in message
        assert "not a drawn skeleton" in message


def test_a_truncated_drawing_is_refused(refused):
    buffer = io.BytesIO()
    PilImage.fromarray(drawing(1)[0]).save(buffer, "PNG")
    assert "truncated" in refused("pose", Part("a.png", buffer.getvalue()[:-30]))


def test_every_format_here_is_one_of_the_registry_s():
    values = [coco([coco_person(0)]), dwpose(), {"keypoints": [[1, 2]] * 18}, frame(person())]
    for value in values:
        assert pose_of(value).format in KINDS["pose"].formats
    assert jacks().format in KINDS["pose"].formats


KEYS = [
    *("images", "annotations", "keypoints", "image_id", "id", "bodies", "candidate", "subset"),
    *("score", "keypoint_scores", "instance_info", "instances", "frames"),
    *("meta_info", "keypoint_id2name", "0", "1"),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=14,
)


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_no_json_crashes_any_dialect(value):
    with pytest.raises(InputError) as caught:
        parse_condition("pose", [part(value, "any.json")])
    assert str(caught.value).startswith("any.json: ")


def test_motion_lines_behind_the_stated_frames_are_left_out_and_that_is_said():
    text = JACKS.decode().replace("Frames: 125", "Frames: 124")
    condition = parse_condition("pose", [Part("j.bvh", text.encode())])
    np.testing.assert_array_equal(
        condition.payload.keypoints.shape, (124, *jacks().payload.keypoints.shape[1:])
    )
    assert condition.warnings == (
        ("1 line of motion behind the stated 124 frames left out (correct 'Frames' to keep them)"),
    )
    many = JACKS.decode().replace("Frames: 125", "Frames: 100")
    assert "25 lines" in parse_condition("pose", [Part("j.bvh", many.encode())]).warnings[0]


def test_hands_and_faces_are_left_out_and_that_is_said(parse):
    condition = parse("pose", POSE / "im1010_openpose.json")
    assert any("hand and face points are left out" in text for text in condition.assumptions)
    assert condition.payload.keypoints.shape == (1, 1, 25, 3)
