"""From a caption's prose to a stage: who, where, which action, style, light and camera.

Unknown words are no error: each thing that the caption leaves open gets a neutral default, and
the report says so.
"""

import re
from dataclasses import dataclass

from any2caption.captions import lexicon
from any2caption.captions.schema import StructuredCaption
from any2caption.generation.base import Report
from any2caption.generation.previs import vocabulary

MAX_SUBJECTS = 6
_NEAR_BEFORE, _NEAR_AFTER = 40, 60
_THEN = re.compile(r"\b(?:then|before|afterwards|after that|followed by|finally)\b", re.IGNORECASE)
_INDEFINITE = re.compile(r"\b(?:an?|another|one|two|three)\s+(?:[\w-]+\s+){0,3}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Subject:
    """One group on the stage: `form` person, ball, box, cone, ring, star, animal or car."""

    form: str
    count: int
    colour: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that is drawn. `moves` holds movements in time order; a tuple is simultaneous."""

    subjects: tuple[Subject, ...]
    action: str
    place: str
    light: str
    style: str
    moves: tuple[tuple[str, ...], ...]
    shot: str
    angle: str


def read_stage(caption: StructuredCaption, *, generator: str = "previs") -> tuple[Stage, Report]:
    """Read what can be shown from a caption, with the report of what was assumed."""
    assumed: list[str] = []
    understood: dict[str, str] = {}

    def known(name: str, found: str | None, default: str, said: str) -> str:
        if found is None:
            assumed.append(f"{name}: no known word in the caption, {said} was used")
            return default
        understood[name] = found
        return found

    subjects = read_subjects(caption.main_object) or read_subjects(caption.dense)
    if subjects:
        understood["subjects"] = ", ".join(f"{s.count} {s.form}" for s in subjects)
    else:
        assumed.append("subjects: no known noun in the caption, a grey box stands for the subject")
        subjects = (Subject("box", 1, vocabulary.COLOURS["grey"]),)
    person = any(subject.form == "person" for subject in subjects)
    action = known(
        "action",
        vocabulary.first(vocabulary.ACTIONS, caption.action, caption.dense),
        "stand" if person else "stay",
        "standing still",
    )
    place = known(
        "background",
        vocabulary.first(vocabulary.PLACES, caption.background, caption.dense),
        "studio",
        "a plain studio",
    )
    style = known(
        "style",
        vocabulary.first(vocabulary.STYLES, caption.style, caption.dense),
        "plain",
        "a plain look",
    )
    moves = read_moves(caption.camera) or read_moves(caption.dense)
    if moves:
        understood["camera"] = ", then ".join(lexicon.camera_phrase(keys) for keys in moves)
    else:
        assumed.append("camera: no known movement in the caption, it holds still")
        moves = (("static",),)
    stage = Stage(
        subjects=subjects,
        action=action,
        place=place,
        light=vocabulary.first(vocabulary.LIGHTS, caption.background, caption.dense) or "day",
        style=style,
        moves=moves,
        shot=vocabulary.first_pattern(vocabulary.SHOTS, caption.camera) or "full",
        angle=vocabulary.first_pattern(vocabulary.ANGLES, caption.camera) or "eye",
    )
    return stage, Report(generator, understood, tuple(assumed))


def read_subjects(text: str) -> tuple[Subject, ...]:
    """Return the groups that a text names, in its order; a noun counts where it first occurs."""
    found: dict[str, Subject] = {}
    left = MAX_SUBJECTS
    for match in vocabulary.find(vocabulary.NOUNS, text):
        noun = match.group().lower()
        form = vocabulary.NOUNS[noun]
        known = form in found and form != "person"
        if known or noun in {"figure", "figures", "couple"} & found.keys() or left == 0:
            continue
        before = text[max(0, match.start() - _NEAR_BEFORE) : match.start()]
        again = form == "person" and any(s.form == "person" for s in found.values())
        # "A man …, the man …": only a new indefinite person joins.
        if again and not _INDEFINITE.search(before):
            continue
        count = min(_count(before, noun), left)
        colour = _colour(before, text[match.end() : match.end() + _NEAR_AFTER], form)
        found[noun if form == "person" else form] = Subject(form, count, colour)
        left -= count
    return tuple(found.values())


def _count(before: str, noun: str) -> int:
    clause = re.split(r"[,.;]", before)[-1]
    numbers = list(vocabulary.find(vocabulary.NUMBERS, clause))
    if numbers:
        return vocabulary.NUMBERS[numbers[-1].group().lower()]
    plural = noun in {"people", "men", "women", "children"} or (
        noun.endswith("s") and noun not in {"bus", "actress"}
    )
    return 2 if plural or noun == "couple" else 1


def _colour(before: str, after: str, form: str) -> tuple[int, int, int]:
    clause = re.split(r"[,.;]", before)[-1]
    near = [match.group().lower() for match in vocabulary.find(vocabulary.COLOURS, clause)][-1:]
    if not near:
        sentence = re.split(r"[.;]", after)[0]
        if form == "person":
            wears = re.search(r"\b(?:in|wear\w*|dressed|with)\b.*", sentence, re.IGNORECASE)
            sentence = wears.group() if wears else ""
        near = [match.group().lower() for match in vocabulary.find(vocabulary.COLOURS, sentence)][
            :1
        ]
    return vocabulary.COLOURS[near[0] if near else "grey"]


def read_moves(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the camera movements of a text: `(("truck_left", "pan_left"),)` = both at once."""
    moves = []
    for clause in _THEN.split(text):
        keys = list(dict.fromkeys(_keys(clause)))
        moving = [key for key in keys if key != "static"]
        if keys:
            moves.append(tuple(moving[:3]) or ("static",))
    return tuple(moves)


def _keys(clause: str) -> list[str]:
    exact = [mention.key for mention in lexicon.mentions("camera", clause)]
    if any(key != "static" for key in exact):
        return exact
    taken: list[tuple[int, int, str]] = []
    for pattern, key in vocabulary.CAMERA_PATTERNS:
        for match in re.finditer(pattern, clause, re.IGNORECASE):
            if all(match.end() <= start or match.start() >= end for start, end, _ in taken):
                taken.append((match.start(), match.end(), key))
    return [key for *_, key in sorted(taken)]
