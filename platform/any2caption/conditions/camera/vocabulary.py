"""Camera movements in words: a key (`truck_left`), a caption's phrase, the form after "while"."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from any2caption.conditions.camera.motion_curves import motion_curves
from any2caption.conditions.camera.movements import Movement, movements
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Camera

PHRASES: Mapping[str, tuple[str, str]] = {
    "static": ("holds still", "holding still"),
    "pan_left": ("pans left", "panning left"),
    "pan_right": ("pans right", "panning right"),
    "tilt_up": ("tilts up", "tilting up"),
    "tilt_down": ("tilts down", "tilting down"),
    "roll_clockwise": ("rolls clockwise", "rolling clockwise"),
    "roll_anticlockwise": ("rolls anticlockwise", "rolling anticlockwise"),
    "dolly_in": ("dollies in", "dollying in"),
    "dolly_out": ("dollies out", "dollying out"),
    "truck_left": ("trucks left", "trucking left"),
    "truck_right": ("trucks right", "trucking right"),
    "pedestal_up": ("pedestals up", "pedestalling up"),
    "pedestal_down": ("pedestals down", "pedestalling down"),
    "orbit_left": ("orbits left", "orbiting left"),
    "orbit_right": ("orbits right", "orbiting right"),
    "zoom_in": ("zooms in", "zooming in"),
    "zoom_out": ("zooms out", "zooming out"),
}
"""Movement key → the phrase of the third person, and the form after "while"."""

SLOW, QUICK = 0.12, 1.5
"""Picture shift (radians, or its like) at this pace over a whole clip is called slow or quick."""
_TOGETHER = 0.5
_LONG = 0.5
_CLAUSES = 3

_MOST_FRAMES = 1_000


def expanded(keys: Iterable[str]) -> frozenset[str]:
    """Return the keys with orbits also as what they consist of: a truck and the opposite turn."""
    parts = {
        "orbit_left": {"orbit_left", "truck_left", "pan_right"},
        "orbit_right": {"orbit_right", "truck_right", "pan_left"},
    }
    return frozenset(part for key in keys for part in parts.get(key, {key}))


def path_keys(camera: Camera) -> tuple[str, ...]:
    """Return the keys of the movements that a path shows, the largest shift of the picture first.

    Of a path of more than 1,000 frames so many are looked at, evenly spaced.
    """
    frames = len(camera.w2c)
    if frames > _MOST_FRAMES:
        kept = sample_frames(frames, _MOST_FRAMES)
        camera = replace(
            camera, intrinsics=camera.intrinsics[kept], w2c=camera.w2c[kept], times=None
        )
    found = sorted(movements(camera), key=lambda movement: -movement.shift)
    return tuple(dict.fromkeys(movement.key for movement in found))


def unsupported_keys(said: Iterable[str], shown: Iterable[str]) -> tuple[str, ...]:
    """Return the movement keys that words name but geometry does not show; orbits as parts count.

    `static` is supported by a static stretch only.
    """
    there = expanded(shown)
    return tuple(key for key in dict.fromkeys(said) if not (expanded([key]) & there))


def camera_words(found: Sequence[Movement], frames: int) -> str:
    """Return the movements as a phrase: `trucks left while panning right, then holds still`.

    Movements that share at least half of the shorter one's time are joined by "while", others
    follow with "then"; "slowly" and "quickly" tell the pace (`SLOW`, `QUICK`) of turns and zooms
    that fill at least half of the clip (how fast a move is depends on how far the scene is). What
    would take more than three clauses is summed up by the clip's beginning, middle and end.
    """
    groups = _groups(found)
    if len(groups) > _CLAUSES:
        return _summary(_thirds(found, frames))
    return ", then ".join(_phrase(group, frames) for group in groups)


def told_keys(found: Sequence[Movement], frames: int) -> tuple[str, ...]:
    """Return the movement keys that `camera_words` names, in order, each once."""
    groups = _groups(found)
    if len(groups) > _CLAUSES:
        return tuple(dict.fromkeys(key for keys in _thirds(found, frames) for key in keys))
    return tuple(dict.fromkeys(movement.key for group in groups for movement in group))


def _groups(found: Sequence[Movement]) -> list[list[Movement]]:
    """Movements that are told in one clause, in order of time."""
    groups: list[list[Movement]] = []
    for movement in found:
        if groups and _together(groups[-1][0], movement):
            groups[-1].append(movement)
        else:
            groups.append([movement])
    return groups


def _thirds(found: Sequence[Movement], frames: int) -> list[tuple[str, ...]]:
    """The one or two largest movements of each third of the clip."""
    last = max(frames - 1, 1)
    return [_largest(found, last * index / 3, last * (index + 1) / 3) for index in range(3)]


def _summary(keys: Sequence[tuple[str, ...]]) -> str:
    """Say what is largest in each third of the clip."""
    pieces = [f"at first {_named(keys[0])}"]
    if keys[1] != keys[0]:
        pieces.append(f"in the middle {_named(keys[1])}")
    if keys[2] != keys[1]:
        pieces.append(f"in the end {_named(keys[2])}")
    return ", ".join(pieces) if len(pieces) > 1 else f"mostly {_named(keys[0])}"


def _largest(found: Sequence[Movement], start: float, end: float) -> tuple[str, ...]:
    """The keys of a stretch's largest movement, and of one that is nearly as large."""
    sizes: dict[str, float] = {}
    for movement in found:
        length = max(movement.end - movement.start, 1)
        shared = min(end, movement.end) - max(start, movement.start)
        if shared > 0 and movement.type != "static":
            shift = movement.shift * shared / length
            sizes[movement.key] = sizes.get(movement.key, 0.0) + shift
    ordered = sorted(sizes, key=lambda key: -sizes[key])
    if not ordered:
        return ("static",)
    opposite = ordered[0].split("_")[0]
    others = [key for key in ordered[1:] if not key.startswith(opposite)]
    return (ordered[0], *(key for key in others[:1] if sizes[key] >= sizes[ordered[0]] / 2))


def _named(keys: tuple[str, ...]) -> str:
    first, *rest = keys
    return " while ".join([PHRASES[first][0], *(PHRASES[key][1] for key in rest)])


def describe_camera(camera: Camera) -> dict[str, Any]:
    """Return a path's movements in words (`words`) and as JSON-ready `movements`.

    `cuts`, where there are any, lists the frames that the path jumps to.
    """
    found = movements(camera)
    frames = len(camera.w2c)
    cuts = motion_curves(camera).cuts
    return {
        "words": f"The camera {camera_words(found, frames)}.",
        "movements": [movement.as_json(frames) for movement in found],
        **({"cuts": list(cuts)} if cuts else {}),
    }


def _together(one: Movement, other: Movement) -> bool:
    shared = min(one.end, other.end) - max(one.start, other.start)
    shorter = min(one.end - one.start, other.end - other.start)
    return shared >= _TOGETHER * max(shorter, 1)


def _phrase(group: Sequence[Movement], frames: int) -> str:
    first, *rest = group
    text, form = _paced(first, 0, frames), 1
    for index, movement in enumerate(rest):
        if index == 0:
            link = " while "
        elif _together(rest[index - 1], movement):
            link = " and "
        else:
            link, form = ", then ", 0
        text += link + _paced(movement, form, frames)
    return text


def _paced(movement: Movement, form: int, frames: int) -> str:
    words = PHRASES[movement.key][form]
    share = (movement.end - movement.start) / max(frames - 1, 1)
    size = math.radians(movement.amount) if movement.unit == "degrees" else movement.shift
    pace = size / share if share else 0.0
    timeless = movement.type == "static" or movement.unit == "units"
    if timeless or share < _LONG or SLOW <= pace <= QUICK:
        return words
    return f"{'slowly' if pace < SLOW else 'quickly'} {words}"
