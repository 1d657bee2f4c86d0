"""RealEstate10K text: every real file is read, every broken one is named by line and field."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from ..conftest import DATA, EXAMPLES, REAL

OK = "0 0.5 0.9 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1 0"
MOVED = "0 0.5 0.9 0.5 0.5 0 0 1 0 0 0.5 0 1 0 0 0 0 1 0"
REAL_PATHS = sorted((REAL / "camera" / "realestate10k_txt").glob("*/*.txt"))
OWN_PATHS = [
    DATA / "camera" / name
    for name in ("look_left.txt", "zoom_in.txt", "orbit_up.txt", "ACW.txt", "2f25826f0d0ef09a.txt")
]


def text(*lines, end="\n"):
    return Part("cam.txt", "\n".join(("https://x", *lines)).encode() + end.encode())


def matrix_line(matrix):
    numbers = " ".join(f"{value:.9f}" for value in np.asarray(matrix).reshape(-1))
    return f"0 0.5 0.9 0.5 0.5 0 0 {numbers}"


def with_field(column, value):
    cells = OK.split()
    cells[column] = value
    return " ".join(cells)


@pytest.mark.parametrize("path", OWN_PATHS + REAL_PATHS, ids=lambda path: path.stem)
def test_real_paths_are_read_relative_and_proper(path, parse):
    camera = parse("camera", path).payload
    lines = len(path.read_text().rstrip("\n").split("\n")) - 1
    assert camera.w2c.shape == (lines, 3, 4)
    assert camera.intrinsics.shape == (lines, 4)
    np.testing.assert_array_equal(camera.w2c[0], np.eye(3, 4))
    rotations = camera.w2c[:, :, :3]
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-9)
    np.testing.assert_allclose(
        rotations @ rotations.transpose(0, 2, 1),
        np.broadcast_to(np.eye(3), rotations.shape),
        atol=1e-9,
    )


def test_mirrored_rotations_are_accepted_and_said(parse):
    condition = parse("camera", DATA / "camera" / "look_left.txt")
    assert "mirrored" in condition.assumptions[0]
    assert not parse("camera", EXAMPLES / "camera" / "walk_through_kitchen.txt").assumptions


def test_line_ends_bom_and_missing_last_newline_change_nothing():
    lines = f"\n{OK}\n{MOVED}"
    plain = parse_condition("camera", [Part("a", lines.encode() + b"\n")]).payload.w2c
    for data in (
        lines.encode(),
        lines.replace("\n", "\r\n").encode() + b"\r\n\r\n",
        b"\xef\xbb\xbf" + lines.encode(),
        ("dummy" + lines).encode(),
        ("[0]" + lines).encode(),
        lines.replace(" ", "\t").encode(),
    ):
        again = parse_condition("camera", [Part("a", data)]).payload.w2c
        np.testing.assert_array_equal(again, plain)
    assert plain.shape == (2, 3, 4)
    assert plain[1, 0, 3] == 0.5


def test_line_one_is_never_a_pose():
    condition = parse_condition("camera", [Part("a.txt", f"{OK}\n{MOVED}\n".encode())])
    assert condition.payload.w2c.shape == (1, 3, 4)
    assert "line 1 looks like a pose" in condition.warnings[0]


def test_one_pose_is_a_static_camera():
    assert parse_condition("camera", [text(OK)]).payload.w2c.shape == (1, 3, 4)


def test_slightly_off_rotations_are_repaired_with_a_warning():
    matrix = np.eye(3, 4) * 1.005
    condition = parse_condition("camera", [text(OK, matrix_line(matrix))])
    np.testing.assert_allclose(condition.payload.w2c[1, :, :3], np.eye(3), atol=1e-9)
    assert "nearest rotation" in condition.warnings[0]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((OK, OK[:-2]), "line 3: columns: 18 columns instead of 19"),
        ((OK, OK + " 1"), "line 3: columns: 20 columns"),
        ((with_field(8, "nan"),), "line 2: r12: 'nan' is not a finite number"),
        ((OK, with_field(10, "inf")), "line 3: t1: 'inf' is not a finite"),
        ((OK, with_field(0, "1_0")), "line 3: time"),
        ((with_field(1, "x1"),), "line 2: fx: 'x1' is not a number"),
        ((with_field(1, "512"),), "line 2: fx: 512 is not a fraction"),
        ((with_field(2, "-0.5"),), "line 2: fy: -0.5"),
        ((with_field(3, "256"),), "line 2: cx: 256"),
        ((with_field(10, "1e300"),), "line 2: t1: 1e+300 is out of range"),
        ((OK, matrix_line(np.eye(3, 4) * 2)), "line 3: r11…r33: not a rotation"),
        ((OK, matrix_line(np.zeros((3, 4)))), "line 3: r11…r33: not a rotation"),
        ((OK, matrix_line(np.ones((3, 4)))), "line 3: r11…r33: not a rotation"),
        (
            (OK, OK, matrix_line(np.diag([-1, 1, 1, 1])[:3])),
            "line 4: r11…r33: not a rotation: mirr",
        ),
        ((), "no pose line"),
    ],
)
def test_broken_paths_name_line_and_field(lines, words, refused):
    message = refused("camera", text(*lines))
    assert message.startswith("cam.txt: ")
    assert words in message


def test_a_truncated_file_names_its_last_line(refused):
    data = (EXAMPLES / "camera" / "walk_through_kitchen.txt").read_bytes()
    assert "line 10: columns" in refused("camera", Part("cut.txt", data[:2000]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"a": 1}', "JSON without the keys of a camera path"),
        (b'{"a": ', "damaged or truncated JSON"),
        (b"3 0 0 0 0 1 0 0 0 0 1 0\n" * 2, "KITTI text"),
        (b"10, 20\n30, 40\n50, 60\n", "2-D points"),
        (b"HIERARCHY\nROOT hip\n", "BVH"),
        (b"\x89PNG\r\n\x1a\n123", "PNG"),
        (b"The camera moves\nslowly to the left.\n", "prose"),
    ],
)
def test_other_content_is_refused_by_name(data, words, refused):
    assert words in refused("camera", Part("other.txt", data))


def test_too_many_poses_are_refused(refused):
    assert "more than 20,000 poses" in refused("camera", text(*[OK] * 20_001))


turns = st.tuples(*[st.floats(-3, 3)] * 3)
moves = st.tuples(*[st.floats(-50, 50)] * 3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(turns, moves), min_size=1, max_size=6))
def test_any_path_round_trips_relative_to_its_first_pose(path):
    rotations = Rotation.from_rotvec([turn for turn, _ in path]).as_matrix()
    poses = np.tile(np.eye(4), (len(path), 1, 1))
    poses[:, :3, :3] = rotations
    poses[:, :3, 3] = [move for _, move in path]
    part = text(*[matrix_line(pose[:3]) for pose in poses])
    w2c = parse_condition("camera", [part]).payload.w2c
    np.testing.assert_allclose(w2c, (poses @ np.linalg.inv(poses[0]))[:, :3], atol=1e-5)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(lambda value: value.encode("utf-8", "replace"))
)
def test_no_content_crashes_the_parser(data):
    with pytest.raises(InputError) as caught:
        parse_condition("camera", [Part("any.txt", data)])
    assert str(caught.value).startswith("any.txt: ")
    assert "\n" not in str(caught.value)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats() | st.integers(-3, 3), min_size=19, max_size=19))
def test_any_nineteen_numbers_are_read_or_refused(numbers):
    try:
        camera = parse_condition("camera", [text(" ".join(map(repr, numbers)))]).payload
    except InputError:
        return
    assert np.isfinite(camera.w2c).all()
