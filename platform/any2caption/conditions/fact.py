"""A fact: one thing that an input states, in words and as data.

Facts are what captions are held to. Each names its source, so that every sentence of a caption can
say where it comes from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

Aspect = Literal[
    "subject",
    "count",
    "identity",
    "action",
    "layout",
    "background",
    "camera",
    "style",
    "written_text",
    "relation",
]
ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
Certainty = Literal["exact", "measured", "estimated"]


@dataclass(frozen=True, slots=True)
class Source:
    """An input and the place in it.

    `input` is `text`, or a condition as prompts name it: `camera 1`, `picture 2`. `characters` is
    the half-open range of the text; `frames` the first and the last frame, both included; `box`
    left, top, right, bottom as fractions of the picture.
    """

    input: str
    characters: tuple[int, int] | None = None
    frames: tuple[int, int] | None = None
    box: tuple[float, float, float, float] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-ready object without what is not known."""
        places = {"characters": self.characters, "frames": self.frames, "box": self.box}
        known = {name: list(place) for name, place in places.items() if place is not None}
        return {"input": self.input, **known}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the source that `as_json` wrote."""
        places = {
            name: tuple(data[name]) for name in ("characters", "frames", "box") if name in data
        }
        return cls(data["input"], **places)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that an input states.

    `text` are words as they stand in the middle of a sentence, without a full stop. Which words
    depends on the aspect, and so does `value`, the machine form (JSON-ready):

    | aspect | text | value |
    |---|---|---|
    | subject | "a small red cartoon figure" | `noun`, `number` (None = not said), `attributes` |
    | count | "two people" | `noun`, `number` |
    | identity | "the dog of picture 1" | `noun`, `condition` ("picture 1") |
    | action | "meets a small red cartoon figure"; "waves with the right hand" | `verb`, `who` |
    | layout | "near surfaces at the lower left" | as the kind says |
    | background | "in a quiet kitchen" | `place` |
    | camera | "dollies in while trucking left" | `keys`, `denied` (of `read_camera`), `shaky` |
    | style | "cinematic", "natural colours" | as the kind says |
    | written_text | "OPEN" | `written` |
    | relation | "on the left of the car" | `left`, `relation`, `right` where known |

    `exact`: geometry, counts, the user's words. `measured`: a rule over noisy data. `estimated`: a
    recogniser, with its probability as `confidence`. A `negated` fact says what must not be there;
    its text is the positive form ("people" of "no people").
    """

    aspect: Aspect
    text: str
    source: Source
    value: Mapping[str, Any] = field(default_factory=dict)
    certainty: Certainty = "exact"
    confidence: float = 1.0
    negated: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-ready object."""
        return {
            "aspect": self.aspect,
            "text": self.text,
            "source": self.source.as_json(),
            "value": dict(self.value),
            "certainty": self.certainty,
            "confidence": round(self.confidence, 3),
            "negated": self.negated,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the fact that `as_json` wrote."""
        return cls(
            aspect=data["aspect"],
            text=data["text"],
            source=Source.from_json(data["source"]),
            value=data["value"],
            certainty=data["certainty"],
            confidence=data["confidence"],
            negated=data["negated"],
        )
