"""Previews of poses, drawings and tracks: a sheet or a clip by the name's ending."""

import numpy as np
import pytest
from PIL import Image

from any2caption.conditions.drawing.preview_pose import TILE, draw_pose_preview, preview_frames
from any2caption.conditions.io.files import read_parts
from any2caption.conditions.io.images import decode_video
from any2caption.conditions.kind import MEGA, Limits, Notes
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import DrawnPose, Motion, Part, Pose
from any2caption.errors import InputError

from ..conftest import DATA


def pose(frames=20, people=2, aspect=1.0):
    rng = np.random.default_rng(0)
    points = rng.random((frames, people, 18, 3)).astype(np.float32) * 0.8 + 0.1
    points[-1, 1] = 0
    return Pose(points, "COCO_18", 10.0, aspect)


def motion():
    return Motion(np.random.default_rng(1).random((30, 3, 2)).astype(np.float32))


def drawn():
    frames = np.zeros((5, 40, 80, 3), np.uint8)
    frames[:, 10:20, 10:20] = (255, 0, 0)
    return DrawnPose(frames, 5.0)


@pytest.mark.parametrize(
    "payload", [pose(), pose(1), motion(), drawn()], ids=["many", "one", "tracks", "drawn"]
)
def test_a_sheet_shows_frames_with_something_in_them(payload, tmp_path):
    draw_pose_preview(payload, tmp_path / "p.png")
    sheet = np.asarray(Image.open(tmp_path / "p.png"))
    assert sheet.any()
    assert max(sheet.shape[:2]) <= 4 * TILE + 4


def test_a_clip_lasts_as_long_as_the_pose(tmp_path):
    draw_pose_preview(pose(), tmp_path / "p.mp4")
    limits = Limits(part_bytes=MEGA, total_bytes=MEGA, clip_pixels=64 * MEGA)
    part = Part("p.mp4", (tmp_path / "p.mp4").read_bytes())
    clip = decode_video(part, limits, Notes())
    assert len(clip.frames) == 20
    assert clip.fps == pytest.approx(10)


def test_the_shape_of_the_canvas_is_kept():
    assert preview_frames(pose(aspect=2.0), 2).shape == (2, TILE // 2, TILE, 3)
    assert preview_frames(drawn(), 2).shape == (2, TILE // 2, TILE, 3)


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a preview is a \.png or a \.mp4"):
        draw_pose_preview(pose(), tmp_path / "p.gif")


def test_real_files_have_previews(tmp_path):
    for kind, name in (
        ("pose", "pose/multi"),
        ("pose", "pose/jumping_jacks.bvh"),
        ("motion", "motion"),
    ):
        payload = parse_condition(kind, read_parts(DATA / name)).payload
        draw_pose_preview(payload, tmp_path / "p.png")
        assert (tmp_path / "p.png").stat().st_size > 500
