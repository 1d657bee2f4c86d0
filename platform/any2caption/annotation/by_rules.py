"""The annotator without a model: geometry, counts and the user's own words, nothing invented.

A part that the inputs don't determine says so in plain words, and is listed as unknown, so that a
run can leave such records out or send them to people.
"""

import re
from dataclasses import dataclass

from any2caption.annotation.annotators import Captioned, Prompted
from any2caption.annotation.facts import Facts, Item, facts_of
from any2caption.annotation.prompt_rules import MAX_WORDS, left_out, violations, word_count
from any2caption.captions.lexicon import COUNTS, read
from any2caption.captions.schema import StructuredCaption
from any2caption.errors import InputError

UNKNOWN = {
    "main_object": "The inputs do not tell what the subjects look like.",
    "background": "The inputs do not tell where the scene is.",
    "camera": "The inputs do not tell how the camera moves.",
    "style": "The inputs do not tell the style.",
    "action": "The inputs do not tell what happens.",
}
# Parts in the order in which a short prompt says them.
_PROMPT_ORDER = ("main_object", "action", "background", "style", "camera")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_UNKNOWN_MARK = "The inputs do not tell"


@dataclass(frozen=True, slots=True)
class RuleAnnotator:
    """Writes what conditions and prompt state; the closed vocabulary is `captions.lexicon`."""

    name: str = "rules"
    version: str = "1"

    def caption(self, item: Item) -> Captioned:
        """Return the caption of what is known; parts that the source states stay as they are.

        Raises:
            InputError: neither conditions nor prompt determine any part.
        """
        facts = facts_of(item.conditions)
        prompt = " ".join(item.record.prompt.split())
        parts = {
            "main_object": _subject(facts, prompt),
            "background": " ".join(
                filter(None, (_stated("background", "The scene is a {}.", prompt), facts.distances))
            ),
            "camera": facts.camera or _stated("camera", "The camera {}.", prompt),
            "style": _stated("style", "The style is {}.", prompt),
            "action": facts.action or _stated("action", "The subject is {}.", prompt),
        }
        known = {part: text for part, text in parts.items() if text}
        known.update(item.record.caption_parts.items())
        if not known and not prompt:
            raise InputError(
                "neither the prompt nor a condition says anything that rules can put into words; "
                "use the annotator `endpoint`",
                record=item.record.id,
                field="caption",
            )
        said = [known[part] for part in ("main_object", "action", "background") if part in known]
        said += [known[part] for part in ("style", "camera") if part in known]
        dense = " ".join([*([f"The request is: {_closed(prompt)}"] if prompt else []), *said])
        return Captioned(
            StructuredCaption(**{**UNKNOWN, "dense": dense, **known}),
            unknown=tuple(part for part in UNKNOWN if part not in known),
        )

    def prompt(self, item: Item, caption: StructuredCaption) -> Prompted:
        """Return the caption's known parts without those that the conditions say.

        Raises:
            InputError: the conditions say all that is known, or a rule cannot be kept.
        """
        skipped = left_out(item.kinds)
        texts = [
            text
            for part in _PROMPT_ORDER
            if part not in skipped
            and not (text := getattr(caption, part)).startswith(_UNKNOWN_MARK)
        ]
        prompt = _shortened(" ".join(texts))
        broken = violations(prompt, item.kinds) if prompt else ["nothing is left to say"]
        if broken:
            raise InputError("; ".join(broken), record=item.record.id, field="prompt")
        return Prompted(prompt)

    def requests(self, *, caption: bool, prompt: bool) -> tuple[int, int, int]:
        """Return zeros: rules ask nobody."""
        del caption, prompt
        return 0, 0, 0


def _subject(facts: Facts, prompt: str) -> str:
    """The subjects' number and what the prompt says of their kind, colour and shape."""
    words = [read(slot, prompt) for slot in ("count", "colour", "shape", "kind")]
    count, colour, shape, kind = (word or "" for word in words)
    noun = shape or (kind if kind == "person" else "")
    told = []
    if noun:
        numbers = {term.phrase for term in COUNTS}
        named = " ".join(word for word in (count, colour, noun) if word)
        told.append(
            f"The request names {named}." if count in numbers else f"The request names a {named}."
        )
    if facts.subjects:
        told.append(facts.subjects)
    return " ".join(told)


def _stated(slot: str, sentence: str, prompt: str) -> str:
    found = read(slot, prompt)
    return sentence.format(found) if found else ""


def _closed(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _shortened(text: str) -> str:
    """Keep whole sentences from the front while they have at most 100 words together."""
    kept: list[str] = []
    for sentence in _SENTENCE.split(text.strip()):
        if word_count(" ".join([*kept, sentence])) > MAX_WORDS:
            break
        kept.append(sentence)
    return " ".join(kept)
