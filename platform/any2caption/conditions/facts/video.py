"""What a clip states without anybody looking: cuts, its camera's movements, colours, light."""

from collections.abc import Iterable, Sequence

from any2caption.conditions.camera.movements import Movement, movements
from any2caption.conditions.camera.vocabulary import camera_words, told_keys
from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.facts.colours import colour_facts
from any2caption.conditions.facts.film_motion import FilmMotion, film_motion
from any2caption.conditions.facts.words import counted
from any2caption.conditions.types import Condition, Video

_FITS = 0.65
"""The camera's movement is told from this share of the picture on that follows it."""
_LEAST = 0.045
"""A movement shifts the picture at least so much (radians, or widths)."""
_UNMOVED = 0.004
"""Mean difference of neighbouring frames (0…1) below which hardly anything moves."""
ALIKE = {
    "pan_left": "truck_left",
    "pan_right": "truck_right",
    "tilt_up": "pedestal_up",
    "tilt_down": "pedestal_down",
    "zoom_in": "dolly_in",
    "zoom_out": "dolly_out",
}
"""What a picture alone does not tell apart: the movement told → the one that looks alike."""


def video_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield what the clip is for, its camera as measured, stillness, cuts, colours and light.

    The camera's value is that of a path (`keys`, `movements`, `cuts` …) with `alike`: keys that
    would look the same (a pan and a truck). Nothing is said where much of the picture moves in its
    own way.
    """
    video = condition.payload
    assert isinstance(video, Video)  # noqa: S101 - what the kind's parser gives
    source = Source(name, frames=(0, len(video.frames) - 1))
    value = {"noun": None, "condition": name, "role": "reference"}
    yield Fact("identity", f"what {name} shows", source, value)
    motion = film_motion(video.frames)
    if motion is not None:
        yield from _moving(motion, source)
    yield from colour_facts(video.frames, source)


def _moving(motion: FilmMotion, source: Source) -> Iterable[Fact]:
    still = motion.change < _UNMOVED and not motion.cuts
    if still:
        value = {"verb": "still", "who": "the scene", "plural": False}
        yield Fact("action", "hardly moves", source, value, "measured", 0.9)
    if motion.fit >= _FITS or still:
        yield _camera(motion, source, still=still)
    if motion.cuts:
        yield Fact(
            aspect="style",
            text=f"with {counted(len(motion.cuts), 'cut')} to another shot",
            source=source,
            value={"cuts": list(motion.cuts)},
            certainty="measured",
            confidence=0.8,
        )


def _camera(motion: FilmMotion, source: Source, *, still: bool) -> Fact:
    count = len(motion.camera.w2c)
    found = [] if still else _clear(movements(motion.camera))
    keys = told_keys(found, count) if found else ("static",)
    return Fact(
        aspect="camera",
        text=camera_words(found, count) if found else "holds still",
        source=source,
        value={
            "keys": list(keys),
            "denied": [],
            "shaky": False,
            "movements": [one.as_json(count) for one in found],
            "cuts": list(motion.cuts),
            "alike": _alike(keys),
        },
        certainty="measured",
        confidence=round(0.9 * (1.0 if still else motion.fit), 3),
    )


def _clear(found: Sequence[Movement]) -> list[Movement]:
    """Without what is too small to be told from noise; rests only beside a movement."""
    large = [one for one in found if one.type == "static" or one.shift >= _LEAST]
    return large if any(one.type != "static" for one in large) else []


def _alike(keys: Sequence[str]) -> list[str]:
    return [ALIKE[key] for key in keys if key in ALIKE]
