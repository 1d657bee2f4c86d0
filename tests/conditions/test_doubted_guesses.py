"""A form that was guessed from shape or range is doubted, and refused by name where it can't be."""

import numpy as np
import pytest

from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.io.clips import encode_mp4
from any2caption.conditions.io.images import encode_png
from any2caption.conditions.masks import label_lines
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from .conftest import DATA, EXAMPLES, picture

BOXES = "0 0.5 0.5 0.2 0.3\n17 0.25 0.4 0.1 0.1\n2 0.8 0.8 0.3 0.1\n"
POLYGONS = "0 0.1 0.1 0.5 0.1 0.5 0.6\n1 0.2 0.2 0.9 0.1 0.5 0.5 0.3 0.8\n"


def text(content, name="a.txt"):
    return Part(name, content.encode())


@pytest.mark.parametrize(
    "content",
    [
        BOXES,
        BOXES.splitlines()[0],
        BOXES * 3,
        POLYGONS,
        "0 0.5 0.5 0.2 0.3 0.93\n1 0.5 0.5 0.2 0.3 0.88\n",
    ],
)
def test_label_lines_are_no_path_of_camera_or_points(content, refused):
    for kind in ("camera", "motion"):
        assert "YOLO label lines" in refused(kind, text(content))
    with pytest.raises(InputError, match="YOLO label lines"):
        detect_kind([text(content)])


@pytest.mark.parametrize(
    "content",
    [
        "0 10 20\n0 5 5\n0 -0.1 -0.3\n",
        "0 0 0 0 0\n0 0 0 0 0\n0 -0.1 -0.2 -0.3 -0.4\n",
        "0 -30 -60 -30 0\n0 0 0 0 0\n0 0.1 0.2 0.1 0\n",
        "0 3 10\n0 0.5 0.9\n0 0 0\n",
    ],
)
def test_key_points_on_a_sphere_are_still_read(content):
    assert parse_condition("camera", [text(content)]).format == "phi-theta-radius text"
    assert not label_lines.looks_like([line.split() for line in content.splitlines()])


def test_a_camera_that_stays_is_no_label_line():
    content = "0 0 0 0 0 0 1\n0 0.5 0 0 0 0 1\n0 0.5 0.5 0 0 0 1\n1 0.5 0.5 0 0 0 1\n"
    assert parse_condition("camera", [text(content)]).format == "pose text"


def test_angles_of_less_than_a_degree_are_doubted(refused):
    content = "0.1 0.2 0.3\n0.3 0.5 0.9\n0.2 0.1 0.8\n"
    assert "no phi and theta in degrees" in refused("camera", text(content))
    read = parse_condition("camera", [text(content)], options={"format": "phi-theta-radius text"})
    assert len(read.payload.w2c) == 25


def lights(frames=16, height=240, width=320):
    """Two soft lights of different colours that move in the dark."""
    rows, columns = np.mgrid[:height, :width]
    clip = np.zeros((frames, height, width, 3))
    for at in range(frames):
        for x, y, colour in (
            (80 + 4 * at, 90, (255, 170, 60)),
            (240 - 3 * at, 160, (70, 140, 255)),
        ):
            light = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 32**2))
            clip[at] += light[..., None] * np.array(colour)
    return np.clip(clip, 0, 255).astype(np.uint8)


def test_a_dark_clip_is_no_drawn_pose(refused):
    part = Part("night.mp4", encode_mp4(lights(), 8))
    assert detect_kind([part]) == ("video", "a clip in colour")
    assert "not a drawn skeleton" in refused("pose", part)


def test_a_depth_map_is_no_drawn_pose(refused):
    ramp = np.tile(np.linspace(0, 250, 256), (200, 1)).astype(np.uint8)
    ramp[:, :160] = 0
    assert "a depth map" in refused("pose", picture(ramp))


def test_a_large_drawing_is_looked_at_in_part():
    canvas = np.zeros((4000, 5000, 3), np.uint8)
    for at, colour in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))):
        canvas[500 + 600 * at : 540 + 600 * at, 1000:4000] = colour
    part = Part("large.png", encode_png(canvas))
    condition = parse_condition("pose", [part])
    assert condition.payload.frames.shape == (1, 4000, 5000, 3)
    assert condition.payload.ground == (0, 0, 0)


@pytest.mark.parametrize(
    "path",
    [
        EXAMPLES / "images" / "dog.jpg",
        EXAMPLES / "images" / "red_cartoon.jpg",
        DATA / "video" / "hiker.mp4",
    ],
)
def test_a_photo_or_film_is_no_sketch(path, refused):
    assert "not a sketch" in refused("sketch", Part(path.name, path.read_bytes()))


def test_a_filled_mask_is_taken_as_a_sketch_with_a_warning():
    mask = np.zeros((120, 160), np.uint8)
    mask[30:90, 40:110] = 255
    assert "filled areas" in parse_condition("sketch", [picture(mask)]).warnings[0]


@pytest.mark.parametrize(
    ("most", "full", "dtype"),
    [(1, "65,535", np.uint16), (255, "65,535", np.uint16), (1, "255", np.uint8)],
)
@pytest.mark.parametrize("kind", ["image", "video"])
def test_a_picture_of_tiny_values_is_said_to_be_black(most, full, dtype, kind):
    dark = np.zeros((20, 30), dtype)
    dark[5:15, 5:15] = most
    parts = [picture(dark, name=f"{at}.png") for at in range(1 + (kind == "video"))]
    assert f"values up to {most} of {full} is black" in parse_condition(kind, parts).warnings[0]


@pytest.mark.parametrize("content", ["(1, 2)\n(3, 4)\n(5, 9)\n(6, 9)\n", "1;2\n3;4\n5;9\n6;9\n"])
def test_what_a_kind_reads_is_found_out(content):
    assert parse_condition("motion", [text(content)]).payload.tracks.shape[1] == 1
    assert detect_kind([text(content)])[0] == "motion"
