"""Clips are decoded within bounds, whatever their headers say."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image as PilImage

from any2caption.conditions.io.clips import decode_video, encode_mp4
from any2caption.conditions.kind import Limits, Notes
from any2caption.conditions.registry import KINDS, parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from .conftest import DATA, picture

LIMITS = KINDS["video"].limits


def moving(frames=12, height=48, width=64):
    """Clip of a bright bar that moves right."""
    clip = np.full((frames, height, width, 3), 30, np.uint8)
    for index in range(frames):
        clip[index, :, index * 4 : index * 4 + 8] = (240, 60, 60)
    return clip


def limits(**changes):
    return Limits(part_bytes=10**8, total_bytes=10**8, **changes)


def test_a_real_clip_is_read(parse):
    condition = parse("video", DATA / "video" / "hiker.mp4")
    assert condition.payload.frames.shape == (49, 480, 720, 3)
    assert condition.payload.fps == pytest.approx(8)
    assert condition.format == "MP4"


def test_encoded_frames_come_back_nearly_the_same():
    clip = moving()
    back = decode_video(Part("a.mp4", encode_mp4(clip, 12)), LIMITS, Notes())
    assert back.frames.shape == clip.shape
    assert back.fps == pytest.approx(12)
    assert np.abs(back.frames.astype(int) - clip).mean() < 6


def test_odd_sides_can_be_encoded():
    back = decode_video(Part("a.mp4", encode_mp4(moving(4, 31, 47), 8)), LIMITS, Notes())
    assert back.frames.shape == (4, 32, 48, 3)


def test_many_frames_are_thinned_out_and_it_is_said():
    notes = Notes()
    clip = decode_video(
        Part("a.mp4", encode_mp4(moving(14), 14)), limits(kept_frames=5, frames=100), notes
    )
    assert len(clip.frames) == 4
    assert clip.frames_in_file == 14
    assert clip.fps == pytest.approx(3.5)
    assert "14 frames thinned out to 4" in notes.assumptions[0]


def test_memory_is_bounded_by_pixels_kept():
    clip = decode_video(
        Part("a.mp4", encode_mp4(moving(12), 8)), limits(clip_pixels=48 * 64 * 3), Notes()
    )
    assert 2 <= len(clip.frames) <= 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seconds": 0.5}, "duration: "),
        ({"frames": 5}, "frames: "),
        ({"pixels": 1000}, "64×48 pixels"),
    ],
)
def test_limits_are_named(changes, words):
    with pytest.raises(InputError, match=r"a\.mp4: ") as caught:
        decode_video(Part("a.mp4", encode_mp4(moving(), 8)), limits(**changes), Notes())
    assert words in str(caught.value)


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_clip_is_refused(keep, refused):
    data = (DATA / "video" / "hiker.mp4").read_bytes()
    message = refused("video", Part("cut.mp4", data[: int(len(data) * keep)]))
    assert "truncated" in message


def test_a_truncated_webm_is_refused(refused):
    data = webm(moving(40))
    assert parse_condition("video", [Part("a.webm", data)]).payload.frames.shape[0] == 40
    assert "truncated" in refused("video", Part("cut.webm", data[: len(data) // 3]))


def webm(frames):
    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        stream.options = {"deadline": "realtime", "lag-in-frames": "0"}
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def test_a_gif_is_a_clip():
    frames = [PilImage.fromarray(pixels) for pixels in moving(5)]
    buffer = io.BytesIO()
    frames[0].save(buffer, format="GIF", save_all=True, append_images=frames[1:], duration=100)
    condition = parse_condition("video", [Part("a.gif", buffer.getvalue())])
    assert condition.format == "GIF"
    assert condition.payload.frames.shape == (5, 48, 64, 3)
    assert condition.payload.fps == pytest.approx(10)


def test_variable_frame_rate_gives_the_mean_and_says_so():
    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=100)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 100)
        for pixels, time in zip(moving(6), (0, 10, 20, 50, 60, 100), strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    condition = parse_condition("video", [Part("v.mp4", buffer.getvalue())])
    assert condition.payload.fps == pytest.approx(5, rel=0.05)
    assert any("variable" in text for text in condition.assumptions)


def test_pictures_are_frames_in_natural_order():
    clip = moving(12)
    parts = [picture(clip[n], name=f"f{n}.png") for n in (10, 2, 0)]
    condition = parse_condition("video", parts, options={"fps": "6"})
    np.testing.assert_array_equal(condition.payload.frames, clip[[0, 2, 10]])
    assert (condition.format, condition.payload.fps) == ("frames", 6)


def test_frames_of_another_size_are_named(refused):
    clip = moving(2)
    message = refused(
        "video", picture(clip[0], name="f0.png"), picture(clip[1, :-1], name="f1.png")
    )
    assert "f1.png: size: 64×47 pixels, but f0.png has 64×48" in message


def test_a_single_picture_is_no_video(refused):
    assert "image condition" in refused("video", picture(moving(1)[0], name="alone.png"))


@pytest.mark.parametrize("data", [b"hello world", b"#EXTM3U\nfile:///etc/passwd\n", b"\0" * 64])
def test_playlists_and_other_files_are_refused(data, refused):
    assert "not a video" in refused("video", Part("a.mp4", data))


def test_two_clips_are_two_conditions(refused):
    one = encode_mp4(moving(3), 8)
    assert "2 files for one video" in refused("video", Part("a.mp4", one), Part("b.mp4", one))


def test_random_damage_never_crashes():
    whole = encode_mp4(moving(), 8)
    random = np.random.default_rng(2)
    for _ in range(40):
        hurt = bytearray(whole)
        for at in random.integers(8, len(hurt), 6):
            hurt[at] = int(random.integers(0, 256))
        try:
            clip = decode_video(Part("hurt.mp4", bytes(hurt)), LIMITS, Notes())
        except InputError:
            continue
        assert clip.frames.ndim == 4
