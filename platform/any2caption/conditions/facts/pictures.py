"""What pictures state without anybody looking: their part in the video, colours, light, holes."""

from collections.abc import Iterable

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.facts.colours import colour_facts
from any2caption.conditions.facts.places import box_of, fields_of, phrase_of
from any2caption.conditions.types import Condition, Image, MaskedImage

_FRAMES = {
    "first_frame": "in the scene of {}, which is the first frame",
    "last_frame": "ending in the scene of {}, which is the last frame",
    "key_frame": "passing through the scene of {}",
}
_WHOLE = 0.9
_LOOKED_PIXELS = 40_000


def image_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield what the picture is for, then its colours and light.

    An identity's colours are those of a photograph, not of the video, and are not told. The value
    of the first fact has `condition` and `role`; `noun` (or `place`) is None: nobody looked.
    """
    image = condition.payload
    assert isinstance(image, Image)  # noqa: S101 - what the kind's parser gives
    source = Source(name)
    role = condition.role or "reference"
    yield _role(role, name, source)
    if role != "identity":
        yield from colour_facts(image.pixels, source)


def _role(role: str, name: str, source: Source) -> Fact:
    known = {"condition": name, "role": role}
    if role in _FRAMES:
        return Fact("background", _FRAMES[role].format(name), source, {"place": None, **known})
    if role == "style":
        return Fact("style", f"in the style of {name}", source, known)
    text = f"the subject of {name}" if role == "identity" else f"what {name} shows"
    return Fact("identity", text, source, {"noun": None, **known})


def masked_image_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield that the picture is kept, where its hole lies (`holes`, its share), and its colours."""
    masked = condition.payload
    assert isinstance(masked, MaskedImage)  # noqa: S101 - what the kind's parser gives
    source = Source(name)
    share = float(masked.holes.mean())
    if share < _WHOLE:
        yield _role("reference", name, source)
    if share > 0:
        yield Fact(
            aspect="layout",
            text=f"an area to be filled {phrase_of(masked.holes)}",
            source=Source(name, box=box_of(masked.holes)),
            value={"holes": round(share, 3), "fields": fields_of(masked.holes)},
        )
    step = max(1, int((masked.holes.size / _LOOKED_PIXELS) ** 0.5))
    kept = masked.pixels[::step, ::step][~masked.holes[::step, ::step]]
    if len(kept):
        yield from colour_facts(kept[None], source)
