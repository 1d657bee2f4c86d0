"""Pictures are read by content, upright and bounded."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as PilImage

from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.io.images import decode_image, encode_png
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.roles import IMAGE_ROLES
from any2caption.conditions.types import Part

from .conftest import EXAMPLES, picture


def png_claiming(width, height):
    """A tiny PNG whose header claims a huge size."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return Part("huge.png", b"\x89PNG\r\n\x1a\n" + body)


@pytest.fixture
def ramp():
    return np.arange(24 * 16 * 3, dtype=np.int64).reshape(24, 16, 3).astype(np.uint8)


@pytest.mark.parametrize("role", IMAGE_ROLES)
def test_a_real_photo_in_every_role(role, parse):
    condition = parse("image", EXAMPLES / "images" / "dog.jpg", role=role)
    assert condition.role == role
    assert condition.payload.pixels.shape == (780, 780, 3)
    assert condition.payload.pixels.dtype == np.uint8
    assert describe(condition)["height"] == 780


@pytest.mark.parametrize(("format_", "name"), [("PNG", "PNG"), ("WEBP", "WebP"), ("JPEG", "JPEG")])
def test_the_content_decides_not_the_suffix(format_, name, ramp):
    condition = parse_condition("image", [picture(ramp, format_, "wrong.gif")])
    assert condition.format == name
    assert condition.payload.pixels.shape == ramp.shape


def test_png_round_trip_is_exact(ramp):
    np.testing.assert_array_equal(decode_image(Part("a", encode_png(ramp))), ramp)


def test_alpha_lies_over_white():
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = (255, 0, 0, 255)
    pixels = decode_image(picture(rgba))
    np.testing.assert_array_equal(pixels[0, 0], (255, 0, 0))
    np.testing.assert_array_equal(pixels[1, 1], (255, 255, 255))


def test_sixteen_bits_are_scaled_not_clipped():
    pixels = decode_image(picture(np.array([[0, 32768, 65535]], np.uint16)))
    np.testing.assert_array_equal(pixels[0, :, 0], (0, 128, 255))


@pytest.mark.parametrize("mode", ["P", "1", "CMYK", "L", "LA"])
def test_every_mode_becomes_rgb(mode, ramp):
    buffer = io.BytesIO()
    PilImage.fromarray(ramp).convert("L" if mode == "LA" else "RGB").convert(mode).save(
        buffer, format="JPEG" if mode == "CMYK" else "PNG"
    )
    pixels = decode_image(Part("a", buffer.getvalue()))
    assert pixels.shape == ramp.shape


def test_exif_orientation_is_applied(ramp):
    exif = PilImage.Exif()
    exif[0x0112] = 6
    pixels = decode_image(picture(ramp, "PNG", exif=exif))
    np.testing.assert_array_equal(pixels, np.rot90(ramp, -1))


def test_fifty_megapixels_are_refused_from_the_header(refused):
    assert "huge.png: size: 10000×5000 pixels" in refused("image", png_claiming(10_000, 5_000))


@pytest.mark.parametrize("side", [12_000, 60_000, 2**31 - 1])
def test_bombs_are_refused_from_the_header(side, refused):
    assert "at most 40 megapixels" in refused("image", png_claiming(side, side))


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_truncated_pictures_are_refused(format_, keep, refused):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    whole = picture(noise, format_)
    part = Part("cut.png", whole.data[: int(len(whole.data) * keep)])
    assert "damaged or truncated" in refused("image", part)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"GIF89a" + b"\0" * 20, "GIF"),
        (b"hello", "text"),
        (b"\0\1\2\3" * 20, "binary data"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 20, "HEIC"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_other_types_are_refused_by_name(data, name, refused):
    message = refused("image", Part("other.png", data))
    assert f"this is {name}; accepted: PNG, JPEG, WebP" in message


def test_random_damage_is_refused_or_read_but_never_crashes(ramp):
    from any2caption.errors import InputError

    random = np.random.default_rng(1)
    for format_ in ("PNG", "JPEG", "WEBP"):
        whole = bytearray(picture(np.tile(ramp, (3, 3, 1)), format_).data)
        for _ in range(60):
            hurt = bytearray(whole)
            for at in random.integers(8, len(hurt), 4):
                hurt[at] = int(random.integers(0, 256))
            try:
                pixels = parse_condition("image", [Part("hurt", bytes(hurt))]).payload.pixels
            except InputError:
                continue
            assert pixels.ndim == 3


def test_an_animated_picture_says_so(ramp):
    frames = [PilImage.fromarray(ramp), PilImage.fromarray(255 - ramp)]
    buffer = io.BytesIO()
    frames[0].save(buffer, format="WEBP", save_all=True, append_images=frames[1:], lossless=True)
    condition = parse_condition("image", [Part("a.webp", buffer.getvalue())])
    assert "first frame" in condition.warnings[0]
