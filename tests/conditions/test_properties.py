"""What holds for any pixels, numbers and bytes, in every family that has no such test beside it."""

import io
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as PilImage

from any2caption.conditions.io.clips import encode_mp4
from any2caption.conditions.io.images import decode_image, image_header
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from .conftest import picture

QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SIDES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=24)


def npy(array, name="d.npy"):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return Part(name, buffer.getvalue())


def read_or_refused(kind, *parts, **options):
    """The payload, or None where one line refuses the parts."""
    try:
        return parse_condition(kind, list(parts), options=options).payload
    except InputError as error:
        if "\n" in str(error):
            raise
        return None


@QUICK
@given(hnp.arrays(np.uint8, SIDES.map(lambda side: (*side, 3))), st.sampled_from(["PNG", "WEBP"]))
def test_lossless_pictures_come_back_exactly(pixels, format_):
    part = picture(pixels, format_, lossless=True) if format_ == "WEBP" else picture(pixels)
    np.testing.assert_array_equal(decode_image(part), pixels)
    header = image_header(part)
    assert (header.height, header.width, header.bits) == (*pixels.shape[:2], 8)


@QUICK
@given(st.data(), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]))
def test_a_damaged_picture_is_read_within_its_header_or_refused(data, format_):
    pixels = np.arange(20 * 30 * 3, dtype=np.int64).reshape(20, 30, 3).astype(np.uint8)
    part = damaged(data, picture(pixels, format_))
    payload = read_or_refused("image", part)
    if payload is not None:
        assert payload.pixels.shape == (*image_header(part).upright_size, 3)


def damaged(data, part):
    """Bytes changed at up to four places, then perhaps cut."""
    raw = bytearray(part.data)
    places = st.lists(st.integers(0, len(raw) - 1), max_size=4)
    for at in data.draw(places):
        raw[at] = data.draw(st.integers(0, 255))
    return Part(part.name, bytes(raw[: data.draw(st.integers(1, len(raw)))]))


@QUICK
@given(hnp.arrays(np.float32, SIDES, elements=st.floats(width=32, allow_subnormal=False)))
def test_any_float_map_becomes_nearness_or_is_refused(metres):
    payload = read_or_refused("depth", npy(metres))
    known = np.isfinite(metres) & (metres > 0)
    assert (payload is None) == (not known.any())
    if payload is not None:
        same_order(payload.maps[0], metres, known)


@QUICK
@given(hnp.arrays(np.uint16, SIDES), st.sampled_from([256, 1000, 5000]))
def test_any_sixteen_bit_map_becomes_nearness_whatever_its_scale(units, scale):
    payload = read_or_refused("depth", picture(units), scale=scale)
    assert (payload is None) == (not units.any())
    if payload is not None:
        same_order(payload.maps[0], units.astype(np.float64), units > 0)


def same_order(maps, metres, known):
    """0 … 1, holes where nothing is known, and what is nearer is never darker."""
    np.testing.assert_array_equal(np.isfinite(maps), known)
    assert maps[known].min() >= 0
    assert maps[known].max() <= 1
    order = np.argsort(metres[known], kind="stable")
    assert (np.diff(maps[known][order]) <= 1e-6).all()


@QUICK
@given(st.data(), st.booleans())
def test_a_damaged_depth_map_is_read_or_refused(data, deep):
    ramp = np.tile(np.arange(1, 301, dtype=np.uint16), (8, 1))
    payload = read_or_refused(
        "depth", damaged(data, picture(ramp) if deep else npy(ramp.astype(np.float32)))
    )
    if payload is not None:
        known = payload.maps[np.isfinite(payload.maps)]
        assert known.size
        assert ((known >= 0) & (known <= 1)).all()


@QUICK
@given(hnp.arrays(np.uint8, SIDES, elements=st.integers(0, 12)))
def test_any_palette_keeps_its_ids(ids):
    image = PilImage.fromarray(ids, "P")
    image.putpalette(np.random.default_rng(0).permutation(768).astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    payload = parse_condition("segmentation", [Part("m.png", buffer.getvalue())]).payload
    np.testing.assert_array_equal(payload.ids[0], ids)


@QUICK
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 5), st.just(6), st.just(8), st.just(3))),
    st.sampled_from([40, 100, 250]),
)
def test_any_gif_has_its_frames_and_rate(frames, milliseconds):
    stills = [PilImage.fromarray(pixels) for pixels in frames]
    buffer = io.BytesIO()
    # Equal frames are merged by the writer, which a different corner keeps apart.
    for index, still in enumerate(stills):
        still.putpixel((0, 0), (index * 50, 255 - index * 50, 0))
    stills[0].save(buffer, "GIF", save_all=True, append_images=stills[1:], duration=milliseconds)
    payload = read_or_refused("video", Part("a.gif", buffer.getvalue()))
    if len(frames) > 1:
        assert payload.frames.shape == frames.shape
        assert payload.fps == pytest.approx(1000 / milliseconds)


CLIP = encode_mp4(np.zeros((6, 32, 32, 3), np.uint8), 8)


@settings(QUICK, max_examples=25)
@given(st.data())
def test_a_damaged_clip_is_read_within_limits_or_refused(data):
    payload = read_or_refused("video", damaged(data, Part("a.mp4", CLIP)))
    if payload is not None:
        assert payload.frames.ndim == 4
        assert payload.fps > 0


BOX = st.tuples(*[st.floats(0, 0.45)] * 2, *[st.floats(0.55, 1)] * 2)


@QUICK
@given(st.lists(BOX, min_size=1, max_size=5), st.integers(16, 4000), st.integers(16, 4000))
def test_boxes_in_pixels_and_in_fractions_are_the_same_regions(boxes, width, height):
    scale = np.array([width, height, width, height])
    pixels = [list(map(float, np.array(box) * scale)) for box in boxes]
    corners = [{"label": f"r{n}", "box": box} for n, box in enumerate(pixels)]
    sizes = [
        {"label": f"r{n}", "bbox": [x, y, right - x, bottom - y]}
        for n, (x, y, right, bottom) in enumerate(pixels)
    ]
    fractions = [{"label": f"r{n}", "box": list(box)} for n, box in enumerate(boxes)]
    for entries, form in ((corners, "pixel"), (sizes, "pixel"), (fractions, "normalised")):
        document = {"width": width, "height": height, "regions": entries}
        part = Part("r.json", json.dumps(document).encode())
        (found,) = read_or_refused("region", part, coordinates=form).frames
        assert [region.label for region in found] == [f"r{n}" for n in range(len(boxes))]
        for region, box in zip(found, boxes, strict=True):
            np.testing.assert_allclose(region.points, np.reshape(box, (2, 2)), atol=1e-9)


@QUICK
@given(hnp.arrays(np.bool_, SIDES))
def test_strokes_are_the_same_on_either_ground(drawn):
    drawn[0] = False  # more ground than strokes
    drawn[:, 0] = False
    drawn[0, 0] = True
    black = parse_condition("sketch", [picture(np.where(drawn, 255, 0).astype(np.uint8))],
                            options={"ground": "black"}).payload  # fmt: skip
    white = parse_condition("sketch", [picture(np.where(drawn, 0, 255).astype(np.uint8))],
                            options={"ground": "white"}).payload  # fmt: skip
    np.testing.assert_array_equal(black.strokes[0] > 127, drawn)
    np.testing.assert_array_equal(white.strokes, black.strokes)


@QUICK
@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(2, 20))
def test_any_directions_become_unit_vectors(seed, height, width):
    directions = np.random.default_rng(seed).normal(size=(height, width, 3))
    directions[..., 2] = np.abs(directions[..., 2])  # towards the camera
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    colours = np.round((directions + 1) * 127.5).astype(np.uint8)
    vectors = parse_condition("normal", [picture(colours)]).payload.vectors[0]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=2), 1, atol=1e-5)
    assert (np.sum(vectors * directions, axis=2) > 0.999).all()
