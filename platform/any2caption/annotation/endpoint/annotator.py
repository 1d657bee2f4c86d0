"""The annotator that asks a model: six parts apart, then the merge, then the short prompt.

Seven requests make a caption: each part by itself from the same frames, as the paper did, and one
without pictures that merges the six into the dense caption and mends what contradicts geometry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from any2caption.annotation.annotators import Captioned, Prompted
from any2caption.annotation.facts import Facts, Item, facts_of
from any2caption.annotation.prompt_rules import MAX_WORDS, rules_for, violations
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.datasets.records import CaptionPart
from any2caption.endpoints.client import Endpoint
from any2caption.endpoints.pictures import clip_pictures, condition_pictures
from any2caption.endpoints.question import PICTURE_TOKENS, Ask
from any2caption.endpoints.usage import Usage
from any2caption.errors import InputError

FRAMES = 8
CAPTION_TOKENS, PROMPT_TOKENS = 600, 300
_TEXT_TOKENS = 400
"""About what instructions, schema and a caption's text take; measured answers vary."""

_SYSTEM = (
    "You describe video clips for a data set. Say only what can be seen or is given as a fact; "
    "never guess names, places or what is off screen. Write plain English prose in one paragraph."
)
_PART_TASKS = {
    "dense": "Describe the whole clip in time order: subjects, action, place, camera and style.",
    "main_object": "Describe only the main subjects: number, look, clothes, colours, place in the "
    "frame. Nothing about place, camera, style or what they do.",
    "background": "Describe only the background: place, things in it, light, weather. Not the main "
    "subjects.",
    "camera": "Describe only the camera: shot size, height, angle, movements and their order.",
    "style": "Describe only the style: look, palette, mood, genre.",
    "action": "Describe only what the subjects do over time, in order. Not how they look.",
}
_MERGE = (
    "Six descriptions of one clip were written apart from each other. Merge them into one dense "
    "caption in time order, in at most 200 words. Keep every fact once. Where they contradict each "
    "other keep what the more special description says; facts measured from geometry always hold."
)
_PROMPTER = (
    "You play a user of a video generator. You have the conditions that are shown and want the "
    "clip that the caption describes. Write the short request that you would type. Be plain and "
    "short; intent may be implicit; leave out everything that the conditions say already. At most "
    f"{MAX_WORDS} words, continuous sentences, no lists; begin in a way of your own."
)

Line = Annotated[str, Field(min_length=1, max_length=4000)]


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    text: Line

    @field_validator("text")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return " ".join(value.split())


class PartAnswer(_Text):
    """One part of a caption."""


class MergeAnswer(_Text):
    """The dense caption."""


class PromptAnswer(BaseModel):
    """The short prompt; checked against the rules of the kinds in the validation context."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    text: Line

    @field_validator("text")
    @classmethod
    def _keeps_the_rules(cls, value: str, info: ValidationInfo) -> str:
        kinds = frozenset((info.context or {}).get("kinds", ()))
        if broken := violations(value, kinds):
            raise ValueError("; ".join(broken))
        return " ".join(value.split())


@dataclass(frozen=True, slots=True)
class EndpointAnnotator:
    """Captions and prompts by the endpoint's model."""

    endpoint: Endpoint
    frames: int = FRAMES

    @property
    def name(self) -> str:
        """The model's name."""
        return f"endpoint:{self.endpoint.settings.model}"

    @property
    def version(self) -> str:
        """The version of the instructions; the model's own is not told by the interface."""
        return "1"

    def caption(self, item: Item) -> Captioned:
        """Ask for the six parts one by one, then for the merge; what the source states is kept."""
        facts, stated = facts_of(item.conditions), item.record.caption_parts
        pictures, notes = self._pictures(item)
        parts: dict[str, str] = dict(stated.items())
        spent = Usage()
        for part in PARTS:
            if part not in stated:
                answer, usage = self.endpoint.ask(self.part_ask(part, facts, pictures, stated))
                parts[part] = answer.text
                spent += usage
        if "dense" not in stated:
            merged, usage = self.endpoint.ask(merge_ask(parts, facts))
            parts["dense"] = merged.text
            spent += usage
        return Captioned(StructuredCaption(**parts), notes=notes, usage=spent)

    def part_ask(
        self,
        part: str,
        facts: Facts,
        pictures: tuple[bytes, ...],
        stated: Mapping[CaptionPart, str] = MappingProxyType({}),
    ) -> Ask[PartAnswer]:
        """Return the question for one part; `stated` are the parts that the source gives."""
        shown = "The pictures show one clip." if pictures else "One clip is told of in words."
        words = [f"The source says ({PARTS[name]}): {text}" for name, text in stated.items()]
        user = " ".join([f"{shown} {_PART_TASKS[part]}", *_told(part, facts), *words])
        return Ask(_SYSTEM, user, PartAnswer, pictures, max_tokens=CAPTION_TOKENS)

    def prompt(self, item: Item, caption: StructuredCaption) -> Prompted:
        """Ask for the short prompt under the rules of the record's kinds."""
        answer, usage = self.endpoint.ask(prompt_ask(item, caption))
        return Prompted(answer.text, usage)

    def requests(self, *, caption: bool, prompt: bool) -> tuple[int, int, int]:
        """Return the requests of a record, and an upper bound of their tokens without re-asking."""
        requests = (len(PARTS) + 1) * caption + prompt
        pictures = self.frames * len(PARTS) * caption + 3 * prompt
        longest = CAPTION_TOKENS * (len(PARTS) + 1) * caption + PROMPT_TOKENS * prompt
        merged = CAPTION_TOKENS * len(PARTS) * (caption + prompt)
        return requests, requests * _TEXT_TOKENS + pictures * PICTURE_TOKENS + merged, longest

    def _pictures(self, item: Item) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
        if item.media.frames is not None and len(item.media.frames):
            return clip_pictures(item.media.frames, self.frames), ()
        shown = condition_pictures(item.conditions)
        if not shown and "dense" in item.record.caption_parts:
            return (), ("captioned from the source's own dense caption: there are no pictures",)
        if not shown:
            raise InputError(
                "there is nothing to look at: give `target` or a condition with pictures",
                record=item.record.id,
                field="target",
            )
        return shown, ("captioned from its conditions: the record has no clip",)


def merge_ask(parts: dict[str, str], facts: Facts) -> Ask[MergeAnswer]:
    """Return the question that merges the six parts into the dense caption."""
    listed = "\n".join(f"{label}: {parts[part]}" for part, label in PARTS.items())
    user = "\n".join([_MERGE, listed, *_told("dense", facts)])
    return Ask(_SYSTEM, user, MergeAnswer, max_tokens=CAPTION_TOKENS)


def prompt_ask(item: Item, caption: StructuredCaption) -> Ask[PromptAnswer]:
    """Return the question for the short prompt: conditions shown, the caption as text A."""
    rules = [rule.instruction for rule in rules_for(item.kinds)]
    text = "\n".join(f"{label}: {getattr(caption, part)}" for part, label in PARTS.items())
    user = "\n".join(["Rules for these conditions:", *rules, "Caption of the clip:", text])
    context = {"kinds": sorted(item.kinds)}
    pictures = condition_pictures(item.conditions)
    return Ask(_PROMPTER, user, PromptAnswer, pictures, PROMPT_TOKENS, context)


def _told(part: str, facts: Facts) -> list[str]:
    """Facts measured from geometry that belong to the part."""
    wanted = {
        "dense": (facts.camera, facts.action, facts.distances),
        "background": (facts.distances,),
        "camera": (facts.camera,),
        "action": (facts.action,),
        "main_object": (facts.subjects,),
    }.get(part, ())
    return [f"Measured from geometry: {fact}" for fact in wanted if fact]
