"""What a camera path states: its movements by geometry, in order, as one clause."""

from collections.abc import Iterable, Sequence

from any2caption.conditions.camera.motion_curves import motion_curves
from any2caption.conditions.camera.movements import Movement, movements, own_distance
from any2caption.conditions.camera.vocabulary import camera_words, told_keys
from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.types import Camera, Condition

_UNSURE = 0.8
"""Confidence in the words of a path that would change with the unknown size of the scene."""
_NEARER, _FARTHER = 1 / 3, 3.0
_MOVES = ("dolly", "truck", "pedestal", "orbit")


def camera_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield one fact: `dollies in while trucking left, then pans right`.

    Its value has `keys` (as the words name them), `movements` (`camera.movements`, as JSON),
    `denied` and `shaky` (as captions are read), `cuts` (frames that the path jumps to) and
    `scale_known`. Measured where the size of the scene is unknown and would change the words.
    """
    camera = condition.payload
    assert isinstance(camera, Camera)  # noqa: S101 - what the kind's parser gives
    frames = len(camera.w2c)
    found = movements(camera)
    cuts = motion_curves(camera).cuts
    sure = camera.scene_distance is not None or not _hangs_on_scale(camera, found)
    text = camera_words(found, frames)
    yield Fact(
        aspect="camera",
        text=f"{text}, with {'a cut' if len(cuts) == 1 else 'cuts'} on the way" if cuts else text,
        source=Source(name, frames=(0, frames - 1)),
        value={
            "keys": list(told_keys(found, frames)),
            "denied": [],
            "shaky": False,
            "movements": [one.as_json(frames) for one in found],
            "cuts": list(cuts),
            "scale_known": camera.scene_distance is not None,
        },
        certainty="exact" if sure else "measured",
        confidence=1.0 if sure else _UNSURE,
    )


def _hangs_on_scale(camera: Camera, found: Sequence[Movement]) -> bool:
    """Whether other movements would be told if the scene were three times nearer or farther.

    Turns and zooms look the same at any distance, and so does a path of moves alone.
    """
    moves = {one.type for one in found if one.type in _MOVES}
    distance = own_distance(camera)
    if distance is None or not moves:
        return False
    told = {one.key for one in found}
    return any(
        {one.key for one in movements(camera, scene_distance=distance * times)} != told
        for times in (_NEARER, _FARTHER)
    )
