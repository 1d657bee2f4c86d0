"""Camera paths as people's tools write them: matrices, NumPy stacks, COLMAP, apps' exports."""

import io
import json
import struct

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from any2caption.conditions.camera.movements import movements
from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from . import test_camera_formats as writers

COUNT = 20
GL = np.diag([1.0, -1, -1, 1])


def camera_to_world():
    """A camera that trucks right by 2 and pans left by 30 degrees; OpenCV axes."""
    share = np.linspace(0, 1, COUNT)
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    turns = Rotation.from_rotvec(np.outer(share, (0, -np.radians(30), 0)))
    poses[:, :3, :3], poses[:, 0, 3] = turns.as_matrix(), 2 * share
    return poses


def shuffled():
    return np.random.default_rng(1).permutation(COUNT)


def stack():
    stream = io.BytesIO()
    np.save(stream, camera_to_world().astype(np.float32))
    return "poses.npy", stream.getvalue()


def archive():
    stream = io.BytesIO()
    inverse = np.linalg.inv(camera_to_world())
    np.savez(stream, w2c=inverse[:, :3], fps=np.array(24.0))
    return "cameras.npz", stream.getvalue()


def kitti():
    return "poses.txt", writers.WRITERS["KITTI text"](camera_to_world()).encode()


def colmap():
    return "images.txt", writers.colmap(camera_to_world()).encode()


def colmap_binary():
    inverse = np.linalg.inv(camera_to_world())
    quaternions = Rotation.from_matrix(inverse[:, :3, :3]).as_quat()[:, [3, 0, 1, 2]]
    out = struct.pack("<Q", COUNT)
    for number, at in enumerate(shuffled(), start=1):
        pose = (*quaternions[at], *inverse[at, :3, 3])
        out += struct.pack("<I7dI", number, *pose, 1) + f"frame_{at}.png".encode() + b"\0"
        out += struct.pack("<Q", at % 3) + struct.pack("<ddq", 1.5, 2.5, -1) * (at % 3)
    return "images.bin", out


def nerfstudio():
    return "camera_path.json", writers.nerfstudio(camera_to_world()).encode()


def record3d():
    return "metadata.json", writers.record3d(camera_to_world()).encode()


MADE = [kitti, stack, archive, colmap, colmap_binary, nerfstudio, record3d]


@pytest.mark.parametrize("make", MADE)
def test_every_tools_file_is_found_out_and_gives_the_same_path(make):
    name, data = make()
    assert detect_kind([Part(name, data)])[0] == "camera"
    path = parse_condition("camera", [Part(name, data)]).payload
    wanted = np.linalg.inv(camera_to_world())[:, :3]
    np.testing.assert_allclose(path.w2c, wanted, atol=1e-6)
    assert {movement.key for movement in movements(path)} == {"truck_right", "pan_left"}


def test_lenses_of_exports_are_fractions_of_the_picture():
    path = parse_condition("camera", [Part(*nerfstudio())]).payload
    np.testing.assert_allclose(path.intrinsics[0], [0.5774, 0.8660, 0.5, 0.5], atol=1e-4)
    path = parse_condition("camera", [Part(*record3d())]).payload
    np.testing.assert_allclose(path.intrinsics[0], [700 / 720, 700 / 960, 0.5, 0.5])
    assert path.metric  # ARKit's unit


def test_what_a_stack_maps_is_told_by_its_name_or_assumed_aloud():
    named = parse_condition("camera", [Part(*archive())])
    assert not any("direction" in said for said in named.assumptions)
    assumed = parse_condition("camera", [Part(*stack())])
    assert any("camera to world; direction=" in said for said in assumed.assumptions)
    other = parse_condition("camera", [Part(*stack())], options={"direction": "world_to_camera"})
    assert not np.allclose(other.payload.w2c, assumed.payload.w2c)


def test_frames_of_a_transforms_file_go_by_the_numbers_of_their_names():
    frames = [
        {"file_path": f"images/frame_{at:05d}.png", "transform_matrix": pose.tolist()}
        for at, pose in enumerate(camera_to_world() @ GL)
    ]
    mixed = [frames[at] for at in shuffled()]
    part = Part("transforms.json", json.dumps({"frames": mixed}).encode())
    read = parse_condition("camera", [part])
    np.testing.assert_allclose(read.payload.w2c, np.linalg.inv(camera_to_world())[:, :3], atol=1e-9)
    assert any("order=listed" in said for said in read.assumptions)
    listed = parse_condition("camera", [part], options={"order": "listed"}).payload
    assert not np.allclose(listed.w2c, read.payload.w2c)


def scaled_rows():
    return writers.lines(2.5 * camera_to_world()[:, :3].reshape(COUNT, 12)).encode()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("p.json", json.dumps({"t_00": 1, "t_13": 0, "fx": 900}).encode(), "Polycam"),
        ("images.bin", colmap_binary()[1][:-30], "truncated"),
        ("odd.npy", stack()[1][:-8], "damaged"),
    ],
)
def test_what_is_no_path_is_refused_by_name(name, data, said):
    with pytest.raises(InputError, match=said):
        parse_condition("camera", [Part(name, data)])


def test_twelve_numbers_that_are_no_rotation_are_no_camera():
    with pytest.raises(InputError):
        parse_condition("camera", [Part("tracks.txt", scaled_rows())])
