"""What motion tracks state: the ways that marked things take over the picture."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.facts.paths import way_words
from any2caption.conditions.facts.places import at, cell_of
from any2caption.conditions.types import Condition, Motion

_SINGLE = 3
"""So many tracks are told one by one; more are summed up."""
_OBJECTS = 8
"""More tracks than these are points of a surface rather than things."""
_MOST = 0.6
_LOOKED_AT = 256
_MANY_MOVE = 0.2


def motion_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield actions of what is marked: `moves from left to right and downwards`.

    Values: `verb` (move, stay), `who`, `plural`, `tracks` (how many it is said of).
    """
    motion = condition.payload
    assert isinstance(motion, Motion)  # noqa: S101 - what the kind's parser gives
    frames, count, _ = motion.tracks.shape
    picked = np.unique(np.linspace(0, count - 1, min(count, _LOOKED_AT)).round().astype(int))
    looks = np.unique(np.linspace(0, frames - 1, min(frames, _LOOKED_AT)).round().astype(int))
    tracks = [_seen(motion.tracks[looks, one]) for one in picked.tolist()]
    tracks = [track for track in tracks if len(track) > 1]
    source = Source(name, frames=(0, frames - 1))
    ways = [way_words(track, motion.aspect) for track in tracks]
    if len(tracks) <= _SINGLE:
        for who, way in zip(_names(tracks), ways, strict=True):
            yield _action(way, who, 1, source)
        return
    noun = "marked points" if count > _OBJECTS else "marked objects"
    (most, times), *others = Counter(ways).most_common()
    if times >= _MOST * len(ways):
        who = f"{'all' if not others else 'most'} of the {noun}"
        yield _action(most, who, times, source, exact=not others)
        return
    told = [pair for pair in ((most, times), *others) if pair[1] >= _MANY_MOVE * len(ways)]
    for way, often in told[:2]:
        yield _action(way, f"some of the {noun}", often, source, exact=False)
    if not told:
        yield _action("in several directions", f"the {noun}", len(ways), source, exact=False)


def _seen(track: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(track[np.isfinite(track).all(axis=1)], np.float64)


def _names(tracks: Sequence[NDArray[np.float64]]) -> list[str]:
    """Name marked objects by where they begin, if that tells them apart."""
    if len(tracks) == 1:
        return ["the marked object"]
    cells = [cell_of(float(track[0, 0]), float(track[0, 1])) for track in tracks]
    if len(set(cells)) == len(cells):
        return [f"the marked object {at(cell)}" for cell in cells]
    ordinals = ("first", "second", "third")
    return [f"the {ordinals[rank]} marked object" for rank in range(len(tracks))]


def _action(way: str, who: str, tracks: int, source: Source, *, exact: bool = True) -> Fact:
    many = tracks > 1
    stay = "stay in place" if many else "stays in place"
    return Fact(
        aspect="action",
        text=f"{'move' if many else 'moves'} {way}" if way else stay,
        source=source,
        value={
            "verb": "move" if way else "stay",
            "who": who,
            "plural": many,
            "tracks": tracks,
        },
        certainty="exact" if exact else "measured",
        confidence=1.0 if exact else 0.8,
    )
