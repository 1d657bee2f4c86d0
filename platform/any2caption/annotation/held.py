"""An annotator's caption held to the geometry of its record's conditions.

An annotator sees the clip, so what it says beyond the conditions is no fault here, as it is for a
request's writer. What counts is what contradicts a path, a pose, a depth or masks, and a camera
part that leaves the path's movements out. Parts that the source states are never changed.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from any2caption.annotation.facts import GEOMETRY
from any2caption.captions.camera_reading import read_camera
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.conditions.types import Condition
from any2caption.grounding.answer import Finding, Grounded
from any2caption.grounding.check import check
from any2caption.grounding.compose import compose
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather


@dataclass(frozen=True, slots=True)
class Held:
    """A caption, the parts of it that were repaired, and what is still against geometry."""

    caption: StructuredCaption
    repaired: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def held(
    caption: StructuredCaption,
    conditions: Sequence[Condition],
    *,
    stated: Collection[str] = (),
    repair: bool = True,
) -> Held:
    """Return the caption with what contradicts geometry replaced by what geometry says.

    Args:
        caption: the annotator's, with the source's own parts.
        conditions: parsed; those of other kinds are not looked at.
        stated: parts that are the source's own words: told of, never changed.
        repair: False changes nothing; what is found are doubts, for people.
    """
    facts = gather("", [one for one in conditions if one.kind in GEOMETRY])
    if not facts.found:
        return Held(caption)
    wrong = list(_wrong(caption, facts))
    mine = [one for one in wrong if one.part not in stated]
    if not repair or not mine:
        return Held(caption, doubts=_told(wrong))
    composed = compose(facts)
    parts = caption.model_dump()
    touched = tuple(part for part in PARTS if any(one.part == part for one in mine))
    for part in reversed(touched):  # the dense part last: it may be put together from the others
        faults = [one for one in mine if one.part == part]
        parts[part] = _mended(part, faults, parts, composed)
    mended = StructuredCaption(**parts)
    return Held(mended, touched, _told(_wrong(mended, facts)))


def _wrong(caption: StructuredCaption, facts: Facts) -> Iterator[Finding]:
    for one in check(caption, facts, writer="annotator", policy="warn").findings:
        if one.fault == "contradicted" or (one.part == "camera" and one.fault == "omitted"):
            yield one


def _told(findings: Sequence[Finding] | Iterator[Finding]) -> tuple[str, ...]:
    return tuple(
        f"{one.part}: “{one.before}” {one.why}" if one.before else f"{one.part}: {one.why}"
        for one in findings
    )


def _mended(part: str, faults: Sequence[Finding], parts: dict[str, str], composed: Grounded) -> str:
    """Take the wrong sentences out, and put in what geometry says of the same thing."""
    text = parts[part]
    for one in faults:
        if one.before:
            text = text.replace(one.before, "", 1)
    text = " ".join(text.split())
    moving = {bool(read_camera(one.before).keys) or not one.before for one in faults}
    new = [
        one.text
        for one in composed.parts[part]
        if one.sources
        and any(source.input.startswith("camera") in moving for source in one.sources)
        and one.text not in text
    ]
    if part == "dense" and not text:
        others = ("main_object", "action", "background", "style", "camera")
        return " ".join(parts[other] for other in others)
    if not text and not new:
        return " ".join(one.text for one in composed.parts[part])
    return " ".join([*([text] if text else []), *new])
