"""Video condition: a clip, or its frames as several pictures."""

from collections.abc import Sequence

import numpy as np

from any2caption.conditions.io.animated import decode_animated, is_animated
from any2caption.conditions.io.clips import decode_video, kept_cap
from any2caption.conditions.io.files import natural_key
from any2caption.conditions.io.images import MAX_PIXELS, decode_image, image_header, warn_of_odd
from any2caption.conditions.io.sniff import is_image, sniff
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Part, Video
from any2caption.errors import InputError

FRAMES_FPS = 8.0


def parse_video(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse one clip file or animated picture, or two and more pictures of one size as its frames.

    Option `fps` states (pictures) or overrides (a clip) the frame rate.
    """
    notes = Notes()
    if len(parts) == 1 and is_animated(parts[0], limits):
        moving = decode_animated(parts[0], limits, notes)
        fps = float(options.get("fps", moving.fps))
        return notes.parsed(Video(moving.frames, fps), f"animated {sniff(parts[0].data)}")
    if is_image(parts[0].data):
        return _parse_frames(parts, options, limits, notes)
    if len(parts) > 1:
        raise InputError(
            f"{len(parts)} files for one video; give one clip, or its frames as pictures",
            file=parts[1].name,
            field="video",
        )
    clip = decode_video(parts[0], limits, notes)
    fps = float(options.get("fps", clip.fps))
    return notes.parsed(Video(clip.frames, fps), sniff(parts[0].data))


def sign(parts: Sequence[Part]) -> str:
    """An animated picture is a clip."""
    if len(parts) != 1 or not is_image(parts[0].data):
        return ""
    return "an animated picture" if image_header(parts[0], MAX_PIXELS).animated else ""


def thin_pictures(parts: Sequence[Part], limits: Limits, notes: Notes) -> list[Part]:
    """Put picture files in natural order, hold them to one size, thin them out to the caps.

    Raises:
        InputError: a file that is not a picture, or another size than the first; names it.
    """
    ordered = sorted(parts, key=lambda part: natural_key(part.name))
    first = None
    for part in ordered:
        header = image_header(part, limits.pixels or MAX_PIXELS)
        size = header.upright_size
        if header.animated:
            notes.warn("an animated picture: its first frame is taken")
        first = first or size
        if size != first:
            raise InputError(
                f"{size[1]}×{size[0]} pixels, but {ordered[0].name} has {first[1]}×{first[0]}; "
                "all files of one condition need the same size",
                file=part.name,
                field="size",
            )
    height, width = first or (1, 1)
    cap = kept_cap(height * width, limits)
    if len(ordered) <= cap:
        return ordered
    notes.assume(f"{len(ordered)} files thinned out evenly to {cap}")
    return [ordered[index] for index in sample_frames(len(ordered), cap)]


def _parse_frames(parts: Sequence[Part], options: Options, limits: Limits, notes: Notes) -> Parsed:
    if len(parts) == 1:
        raise InputError(
            "a single picture is not a video; give it as an image condition",
            file=parts[0].name,
            field="video",
        )
    kept = thin_pictures(parts, limits, notes)
    warn_of_odd(kept[len(kept) // 2], notes, limits.pixels or MAX_PIXELS)
    frames = np.stack([decode_image(part, limits.pixels or MAX_PIXELS) for part in kept])
    if "fps" not in options:
        notes.assume(f"pictures carry no frame rate: {FRAMES_FPS:g} frames/s (option fps)")
    fps = float(options.get("fps", FRAMES_FPS)) * len(kept) / len(parts)
    return notes.parsed(Video(frames, fps), "frames")
