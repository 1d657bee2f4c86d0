"""What a record's conditions say for certain, as sentences for the annotators."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from any2caption.annotation.media import Media
from any2caption.conditions.fact import Aspect, Fact
from any2caption.conditions.registry import condition_facts
from any2caption.conditions.types import Condition, Depth
from any2caption.datasets.records import SourceRecord

GEOMETRY = frozenset({"camera", "pose", "depth", "segmentation"})
"""Kinds whose facts are told in words; an annotator sees the pictures of all others."""


@dataclass(frozen=True, slots=True)
class Item:
    """A record as the annotators see it: its line, parsed conditions and pictures."""

    record: SourceRecord
    conditions: tuple[Condition, ...]
    media: Media

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of the conditions as `kind_of` names them."""
        return frozenset(kind_of(condition) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Facts:
    """Sentences that the conditions support; an empty one is not known."""

    camera: str = ""
    action: str = ""
    subjects: str = ""
    distances: str = ""


def kind_of(condition: Condition) -> str:
    """Return `pose`, …; `image:first_frame`, … for a picture; `depth:sparse` or `depth:dense`."""
    if isinstance(condition.payload, Depth):
        return f"depth:{'sparse' if condition.payload.sparse else 'dense'}"
    return f"image:{condition.role}" if condition.kind == "image" else condition.kind


def facts_of(conditions: Sequence[Condition]) -> Facts:
    """Read camera, action, the subjects' number and distances off the conditions.

    Of several cameras, poses and depths the first is told of.
    """
    found = [fact for one in conditions if one.kind in GEOMETRY for fact in condition_facts(one)]
    counts = [f"{fact.text} in {fact.source.input}" for fact in _of(found, "count", "subject")]
    pictures = sum(condition.role == "identity" for condition in conditions)
    if pictures:
        counts.append("one identity picture" if pictures == 1 else f"{pictures} identity pictures")
    return Facts(
        camera=_sentences(f"the camera {fact.text}" for fact in _first(found, "camera")),
        action=_sentences(f"{fact.value['who']} {fact.text}" for fact in _first(found, "action")),
        subjects=_sentences(["; ".join(counts)]),
        distances=_sentences(
            f"the scene has {fact.text}"
            for fact in _first(found, "layout")
            if "metres" in fact.value
        ),
    )


def _of(found: Iterable[Fact], *aspects: Aspect) -> list[Fact]:
    return [fact for fact in found if fact.aspect in aspects]


def _first(found: Iterable[Fact], aspect: Aspect) -> list[Fact]:
    """The facts of the first condition that says anything of it."""
    facts = _of(found, aspect)
    return [fact for fact in facts if fact.source.input == facts[0].source.input]


def _sentences(texts: Iterable[str]) -> str:
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in texts if text)
