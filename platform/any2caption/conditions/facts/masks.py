"""What masks and labelled regions state: how many of what, where, how large, and which way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.fact import Certainty, Fact, Source
from any2caption.conditions.facts.paths import way_words
from any2caption.conditions.facts.places import at, cell_of, sized
from any2caption.conditions.facts.words import bare, counted, joined, plural, with_article
from any2caption.conditions.io.stored_pixels import distinct
from any2caption.conditions.types import Condition, Region, Regions, Segmentation

_LOOKS = 9
_LOOKED_PIXELS = 60_000
_FOLLOWED = 25
_MOST_NAMES = 4
_MOST_PLACED = 3
_UNNAMED = "object"
_NO_SIZE = 0.05
_COUNTED = 0.8
_CRUMB, _BESIDE = 0.0025, 0.05
"""Crumbs cover less of the picture, and less beside what covers most."""
_SURROUNDINGS = frozenset(
    {
        *("wall", "floor", "ceiling", "sky", "grass", "sea", "water", "road", "street", "sand"),
        *("pavement", "tree", "trees", "building", "mountain", "hill", "snow", "dirt", "gravel"),
        *("river", "field", "ground", "playing field", "playingfield", "fence", "bush", "rock"),
        *("window", "door", "house", "roof", "bridge", "railroad", "platform", "background"),
        *("curtain", "rug", "carpet", "stairs", "forest", "sidewalk", "vegetation", "terrain"),
    }
)
"""Names of what things stand in rather than of things."""

Place = tuple[float, float]


@dataclass(slots=True)
class _Thing:
    """One marked thing: its name, and by frame where its middle is and how much it covers."""

    name: str
    frames: list[int] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    @property
    def share(self) -> float:
        return float(np.mean(self.shares)) if self.shares else 0.0

    @property
    def cell(self) -> str:
        return cell_of(*self.places[0])


def segmentation_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield what is masked: subjects or a count, surroundings, places, ways (`_facts_of`)."""
    masks = condition.payload
    assert isinstance(masks, Segmentation)  # noqa: S101 - what the kind's parser gives
    things = _masked(masks)
    clear = _clear(things, min(len(masks.ids), _LOOKS))
    source = Source(name, frames=(0, len(masks.ids) - 1))
    yield from _facts_of(clear, source, certainty="exact" if clear == things else "measured")


def region_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield what is labelled: subjects or a count, surroundings, places, ways (`_facts_of`)."""
    regions = condition.payload
    assert isinstance(regions, Regions)  # noqa: S101 - what the kind's parser gives
    yield from _facts_of(_labelled(regions), Source(name, frames=(0, len(regions.frames) - 1)))


def _facts_of(
    things: Sequence[_Thing], source: Source, certainty: Certainty = "exact"
) -> Iterable[Fact]:
    """Yield subjects (or, without names, a count), surroundings, places and ways.

    `certainty` is that of the numbers.

    Values: subjects and counts as everywhere, layout `noun` and `fields` (one a thing), actions
    `verb`, `who`.
    """
    named = {name: group for name, group in _groups(things).items() if name != _UNNAMED}
    subjects = {name: group for name, group in named.items() if name not in _SURROUNDINGS}
    yield from _numbers(things if not named else (), subjects, source, certainty)
    around = [with_article(name) for name in named if name in _SURROUNDINGS][:_MOST_NAMES]
    if around:
        value = {"place": None, "things": [bare(one) for one in around]}
        yield Fact("background", f"with {joined(around)}", source, value)
    placed = subjects or ({_UNNAMED: list(things)} if things and not named else {})
    first = list(placed.items())[:_MOST_PLACED]
    for name, group in first:
        yield from _layout(name, group, source)
    for name, group in first:
        if len(group) == 1 and (action := _way(name, group[0], source)):
            yield action


def _numbers(
    unnamed: Sequence[_Thing],
    subjects: Mapping[str, Sequence[_Thing]],
    source: Source,
    certainty: Certainty,
) -> Iterable[Fact]:
    """How many of each name; of the names beyond `_MOST_NAMES`, or of what has none, in all."""
    sure = 1.0 if certainty == "exact" else _COUNTED
    for name, group in list(subjects.items())[:_MOST_NAMES]:
        number = len(group)
        text = with_article(name) if number == 1 else counted(number, name)
        value = {"noun": name, "number": number, "attributes": []}
        yield Fact("subject", text, source, value, certainty, sure)
    rest = list(subjects.values())[_MOST_NAMES:]
    if rest or unnamed:
        number = sum(map(len, rest)) or len(unnamed)
        noun = "other object" if rest else _UNNAMED
        yield Fact(
            "count",
            counted(number, noun),
            source,
            {"noun": noun, "number": number},
            certainty,
            sure,
        )


def _groups(things: Sequence[_Thing]) -> dict[str, list[_Thing]]:
    """Things by name, what covers most first."""
    groups: dict[str, list[_Thing]] = {}
    for thing in sorted(things, key=lambda one: -one.share):
        groups.setdefault(thing.name, []).append(thing)
    return groups


def _layout(name: str, group: Sequence[_Thing], source: Source) -> Iterable[Fact]:
    """Where up to three things of a name are at first."""
    if len(group) > _MOST_PLACED:
        return
    ordered = sorted(group, key=lambda one: one.places[0])
    cells = [thing.cell for thing in ordered]
    if len(group) == 1:
        size = sized(group[0].share)
        noun = with_article(f"{size} {bare(name)}" if size else name)
        text = f"{noun} {at(cells[0])}"
    elif len(set(cells)) == 1:
        text = f"{counted(len(group), name)} {at(cells[0])}"
    else:
        text = f"{plural(name)} {joined(at(cell) for cell in dict.fromkeys(cells))}"
    yield Fact("layout", text, source, {"noun": name, "fields": cells})


def _way(name: str, thing: _Thing, source: Source) -> Fact | None:
    """The way of a thing that is marked in several frames, if it moves."""
    way = way_words(np.array(thing.places))
    if not way:
        return None
    return Fact(
        aspect="action",
        text=f"moves {way}",
        source=Source(source.input, frames=(thing.frames[0], thing.frames[-1])),
        value={"verb": "move", "who": f"the {bare(name)}", "plural": False},
        certainty="measured",
        confidence=0.9,
    )


def _masked(masks: Segmentation) -> list[_Thing]:
    """The masked things; where they are is looked up in some frames, how many in all."""
    frames = masks.ids
    everywhere = distinct(np.concatenate([distinct(frame) for frame in frames]))
    ids = everywhere[everywhere != 0]
    names = dict(masks.names)
    things = [_Thing(_clean(names.get(ident, ""))) for ident in ids.tolist()]
    looks = np.unique(np.linspace(0, len(frames) - 1, _LOOKS).round().astype(int)).tolist()
    for frame in looks:
        shares, across, down = _middles(frames[frame], ids)
        for at_, thing in enumerate(things):
            if shares[at_] > 0:
                thing.frames.append(frame)
                thing.places.append((float(across[at_]), float(down[at_])))
                thing.shares.append(float(shares[at_]))
    return things


def _clear(things: Sequence[_Thing], looks: int) -> list[_Thing]:
    """Without crumbs: what has no name and covers next to nothing is an edge or a fleck."""
    covers = [sum(thing.shares) / looks for thing in things]
    least = min(_CRUMB, _BESIDE * max(covers, default=0.0))
    return [
        thing
        for thing, share in zip(things, covers, strict=True)
        if thing.places and (share >= least or thing.name != _UNNAMED)
    ]


def _middles(frame: NDArray[np.int32], ids: NDArray[np.int32]) -> tuple[NDArray[np.float64], ...]:
    """Of each id in a frame: its share, and x and y of its middle as fractions."""
    height, width = frame.shape
    step = max(1, int(np.sqrt(frame.size / _LOOKED_PIXELS)))
    seen = frame[step // 2 :: step, step // 2 :: step]
    rows, columns = np.nonzero(seen)
    which = np.searchsorted(ids, seen[rows, columns])
    counts = np.bincount(which, minlength=len(ids)).astype(np.float64)
    safe = np.maximum(counts, 1)
    across = np.bincount(which, (columns + 0.5) * step / width, len(ids)) / safe
    down = np.bincount(which, (rows + 0.5) * step / height, len(ids)) / safe
    return counts / max(seen.size, 1), across, down


def _labelled(regions: Regions) -> list[_Thing]:
    """The labelled things of the first frame that has any, followed while their label is one."""
    first = next((at_ for at_, frame in enumerate(regions.frames) if frame), None)
    if first is None:
        return []
    things = []
    for region in regions.frames[first]:
        thing = _Thing(_clean(region.label))
        alone = sum(one.label == region.label for one in regions.frames[first]) == 1
        last = len(regions.frames) - 1 if alone else first
        looks = np.unique(np.linspace(first, last, _FOLLOWED).round().astype(int))
        for frame in looks.tolist():
            same = [one for one in regions.frames[frame] if one.label == region.label]
            if not alone or len(same) == 1:
                _add(thing, frame, same[0] if alone else region)
        things.append(thing)
    return things


def _add(thing: _Thing, frame: int, region: Region) -> None:
    middle = (region.points.min(axis=0) + region.points.max(axis=0)) / 2
    thing.frames.append(frame)
    thing.places.append((float(middle[0]), float(middle[1])))
    thing.shares.append(_area(region))


def _area(region: Region) -> float:
    """The share of the picture that a region covers; a point's says nothing of a size."""
    if region.shape == "point":
        return _NO_SIZE
    if region.shape == "box":
        return float(np.ptp(region.points, axis=0).prod())
    across, down = region.points.T
    return abs(float(across @ np.roll(down, 1) - down @ np.roll(across, 1))) / 2


def _clean(name: str) -> str:
    """A category's name as people say it: no suffixes of data sets, no underscores."""
    plain = name.replace("_", " ").strip()
    for suffix in ("-other-merged", "-merged", "-other", "-stuff"):
        plain = plain.removesuffix(suffix)
    head, _, kind = plain.partition("-")
    if head.casefold() in _SURROUNDINGS and kind:
        plain = head
    return bare(" ".join(plain.split())) or _UNNAMED
