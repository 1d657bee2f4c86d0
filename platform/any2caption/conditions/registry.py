"""The registry of condition kinds: parsers, limits, Triton inputs and documents derive from it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from any2caption.conditions.camera.parser import FORMATS as CAMERA_FORMATS
from any2caption.conditions.camera.parser import KEYS as CAMERA_KEYS
from any2caption.conditions.camera.parser import OPTIONS as CAMERA_OPTIONS
from any2caption.conditions.camera.parser import parse_camera
from any2caption.conditions.camera.parser import sign as camera_sign
from any2caption.conditions.fact import Fact
from any2caption.conditions.facts.camera import camera_facts
from any2caption.conditions.facts.depth import depth_facts
from any2caption.conditions.facts.masks import region_facts, segmentation_facts
from any2caption.conditions.facts.pictures import image_facts, masked_image_facts
from any2caption.conditions.facts.pose import pose_facts
from any2caption.conditions.facts.surfaces import normal_facts, sketch_facts
from any2caption.conditions.facts.tracks import motion_facts
from any2caption.conditions.facts.video import video_facts
from any2caption.conditions.form import Form
from any2caption.conditions.forms.pictures import (
    DEPTH,
    IMAGE,
    MASKED_IMAGE,
    NORMALS,
    SEGMENTATION,
    SKETCH,
    VIDEO,
)
from any2caption.conditions.forms.points import CAMERA, DRAWN_POSE, MOTION, POSE, REGIONS
from any2caption.conditions.forms.words import WORDS
from any2caption.conditions.io.images import MAX_PIXELS
from any2caption.conditions.kind import (
    MEGA,
    ConditionKind,
    Limits,
    Option,
    Options,
    OptionValue,
    Reading,
    ReadsJson,
)
from any2caption.conditions.masks import parser as masks_parser
from any2caption.conditions.masks import region
from any2caption.conditions.pictures import masked_image, normal, sketch
from any2caption.conditions.pictures.depth import parse_depth
from any2caption.conditions.pictures.image import parse_image
from any2caption.conditions.pictures.video import parse_video
from any2caption.conditions.pictures.video import sign as animated_sign
from any2caption.conditions.pose.layouts import LAYOUTS
from any2caption.conditions.pose.parser import KEYS as POSE_KEYS
from any2caption.conditions.pose.parser import parse_pose
from any2caption.conditions.pose.parser import sign as pose_sign
from any2caption.conditions.roles import IMAGE_ROLES
from any2caption.conditions.text import parse_text
from any2caption.conditions.tracks.parser import parse_motion
from any2caption.conditions.types import Condition, Part, Payload
from any2caption.errors import InputError

__all__ = [
    "KINDS",
    "ConditionKind",
    "Limits",
    "Option",
    "Reading",
    "check_parts",
    "condition_facts",
    "form_classes",
    "form_of",
    "input_name",
    "parse_condition",
    "split_parts",
]

MOST_FACTS = 12
"""Facts of one condition; what states more is summed up by its kind."""

_FPS = Option(name="fps", summary="frames per second", type="number", minimum=0.01, maximum=1000)
_CANVAS = tuple(
    Option(name=side, summary=f"canvas {side} in pixels", type="number", minimum=1, maximum=100_000)
    for side in ("width", "height")
)
_CLIP = Limits(
    part_bytes=200 * MEGA,
    total_bytes=400 * MEGA,
    parts=4096,
    pixels=MAX_PIXELS,
    clip_pixels=64 * MEGA,
    decoded_pixels=4_000 * MEGA,
    kept_frames=128,
    frames=20_000,
    seconds=600,
)

_KINDS = (
    ConditionKind(
        name="text",
        summary="What the user asks for, in words",
        formats=("UTF-8 text",),
        limits=Limits(part_bytes=MEGA, total_bytes=MEGA, characters=8192),
        parse=parse_text,
        forms=(WORDS,),
    ),
    ConditionKind(
        name="image",
        summary="A picture: whom or what to show, a frame of the video, a style, or a reference",
        reading=Reading(word="picture", place=0, still=True, most="max_images"),
        formats=("PNG", "JPEG", "WebP"),
        limits=Limits(part_bytes=64 * MEGA, total_bytes=64 * MEGA, pixels=MAX_PIXELS),
        parse=parse_image,
        forms=(IMAGE,),
        facts=image_facts,
        roles=IMAGE_ROLES,
        default_role="reference",
    ),
    ConditionKind(
        name="video",
        summary="A clip whose content or motion is to be followed",
        reading=Reading(word="video", place=2),
        formats=("MP4", "WebM", "GIF", "animated PNG", "animated WebP", "frames"),
        limits=_CLIP,
        parse=parse_video,
        sign=animated_sign,
        forms=(VIDEO,),
        facts=video_facts,
        options=(_FPS,),
    ),
    ConditionKind(
        name="depth",
        summary="Depth maps, one or a sequence: how near each point of the picture is",
        reading=Reading(word="depth", place=3, scaling="depth"),
        formats=(
            *("8-bit relative PNG", "8-bit relative JPEG", "8-bit relative WebP"),
            *("16-bit metric PNG", "16-bit relative PNG", "float npy"),
            *("relative MP4", "relative WebM", "relative GIF"),
        ),
        limits=_CLIP,
        parse=parse_depth,
        forms=(DEPTH,),
        facts=depth_facts,
        options=(
            Option(
                name="scale",
                summary="units per metre: of 16-bit maps (default 1000), of npy (default none)",
                type="number",
                minimum=1e-3,
            ),
            Option(
                name="near",
                summary="whether large values are near (bright) or far (dark)",
                type="choice",
                choices=("bright", "dark"),
            ),
        ),
        joins_parts=True,
    ),
    ConditionKind(
        name="pose",
        summary="Human body keypoints over time: what people do",
        reading=Reading(word="pose", place=8, encoder="motion", scaling="motion"),
        formats=(
            *("OpenPose JSON", "COCO keypoint JSON", "DWPose JSON", "MMPose JSON"),
            *("pose editor JSON", "BVH", "drawn pose video", "drawn pose pictures"),
        ),
        limits=Limits(
            part_bytes=64 * MEGA,
            total_bytes=128 * MEGA,
            parts=10_000,
            pixels=MAX_PIXELS,
            clip_pixels=64 * MEGA,
            decoded_pixels=4_000 * MEGA,
            kept_frames=128,
            frames=10_000,
            seconds=600,
            people=32,
        ),
        parse=parse_pose,
        sign=pose_sign,
        json=ReadsJson(turn=0, keys=POSE_KEYS),
        forms=(POSE, DRAWN_POSE),
        facts=pose_facts,
        options=(
            Option(
                name="layout",
                summary="keypoint order (default: by the count of points and their geometry)",
                type="choice",
                choices=tuple(LAYOUTS),
            ),
            *_CANVAS,
            _FPS,
            Option(
                name="select",
                summary="file name or id of one image of a COCO file (default: all, as frames)",
                type="text",
            ),
            Option(
                name="view",
                summary="the side from which motion capture is looked at (default front)",
                type="choice",
                choices=("front", "back", "left", "right"),
            ),
            Option(
                name="up",
                summary="the axis of motion capture that points up (default: by the skeleton)",
                type="choice",
                choices=("x", "y", "z"),
            ),
        ),
        joins_parts=True,
    ),
    ConditionKind(
        name="motion",
        summary="Paths that points or objects follow over the picture",
        reading=Reading(word="motion", place=9, encoder="motion", scaling="motion"),
        formats=("track text", "track CSV", "MOT text", "track JSON", "track npy"),
        limits=Limits(
            part_bytes=32 * MEGA, total_bytes=64 * MEGA, parts=1024, frames=20_000, people=1024
        ),
        parse=parse_motion,
        json=ReadsJson(turn=4),
        forms=(MOTION,),
        facts=motion_facts,
        options=(
            *_CANVAS,
            _FPS,
            Option(
                name="order",
                summary="first axis of an array of several tracks (default: JSON track, npy time)",
                type="choice",
                choices=("time", "track"),
            ),
        ),
        joins_parts=True,
    ),
    ConditionKind(
        name="camera",
        summary="A camera path: intrinsics and world-to-camera poses",
        reading=Reading(word="camera", place=10, encoder="camera"),
        formats=CAMERA_FORMATS,
        limits=Limits(part_bytes=16 * MEGA, total_bytes=16 * MEGA, frames=20_000),
        parse=parse_camera,
        sign=camera_sign,
        json=ReadsJson(turn=3, keys=CAMERA_KEYS),
        forms=(CAMERA,),
        facts=camera_facts,
        options=CAMERA_OPTIONS,
    ),
    ConditionKind(
        name="segmentation",
        summary="Masks of objects, one picture or a sequence: where each object is",
        reading=Reading(word="segmentation", place=4, scaling="depth"),
        formats=masks_parser.FORMATS,
        limits=_CLIP,
        parse=masks_parser.parse_segmentation,
        sign=masks_parser.sign,
        json=ReadsJson(turn=1, keys=masks_parser.KEYS),
        forms=(SEGMENTATION,),
        facts=segmentation_facts,
        options=(
            Option(
                name="values",
                summary="what pixel values mean (default: by the file's content)",
                type="choice",
                choices=masks_parser.VALUES,
            ),
            Option(name="select", summary="name or id of one picture of a COCO file", type="text"),
            *_CANVAS,
        ),
        joins_parts=True,
    ),
    ConditionKind(
        name="sketch",
        summary="Scribble, line art or edges, one picture or a sequence: the shapes to follow",
        reading=Reading(word="sketch", place=5, scaling="depth"),
        formats=sketch.FORMATS,
        limits=_CLIP,
        parse=sketch.parse_sketch,
        forms=(SKETCH,),
        facts=sketch_facts,
        options=(
            Option(
                name="ground",
                summary="colour of the empty ground (default: what most of it is)",
                type="choice",
                choices=sketch.GROUNDS,
            ),
        ),
        joins_parts=True,
    ),
    ConditionKind(
        name="normal",
        summary="Normal maps, one or a sequence: which way each surface faces",
        reading=Reading(word="normal map", place=6),
        formats=normal.FORMATS,
        limits=replace(_CLIP, clip_pixels=16 * MEGA),
        parse=normal.parse_normal,
        forms=(NORMALS,),
        facts=normal_facts,
        options=(
            Option(
                name="axes",
                summary="axes of the vectors (default: opengl, or opencv where z points away)",
                type="choice",
                choices=tuple(normal.AXES),
            ),
        ),
        joins_parts=True,
    ),
    ConditionKind(
        name="masked_image",
        summary="A picture with holes to fill: transparent pixels, or a picture and its mask",
        reading=Reading(word="masked picture", place=1, still=True),
        formats=masked_image.FORMATS,
        limits=Limits(part_bytes=64 * MEGA, total_bytes=128 * MEGA, parts=2, pixels=MAX_PIXELS),
        parse=masked_image.parse_masked_image,
        forms=(MASKED_IMAGE,),
        facts=masked_image_facts,
        options=(
            Option(
                name="hole",
                summary="what the mask shows as the hole (default white)",
                type="choice",
                choices=masked_image.HOLES,
            ),
        ),
        joins_parts=True,
    ),
    ConditionKind(
        name="region",
        summary="Labelled boxes, polygons or points, per frame: what is where",
        reading=Reading(word="region", place=7, still=True),
        formats=region.FORMATS,
        limits=Limits(
            part_bytes=64 * MEGA,
            total_bytes=72 * MEGA,
            parts=2,
            pixels=MAX_PIXELS,
            frames=10_000,
        ),
        parse=region.parse_region,
        sign=region.sign,
        json=ReadsJson(turn=2, keys=region.KEYS),
        forms=(REGIONS,),
        facts=region_facts,
        options=(
            Option(
                name="coordinates",
                summary="what the numbers are (default: fractions if all lie in 0…1)",
                type="choice",
                choices=region.COORDINATES,
            ),
            Option(
                name="boxes",
                summary="two corners, or a corner and a size (default: by the key)",
                type="choice",
                choices=region.BOXES,
            ),
            Option(name="select", summary="name or id of one picture of a COCO file", type="text"),
            *_CANVAS,
        ),
        joins_parts=True,
    ),
)
KINDS: dict[str, ConditionKind] = {kind.name: kind for kind in _KINDS}


def form_of(payload: Payload) -> Form:
    """Return what is known about a payload's canonical form.

    Raises:
        InputError: no kind has such payloads.
    """
    for kind in KINDS.values():
        for form in kind.forms:
            if form.payload is type(payload):
                return form
    raise InputError(f"{type(payload).__name__} is no form of a condition", field="payload")


def form_classes() -> dict[str, type]:
    """The classes of all canonical forms, by name."""
    return {form.payload.__name__: form.payload for kind in KINDS.values() for form in kind.forms}


def _kind(name: str) -> ConditionKind:
    if name in KINDS:
        return KINDS[name]
    accepted = ", ".join(KINDS)
    shown = _one_line(str(name))
    raise InputError(f"condition kind {shown!r} is not known; accepted: {accepted}", field="kind")


def _one_line(name: str) -> str:
    """A name that is safe to print: no control characters, at most 120 characters."""
    return "".join(char if char.isprintable() else "?" for char in name)[:120]


def split_parts(kind: str, parts: Sequence[Part]) -> list[list[Part]]:
    """Group ungrouped files into conditions: all in one where the kind joins them, else single."""
    if _kind(kind).joins_parts:
        return [list(parts)] if parts else []
    return [[part] for part in parts]


def parse_condition(
    kind: str,
    parts: Sequence[Part],
    *,
    role: str | None = None,
    number: int = 1,
    options: Mapping[str, OptionValue] | None = None,
) -> Condition:
    """Parse the files of one condition to its canonical form.

    Args:
        kind: a key of `KINDS`.
        parts: untrusted files; their order does not matter where names give one (frames).
        role: one of the kind's roles; the kind's default when None.
        number: the condition's 1-based number among its kind ("picture 1").
        options: overrides, see the kind's `options`; values may be text.

    Raises:
        InputError: one line that names the file, the record and the field.
    """
    entry, clean = check_parts(kind, parts)
    chosen = _role(entry, role, clean[0].name)
    if number < 1:
        raise InputError(f"{number} is below 1", file=clean[0].name, field="number")
    parsed = entry.parse(clean, _options(entry, options or {}, clean[0].name), entry.limits)
    return Condition(
        kind=kind,
        payload=parsed.payload,
        format=parsed.format,
        role=chosen,
        number=number,
        assumptions=parsed.assumptions,
        warnings=parsed.warnings,
    )


def input_name(condition: Condition) -> str:
    """Return what a condition is called in a request: `picture 1`, `camera 1`; `text`."""
    reading = _kind(condition.kind).reading
    return f"{reading.word} {condition.number}" if reading else "text"


def condition_facts(condition: Condition) -> tuple[Fact, ...]:
    """Return what a condition states, at most `MOST_FACTS`; nothing for kinds that say nothing."""
    of_kind = _kind(condition.kind).facts
    if of_kind is None:
        return ()
    return tuple(islice(of_kind(condition, input_name(condition)), MOST_FACTS))


def check_parts(kind: str, parts: Sequence[Part]) -> tuple[ConditionKind, list[Part]]:
    """Hold files to the kind's limits on count and bytes; return the kind and the named files.

    Raises:
        InputError: no file, too many, empty, or too large.
    """
    entry = _kind(kind)
    if not parts:
        raise InputError(f"no file given for the {kind} condition", field=kind)
    clean = [Part(_one_line(part.name) or kind, part.data) for part in parts]
    _check_limits(entry, clean)
    return entry, clean


def _check_limits(entry: ConditionKind, parts: Sequence[Part]) -> None:
    limits = entry.limits
    if len(parts) > limits.parts:
        raise InputError(
            f"{len(parts):,} files; a {entry.name} condition takes at most {limits.parts:,}",
            file=parts[limits.parts].name,
            field=entry.name,
        )
    total = 0
    for part in parts:
        size = len(part.data)
        total += size
        if not size:
            raise InputError("the file is empty", file=part.name, field=entry.name)
        if size > limits.part_bytes or total > limits.total_bytes:
            most = limits.part_bytes if size > limits.part_bytes else limits.total_bytes
            raise InputError(
                f"{max(size, total):,} bytes; at most {most:,} are taken",
                file=part.name,
                field="bytes",
            )


def _role(entry: ConditionKind, role: str | None, file: str) -> str | None:
    if role is None or role == "":
        return entry.default_role
    if role in entry.roles:
        return role
    if not entry.roles:
        raise InputError(f"a {entry.name} condition has no roles", file=file, field="role")
    accepted = ", ".join(entry.roles)
    raise InputError(
        f"{_one_line(role)!r} is not a role; accepted: {accepted}", file=file, field="role"
    )


def _options(entry: ConditionKind, given: Mapping[str, OptionValue], file: str) -> Options:
    known = {option.name: option for option in entry.options}
    checked: dict[str, float | str] = {}
    for name, value in given.items():
        if name not in known:
            accepted = ", ".join(known) or "none"
            raise InputError(
                f"not an option of {entry.name}; accepted: {accepted}",
                file=file,
                field=_one_line(str(name)),
            )
        checked[name] = _option(known[name], value, file)
    return checked


def _option(option: Option, value: OptionValue, file: str) -> float | str:
    shown = _one_line(str(value))
    if option.type == "choice":
        for choice in option.choices:
            if shown.casefold() == choice.casefold():
                return choice
        accepted = ", ".join(option.choices)
        raise InputError(f"{shown!r}; accepted: {accepted}", file=file, field=option.name)
    if option.type == "text":
        if not shown:
            raise InputError("is empty", file=file, field=option.name)
        return shown
    try:
        number = math.nan if isinstance(value, bool) or "_" in shown else float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not option.minimum <= number <= option.maximum:
        raise InputError(
            f"{shown!r}; a number from {option.minimum:g} to {option.maximum:g} is wanted",
            file=file,
            field=option.name,
        )
    return number
