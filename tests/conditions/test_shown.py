"""A clip is read as it is shown: what its edit list shows, mirrored, with square pixels."""

import io
import struct
import zlib
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image as PilImage
from PIL import PngImagePlugin

from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.io.clips import decode_video, encode_mp4
from any2caption.conditions.kind import Limits, Notes
from any2caption.conditions.registry import KINDS, parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from .conftest import picture

ONE, TURN = 1 << 16, {"a": 0, "b": 1, "c": 3, "d": 4}


def scene(frames=12, height=48, width=64):
    """A clip without any symmetry: red at the left, green on top, and a bar that moves."""
    clip = np.full((frames, height, width, 3), 60, np.uint8)
    clip[:, :, : width // 4] = (220, 40, 40)
    clip[:, : height // 4] = (40, 200, 40)
    for at in range(frames):
        clip[at, -8:, 2 * at : 2 * at + 8] = (240, 240, 240)
    return clip


def shown(data, name="a.mp4"):
    return parse_condition("video", [Part(name, data)])


def with_matrix(data, **entries):
    """The clip with another display matrix in its track header (ISO/IEC 14496-12, 8.3.2)."""
    matrix = [0] * 8 + [1 << 30]
    for name, value in entries.items():
        matrix[TURN[name]] = round(value * ONE)
    at = data.index(b"tkhd") + 44
    return data[:at] + struct.pack(">9i", *matrix) + data[at + 36 :]


def cut_before(data, first):
    """The clip from frame `first` on without encoding it anew: the edit list hides the others."""
    buffer = io.BytesIO()
    with (
        av.open(io.BytesIO(data)) as source,
        av.open(buffer, "w", format="mp4") as target,
    ):
        track = source.streams.video[0]
        copied = target.add_stream_from_template(track)
        ahead = round(first / track.average_rate / track.time_base)
        for packet in source.demux(track):
            if packet.size:
                packet.pts, packet.dts = packet.pts - ahead, packet.dts - ahead
                packet.stream = copied
                target.mux(packet)
    return buffer.getvalue()


@pytest.mark.parametrize("first", [3, 15, 28])
def test_hidden_frames_of_a_cut_clip_are_not_missing(first):
    clip = scene(30)
    whole = encode_mp4(clip, 10)
    frames = shown(cut_before(whole, first)).payload.frames
    assert len(frames) == 30 - first
    np.testing.assert_array_equal(frames, shown(whole).payload.frames[first:])


@pytest.mark.parametrize(
    ("matrix", "as_shown"),
    [
        ({"a": 1, "d": 1}, lambda clip: clip),
        ({"a": -1, "d": 1}, lambda clip: clip[:, :, ::-1]),
        ({"a": 1, "d": -1}, lambda clip: clip[:, ::-1]),
        ({"a": -1, "d": -1}, lambda clip: clip[:, ::-1, ::-1]),
        ({"b": 1, "c": -1}, lambda clip: np.rot90(clip, -1, (1, 2))),
        ({"b": -1, "c": 1}, lambda clip: np.rot90(clip, 1, (1, 2))),
        ({"b": 1, "c": 1}, lambda clip: clip.swapaxes(1, 2)),
        ({"b": -1, "c": -1}, lambda clip: clip.swapaxes(1, 2)[:, ::-1, ::-1]),
    ],
)
def test_all_eight_positions_of_a_clip_are_shown(matrix, as_shown):
    data = encode_mp4(scene(4), 8)
    turned = shown(with_matrix(data, **matrix))
    np.testing.assert_array_equal(turned.payload.frames, as_shown(shown(data).payload.frames))
    assert not turned.warnings


def test_a_slanted_clip_is_taken_with_a_warning():
    data = with_matrix(encode_mp4(scene(4), 8), a=0.9, b=0.44, c=-0.44, d=0.9)
    assert "slanted" in shown(data).warnings[0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("deep", [False, True])
def test_pictures_follow_all_eight_orientations(orientation, deep):
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    stored = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    if deep:
        stored = stored.astype(np.uint16) * 257
    read = parse_condition("image", [picture(stored, exif=exif)]).payload.pixels
    wanted = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.T,
        6: np.rot90(stored, -1),
        7: stored.T[::-1, ::-1],
        8: np.rot90(stored),
    }[orientation]
    np.testing.assert_array_equal(read[:, :, 0], wanted // 257 if deep else wanted)


def encoded(clip, aspect=None, format_="mp4", codec="libx264", pix_fmt="yuv420p", **options):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format_) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = clip.shape[2], clip.shape[1], pix_fmt
        stream.options = options
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        kind = "rgba" if clip.shape[3] == 4 else "rgb24"
        for pixels in clip:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=kind)
            container.mux(stream.encode(frame.reformat(format=pix_fmt)))
        container.mux(stream.encode())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("aspect", "size"), [(Fraction(2), (48, 128)), (Fraction(1, 2), (96, 64)), (None, (48, 64))]
)
def test_pixels_are_made_square(aspect, size):
    condition = shown(encoded(scene(4), aspect))
    assert condition.payload.frames.shape[1:3] == size
    assert (aspect is not None) == any("as wide as high" in one for one in condition.assumptions)


def see_through():
    clip = np.zeros((4, 48, 64, 4), np.uint8)
    clip[:, :, :32] = (200, 30, 30, 255)
    return clip


@pytest.mark.parametrize(
    ("format_", "codec", "pix_fmt", "name"),
    [
        ("mov", "qtrle", "argb", "a.mov"),
        ("mov", "png", "rgba", "a.mov"),
        ("mov", "prores_ks", "yuva444p10le", "a.mov"),
        ("webm", "libvpx-vp9", "yuva420p", "a.webm"),
    ],
)
def test_transparency_is_laid_over_white_whatever_the_codec(format_, codec, pix_fmt, name):
    options = {"profile": "4444"} if codec == "prores_ks" else {}
    data = encoded(see_through(), None, format_, codec, pix_fmt, **options)
    frames = shown(data, name).payload.frames.astype(int)
    assert np.abs(frames[:, 8:40, 40:] - 255).max() < 12
    assert np.abs(frames[:, 8:40, 8:24] - (200, 30, 30)).max() < 30


@pytest.mark.parametrize("format_", ["PNG", "WebP"])
def test_an_animated_picture_is_a_clip(format_):
    clip = scene(5)
    frames = [PilImage.fromarray(pixels) for pixels in clip]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, format=format_, save_all=True, append_images=frames[1:], duration=200, lossless=True
    )
    part = Part("a.bin", buffer.getvalue())
    condition = parse_condition("video", [part])
    np.testing.assert_array_equal(condition.payload.frames, clip)
    assert condition.payload.fps == pytest.approx(5)
    assert condition.format == f"animated {format_}"
    assert condition.format in KINDS["video"].formats
    assert detect_kind([part])[0] == "video"
    assert "first frame" in parse_condition("image", [part]).warnings[0]
    assert "first frame" in parse_condition("segmentation", [part]).warnings[0]


def test_an_animated_picture_keeps_to_the_limits_of_a_clip():
    from any2caption.conditions.io.animated import decode_animated

    frames = [PilImage.fromarray(pixels) for pixels in scene(9)]
    buffer = io.BytesIO()
    frames[0].save(buffer, format="PNG", save_all=True, append_images=frames[1:], duration=100)
    part, sizes = Part("a.png", buffer.getvalue()), {"part_bytes": 10**8, "total_bytes": 10**8}
    kept = decode_animated(part, Limits(**sizes, kept_frames=4), Notes())
    assert (len(kept.frames), kept.frames_in_file) == (4, 9)
    assert kept.fps == pytest.approx(10 * 4 / 9)
    with pytest.raises(InputError, match=r"a\.png: frames: 9 frames; at most 5"):
        decode_animated(part, Limits(**sizes, frames=5), Notes())
    with pytest.raises(InputError, match="megapixels to decode"):
        decode_animated(part, Limits(**sizes, decoded_pixels=9000), Notes())


@pytest.mark.parametrize("behind", [b"\x00" * 5, b"made by a tool", b"\x00\x00\xff\xffuuid12"])
def test_bytes_behind_the_last_box_are_no_damage(behind):
    data = encode_mp4(scene(6), 8)
    assert len(shown(data + behind).payload.frames) == 6


def test_a_last_frame_that_is_held_is_no_damage():
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as container:
        stream = container.add_stream("libvpx-vp9", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10)
        packets = []
        for at, pixels in enumerate(scene(8)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 10)
            packets += stream.encode(frame)
        packets += stream.encode()
        packets[-1].duration = 200
        for packet in packets:
            container.mux(packet)
    assert len(shown(buffer.getvalue(), "a.webm").payload.frames) == 8


def long_clip(keys_every):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"g": str(keys_every), "sc_threshold": "0", "bf": "0"}
        for pixels in scene(60):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return Part("long.mp4", buffer.getvalue())


def test_of_a_clip_too_long_to_decode_the_key_frames_are_read():
    part, notes = long_clip(6), Notes()
    few = Limits(part_bytes=10**8, total_bytes=10**8, decoded_pixels=48 * 64 * 20, kept_frames=5)
    clip = decode_video(part, few, notes)
    whole = shown(part.data).payload.frames
    np.testing.assert_array_equal(clip.frames, whole[::12])
    assert clip.fps == pytest.approx(10 / 12)
    assert "only 5 of 10 key frames are read" in notes.warnings[0]


def test_a_long_clip_without_key_frames_is_refused_with_the_limit():
    few = Limits(part_bytes=10**8, total_bytes=10**8, decoded_pixels=48 * 64 * 20)
    with pytest.raises(InputError, match="20 frames of this size") as caught:
        decode_video(long_clip(100), few, Notes())
    assert "this one has 1" in str(caught.value)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_colour_follows_the_orientation_as_eight_bits_do(orientation):
    from .test_sketch_normal import deep_png

    values = np.full((3, 4, 3), (32768, 32768, 65535), np.uint16)
    values[0, 0] = (65535, 32768, 32768)
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    plain = deep_png(values)
    head = plain.data[:33]  # signature and IHDR
    body = exif.tobytes().removeprefix(b"Exif\x00\x00")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body
    chunk += struct.pack(">I", zlib.crc32(b"eXIf" + body))
    deep = Part("n.png", head + chunk + plain.data[33:])
    flat = picture((values >> 8).astype(np.uint8), exif=exif)
    one, other = (parse_condition("normal", [part]).payload.vectors for part in (deep, flat))
    assert one.shape == other.shape
    np.testing.assert_allclose(one, other, atol=0.02)


@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
def test_pictures_with_pixels_that_are_not_square_are_taken_with_a_warning(format_):
    plain = np.zeros((20, 30, 3), np.uint8)
    wide = picture(plain, format_, dpi=(72, 144))
    assert "2 times as wide as high" in parse_condition("image", [wide]).warnings[0]
    assert not parse_condition("image", [picture(plain, format_, dpi=(72, 72))]).warnings


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt"])
def test_a_workflow_in_the_metadata_is_no_damage(kind):
    info = PngImagePlugin.PngInfo()
    workflow = "node " * 500_000
    add = info.add_itxt if kind == "iTXt" else info.add_text
    add("workflow", workflow, zip=kind != "tEXt")
    plain = np.arange(600, dtype=np.uint8).reshape(20, 30)
    part = picture(plain, pnginfo=info)
    assert kind.encode() in part.data
    read = parse_condition("image", [part])
    np.testing.assert_array_equal(read.payload.pixels[:, :, 0], plain)
    assert not read.warnings
