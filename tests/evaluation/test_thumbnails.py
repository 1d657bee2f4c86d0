import base64
import io
import re

import numpy as np
import pytest
from PIL import Image as Pictures

from any2caption.conditions.types import Camera, Condition, Depth, DrawnPose, Image, Motion, Video
from any2caption.evaluation.reports.thumbnails import picture_of


def pixels(html):
    data = re.fullmatch(r'<img alt="" height="72" src="data:image/png;base64,([^"]+)">', html)
    return np.asarray(Pictures.open(io.BytesIO(base64.b64decode(data.group(1)))))


@pytest.mark.parametrize(("frames", "shown"), [(1, 1), (3, 3), (40, 4)])
def test_a_clip_is_shown_as_at_most_four_frames(frames, shown):
    clip = np.zeros((frames, 20, 30, 3), np.uint8)
    clip[-1] = 255
    sheet = pixels(picture_of(Condition("video", Video(clip, 8.0), "mp4")))
    assert sheet.shape == (72, 72 * shown, 3)
    assert (sheet[:, -72:] == 255).all()


def test_a_picture_keeps_its_colour():
    red = np.full((10, 10, 3), (255, 0, 0), np.uint8)
    assert (pixels(picture_of(Condition("image", Image(red), "png"))) == (255, 0, 0)).all()


def test_near_is_bright_and_a_hole_is_black():
    maps = np.full((1, 4, 4), 1.0, np.float32)
    maps[:, :, :2] = np.nan
    sheet = pixels(picture_of(Condition("depth", Depth(maps), "png")))
    assert sheet[36, 0].max() < 20
    assert sheet[36, 71].min() > 235


def test_a_camera_path_is_drawn_from_above():
    w2c = np.zeros((5, 3, 4))
    w2c[:, :, :3] = np.eye(3)
    w2c[:, 0, 3] = -np.arange(5)  # the camera moves to the right: its centre is −Rᵀt
    drawn = picture_of(Condition("camera", Camera(np.full((5, 4), np.nan), w2c), "re10k"))
    spots = re.search(r'<polyline points="([^"]+)"', drawn).group(1).split()
    across = [float(spot.split(",")[0]) for spot in spots]
    assert across == sorted(across)
    assert across[0] < across[-1]


def test_a_camera_that_stands_still_is_drawn_too():
    w2c = np.zeros((2, 3, 4))
    w2c[:, :, :3] = np.eye(3)
    drawn = picture_of(Condition("camera", Camera(np.full((2, 4), np.nan), w2c), "re10k"))
    assert "nan" not in drawn
    assert drawn.startswith("<svg")


def test_text_has_no_picture():
    assert picture_of(Condition("text", "a <b> ball", "utf-8")) == ""


def test_tracks_and_drawn_poses_are_shown():
    tracks = np.linspace(0.1, 0.9, 20, dtype=np.float32).repeat(2).reshape(20, 1, 2)
    assert pixels(picture_of(Condition("motion", Motion(tracks), "track text"))).max() > 100
    drawing = np.zeros((5, 40, 40, 3), np.uint8)
    drawing[:, 10:30, 20] = 255
    shown = pixels(picture_of(Condition("pose", DrawnPose(drawing, 8.0), "drawn pose video")))
    assert shown.shape == (72, 4 * 72, 3)
    assert shown.max() > 100
