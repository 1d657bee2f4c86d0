"""Clips: decode untrusted video within limits, encode frames to MP4 (PyAV).

Frames are decoded one by one and thinned out evenly while they come, so memory stays bounded
whatever the header claims. The demuxer is forced from the content, so no playlist can make it open
other files.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.base import Limits, Notes
from any2caption.conditions.sampling import Thinner
from any2caption.conditions.sniff import VIDEO_FORMATS, sniff
from any2caption.conditions.types import Part
from any2caption.errors import InputError

DEFAULT_FPS = 24.0
_DEMUXER = {"MP4": "mp4", "WebM": "matroska", "GIF": "gif"}
_BOX_HEAD = 8
_VARIABLE = 0.2
_SHORTFALL = 0.8
_MIN_TIMES = 3


@dataclass(frozen=True, slots=True)
class Clip:
    """Decoded frames uint8 T×H×W×3, their rate after thinning, and how many the file holds."""

    frames: NDArray[np.uint8]
    fps: float
    frames_in_file: int


def decode_video(part: Part, limits: Limits, notes: Notes) -> Clip:
    """Decode an MP4 (or MOV), WebM or GIF.

    Raises:
        InputError: not a clip, too large, too long, no picture in it, damaged or truncated; names
            the file.
    """
    name = sniff(part.data)
    if name not in VIDEO_FORMATS:
        accepted = ", ".join(VIDEO_FORMATS)
        raise InputError(
            f"not a video: this is {name}; accepted: {accepted}", file=part.name, field="format"
        )
    if name == "MP4":
        _check_boxes(part)
    import av

    try:
        with av.open(io.BytesIO(part.data), mode="r", format=_DEMUXER[name]) as container:
            if not container.streams.video:
                raise InputError("no video track", file=part.name, field="streams")
            stream = container.streams.video[0]
            _check_header(part, stream, limits)
            _check_amount(part, stream, stream.frames or _packets(part, name), limits)
            return _decode(part, container, stream, limits, notes)
    except (av.FFmpegError, ValueError, MemoryError, EOFError) as error:
        raise InputError(
            f"a damaged or truncated {name}", file=part.name, field="frames"
        ) from error


def _check_boxes(part: Part) -> None:
    """Refuse an MP4 whose last box reaches past the end of the file: it was cut off."""
    at, size = 0, len(part.data)
    while at + _BOX_HEAD <= size:
        length = int.from_bytes(part.data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(part.data[at + 8 : at + 16], "big")
        if length == 0:
            return
        if length < _BOX_HEAD or at + length > size:
            raise InputError("a damaged or truncated MP4", file=part.name, field="frames")
        at += length


def _check_header(part: Part, stream: Any, limits: Limits) -> None:
    if stream.codec_context is None:
        raise InputError("the picture track has no known codec", file=part.name, field="codec")
    width, height = stream.codec_context.width, stream.codec_context.height
    _check_size(part, width, height, limits)
    seconds = _expected_seconds(stream)
    if limits.seconds and seconds and seconds > limits.seconds:
        raise InputError(
            f"{seconds:.0f} s long; at most {limits.seconds:g} s are taken",
            file=part.name,
            field="duration",
        )


def _packets(part: Part, name: str) -> int:
    """Frames of a clip whose header does not say how many, counted without decoding any."""
    import av

    with av.open(io.BytesIO(part.data), mode="r", format=_DEMUXER[name]) as container:
        return sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)


def _check_amount(part: Part, stream: Any, frames: int, limits: Limits) -> None:
    if limits.frames and frames > limits.frames:
        raise InputError(
            f"{frames:,} frames; at most {limits.frames:,} are taken",
            file=part.name,
            field="frames",
        )
    width, height = stream.codec_context.width, stream.codec_context.height
    pixels = frames * width * height
    if limits.decoded_pixels and pixels > limits.decoded_pixels:
        raise InputError(
            f"{frames:,} frames of {width}×{height} pixels are {pixels / 1e6:,.0f} "
            f"megapixels to decode; at most {limits.decoded_pixels / 1e6:,.0f} are taken (give a "
            "shorter or a smaller clip)",
            file=part.name,
            field="frames",
        )


def _check_size(part: Part, width: int, height: int, limits: Limits) -> None:
    if limits.pixels and width * height > limits.pixels:
        raise InputError(
            f"{width}×{height} pixels; at most {limits.pixels / 1e6:g} megapixels are taken",
            file=part.name,
            field="size",
        )


def _expected_seconds(stream: Any) -> float | None:
    """Length that the header claims for the picture track, in seconds."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    tag = stream.metadata.get("DURATION")
    try:
        hours, minutes, seconds = (float(piece) for piece in str(tag).split(":"))
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds


def _frames(part: Part, container: Any, stream: Any, limits: Limits) -> Iterator[Any]:
    """Decoded frames, each checked against the limits that a header can lie about."""
    decoded = 0
    for index, frame in enumerate(container.decode(stream)):
        _check_size(part, frame.width, frame.height, limits)
        decoded += frame.width * frame.height
        if limits.frames and index >= limits.frames:
            raise InputError(f"more than {limits.frames:,} frames", file=part.name, field="frames")
        if limits.decoded_pixels and decoded > limits.decoded_pixels:
            raise InputError(
                f"more than {limits.decoded_pixels / 1e6:,.0f} megapixels to decode",
                file=part.name,
                field="frames",
            )
        if limits.seconds and frame.time is not None and frame.time > limits.seconds:
            raise InputError(f"longer than {limits.seconds:g} s", file=part.name, field="duration")
        yield frame


def _decode(part: Part, container: Any, stream: Any, limits: Limits, notes: Notes) -> Clip:
    thinner: Thinner[NDArray[np.uint8]] | None = None
    times: list[float] = []
    for frame in _frames(part, container, stream, limits):
        if thinner is None:
            thinner = Thinner(kept_cap(frame.width * frame.height, limits))
        if frame.time is not None:
            times.append(float(frame.time))
        if thinner.wants_next():
            thinner.add(_pixels(frame))
        else:
            thinner.skip()
    if thinner is None:
        raise InputError("no frame can be decoded", file=part.name, field="frames")
    _check_complete(part, stream, thinner.seen, times)
    shapes = {frame.shape for frame in thinner.kept}
    if len(shapes) > 1:
        raise InputError("the frame size changes inside the clip", file=part.name, field="size")
    if thinner.stride > 1:
        notes.assume(
            f"{thinner.seen} frames thinned out to {len(thinner.kept)} (1 of {thinner.stride})"
        )
    fps = _mean_rate(stream, times, notes)
    return Clip(_stacked(thinner.kept), fps / thinner.stride, thinner.seen)


def _stacked(frames: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Join frames of one shape; each is let go once it is copied, so they are held only once."""
    joined = np.empty((len(frames), *frames[0].shape), np.uint8)
    frames.reverse()
    for place in joined:
        place[:] = frames.pop()
    return joined


def kept_cap(pixels: int, limits: Limits) -> int:
    """How many frames of `pixels` pixels may be kept under `limits`; at least two."""
    by_count = limits.kept_frames or 1_000_000
    by_memory = limits.clip_pixels // max(pixels, 1) if limits.clip_pixels else by_count
    return max(2, min(by_count, by_memory))


def _pixels(frame: Any) -> NDArray[np.uint8]:
    """One frame as uint8 H×W×3, turned upright, alpha over white."""
    turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
    if "a" in frame.format.name and frame.format.is_rgb:
        rgba = frame.to_ndarray(format="rgba")
        rgb, alpha = rgba[:, :, :3], rgba[:, :, 3:].astype(np.uint16)
        if alpha.min() < 255:  # noqa: PLR2004 - opaque frames are the rule
            rgb = ((rgb * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)
    else:
        rgb = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(rgb, turns))


def _check_complete(part: Part, stream: Any, decoded: int, times: list[float]) -> None:
    expected = _expected_seconds(stream)
    span = times[-1] - times[0] if times else 0.0
    short_time = expected is not None and expected > 1 and span < _SHORTFALL * expected - 0.5
    short_count = stream.frames > 1 and decoded < _SHORTFALL * stream.frames
    if short_count or (short_time and not stream.frames):
        raise InputError(
            f"truncated: only {decoded} frames can be decoded", file=part.name, field="frames"
        )


def _mean_rate(stream: Any, times: list[float], notes: Notes) -> float:
    if len(times) > 1 and times[-1] > times[0]:
        steps = np.diff(times)
        if len(times) >= _MIN_TIMES and np.ptp(steps) > _VARIABLE * float(np.median(steps)) + 2e-3:
            notes.assume("variable frame rate: the mean rate is used, frames keep their order")
        return (len(times) - 1) / (times[-1] - times[0])
    if stream.average_rate:
        return float(stream.average_rate)
    notes.assume(f"no frame rate in the file: {DEFAULT_FPS:g} frames/s assumed")
    return DEFAULT_FPS


def encode_mp4(frames: NDArray[np.uint8], fps: float) -> bytes:
    """Encode uint8 T×H×W×3 as an H.264 MP4 that browsers play.

    Odd sides are extended by one repeated row or column, as the colour format needs even ones.
    """
    import av

    frames = np.pad(
        frames,
        ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)),
        mode="edge",
    )
    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height = frames.shape[2], frames.shape[1]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"crf": "18", "preset": "veryfast"}
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()
