"""One caption, many generators: the prompt that each will really read, and what was cut.

Text encoders cut silently (CogVideoX keeps 226 T5 tokens, CLIP 77), and captions average 231
words, so the action part at the end is what a naive prompt loses. Here sentences are kept in an
order of worth (action, camera, the request's own first sentence, subject, background, style, then
further detail) until the budget is full, put back in reading order, and what did not fit is
reported. A sentence that two parts share is said once.

`cosmos3` gets the JSON object that it was trained on, `minimax` its camera instructions in square
brackets, at most three at a time; movements that have no such instruction stay words.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.generators import GENERATORS, Generator, generator_named
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.sentences import split_sentences

__all__ = ["GENERATORS", "CompiledPrompt", "Dropped", "compile_for", "estimate_tokens"]

TokenCounter = Callable[[str], int]
"""Counts the tokens of a text, without special ones."""

_WORD = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")
_QUOTED = re.compile(r"[\"“]([^\"“”]+)[\"”]")
_LETTERS_PER_TOKEN = 4
_READING_ORDER = ("dense", "main_object", "action", "background", "camera", "style")
_WORTH = ("action", "camera", "dense", "main_object", "background", "style")
_FURTHER = ("action", "camera", "main_object", "background", "style", "dense")
_TAGS: Mapping[str, str] = {
    "static": "Static shot",
    "pan_left": "Pan left",
    "pan_right": "Pan right",
    "tilt_up": "Tilt up",
    "tilt_down": "Tilt down",
    "dolly_in": "Push in",
    "dolly_out": "Pull out",
    "truck_left": "Truck left",
    "truck_right": "Truck right",
    "pedestal_up": "Pedestal up",
    "pedestal_down": "Pedestal down",
    "zoom_in": "Zoom in",
    "zoom_out": "Zoom out",
}
_TAGS_AT_ONCE = 3
_THEN = re.compile(r",? then |; |\. ")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence, or the tail of one, that did not fit."""

    part: str
    text: str


@dataclass(frozen=True, slots=True)
class CompiledPrompt:
    """The prompt as the generator reads it.

    `tokens` includes the encoder's special ones; `counted` says what counted them. `takes` and
    `leaves` are the request's raw conditions that the generator has an input for, and the others.
    """

    text: str
    tokens: int
    dropped: tuple[Dropped, ...]
    generator: str = "plain"
    counted: str = "estimate"
    takes: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return a JSON-ready object."""
        return {
            "generator": self.generator,
            "prompt": self.text,
            "tokens": self.tokens,
            "budget": GENERATORS[self.generator].budget,
            "counted": self.counted,
            "dropped": [{"part": one.part, "text": one.text} for one in self.dropped],
            "takes": list(self.takes),
            "leaves": list(self.leaves),
            "notes": list(self.notes),
        }


_LINKS = frozenset({"after", "as", "because", "before", "then", "where", "while", "with"})
_SAYS = 3
"""Words of a head that can be a sentence."""
_ENDLESS = 25


def estimate_tokens(text: str) -> int:
    """Estimate tokens on the high side: a word costs a token per 4 letters begun, a mark 1.

    Characters outside ASCII cost one token per UTF-8 byte, as a byte-level fallback does.
    """
    return sum(
        -(-len(word) // _LETTERS_PER_TOKEN) if word.isascii() else len(word.encode())
        for word in _WORD.findall(text)
    )


def compile_for(
    name: str,
    caption: StructuredCaption,
    *,
    kinds: Iterable[str] = (),
    count_tokens: TokenCounter | None = None,
    budget: int | None = None,
) -> CompiledPrompt:
    """Render a caption for the generator `name`.

    Args:
        name: a key of `GENERATORS`.
        caption: the caption.
        kinds: the request's conditions, `kind` or `kind:role`.
        count_tokens: the generator's own tokenizer; else `estimate_tokens` counts.
        budget: tokens at most, where fewer are wanted than the generator reads.

    Raises:
        ConfigError: an unknown generator; the message lists those known.
    """
    generator = generator_named(name)
    if budget is not None:
        least = min(budget, generator.budget or budget)
        generator = replace(generator, budget=least)
    count = count_tokens or estimate_tokens
    kept, dropped = _within_budget(_sentences(caption, generator), generator, count)
    text = _json_form(caption) if generator.form == "json" else _joined(kept)
    takes, leaves = generator.taken(kinds)
    return CompiledPrompt(
        text,
        count(text) + generator.special,
        tuple(dropped),
        generator=name,
        counted="tokenizer" if count_tokens else "estimate",
        takes=takes,
        leaves=leaves,
        notes=tuple(_notes(text, generator)),
    )


def _sentences(caption: StructuredCaption, generator: Generator) -> dict[str, list[str]]:
    parts = {
        part: [one.strip() for one in split_sentences(getattr(caption, part))] for part in PARTS
    }
    if generator.form == "tags":
        parts["camera"] = [_tagged(caption.camera)]
        parts["dense"] = [one for one in parts["dense"] if not _filmed(one)] or parts["dense"][:1]
    return parts


def _within_budget(
    sentences: Mapping[str, list[str]], generator: Generator, count: TokenCounter
) -> tuple[dict[tuple[str, int], str], list[Dropped]]:
    budget = None if generator.budget is None else generator.budget - generator.special
    kept: dict[tuple[str, int], str] = {}
    dropped: list[Dropped] = []
    for part, index in _by_worth(sentences):
        sentence = sentences[part][index]
        if any(sentence == said for (other, _), said in kept.items() if other != part):
            continue
        if budget is None or count(_joined({**kept, (part, index): sentence})) <= budget:
            kept[part, index] = sentence
            continue
        # Only a part that would otherwise be missing altogether is worth a shortened sentence.
        short = ""
        if index == 0 and part != "dense":
            short = _longest_head(sentence, kept, (part, index), budget, count)
        if short:
            kept[part, index] = short
            sentence = sentence[len(short.rstrip(".")) :].strip(" ,;")
        dropped.append(Dropped(part, sentence))
    return kept, [one for at, one in enumerate(dropped) if not _told_elsewhere(one, dropped[:at])]


def _told_elsewhere(one: Dropped, earlier: Iterable[Dropped]) -> bool:
    return any(one.text == other.text and one.part != other.part for other in earlier)


def _by_worth(sentences: Mapping[str, list[str]]) -> list[tuple[str, int]]:
    firsts = [(part, 0) for part in _WORTH if sentences[part]]
    return firsts + [(part, i) for part in _FURTHER for i in range(1, len(sentences[part]))]


def _joined(kept: Mapping[tuple[str, int], str]) -> str:
    order = sorted(kept, key=lambda key: (_READING_ORDER.index(key[0]), key[1]))
    return " ".join(kept[key] for key in order)


def _longest_head(
    sentence: str,
    kept: Mapping[tuple[str, int], str],
    place: tuple[str, int],
    budget: int,
    count: TokenCounter,
) -> str:
    """Return the longest head of the sentence that fits and reads as one; may be empty.

    It ends where a clause does; of what goes on for long without one, between words.
    """
    words = sentence.split(" ")
    ends = [at for at in range(_SAYS, len(words)) if _ends_clause(words, at)]
    if not ends and len(words) > _ENDLESS:
        ends = list(range(1, min(len(words), budget + 1)))  # a word is at least one token
    for end in reversed(ends):
        head = " ".join(words[:end]).rstrip(",;:") + "."
        if count(_joined({**kept, place: head})) <= budget:
            return head
    return ""


def _ends_clause(words: Sequence[str], at: int) -> bool:
    return words[at - 1].endswith((",", ";", ":")) or words[at].casefold() in _LINKS


def _filmed(sentence: str) -> bool:
    """Whether a sentence is about the camera alone, so that tags say it."""
    return bool(re.match(r"(?:the )?camera\b", sentence, re.IGNORECASE)) and bool(
        read_camera(sentence).keys
    )


def _tagged(camera: str) -> str:
    """The camera part as instructions in the order in which they come, and what has none as words.

    Movements of one clause happen together and share a pair of brackets.
    """
    tags, words = [], []
    for clause in _THEN.split(camera.rstrip(".")):
        reading = read_camera(clause if "camera" in clause.casefold() else f"the camera {clause}")
        keys = [key for key in reading.keys if key in _TAGS]
        for start in range(0, len(keys), _TAGS_AT_ONCE):
            names = [_TAGS[key] for key in keys[start : start + _TAGS_AT_ONCE]]
            tags.append(f"[{', '.join(names)}]")
        if reading.shaky:
            tags.append("[Shake]")
        if len(keys) < len(reading.keys) or not (keys or reading.shaky):
            words.append(clause.strip(" ,"))
    told = ", then ".join(word for word in words if word)
    return " ".join([*tags, *([f"{told[0].upper()}{told[1:]}."] if told else [])])


def _json_form(caption: StructuredCaption) -> str:
    """The caption under the keys that Cosmos 3 was trained on; what nobody said has no key."""
    return json.dumps(
        {
            "subjects": [{"description": caption.main_object}],
            "background_setting": caption.background,
            "aesthetics": caption.style,
            "cinematography": {"camera_motion": caption.camera},
            "actions": [{"description": caption.action}],
            "temporal_caption": caption.dense,
        },
        ensure_ascii=False,
    )


def _notes(text: str, generator: Generator) -> Iterable[str]:
    if generator.quoted_bytes is not None:
        quoted = sum(len(found.encode()) for found in _QUOTED.findall(text))
        if quoted > generator.quoted_bytes:
            yield (
                f"{quoted} bytes of quoted text; {generator.name} draws at most "
                f"{generator.quoted_bytes} of them"
            )
    if generator.form == "json":
        yield "the prompt is a JSON object; sizes and times are the caller's to add"
    if generator.encoder == "not published":
        yield f"the token limit of {generator.name} is not published"
