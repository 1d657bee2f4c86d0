"""Compose a caption from facts alone: six parts of good English, each sentence with its sources."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from any2caption.captions.grammar import DENSE_LIMIT, PART_LIMIT
from any2caption.captions.schema import PARTS
from any2caption.grounding.answer import Grounded, Length, Mode, Sentence
from any2caption.grounding.compose.material import Material, Said, material
from any2caption.grounding.compose.parts.actions import action_part, shown_actions
from any2caption.grounding.compose.parts.background import background_part
from any2caption.grounding.compose.parts.camera import camera_part
from any2caption.grounding.compose.parts.defaults import default
from any2caption.grounding.compose.parts.dense import dense_part
from any2caption.grounding.compose.parts.style import style_part
from any2caption.grounding.compose.parts.subjects import main_object_part
from any2caption.grounding.compose.prompt import Own, own_sentences
from any2caption.grounding.compose.prose import allotted
from any2caption.grounding.facts import Facts

WRITER = "compose"
_SHOWN = 60
_PARTS: Mapping[str, Callable[[Material], list[Said]]] = {
    "main_object": main_object_part,
    "background": background_part,
    "camera": camera_part,
    "style": style_part,
    "action": action_part,
}


def compose(facts: Facts, *, length: Length = "medium", mode: Mode = "fill") -> Grounded:
    """Write the caption that facts determine; without weights, the same for the same facts.

    The dense part is the user's own text, word for word but for camera wishes that a path
    overrules, and what the conditions add; the other parts say what falls to them. A part that
    nothing determines has a neutral default, marked as invented. Parts keep to the grammar's limits
    (`captions.grammar`); what did not fit, and what is left out at this length or in this mode, the
    notes tell.
    """
    chosen = material(facts, length, mode)
    own = own_sentences(facts)
    said = _said(chosen, own)
    notes = [*facts.notes, *chosen.notes]
    parts: dict[str, tuple[Sentence, ...]] = {}
    kept: list[Said] = []
    for part in PARTS:
        limit = DENSE_LIMIT if part == "dense" else PART_LIMIT
        fitting, left = _fitted(said[part], limit)
        if left:
            notes.append(_no_room(part, left, limit))
        parts[part] = tuple(one.as_sentence() for one in fitting)
        kept += fitting
    notes += _left_out(chosen, kept)
    conflicts = tuple(dict.fromkeys(one.text for one in facts.conflicts))
    return Grounded(parts, WRITER, conflicts=conflicts, notes=tuple(dict.fromkeys(notes)))


def _said(chosen: Material, own: Sequence[Own]) -> dict[str, list[Said]]:
    """What each part says; a default where it would be empty."""
    said = {"dense": dense_part(chosen, own)}
    prose = allotted(chosen, own)
    for part, write in _PARTS.items():
        if part in prose:
            said[part] = prose[part] + (shown_actions(chosen) if part == "action" else [])
        else:
            said[part] = write(chosen)
    for part in prose:
        if _text_of(said[part]) == _text_of(said["camera"]):
            said[part] = _PARTS[part](chosen)
    kept = {part: [one for one in some if one.as_sentence().text] for part, some in said.items()}
    out = {part: some or [default(part, chosen.mode)] for part, some in kept.items()}
    if _repeated(out) and not (own and chosen.mode == "off"):
        added = [default("dense", chosen.mode)]
        out["dense"] = [*out["dense"], *added] if own else [*added, *out["dense"]]
    return out


def _repeated(said: Mapping[str, Sequence[Said]]) -> bool:
    """Whether another part says the same as the whole clip's."""
    return any(_text_of(said[part]) == _text_of(said["dense"]) for part in _PARTS)


def _text_of(said: Sequence[Said]) -> list[str]:
    """The words of a part, whatever marks stand between them."""
    return re.findall(r"\w+", " ".join(one.words for one in said).casefold())


def _fitted(said: Sequence[Said], limit: int) -> tuple[list[Said], list[Said]]:
    """Return what fits in, in order, and what does not; a first sentence too long is cut."""
    kept: list[Said] = []
    room = limit
    for at, one in enumerate(said):
        text = one.as_sentence().text
        if len(text) <= room:
            kept.append(one)
            room -= len(text) + 1
        elif not kept:
            head, tail = _cut(one, limit)
            return [head], [tail, *said[at + 1 :]]
        else:
            return kept, list(said[at:])
    return kept, []


def _cut(one: Said, limit: int) -> tuple[Said, Said]:
    """Cut between words, so that head and stop fit."""
    words = one.as_sentence().text
    end = words.rfind(" ", 0, limit - 1)
    end = end if end > 0 else limit - 2
    parts = words[:end], words[end:]
    head, tail = (Said(text, one.facts, one.sources, one.origin) for text in parts)
    return head, tail


def _no_room(part: str, left: Sequence[Said], limit: int) -> str:
    words = " ".join(one.as_sentence().text for one in left)
    shown = words if len(words) <= _SHOWN else f"{words[:_SHOWN].rstrip()}…"
    return f"{part}: {len(words):,} characters did not fit in {limit:,}, from “{shown}”"


def _left_out(chosen: Material, kept: Iterable[Said]) -> list[str]:
    """Tell which of the conditions' facts no sentence says at this length."""
    said = {id(fact) for one in kept for fact in one.facts}
    left = [fact for fact in chosen.found if id(fact) not in said and fact.source.input != "text"]
    if not left:
        return []
    told = "; ".join(dict.fromkeys(f"{fact.source.input}: {fact.text}" for fact in left))
    at = "" if chosen.length == "long" else f" at length {chosen.length}"
    return [f"left out{at}: {told}"]
