"""Depth maps of every accepted format become 0 … 1, near = 1, holes = NaN."""

import io

import numpy as np
import pytest

from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.io.clips import encode_mp4
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part

from .conftest import DATA, EXAMPLES, picture


def npy(array, name="d.npy"):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return Part(name, buffer.getvalue())


@pytest.fixture
def slope():
    """Distance that grows to the right, in millimetres, with a hole."""
    metres = np.tile(np.linspace(1000, 5000, 50), (20, 1)).astype(np.uint16)
    metres[:5, :5] = 0
    return metres


def maps_of(parts, **options):
    return parse_condition("depth", parts, options=options).payload.maps


@pytest.mark.parametrize("name", ["rainbow_sheep.png", "rgb_equal.png"])
def test_real_relative_maps_keep_their_values(name, parse):
    condition = parse("depth", DATA / "depth" / name)
    maps = condition.payload.maps
    assert maps.shape == (1, 512, 512)
    assert maps.dtype == np.float32
    assert (maps.min(), maps.max()) == (0, pytest.approx(1, abs=0.02))
    assert condition.format == "8-bit relative PNG"
    assert "near = bright" in condition.assumptions[0]
    assert condition.payload.sparse


def test_a_real_metric_map_has_holes_and_says_its_scale(parse):
    condition = parse("depth", EXAMPLES / "depth" / "room.png")
    maps = condition.payload.maps
    assert np.isnan(maps).mean() == pytest.approx(0.1304, abs=1e-3)
    assert np.nanmin(maps) == 0
    assert np.nanmax(maps) == 1
    assert "1000 units per metre" in condition.assumptions[0]
    assert describe(condition)["sparse"] is True


def test_near_is_one_for_metric_maps(slope):
    maps = maps_of([picture(slope)], scale=1000)[0]
    assert maps[10, 0] == 1
    assert maps[10, -1] == 0
    assert np.isnan(maps[0, 0])
    assert np.all(np.diff(maps[10]) <= 0)


def test_a_stated_scale_is_no_assumption(slope):
    assert not parse_condition("depth", [picture(slope)], options={"scale": "5000"}).assumptions


def test_sixteen_bits_with_near_are_relative(slope):
    condition = parse_condition("depth", [picture(slope)], options={"near": "bright"})
    assert condition.format == "16-bit relative PNG"
    assert np.all(np.diff(condition.payload.maps[0, 10]) >= 0)


def test_near_dark_turns_relative_maps_round():
    grey = np.tile(np.arange(0, 250, 5, dtype=np.uint8), (8, 1))
    np.testing.assert_allclose(
        maps_of([picture(grey)]), 1 - maps_of([picture(grey)], near="dark"), atol=1e-6
    )


def test_a_clip_of_metric_maps_is_scaled_as_one(slope):
    near, far = picture(slope, name="d1.png"), picture(slope * 2, name="d2.png")
    maps = maps_of([far, near])
    assert maps.shape == (2, 20, 50)
    assert np.nanmean(maps[0]) > np.nanmean(maps[1])


def test_npy_is_distance_with_bad_values_as_holes():
    array = np.linspace(0.5, 4, 600, dtype=np.float32).reshape(20, 30)
    array[0, :4] = (np.nan, np.inf, 0, -1)
    condition = parse_condition("depth", [npy(array)])
    maps = condition.payload.maps[0]
    assert np.isnan(maps).sum() == 4
    assert maps[1, 0] > maps[-1, 0]
    assert "large = far" in condition.assumptions[0]
    assert maps_of([npy(array)], near="bright")[0][1, 0] < maps[1, 0]


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4"])
def test_npy_of_any_float_and_of_several_frames(dtype):
    array = np.linspace(1, 4, 3 * 8 * 9).reshape(3, 8, 9).astype(dtype)
    assert maps_of([npy(array)]).shape == (3, 8, 9)


def test_a_depth_clip_is_read():
    ramp = np.repeat(np.arange(0, 240, 5, dtype=np.uint8)[None, :, None], 32, axis=0)
    clip = np.stack([np.repeat(ramp, 3, axis=2)] * 6)
    condition = parse_condition("depth", [Part("d.mp4", encode_mp4(clip, 8))])
    assert condition.format == "relative MP4"
    assert condition.payload.maps.shape == (6, 32, 48)
    assert not condition.payload.sparse
    assert condition.payload.maps[0, 16, -4] > condition.payload.maps[0, 16, 4] + 0.5


@pytest.mark.parametrize(
    "part",
    [
        picture(np.full((9, 9), 77, np.uint8)),
        picture(np.full((9, 9), 1500, np.uint16)),
        npy(np.full((9, 9), 2.5)),
    ],
)
def test_constant_maps_are_read_with_a_warning(part):
    condition = parse_condition("depth", [part])
    assert np.isfinite(condition.payload.maps).all()
    assert "constant" in condition.warnings[0]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (picture(np.zeros((9, 9), np.uint16), name="z.png"), "every pixel is a hole"),
        (npy(np.full((4, 4), np.nan), "z.npy"), "every pixel is a hole"),
        (npy(np.zeros((4, 4), np.int32), "i.npy"), "i.npy: dtype: numbers of type int32"),
        (npy(np.zeros(4), "v.npy"), "v.npy: shape: shape (4,)"),
        (npy(np.zeros((0, 4)), "e.npy"), "e.npy: shape"),
        (Part("cut.npy", npy(np.ones((9, 9))).data[:-8]), "cut.npy: data: 640 bytes"),
        (Part("cut.npy", npy(np.ones((9, 9))).data[:20]), "damaged npy header"),
        (Part("a.tiff", b"II*\0" + b"\0" * 40), "this is TIFF"),
        (Part("a.npz", b"PK\x03\x04" + b"\0" * 40), "ZIP or npz"),
        (Part("a.txt", b"1 2 3"), "this is text"),
    ],
)
def test_other_content_is_refused(part, words, refused):
    assert words in refused("depth", part)


def test_no_pickle_is_ever_loaded(refused):
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "type object" in refused("depth", Part("o.npy", buffer.getvalue()))


def claiming(shape):
    """An npy whose header claims another shape than its data has."""
    buffer = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return Part("big.npy", buffer.getvalue() + b"\0" * 400)


@pytest.mark.parametrize("shape", [(900, 900), (10**6, 900, 900)])
def test_a_header_that_claims_more_than_there_is_is_refused(shape, refused):
    assert "big.npy: data: 400 bytes of numbers" in refused("depth", claiming(shape))


def test_a_header_of_too_many_pixels_is_refused(refused):
    assert "big.npy: shape: 9000×9000 pixels" in refused("depth", claiming((9000, 9000)))


def test_a_colour_photo_is_no_depth_map(parse, refused):
    data = (EXAMPLES / "images" / "dog.jpg").read_bytes()
    message = refused("depth", Part("dog.jpg", data))
    assert "dog.jpg: colour: a colour picture" in message


def test_mixed_sizes_formats_and_depths_are_named(slope, refused):
    one = picture(slope, name="d0.png")
    small = picture(slope[:-1], name="d1.png")
    assert "d1.png: size: 50×19 pixels, but d0.png has 50×20" in refused("depth", one, small)
    shallow = picture((slope // 256).astype(np.uint8), name="d1.png")
    assert "d1.png: bit depth: 8 bits, but d0.png has 16" in refused("depth", one, shallow)
    array = npy(np.ones((20, 50)), "d1.npy")
    assert "d1.npy: format: npy, but d0.png is PNG" in refused("depth", one, array)
    other = npy(np.ones((20, 49)), "d2.npy")
    assert "d2.npy: size" in refused("depth", array, other)


def test_shallow_pictures_of_different_depths_are_one_clip():
    flat = np.tile(np.array([0, 255], np.uint8), (8, 4))
    maps = maps_of([picture(flat, name="0.png"), picture(flat > 0, name="1.png")])
    np.testing.assert_array_equal(maps[0], maps[1])


def test_a_truncated_map_is_refused(refused):
    data = (EXAMPLES / "depth" / "room.png").read_bytes()
    assert "room.png: pixels: a damaged or truncated PNG" in refused(
        "depth", Part("room.png", data[:50_000])
    )


def test_an_npz_of_one_array_is_read_and_a_bomb_is_not(refused):
    array = np.linspace(1, 4, 8 * 9, dtype=np.float32).reshape(8, 9)
    packed = io.BytesIO()
    np.savez_compressed(packed, depth=array)
    one = parse_condition("depth", [Part("d.npz", packed.getvalue())])
    np.testing.assert_array_equal(one.payload.maps, maps_of([npy(array)]))
    several = io.BytesIO()
    np.savez(several, a=array, b=array)
    assert "of 2 files" in refused("depth", Part("d.npz", several.getvalue()))
    assert "damaged" in refused("depth", Part("d.npz", packed.getvalue()[:60]))
    bomb = io.BytesIO()
    np.savez_compressed(bomb, depth=np.zeros((10_500, 10_000), np.float32))
    assert "unpacks to more" in refused("depth", Part("d.npz", bomb.getvalue()))


def test_colour_pictures_of_an_rgbd_folder_are_left_out(slope):
    photo = np.random.default_rng(0).integers(0, 256, (*slope.shape, 3), dtype=np.uint8)
    parts = [picture(photo, "JPEG", "color_1.jpg"), picture(slope, name="depth_1.png")]
    condition = parse_condition("depth", parts)
    np.testing.assert_array_equal(condition.payload.maps, maps_of([picture(slope)]))
    assert "1 colour pictures" in condition.warnings[0]


@pytest.mark.parametrize("shape", [(48, 64, 1), (1, 48, 64, 1), (1, 1, 48, 64), (1, 48, 64)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_axis_of_one_is_a_channel(shape, order):
    plain = np.random.default_rng(0).random((48, 64)).astype(np.float32)
    read = maps_of([npy(np.asarray(plain.reshape(shape), order=order))])
    np.testing.assert_array_equal(read, maps_of([npy(plain)]))


def test_single_channels_of_several_maps_are_dropped():
    clip = np.random.default_rng(0).random((7, 20, 30)).astype(np.float32)
    for shape in ((7, 20, 30, 1), (7, 1, 20, 30)):
        np.testing.assert_array_equal(maps_of([npy(clip.reshape(shape))]), maps_of([npy(clip)]))


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_an_array_that_can_be_read_two_ways_is_refused(channels, refused):
    array = np.ones((48, 64, channels), np.float32)
    assert "can be read two ways" in refused("depth", npy(array))


def test_paths_of_points_are_no_maps():
    paths = np.random.default_rng(0).random((30, 8, 2)).astype(np.float32)
    assert detect_kind([npy(paths)])[0] == "motion"
    assert detect_kind([npy(paths[:, 0])])[0] == "motion"


def test_metres_are_kept(slope):
    depth = parse_condition("depth", [picture(slope)], options={"scale": "1000"}).payload
    nearness = 1 / depth.farthest + depth.maps * (1 / depth.nearest - 1 / depth.farthest)
    inside = (depth.maps > 0) & (depth.maps < 1)
    np.testing.assert_allclose(
        (1 / nearness)[inside], np.where(inside, slope / 1000, 1)[inside], rtol=1e-4
    )
    twice = parse_condition("depth", [picture(slope)], options={"scale": "500"})
    assert twice.payload.nearest == pytest.approx(2 * depth.nearest)
    assert describe(twice)["metres"]["farthest"] == pytest.approx(2 * depth.farthest, rel=1e-3)


def test_depth_without_a_unit_has_no_metres(slope, refused):
    metres = npy(slope.astype(np.float32) / 1000)
    assert parse_condition("depth", [metres]).payload.nearest is None
    known = parse_condition("depth", [metres], options={"scale": "1"}).payload
    assert known.nearest == pytest.approx(1.04, abs=0.1)
    flat = picture((slope // 20).astype(np.uint8))
    condition = parse_condition("depth", [flat], options={"scale": "3"})
    assert condition.payload.nearest is None
    assert "scale is not used" in condition.warnings[0]
    assert "near says" in refused("depth", metres, options={"scale": "3", "near": "bright"})
