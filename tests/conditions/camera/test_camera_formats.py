"""Every camera format: real files are read, the geometry is the stated one, bad ones are named."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from any2caption.conditions.camera.parser import FORMATS
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from ..conftest import DATA

CAMERA = DATA / "camera"
FILES = {
    "look_left.txt": "RealEstate10K text",
    "motionctrl.json": "MotionCtrl JSON",
    "recammaster.json": "ReCamMaster JSON",
    "gendop.json": "GenDoP transforms JSON",
    "tum.txt": "TUM text",
    "slambook2_pose.txt": "pose text",
    "open3d_trajectory_log.txt": "Open3D log",
    "open3d_odometry_log.txt": "Open3D log",
    "left.txt": "phi-theta-radius text",
    "loop1.txt": "phi-theta-radius text",
}


def read(data, **options):
    content = data if isinstance(data, bytes) else data.encode()
    return parse_condition("camera", [Part("cam.any", content)], options=options)


def attempt(data, **options):
    """The path, or None after a refusal in one line that names the file."""
    try:
        return read(data, **options).payload
    except InputError as error:
        message = str(error)
    assert message.startswith("cam.any: ")
    assert "\n" not in message
    return None


def poses(count=5, seed=1):
    """Camera-to-world poses (OpenCV axes) of a wandering camera."""
    random = np.random.default_rng(seed)
    found = np.tile(np.eye(4), (count, 1, 1))
    steps = random.normal(0, 0.1, (count, 3)).cumsum(axis=0)
    found[:, :3, :3] = Rotation.from_rotvec(steps + random.normal(0, 1, 3)).as_matrix()
    found[:, :3, 3] = random.normal(0, 1, (count, 3)).cumsum(axis=0) + 3
    return found


def wanted(c2w):
    return (np.linalg.inv(c2w) @ c2w[0])[:, :3]


def quaternion_rows(c2w, times=None):
    quaternions = Rotation.from_matrix(c2w[:, :3, :3]).as_quat()
    rows = np.concatenate([c2w[:, :3, 3], quaternions], axis=1)
    return rows if times is None else np.concatenate([np.array(times)[:, None], rows], axis=1)


def lines(rows, separator=" "):
    return "\n".join(separator.join(repr(float(value)) for value in row) for row in rows) + "\n"


def log(c2w, ids=None):
    text = ""
    for index, pose in enumerate(c2w):
        one, two = ids[index] if ids else (index, index)
        text += f"{one}\t{two}\t{index + 1}\n" + lines(pose, "\t")
    return text


def transforms(c2w, **extra):
    gl = c2w @ np.diag([1.0, -1, -1, 1])
    frames = [{"file_path": f"./r_{i}", "transform_matrix": m.tolist()} for i, m in enumerate(gl)]
    return json.dumps({**extra, "frames": frames})


def open3d(c2w, **extra):
    lens = {"width": 640, "height": 480, "intrinsic_matrix": [525, 0, 0, 0, 500, 0, 320, 240, 1]}
    items = [
        {"extrinsic": np.linalg.inv(pose).T.reshape(-1).tolist(), "intrinsic": lens} for pose in c2w
    ]
    return json.dumps({"class_name": "PinholeCameraTrajectory", "parameters": items, **extra})


TO_UNREAL = np.array([[0.0, 0, 1, 0], [1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def unreal(c2w, cameras=("cam01",)):
    def text(pose):
        matrix = (TO_UNREAL @ pose @ TO_UNREAL.T).T
        matrix[3, :3] *= 100
        return "".join(f"[{' '.join(repr(float(v)) for v in row)}] " for row in matrix)

    value = {f"frame{i}": {name: text(pose) for name in cameras} for i, pose in enumerate(c2w)}
    return json.dumps(dict(sorted(value.items())))  # frame10 comes before frame2


def colmap(c2w):
    """Registered in another order than filmed; every other image has no points."""
    inverse = np.linalg.inv(c2w)
    quaternions = Rotation.from_matrix(inverse[:, :3, :3]).as_quat()[:, [3, 0, 1, 2]]
    out = "# IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME\n"
    for number, at in enumerate(np.random.default_rng(1).permutation(len(c2w)), start=1):
        pose = " ".join(repr(float(v)) for v in (*quaternions[at], *inverse[at, :3, 3]))
        out += f"{number} {pose} 1 frame {at}.png\n" + ("1.5 2.5 -1\n" if at % 2 else "\n")
    return out


def nerfstudio(c2w, **extra):
    gl = c2w @ np.diag([1.0, -1, -1, 1])
    poses = [{"camera_to_world": m.reshape(-1).tolist(), "fov": 60, "aspect": 1.5} for m in gl]
    return json.dumps({"camera_path": poses, "fps": 24, **extra})


def record3d(c2w):
    gl = c2w @ np.diag([1.0, -1, -1, 1])
    rows = np.concatenate([Rotation.from_matrix(gl[:, :3, :3]).as_quat(), gl[:, :3, 3]], axis=1)
    lens = {"K": [700.0, 0, 0, 0, 700.0, 0, 360, 480, 1], "w": 720, "h": 960, "fps": 30}
    return json.dumps({"poses": rows.tolist(), **lens})


WRITERS = {
    "KITTI text": lambda c2w: lines(c2w[:, :3].reshape(-1, 12)),
    "matrix text": lambda c2w: lines(c2w.reshape(-1, 16)),
    "COLMAP images": colmap,
    "nerfstudio camera path": nerfstudio,
    "Record3D metadata": record3d,
    "MotionCtrl JSON": lambda c2w: json.dumps(np.linalg.inv(c2w)[:, :3].reshape(-1, 12).tolist()),
    "ReCamMaster JSON": unreal,
    "NeRF transforms JSON": lambda c2w: transforms(c2w, camera_angle_x=0.69),
    "TUM text": lambda c2w: lines(quaternion_rows(c2w, np.arange(len(c2w)) + 0.5)),
    "pose text": lambda c2w: lines(quaternion_rows(c2w)),
    "odometry CSV": lambda c2w: (
        "timestamp, frame, x, y, z, qx, qy, qz, qw\n"
        + "".join(
            ", ".join([repr(float(row[0])), f"{i:06}", *(repr(float(v)) for v in row[1:])]) + "\n"
            for i, row in enumerate(quaternion_rows(c2w, np.arange(len(c2w)) + 0.5))
        )
    ),
    "Open3D log": log,
    "Open3D trajectory JSON": open3d,
}


@pytest.mark.parametrize("name", FILES)
def test_real_files_are_told_apart_and_canonical(name, parse):
    condition = parse("camera", CAMERA / name)
    assert condition.format == FILES[name]
    w2c = condition.payload.w2c
    np.testing.assert_array_equal(w2c[0], np.eye(3, 4))
    np.testing.assert_allclose(np.linalg.det(w2c[:, :, :3]), 1, atol=1e-9)
    assert condition.payload.intrinsics.shape == (len(w2c), 4)


def test_every_format_of_the_registry_is_tested():
    # NumPy stacks: test_camera_exports.py
    assert {*FILES.values(), *WRITERS, "NumPy stack"} == set(FORMATS)


@pytest.mark.parametrize("format_", WRITERS)
@settings(max_examples=10, deadline=None)
@given(st.integers(1, 14), st.integers(0, 2**31))
def test_any_path_round_trips_through_every_format(format_, count, seed):
    c2w = poses(count, seed)
    condition = read(WRITERS[format_](c2w))
    assert condition.format == format_
    np.testing.assert_allclose(condition.payload.w2c, wanted(c2w), atol=1e-6)


@pytest.mark.parametrize("format_", WRITERS)
def test_line_ends_bom_and_last_newline_change_nothing(format_):
    text = WRITERS[format_](poses())
    plain = read(text).payload.w2c
    for data in (
        text.rstrip("\n").encode(),
        text.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + text.encode(),
        (text + "\n\n").encode(),
    ):
        np.testing.assert_array_equal(read(data).payload.w2c, plain)


@pytest.mark.parametrize("name", FILES)
def test_truncated_real_files_are_refused_or_shorter_but_right(name):
    data = (CAMERA / name).read_bytes()
    whole = read(data).payload.w2c
    for part in (0.2, 0.5, 0.77, 0.95):
        camera = attempt(data[: int(len(data) * part)])
        if camera is not None and name not in {"left.txt", "loop1.txt"}:
            np.testing.assert_allclose(camera.w2c, whole[: len(camera.w2c)])


def test_recammaster_is_metres_and_its_cameras_are_chosen_by_name(parse):
    condition = parse("camera", CAMERA / "recammaster.json", options={"select": "cam09"})
    centre = -condition.payload.w2c[80, :, :3].T @ condition.payload.w2c[80, :, 3]
    np.testing.assert_allclose(centre, [-1.9876, 0, 0.5326], atol=1e-4)
    assert any("metres" in one for one in condition.assumptions)
    assert condition.payload.metric
    assert not parse("camera", CAMERA / "recammaster.json", options={"scale": 50}).payload.metric
    assert not parse("camera", CAMERA / "motionctrl.json").payload.metric
    first = parse("camera", CAMERA / "recammaster.json")
    assert any("2 cameras (cam07, cam09): cam07 is taken" in one for one in first.assumptions)
    with pytest.raises(InputError, match="select: no camera 'cam11'; there are: cam07, cam09"):
        parse("camera", CAMERA / "recammaster.json", options={"select": "cam11"})


def test_stamps_keep_their_digits(parse):
    times = parse("camera", CAMERA / "tum.txt").payload.times
    assert times.dtype == np.float64
    assert times[1] - times[0] == pytest.approx(0.2, abs=1e-6)
    assert repr(float(times[0])) == "1403636580.06356"


def test_stamps_that_do_not_increase_are_told():
    rows = quaternion_rows(poses(3), [3.0, 1.0, 2.0])
    condition = read(lines(rows))
    assert condition.payload.times is None
    assert "time stamps do not increase" in condition.warnings[0]


def test_the_log_called_odometry_is_the_same_path_as_the_trajectory(parse):
    one, other = (
        parse("camera", CAMERA / f"open3d_{name}_log.txt").payload.w2c
        for name in ("trajectory", "odometry")
    )
    np.testing.assert_allclose(one, other, atol=0.01)


def test_frame_to_frame_logs_are_accumulated_by_their_numbers():
    c2w = poses(6)
    steps = np.linalg.inv(c2w[:-1]) @ c2w[1:]
    condition = read(log(steps, [(i, i + 1) for i in range(5)]))
    assert any("frame to frame and accumulated" in one for one in condition.assumptions)
    np.testing.assert_allclose(condition.payload.w2c, wanted(c2w), atol=1e-9)
    told = read(lines(quaternion_rows(steps)), poses="relative")
    np.testing.assert_allclose(told.payload.w2c, wanted(c2w), atol=1e-9)


def test_pairs_of_far_frames_are_no_path():
    with pytest.raises(InputError, match="ids: frames 0 and 3: a path needs"):
        read(log(poses(2), [(0, 3), (1, 4)]))


def test_options_override_what_the_content_leaves_open():
    c2w = poses()
    inverse = lines(quaternion_rows(np.linalg.inv(c2w)))
    np.testing.assert_allclose(
        read(inverse, direction="world_to_camera").payload.w2c, wanted(c2w), atol=1e-9
    )
    rows = quaternion_rows(c2w)[:, [0, 1, 2, 6, 3, 4, 5]]
    np.testing.assert_allclose(
        read(lines(rows), quaternion="wxyz").payload.w2c, wanted(c2w), atol=1e-9
    )
    gl = c2w @ np.diag([1.0, -1, -1, 1])
    opengl = read(lines(quaternion_rows(gl)), axes="opengl")
    np.testing.assert_allclose(opengl.payload.w2c, wanted(c2w), atol=1e-9)
    assert not any("axes" in one for one in opengl.assumptions)
    halved = read(lines(quaternion_rows(c2w)), scale=2).payload.w2c
    np.testing.assert_allclose(halved[:, :, 3], wanted(c2w)[:, :, 3] / 2, atol=1e-9)
    assert len(read("0 30\n0 0\n0 0", frames=49).payload.w2c) == 49


@pytest.mark.parametrize(
    ("axes", "forward"), [("flu", (1, 0, 0)), ("frd", (1, 0, 0)), ("opengl", (0, 0, -1))]
)
def test_forward_is_forward_in_all_axes(axes, forward):
    c2w = np.tile(np.eye(4), (3, 1, 1))
    c2w[:, :3, 3] = np.outer([0, 1, 2], forward)
    w2c = read(lines(quaternion_rows(c2w)), axes=axes).payload.w2c
    np.testing.assert_allclose(w2c[:, :, 3], np.outer([0, 1, 2], (0, 0, -1)), atol=1e-12)


def test_key_points_on_a_sphere_go_where_the_format_says():
    def centre(text):
        w2c = read(text).payload.w2c
        assert len(w2c) == 25
        return -w2c[-1, :, :3].T @ w2c[-1, :, 3]

    right, down, nearer = centre("0 30\n0 0\n0 0"), centre("0 0\n0 30\n0 0"), centre("0\n0\n0 -.3 ")
    np.testing.assert_allclose(right, [0.5, 0, 1 - np.sqrt(0.75)], atol=1e-12)
    np.testing.assert_allclose(down, [0, 0.5, 1 - np.sqrt(0.75)], atol=1e-12)
    np.testing.assert_allclose(nearer, [0, 0, 0.3], atol=1e-12)


def test_three_lines_that_are_poses_are_no_key_points():
    assert read(lines(quaternion_rows(poses(3)))).format == "pose text"
    assert read(lines(np.full((3, 8), 2.0))).format == "phi-theta-radius text"


def test_lenses_become_fractions():
    c2w = poses(2)
    angle = read(transforms(c2w, camera_angle_x=np.pi / 2))
    np.testing.assert_allclose(angle.payload.intrinsics, [[0.5, 0.5, 0.5, 0.5]] * 2)
    assert any("square" in one for one in angle.assumptions)
    wide = read(transforms(c2w, camera_angle_x=np.pi / 2), width=1600, height=800)
    np.testing.assert_allclose(wide.payload.intrinsics[0], [0.5, 1.0, 0.5, 0.5])
    pixels = transforms(c2w, w=200, h=100, fl_x=100, cx=90, cy=50)
    np.testing.assert_allclose(read(pixels).payload.intrinsics[0], [0.5, 1.0, 0.45, 0.5])
    np.testing.assert_allclose(
        read(open3d(c2w)).payload.intrinsics[0], [525 / 640, 500 / 480, 0.5, 0.5]
    )
    assert np.isnan(read(transforms(c2w)).payload.intrinsics).all()


def test_csv_columns_are_read_by_name():
    c2w = poses()
    rows = quaternion_rows(c2w)
    text = "#timestamp [ns],p_RS_R_x [m],p_RS_R_y [m],p_RS_R_z [m],q_RS_w [],q_RS_x [],q_RS_y [],"
    text += "q_RS_z []\n"
    for index, row in enumerate(rows):
        cells = [index * 50_000_000, *row[:3], row[6], *row[3:6]]
        text += ",".join(repr(float(cell)) for cell in cells) + "\n"
    condition = read(text)
    assert condition.format == "odometry CSV"
    np.testing.assert_allclose(condition.payload.w2c, wanted(c2w), atol=1e-9)
    np.testing.assert_allclose(condition.payload.times, np.arange(5) * 0.05)


def test_frames_out_of_order_are_sorted_by_their_number():
    c2w = poses(3)
    value = json.loads(transforms(c2w))
    for index, frame in enumerate(value["frames"]):
        frame["monst3r_im_id"] = index + 1
    value["frames"].reverse()
    condition = read(json.dumps(value))
    assert condition.format == "GenDoP transforms JSON"
    assert "sorted" in condition.warnings[0]
    np.testing.assert_allclose(condition.payload.w2c, wanted(c2w), atol=1e-9)


ROW = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
UNIT = "0 0 0 0 0 0 1"
BLOCK = "0 0 1\n1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"


def damaged(text, old, new, count=1):
    assert old in text
    return text.replace(old, new, count)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (json.dumps([ROW, ROW[:11]]), "pose 2: matrix: 11 numbers instead of 12"),
        (json.dumps([ROW, [*ROW[:11], "1"]]), "pose 2: matrix: str '1' is not a number"),
        (json.dumps([ROW, [*ROW[:11], True]]), "pose 2: matrix: bool 'True' is not a number"),
        (json.dumps([ROW, [2 * value for value in ROW]]), "pose 2: matrix: not a rotation"),
        (json.dumps([ROW, [-1, *ROW[1:]]]), "pose 2: matrix: not a rotation: mirrored"),
        ("[[1, 0, NaN]]", "JSON: NaN is not a finite number"),
        ("[[1e999]]", "pose 1: matrix: 1 numbers"),
        (f"[{json.dumps([*ROW[:11], 0])[:-2]} 1e999]]", "pose 1: matrix: not a finite number"),
        (f"[{json.dumps(ROW)[:-2]} 1{'0' * 5000}]]", "pose 1: matrix: not a finite number"),
        ("[" * 100_000, "JSON"),
        ("[]", "poses: no pose"),
        ('{"frames": []}', "poses: no pose"),
        ('{"frames": [{"transform_matrix": [[1]]}]}', "frame 1: transform_matrix: not 3 or 4 rows"),
        ('{"frames": [{}]}', "frame 1: transform_matrix: is missing"),
        ('{"frames": 3, "frame0": {}}', "frames"),
        ('{"frame0": {"cam01": "1"}, "frame0": {}}', "JSON: the key 'frame0' comes twice"),
        ('{"frame0": {"cam01": "1 0 0"}}', "frame0: cam01: not four rows of numbers"),
        ('{"frame0": {}}', "first frame: cameras: no camera"),
        (damaged(unreal(poses(3)), "frame2", "frame3"), "frame2: frames: this frame is missing"),
        (damaged(unreal(poses(3)), "frame2", "extra"), "frames: the key 'extra' is not a frame"),
        (damaged(unreal(poses(12)), "frame10", "frame01"), "frame01: frames: this frame comes"),
        (
            damaged(unreal(poses(3)), '"frame1": {"cam01"', '"frame1": {"cam02"'),
            "frame1: cam01: th",
        ),
        (
            damaged(open3d(poses(2)), '"width": 640', '"width": 0'),
            "pose 1: width: 0 is not above 0",
        ),
        (damaged(open3d(poses(2)), "[525", "[1e9"), "pose 1: fx: 1.5625e+06 is not a fraction"),
        (f"1 {UNIT}\n2 {UNIT}\n3 {UNIT[:-2]}\n4 {UNIT}", "line 3: columns: 7 columns instead of 8"),
        (f"1 {UNIT}\n2 {UNIT[:-1]}2\n" * 2, "line 2: qx…qw: not a rotation: a quaternion of le"),
        (f"1 {UNIT}\n2 {UNIT[:-1]}0\n" * 2, "line 2: qx…qw: not a rotation: a quaternion of le"),
        (f"1 {UNIT}\n2 {UNIT[:-1]}nan\n" * 2, "line 2: qw: 'nan' is not a finite number"),
        (f"1 {UNIT}\nx {UNIT}\n" * 2, "line 2: time: 'x' is not a number"),
        (f"1 1e10{UNIT[1:]}\n2 {UNIT}\n" * 2, "line 1: translation: 1e+10 is out of range"),
        ("x,y,z,qx,qy,qz,qw\n1,2,3\n", "line 2: columns: 3 columns instead of 7"),
        ("x,y,z,x,qy,qz,qw\n1,2,3,0,0,0,1\n", "line 1: header: two columns mean x"),
        ("x,y,z,qx,qy,qw\n1,2,3,0,0,1\n", "line 1: qz: the header has no such column"),
        (BLOCK + BLOCK[:-8], "line 6: matrix: the matrix after it has 3 lines instead of 4"),
        (BLOCK + damaged(BLOCK, "0 0 1 0", "0 0 1"), "line 9: columns: 3 columns instead of 4"),
        (BLOCK + damaged(BLOCK, "0 0 0 1", "0 0 0 2"), "line 6: matrix: the matrix does not end"),
        (damaged(BLOCK, "1 0 0 0", "2 0 0 0"), "line 1: matrix: not a rotation"),
        (BLOCK + damaged(BLOCK, "0 0 1\n", "0 0.5 1\n"), "line 6: ids: three integers"),
        ("0 x\n0 0\n0 0", "line 1: phi: 'x' is not a number"),
        ("0 1\n0 0\n0 -1", "radius: a change of −1 or less"),
        ("0 1e9\n0 0\n0 0", "line 1: phi: 1e+09 is out of range"),
    ],
)
def test_broken_files_name_record_and_field(data, words, refused):
    options = {"format": "phi-theta-radius text"} if data.startswith("0 x") else {}
    part = Part("cam.any", data.encode())
    assert words in refused("camera", part, options=options)


def test_a_transposed_matrix_is_named(refused):
    matrix = np.eye(4)
    matrix[3, 0] = 2.0
    text = json.dumps({"frames": [{"transform_matrix": matrix.tolist()}]})
    assert "it looks transposed" in refused("camera", Part("a.json", text.encode()))


@pytest.mark.parametrize("name", ["utf16", "latin", "binary"])
def test_other_encodings_are_refused(name, refused):
    text = WRITERS["TUM text"](poses())
    data = {
        "utf16": text.encode("utf-16"),
        "latin": b"# caf\xe9\n" + text.encode(),
        "binary": b"\x00\x01" + text.encode(),
    }[name]
    refused("camera", Part("a.txt", data))


def test_too_many_poses_are_refused(refused):
    text = f"1 {UNIT}\n" * 20_001
    assert "more than 20,000 poses" in refused("camera", Part("a.txt", text.encode()))
    assert "more than 20,000" in refused("camera", Part("a.txt", (BLOCK * 20_001).encode()))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(WRITERS)), st.data())
def test_damaged_files_are_read_or_refused_in_one_line(format_, data):
    text = WRITERS[format_](poses(4))
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 12))
    new = data.draw(st.text(alphabet='0123456789.-e[]{}",: \nnaif', max_size=8))
    camera = attempt(text[:start] + new + text[start + length :])
    if camera is None:
        return
    assert np.isfinite(camera.w2c).all()
    np.testing.assert_allclose(np.linalg.det(camera.w2c[:, :, :3]), 1, atol=1e-6)


KEYS = (
    *("frames", "frame0", "cam01", "parameters", "extrinsic", "intrinsic", "w", "fl_x"),
    *("transform_matrix", "intrinsic_matrix", "camera_angle_x", "monst3r_im_id"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(json_values, st.none() | st.sampled_from([name for name in FORMATS if "JSON" in name]))
def test_no_json_crashes_the_readers(value, format_):
    options = {} if format_ is None else {"format": format_}
    with pytest.raises(InputError) as caught:
        read(json.dumps(value), **options)
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.floats() | st.integers(-3, 3), max_size=9), max_size=6),
    st.none() | st.sampled_from([name for name in FORMATS if "JSON" not in name]),
)
def test_no_lines_of_numbers_crash_the_readers(rows, format_):
    options = {} if format_ is None else {"format": format_}
    camera = attempt(lines(rows), **options)
    if camera is None:
        return
    assert np.isfinite(camera.w2c).all()
