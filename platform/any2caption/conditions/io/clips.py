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

from any2caption.conditions.io.sniff import VIDEO_FORMATS, sniff
from any2caption.conditions.io.upright import display_turn, over_white, square_size
from any2caption.conditions.kind import Limits, Notes
from any2caption.conditions.sampling import Thinner
from any2caption.conditions.types import Part
from any2caption.errors import InputError

DEFAULT_FPS = 24.0
_DEMUXER = {"MP4": "mp4", "WebM": "matroska", "GIF": "gif"}
_BOX_HEAD = 8
_MEDIA_BOXES = (b"moov", b"mdat", b"moof")
_SEGMENT = b"\x18\x53\x80\x67"
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_VARIABLE = 0.2
_SHORTFALL = 0.8
_MIN_TIMES = 3
_LEAST_KEYS = 4


@dataclass(frozen=True, slots=True)
class Clip:
    """Decoded frames uint8 T×H×W×3, their rate after thinning, and how many the file holds."""

    frames: NDArray[np.uint8]
    fps: float
    frames_in_file: int


@dataclass(frozen=True, slots=True)
class _Packets:
    """What a clip's track holds, counted without decoding any of it."""

    all: int
    shown: int
    """Without those that an edit list hides: they are there for the others' sake."""
    keys: int
    """Shown, and decoded without any other."""


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
        part = Part(part.name, part.data[: _end_of_boxes(part)])
    if name == "WebM":
        _check_segment(part)
    import av

    try:
        # Counted in a container of its own that is closed again: rewinding is not exact.
        with av.open(io.BytesIO(part.data), mode="r", format=_DEMUXER[name]) as container:
            if not container.streams.video:
                raise InputError("no video track", file=part.name, field="streams")
            stream = container.streams.video[0]
            _check_header(part, stream, limits)
            packets = _packets(part, container, stream, limits)
            step = _key_step(part, stream, packets, limits)
        if step:
            notes.warn(
                f"{packets.shown:,} frames are more than is decoded of this size: only "
                f"{-(-packets.keys // step)} of {packets.keys} key frames are read"
            )
        with av.open(io.BytesIO(part.data), mode="r", format=_DEMUXER[name]) as container:
            stream = container.streams.video[0]
            return _decode(part, container, stream, packets, step, limits, notes)
    except (MemoryError, av.error.BlockingIOError) as error:  # no room for data or for a thread
        raise InputError(
            "decoding takes more memory than is allowed", file=part.name, field="frames"
        ) from error
    except (av.FFmpegError, ValueError, EOFError) as error:
        raise InputError(
            f"a damaged or truncated {name}", file=part.name, field="frames"
        ) from error


def _end_of_boxes(part: Part) -> int:
    """Return where an MP4's last whole box ends; what follows costs no picture.

    Raises:
        InputError: a box of pictures reaches past the end of the file: it was cut off.
    """
    at, size = 0, len(part.data)
    seen: set[bytes] = set()
    while at + _BOX_HEAD <= size:
        length = int.from_bytes(part.data[at : at + 4], "big")
        kind = part.data[at + 4 : at + 8]
        if length == 1:
            length = int.from_bytes(part.data[at + 8 : at + 16], "big")
        if length == 0:
            return size
        if length < _BOX_HEAD or at + length > size:
            if kind not in _MEDIA_BOXES and {b"moov", b"mdat"} <= seen:
                return at
            raise InputError("a damaged or truncated MP4", file=part.name, field="frames")
        seen.add(kind)
        at += length
    return at


def _check_segment(part: Part) -> None:
    """Refuse a WebM whose segment of stated size reaches past the end of the file."""
    at, _ = _ebml_size(part.data, 4)
    _, header = _ebml_size(part.data, 4)
    at += header or 0
    if part.data[at : at + 4] != _SEGMENT:
        return
    start, length = _ebml_size(part.data, at + 4)
    if length is not None and start + length > len(part.data):
        raise InputError("a damaged or truncated WebM", file=part.name, field="frames")


def _ebml_size(data: bytes, at: int) -> tuple[int, int | None]:
    """Read a size of EBML (RFC 8794, 6): where its content starts, and the size; None = unknown."""
    first = data[at] if at < len(data) else 0
    width = 9 - first.bit_length() if first else 8
    bits = 7 * width
    value = int.from_bytes(data[at : at + width], "big") & ((1 << bits) - 1)
    return at + width, None if value == (1 << bits) - 1 else value


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


def _packets(part: Part, container: Any, stream: Any, limits: Limits) -> _Packets:
    """Count the frames of a clip; headers count hidden ones, too, or say nothing."""
    every = shown = keys = 0
    for packet in container.demux(stream):
        if not packet.size:
            continue
        every += 1
        shown += not packet.is_discard
        keys += packet.is_keyframe and not packet.is_discard
        if limits.frames and shown > limits.frames:
            raise InputError(
                f"more than {limits.frames:,} frames; no more are taken",
                file=part.name,
                field="frames",
            )
    return _Packets(every, shown, keys)


def _side(stream: Any) -> str:
    return f"{stream.codec_context.width}×{stream.codec_context.height}"


def _key_step(part: Part, stream: Any, packets: _Packets, limits: Limits) -> int:
    """Return 0 where all frames may be decoded, else n: every n-th key frame is.

    Raises:
        InputError: too much to decode, and too few key frames to do without the others.
    """
    area = stream.codec_context.width * stream.codec_context.height
    pixels = packets.all * area
    if not limits.decoded_pixels or pixels <= limits.decoded_pixels:
        return 0
    if packets.keys >= _LEAST_KEYS:
        return -(-packets.keys // kept_cap(area, limits))
    most = limits.decoded_pixels // max(area, 1)
    raise InputError(
        f"{packets.all:,} frames of {_side(stream)} pixels are {pixels / 1e6:,.0f} megapixels to "
        f"decode; at most {limits.decoded_pixels / 1e6:,.0f} are taken, {most:,} frames of this "
        f"size (of longer clips the key frames are, but this one has {packets.keys}; give a "
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


def _frames(part: Part, container: Any, stream: Any, step: int, limits: Limits) -> Iterator[Any]:
    """Decoded frames, each checked against the limits that a header can lie about."""
    decoded = 0
    start: float | None = None
    for index, frame in enumerate(_decoded(container, stream, step)):
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
        time = _time(frame, stream)
        start = time if start is None else start
        if limits.seconds and time is not None and time - (start or 0.0) > limits.seconds:
            raise InputError(f"longer than {limits.seconds:g} s", file=part.name, field="duration")
        yield frame


def _decoded(container: Any, stream: Any, step: int) -> Iterator[Any]:
    """Frames in the order in which they are shown; of every n-th key frame alone with a `step`."""
    context = _alpha_context(stream) or stream.codec_context
    keys = 0
    for packet in container.demux(stream):
        if step and packet.size:
            if not packet.is_keyframe or packet.is_discard:
                continue
            keys += 1
            if (keys - 1) % step:
                continue
        yield from context.decode(packet)


def _alpha_context(stream: Any) -> Any:
    """A decoder that reads WebM's transparency; None where there is none (FFmpeg's own do not)."""
    import av

    decoder = _ALPHA_DECODERS.get(stream.codec_context.name)
    if stream.metadata.get("alpha_mode") != "1" or decoder is None:
        return None
    try:
        return av.CodecContext.create(decoder, "r")
    except (av.FFmpegError, ValueError):
        return None


def _time(frame: Any, stream: Any) -> float | None:
    """When a frame is shown, in seconds."""
    return None if frame.pts is None else float(frame.pts * stream.time_base)


def _decode(  # noqa: PLR0913, PLR0917 - one clip and what is known of it
    part: Part,
    container: Any,
    stream: Any,
    packets: _Packets,
    step: int,
    limits: Limits,
    notes: Notes,
) -> Clip:
    thinner: Thinner[NDArray[np.uint8]] | None = None
    times: list[float] = []
    aspect = float(stream.sample_aspect_ratio or 1)
    for frame in _frames(part, container, stream, step, limits):
        size = square_size(frame.width, frame.height, aspect)
        if thinner is None:
            _check_size(part, *size, limits)
            _note_shape(frame, size, aspect, notes)
            thinner = Thinner(kept_cap(size[0] * size[1], limits))
        time = _time(frame, stream)
        if time is not None:
            times.append(time)
        if thinner.wants_next():
            thinner.add(_pixels(frame, size))
        else:
            thinner.skip()
    if thinner is None:
        raise InputError("no frame can be decoded", file=part.name, field="frames")
    if not step:
        _check_complete(part, stream, packets, thinner.seen, times)
    shapes = {frame.shape for frame in thinner.kept}
    if len(shapes) > 1:
        raise InputError("the frame size changes inside the clip", file=part.name, field="size")
    if thinner.stride > 1:
        notes.assume(
            f"{thinner.seen} frames thinned out to {len(thinner.kept)} (1 of {thinner.stride})"
        )
    fps = _mean_rate(stream, times, notes)
    return Clip(_stacked(thinner.kept), fps / thinner.stride, thinner.seen)


def _note_shape(frame: Any, size: tuple[int, int], aspect: float, notes: Notes) -> None:
    if size != (frame.width, frame.height):
        notes.assume(
            f"pixels are {aspect:.3g} times as wide as high: frames of {frame.width}×"
            f"{frame.height} are made {size[0]}×{size[1]}"
        )
    elif square_size(1000, 1000, aspect) == (1000, 1000) and abs(aspect - 1) > 0.01:  # noqa: PLR2004
        notes.warn(f"pixels {aspect:.3g} times as wide as high are not believed: read as square")
    if not display_turn(frame)[1]:
        notes.warn("the clip is shown slanted: it is turned by the nearest quarter of a turn")


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


def _pixels(frame: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    """One frame as uint8 H×W×3 of (width, height) before it is turned upright, over white."""
    see_through = frame.format.has_palette or any(
        component.is_alpha for component in frame.format.components
    )
    # One thread: each frame would start a pool of its own.
    width, height = size
    if see_through:
        rgb = over_white(frame.to_ndarray(format="rgba", width=width, height=height, threads=1))
    else:
        rgb = frame.to_ndarray(format="rgb24", width=width, height=height, threads=1)
    return display_turn(frame)[0].apply(rgb)


def _check_complete(
    part: Part, stream: Any, packets: _Packets, decoded: int, times: list[float]
) -> None:
    """Refuse a clip that shows fewer frames than its track holds.

    The last frame may be held for long, and a header may count hidden frames: neither is damage.
    """
    expected = _expected_seconds(stream)
    span = times[-1] - times[0] if times else 0.0
    short_time = expected is not None and span < _SHORTFALL * expected - 0.5
    lost = stream.frames > 1 and packets.all < _SHORTFALL * stream.frames and short_time
    if lost or (packets.shown > 1 and decoded < _SHORTFALL * packets.shown):
        raise InputError(
            f"truncated: only {decoded} frames of {max(packets.shown, stream.frames)} can be "
            "decoded",
            file=part.name,
            field="frames",
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
