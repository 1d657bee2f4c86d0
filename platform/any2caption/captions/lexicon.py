"""Closed vocabularies: what the synthetic world shows, its captions say and the judge reads.

A *slot* is one fact of a scene (colour, count, camera …). Its *terms* have one canonical phrase
that captions use word for word, and other forms that a reader accepts as the same.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from any2caption.captions.schema import StructuredCaption


@dataclass(frozen=True, slots=True)
class Term:
    """One value of a slot: stable `key`, canonical `phrase`, and `also`, other accepted forms."""

    key: str
    phrase: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """One fact: `part` is the caption's part that states it, `aspect` the QA aspect."""

    name: str
    aspect: str
    part: str
    question: str
    terms: tuple[Term, ...]

    def term(self, key: str) -> Term:
        """Return the term of this key; KeyError when there is none."""
        return {term.key: term for term in self.terms}[key]


def _words(*phrases: str) -> tuple[Term, ...]:
    return tuple(Term(phrase, phrase) for phrase in phrases)


COLOURS = _words("red", "orange", "yellow", "green", "blue", "purple", "white", "black")
SHAPES = (
    Term("ball", "ball", ("balls", "ball-shaped")),
    Term("box", "box", ("boxes", "box-shaped")),
    Term("cone", "cone", ("cones", "cone-shaped")),
    Term("ring", "ring", ("rings", "ring-shaped")),
    Term("star", "star", ("stars", "star-shaped")),
)
PLURALS: Mapping[str, str] = {
    "ball": "balls",
    "box": "boxes",
    "cone": "cones",
    "ring": "rings",
    "star": "stars",
    "person": "people",
    "object": "objects",
    "subject": "subjects",
}
COUNTS = (
    Term("1", "one", ("single",)),
    Term("2", "two", ("pair",)),
    Term("3", "three", ()),
)
KINDS = (
    Term("person", "person", ("people", "human")),
    Term("object", "object", ("objects", *(w for s in SHAPES for w in (s.phrase, *s.also)))),
)
PERSON_ACTIONS = (
    Term("stand", "standing still", ("stands still", "stand still")),
    Term("walk", "walking along", ("walks along", "walk along", "walking")),
    Term("run", "running fast", ("runs fast", "run fast", "running")),
    Term("jump", "jumping up and down", ("jumps up and down", "jump up and down", "jumping")),
    Term("wave", "waving a hand", ("waves a hand", "wave a hand", "waving")),
    Term("raise", "raising both arms", ("raises both arms", "raise both arms")),
    Term("bow", "bowing forward", ("bows forward", "bow forward", "bowing")),
    Term("sit", "sitting down", ("sits down", "sit down", "sitting")),
)
OBJECT_ACTIONS = (
    Term("stay", "staying in place", ("stays in place", "stay in place")),
    Term("bounce", "bouncing up and down", ("bounces up and down", "bouncing")),
    Term("slide", "sliding from left to right", ("slides from left to right", "sliding")),
    Term("approach", "coming closer", ("comes closer", "come closer", "approaching")),
)
BACKGROUNDS = (
    Term("beach", "sandy beach", ("beach",)),
    Term("meadow", "grassy meadow", ("meadow",)),
    Term("street", "city street", ("street",)),
    Term("room", "wooden room", ("room",)),
    Term("mountain", "snowy mountain", ("mountain", "mountains")),
)
PLACES: Mapping[str, str] = {
    "beach": "on a sandy beach",
    "meadow": "in a grassy meadow",
    "street": "on a city street",
    "room": "in a wooden room",
    "mountain": "on a snowy mountain",
}
STYLES = (
    Term("cartoon", "flat cartoon", ("cartoon",)),
    Term("cinematic", "cinematic widescreen", ("cinematic",)),
    Term("vintage", "vintage film", ("vintage",)),
    Term("watercolour", "watercolour painting", ("watercolour", "watercolor")),
    Term("documentary", "grainy documentary", ("documentary",)),
)
# Canonical phrase (third person) and the form after "while".
CAMERAS = (
    Term("static", "holds still", ("holding still", "static", "stays still")),
    Term("pan_left", "pans left", ("panning left",)),
    Term("pan_right", "pans right", ("panning right",)),
    Term("tilt_up", "tilts up", ("tilting up",)),
    Term("tilt_down", "tilts down", ("tilting down",)),
    Term("roll_clockwise", "rolls clockwise", ("rolling clockwise",)),
    Term(
        "roll_anticlockwise",
        "rolls anticlockwise",
        ("rolling anticlockwise", "rolls counterclockwise", "rolling counterclockwise"),
    ),
    Term("dolly_in", "dollies in", ("dollying in", "moves forward")),
    Term("dolly_out", "dollies out", ("dollying out", "moves backward")),
    Term("truck_left", "trucks left", ("trucking left",)),
    Term("truck_right", "trucks right", ("trucking right",)),
    Term("pedestal_up", "pedestals up", ("pedestalling up", "rises")),
    Term("pedestal_down", "pedestals down", ("pedestalling down", "sinks")),
    Term("orbit_left", "orbits left", ("orbiting left",)),
    Term("orbit_right", "orbits right", ("orbiting right",)),
    Term("zoom_in", "zooms in", ("zooming in",)),
    Term("zoom_out", "zooms out", ("zooming out",)),
)
SLOTS: Mapping[str, Slot] = {
    slot.name: slot
    for slot in (
        Slot("kind", "subject", "main_object", "Is the subject a person or an object?", KINDS),
        Slot("count", "subject", "main_object", "How many subjects are there?", COUNTS),
        Slot("colour", "subject", "main_object", "What colour is the subject?", COLOURS),
        Slot("shape", "subject", "main_object", "What shape is the object?", SHAPES),
        Slot(
            "action",
            "movement",
            "action",
            "What does the subject do?",
            PERSON_ACTIONS + OBJECT_ACTIONS,
        ),
        Slot("background", "background", "background", "Where is the scene?", BACKGROUNDS),
        Slot("style", "style", "style", "What is the visual style?", STYLES),
        Slot("camera", "camera", "camera", "How does the camera move?", CAMERAS),
    )
}


def camera_phrase(keys: tuple[str, ...]) -> str:
    """Return `pans left`, or `trucks left while panning left` for two movements at once."""
    slot = SLOTS["camera"]
    first = slot.term(keys[0]).phrase
    return " while ".join([first, *(slot.term(key).also[0] for key in keys[1:])])


def camera_gerund(keys: tuple[str, ...]) -> str:
    """Return `panning left`, or `trucking left while panning left`."""
    return " while ".join(SLOTS["camera"].term(key).also[0] for key in keys)


@dataclass(frozen=True, slots=True)
class Mention:
    """A term found in a text: `text[start:end]`."""

    slot: str
    key: str
    start: int
    end: int


@cache
def _pattern(slot: str) -> tuple[re.Pattern[str], dict[str, str]]:
    forms = {form: term.key for term in SLOTS[slot].terms for form in (term.phrase, *term.also)}
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    # Not the labels of the printed form: "Main object caption".
    alternatives = "|".join(map(re.escape, longest_first))
    return re.compile(rf"\b(?:{alternatives})\b(?! caption\b)", re.IGNORECASE), forms


def mentions(slot: str, text: str) -> Iterator[Mention]:
    """Yield the terms of one slot in text order, the longest form at each place."""
    pattern, forms = _pattern(slot)
    for match in pattern.finditer(text):
        yield Mention(slot, forms[match.group().lower()], match.start(), match.end())


def spans(text: str) -> list[Mention]:
    """Return the mentions of all slots in text order (for weighting slot words in a loss)."""
    return sorted((m for slot in SLOTS for m in mentions(slot, text)), key=lambda m: m.start)


def answer_of(slot: str, keys: tuple[str, ...]) -> str:
    """Return the canonical answer for term keys; two keys only make sense for the camera."""
    return camera_phrase(keys) if slot == "camera" else SLOTS[slot].term(keys[0]).phrase


def read(slot: str, text: str) -> str | None:
    """Return the canonical answer that a text gives for a slot, or None.

    The first mention counts; for the camera up to two different movements, in text order.
    """
    keys = list(dict.fromkeys(mention.key for mention in mentions(slot, text)))
    if not keys:
        return None
    return answer_of(slot, tuple(keys[:2] if slot == "camera" else keys[:1]))


def answer(slot: str, caption: StructuredCaption) -> str | None:
    """Return what a caption says about a slot: from the slot's own part, else the dense part."""
    return read(slot, getattr(caption, SLOTS[slot].part)) or read(slot, caption.dense)
