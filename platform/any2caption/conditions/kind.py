"""What a condition kind is: limits, options, and the contract between registry and parser."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from any2caption.conditions.fact import Fact
from any2caption.conditions.form import Form
from any2caption.conditions.types import Condition, Part, Payload

OptionValue = str | float | int | bool
MEGA = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds that hold before anything is decoded; `None` = does not apply to the kind."""

    part_bytes: int
    """Bytes of one file."""
    total_bytes: int
    """Bytes of all files of one condition."""
    parts: int = 1
    """Files of one condition."""
    pixels: int | None = None
    """Pixels of one picture or frame."""
    clip_pixels: int | None = None
    """Pixels of all frames that are kept; more frames are thinned out evenly."""
    decoded_pixels: int | None = None
    """Pixels of all frames of a clip, kept or not: what decoding costs; more are refused."""
    kept_frames: int | None = None
    """Frames that are kept of a clip; more are thinned out evenly."""
    frames: int | None = None
    """Frames (poses, maps) of the input; more are refused."""
    seconds: float | None = None
    """Length of a clip."""
    people: int | None = None
    """People of one frame; also the number of people kept over time."""
    characters: int | None = None
    """Characters of a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A named override of what a format leaves open. Values may come as text."""

    name: str
    summary: str
    type: Literal["number", "choice", "text"]
    choices: tuple[str, ...] = ()
    minimum: float = 1e-6
    maximum: float = 1e6
    """Numbers lie between the two, both included."""


Options = Mapping[str, float | str]
"""Options after checking: numbers as float, choices in their canonical spelling, text as is."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a parser hands back: the canonical payload and what it had to assume."""

    payload: Payload
    format: str
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Notes:
    """Collects assumptions and warnings while parsing; repeated ones are kept once."""

    assumptions: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def assume(self, text: str) -> None:
        """Record a stated rule that was applied."""
        if text not in self.assumptions:
            self.assumptions.append(text)

    def warn(self, text: str) -> None:
        """Record something odd that did not stop the parser."""
        if text not in self.warnings:
            self.warnings.append(text)

    def parsed(self, payload: Payload, format_: str) -> Parsed:
        """Finish: the payload with everything that was noted."""
        return Parsed(payload, format_, tuple(self.assumptions), tuple(self.warnings))


Parser = Callable[[Sequence[Part], Options, Limits], Parsed]
Sign = Callable[[Sequence[Part]], str]
"""Why files are of a kind and of no other, in words; "" where that is not said by what is asked."""
FactsOf = Callable[[Condition, str], Iterable[Fact]]
"""What a condition states; the text is its name in the request ("picture 1")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadsJson:
    """A kind that reads JSON. What several read is the kind's whose key is there, in turn."""

    turn: int
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the model reads a kind: its word in prompts, its encoder, the scaling of its pixels."""

    word: str
    place: int
    """Prompts have their conditions in this order."""
    encoder: Literal["vision", "motion", "camera"] = "vision"
    scaling: Literal["image", "depth", "motion"] = "image"
    """`depth` and `motion` scale what is mostly empty so that empty is 0."""
    still: bool = False
    """A picture to the model, whatever its files are; else a clip."""
    most: Literal["max_images", "max_conditions"] = "max_conditions"
    """The setting of `ProcessorConfig` that says how many of the kind are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionKind:
    """One kind of condition and all that other parts derive from it.

    `formats`: every name that `Condition.format` can have for this kind. `joins_parts`: several
    files make ONE condition (depth maps, pose frames); otherwise each file is its own condition
    unless the caller groups them (a video as a set of frames).
    """

    name: str
    summary: str
    formats: tuple[str, ...]
    limits: Limits
    parse: Parser
    forms: tuple[Form, ...]
    """The canonical forms that `parse` makes."""
    roles: tuple[str, ...] = ()
    default_role: str | None = None
    options: tuple[Option, ...] = ()
    joins_parts: bool = False
    reading: Reading | None = None
    """None: it is the prompt itself."""
    facts: FactsOf | None = None
    """None: nothing can be said of it but that it is there."""
    sign: Sign | None = None
    """Tells files of the kind without parsing them; see `inspect.detect`."""
    json: ReadsJson | None = None
