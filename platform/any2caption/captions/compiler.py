"""One caption, many generators: a token-budgeted, deterministic rendering for each.

Text encoders cut silently (CogVideoX keeps 226 T5 tokens, CLIP 77), and captions average 231
words, so the action part at the end is what a naive prompt loses. Here sentences are kept in an
order of worth (action, camera, subject, background, style, then narrative and further detail)
until the budget is full, put back in reading order, and what did not fit is reported.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.errors import ConfigError

TokenCounter = Callable[[str], int]

_WORD = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_LETTERS_PER_TOKEN = 4
_READING_ORDER = ("dense", "main_object", "action", "background", "camera", "style")
_WORTH = ("action", "camera", "main_object", "background", "style", "dense")


@dataclass(frozen=True, slots=True)
class Target:
    """A generator's text encoder: `budget` tokens (None = no limit), `special` of them its own."""

    name: str
    encoder: str
    budget: int | None
    special: int


TARGETS = {
    target.name: target
    for target in (
        Target("cogvideox", "T5", 226, 1),
        Target("clip", "CLIP", 77, 2),
        Target("plain", "none", None, 0),
    )
}


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence, or the tail of one, that did not fit."""

    part: str
    text: str


@dataclass(frozen=True, slots=True)
class CompiledPrompt:
    """The prompt, its token count (special tokens included) and what was left out."""

    text: str
    tokens: int
    dropped: tuple[Dropped, ...]


def estimate_tokens(text: str) -> int:
    """Estimate tokens on the high side: a word costs a token per 4 letters begun, a mark 1.

    Characters outside ASCII cost one token per UTF-8 byte, as a byte-level fallback does.
    """
    return sum(
        -(-len(word) // _LETTERS_PER_TOKEN) if word.isascii() else len(word.encode())
        for word in _WORD.findall(text)
    )


def compile_for(
    generator: str, caption: StructuredCaption, *, count_tokens: TokenCounter | None = None
) -> CompiledPrompt:
    """Render a caption for a generator; `count_tokens` counts without special tokens.

    Raises:
        ConfigError: an unknown generator; the message lists those known.
    """
    target = TARGETS.get(generator)
    if target is None:
        raise ConfigError(f"unknown generator {generator!r}; known: {', '.join(TARGETS)}")
    count = count_tokens or estimate_tokens
    sentences = {part: _SENTENCE.split(getattr(caption, part)) for part in PARTS}
    budget = None if target.budget is None else target.budget - target.special
    kept: dict[tuple[str, int], str] = {}
    dropped: list[Dropped] = []
    for part, index in _by_worth(sentences):
        sentence = sentences[part][index]
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
    text = _joined(kept)
    return CompiledPrompt(text, count(text) + target.special, tuple(dropped))


def _by_worth(sentences: dict[str, list[str]]) -> list[tuple[str, int]]:
    firsts = [(part, 0) for part in _WORTH]
    return firsts + [(part, i) for part in _WORTH for i in range(1, len(sentences[part]))]


def _joined(kept: dict[tuple[str, int], str]) -> str:
    order = sorted(kept, key=lambda key: (_READING_ORDER.index(key[0]), key[1]))
    return " ".join(kept[key] for key in order)


def _longest_head(
    sentence: str,
    kept: dict[tuple[str, int], str],
    place: tuple[str, int],
    budget: int,
    count: TokenCounter,
) -> str:
    """Return the longest head of the sentence that fits, cut between words; may be empty."""
    words = sentence.split(" ")[: budget + 1]  # a word is at least one token
    for end in range(len(words) - 1, 0, -1):
        head = " ".join(words[:end]).rstrip(",;:") + "."
        if count(_joined({**kept, place: head})) <= budget:
            return head
    return ""
