"""Strokes and normals have one canonical form, whatever ground or axes a source uses."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as PilImage

from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part

from .conftest import DATA, picture


def drawing(ground=255, stroke=0):
    pixels = np.full((40, 60, 3), ground, np.uint8)
    pixels[10:13, 5:50] = stroke
    return pixels


def sketch_of(*parts, **options):
    return parse_condition("sketch", list(parts), options=options)


def test_black_on_white_and_white_on_black_become_the_same_strokes():
    one, other = sketch_of(picture(drawing())), sketch_of(picture(drawing(0, 255)))
    np.testing.assert_array_equal(one.payload.strokes, other.payload.strokes)
    assert (one.format, other.format) == ("black on white PNG", "white on black PNG")
    assert one.payload.strokes[0, 11, 20] == 255
    assert one.payload.strokes[0, 0, 0] == 0


def test_the_ground_can_be_stated():
    assert sketch_of(picture(drawing()), ground="black").payload.strokes[0, 0, 0] == 255


def test_real_scribbles_are_strokes(parse):
    bag = parse("sketch", DATA / "sketch" / "bag_scribble.png")
    assert bag.format == "black on white PNG"
    assert 0.2 < (bag.payload.strokes == 255).mean() < 0.3
    museum = parse("sketch", DATA / "sketch" / "museum")
    assert museum.format == "white on black PNG"
    assert museum.payload.drawn.tolist() == [True, False, True]
    assert not museum.payload.strokes[1].any()
    assert "1 of 3 frames are even" in museum.assumptions[0]


def test_transparent_drawings_show_their_strokes():
    for level in (0, 255):
        rgba = np.zeros((30, 30, 4), np.uint8)
        rgba[..., :3] = level
        rgba[10:12, 3:27, 3] = 255
        strokes = sketch_of(picture(rgba)).payload.strokes[0]
        assert strokes[11, 10] == 255
        assert strokes[0, 0] == 0


def test_paper_becomes_empty_ground():
    pixels = np.random.default_rng(1).integers(170, 190, (60, 60)).astype(np.uint8)
    pixels[20:24] = 30
    condition = sketch_of(picture(pixels))
    assert "paper" in condition.assumptions[-1]
    assert condition.payload.strokes[0, :18].max() == 0
    assert condition.payload.strokes[0, 21].min() > 200


def test_nothing_drawn_is_refused(refused):
    assert "nothing is drawn" in refused("sketch", picture(np.zeros((9, 9), np.uint8)))
    assert "this is JSON" in refused("sketch", Part("a.json", b"{}"))


def slope(axes=(1, 1, 1), *, deep=False):
    """A surface that faces up, right and to the camera."""
    vector = np.array([0.36, 0.48, 0.8]) * axes
    most = 65535 if deep else 255
    return np.tile(np.rint((vector + 1) / 2 * most), (12, 16, 1)).astype(
        np.uint16 if deep else np.uint8
    )


def deep_png(values, name="n.png"):
    """A 16-bit RGB PNG by hand: Pillow cannot write one."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width = values.shape[:2]
    rows = values.astype(">u2").reshape(height, -1).view(np.uint8)
    raw = np.pad(rows, ((0, 0), (1, 0))).tobytes()  # filter 0 before each row
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    pieces = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")
    return Part(name, b"\x89PNG\r\n\x1a\n" + b"".join(pieces))


def normals_of(*parts, **options):
    return parse_condition("normal", list(parts), options=options)


def test_colours_become_unit_vectors():
    condition = normals_of(picture(slope()))
    assert condition.format == "8-bit PNG"
    np.testing.assert_allclose(condition.payload.vectors[0, 3, 3], (0.36, 0.48, 0.8), atol=0.01)
    np.testing.assert_allclose(np.linalg.norm(condition.payload.vectors, axis=-1), 1, atol=1e-5)
    assert "opengl" in condition.assumptions[0]


def test_sixteen_bits_keep_their_precision():
    condition = normals_of(deep_png(slope(deep=True)))
    assert condition.format == "16-bit PNG"
    np.testing.assert_allclose(condition.payload.vectors[0, 3, 3], (0.36, 0.48, 0.8), atol=5e-5)


def test_axes_are_turned_to_one_convention():
    opencv = normals_of(picture(slope((1, -1, -1))))
    assert "opencv" in opencv.assumptions[0]
    directx = normals_of(picture(slope((1, -1, 1))), axes="directx")
    assert not directx.assumptions
    for condition in (opencv, directx):
        np.testing.assert_allclose(condition.payload.vectors[0, 3, 3], (0.36, 0.48, 0.8), atol=0.01)


def test_black_pixels_are_holes():
    pixels = slope()
    pixels[:4] = 0
    vectors = normals_of(picture(pixels)).payload.vectors
    assert np.isnan(vectors[0, :4]).all()
    assert np.isfinite(vectors[0, 4:]).all()


def test_photos_and_grey_are_no_normal_maps(refused):
    photo = np.random.default_rng(0).integers(0, 100, (40, 40, 3), dtype=np.uint8)
    assert "no directions" in refused("normal", picture(photo))
    assert "a grey picture" in refused("normal", picture(np.full((9, 9), 80, np.uint8)))


@pytest.mark.parametrize("kind", ["sketch", "normal", "segmentation", "depth"])
def test_frames_of_another_size_are_refused(kind, refused):
    pixels = {"normal": slope(), "depth": slope()[..., 0], "segmentation": slope()[..., 0]}.get(
        kind, drawing()
    )
    other = np.pad(pixels, [(0, 2)] + [(0, 0)] * (pixels.ndim - 1), mode="edge")
    assert "same size" in refused(kind, picture(pixels, name="1.png"), picture(other, name="2.png"))


def test_cmyk_and_palette_pictures_are_read_where_they_mean_something(refused):
    cmyk = PilImage.fromarray(drawing()).convert("CMYK")
    buffer = io.BytesIO()
    cmyk.save(buffer, "JPEG")
    part = Part("c.jpg", buffer.getvalue())
    assert sketch_of(part).format == "black on white JPEG"
    assert "CMYK" in refused("segmentation", part)
