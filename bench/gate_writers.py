"""Writers for the gate's mutation suite: one that reads its inputs well, and many broken ones.

A writer gets a record and the record whose conditions it is shown (itself, or a donor in the
control) and returns a caption's text. `reader` says what the inputs determine, fills the rest with
scenery of its own, and errs now and then; the broken ones are made from it.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

from any2caption.captions.lexicon import SLOTS, mentions
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Condition, Part
from any2caption.datasets.records import MediaObject, Record, RecordCondition, SourceRecord
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.corpus import make_scenes
from any2caption.datasets.synthetic.open_scenes import (
    SHOWS,
    open_caption,
    open_scene,
    retold,
)
from any2caption.datasets.synthetic.recording import RECORDS_PER_SCENE
from any2caption.datasets.synthetic.world import Scene, sample_scene
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather

SLIPS = 0.04
"""Share of answers that the good writer misreads from conditions; of camera paths it misreads none.

With it, it is about as right as the trained tiny model: 0.967 of what conditions alone state.
"""
Writer = Callable[[Record, Record], str]


@dataclass(frozen=True)
class World:
    """Held-out records with the facts of their requests."""

    records: tuple[Record, ...]
    facts: dict[str, Facts]


@lru_cache(maxsize=2)
def world(scenes: int, seed: int = 5) -> World:
    """Make a synthetic corpus in memory, all of it held out."""
    lines, files = make_scenes(seed=seed, first=0, last=scenes)
    records, facts = [], {}
    for line in lines:
        source = SourceRecord.model_validate_json(line)
        conditions = parsed(source, files)
        records.append(held_out(source, [one.format for one in conditions]))
        facts[source.id] = gather(source.prompt, conditions)
    return World(tuple(records), facts)


def parsed(source: SourceRecord, files: Mapping[str, bytes]) -> list[Condition]:
    """The conditions of a manifest line, from its files by path."""
    return [
        parse_condition(
            one.kind,
            [Part(path.rsplit("/", 1)[-1], files[path]) for path in one.paths],
            role=one.role,
            number=1,
            options=one.options,
        )
        for one in source.conditions
    ]


def held_out(source: SourceRecord, formats: list[str]) -> Record:
    """A manifest line as a record of the test split, without its media."""
    conditions = tuple(
        RecordCondition(
            kind=one.kind,
            number=1,
            role=one.role,
            format=form,
            parts=tuple(
                MediaObject(name=path, sha256=hashlib.sha256(path.encode()).hexdigest(), size=1)
                for path in one.paths
            ),
            frames=len(one.paths),
        )
        for one, form in zip(source.conditions, formats, strict=True)
    )
    return Record(
        id=source.id,
        source=source.source,
        licence=source.licence,
        split="test",
        prompt=source.prompt,
        conditions=conditions,
        caption=source.caption,
        qa=source.qa,
        synthetic=True,
    )


def _scene(record: Record) -> Scene:
    _, seed, number, _ = record.id.split("-")
    return sample_scene(int(seed), int(number))


def _random(*names: str) -> Random:
    return Random("/".join(names))  # noqa: S311 - reproducible, not secret


def read(record: Record, shown: Record, slips: float = SLIPS, only: str = "") -> Scene:
    """Return the scene that the inputs determine, the rest drawn at random.

    `only` text ignores every condition; another name ignores that kind of condition.
    """
    own, other = _scene(record), _scene(shown)
    rng = _random(record.id, shown.id, "read")
    scene = sample_scene(77, rng.randrange(10**6))
    stated = {qa.slot for qa in record.qa if "text" in qa.sources and qa.slot in SLOTS}
    seen = {
        qa.slot
        for qa in shown.qa
        if any(source not in {"text", only} for source in qa.sources) and only != "text"
        if qa.slot in SLOTS
    }
    known = dict.fromkeys(sorted(stated), own) | dict.fromkeys(sorted(seen - stated), other)
    if "kind" in known and known["kind"].kind != scene.kind:
        for number in range(10**4):
            scene = sample_scene(78 + number, rng.randrange(10**6))
            if scene.kind == known["kind"].kind:
                break
    changes = {}
    for slot, truth in known.items():
        wrong = slot not in stated and slot != "camera" and rng.random() < slips
        source = sample_scene(79, rng.randrange(10**6)) if wrong else truth
        fits = source.kind == scene.kind or slot not in {"shape", "action", "count", "kind"}
        if fits:
            changes[slot] = getattr(source, slot)
    return replace(scene, **changes)


def told(record: Record, shown: Record, scene: Scene, only: str = "") -> str:
    """Tell a scene: in the record's own open words where it has them, and what is shown."""
    number = int(record.id[-1])
    if number < RECORDS_PER_SCENE:
        return render(caption_of(scene))
    words = open_scene(retold(_scene(record), number))
    kinds = {one.kind for one in shown.conditions if only not in {"text", one.kind}}
    seen = tuple(name for name in SHOWS if name in kinds)
    return render(open_caption(replace(words, conditions=seen), scene))


def reader(record: Record, shown: Record, slips: float = SLIPS) -> str:
    return told(record, shown, read(record, shown, slips))


def _parts(text: str) -> dict[str, str]:
    from any2caption.captions.text import parse

    return parse(text).model_dump()


def _changed(change: Callable[[str, str, Record, Record], str]) -> Writer:
    """Make a writer that changes each part of the good one's caption."""

    def write(record: Record, shown: Record) -> str:
        parts = _parts(reader(record, shown))
        made = {part: change(part, text, record, shown) for part, text in parts.items()}
        return render(StructuredCaption(**made))

    return write


def _swap(text: str) -> str:
    pairs = {"left": "right", "right": "left"}
    return re.sub(r"\b(left|right)\b", lambda m: pairs[m.group()], text)


def _slot_words(part: str, text: str, *_: object) -> str:
    slots = [slot for slot in SLOTS.values() if slot.part == part] or list(SLOTS.values())
    found = [text[m.start : m.end] for slot in slots for m in mentions(slot.name, text)]
    return ", ".join(dict.fromkeys(found)) or "scene"


def _twice(_: str, text: str, *__: object) -> str:
    return f"{text} {text}"


def _dense(make: Callable[[str, Record, Record], str]) -> Writer:
    return _changed(lambda part, text, r, s: make(text, r, s) if part == "dense" else text)


def _other(record: Record) -> Record:
    """Another scene's record, by chance."""
    scene = int(record.id.split("-")[2])
    number = f"{(scene + 7) % 10:06d}"
    return record.model_copy(update={"id": f"synthetic-{record.id.split('-')[1]}-{number}-0"})


def _another(record: Record) -> str:
    return render(caption_of(_scene(_other(record))))


def _dead(slot: str, value: object) -> Writer:
    def write(record: Record, shown: Record) -> str:
        return told(record, shown, replace(read(record, shown), **{slot: value}))

    return write


def _blind(kind: str) -> Writer:
    return lambda record, shown: told(record, shown, read(record, shown, only=kind), kind)


def _at_odds(record: Record, shown: Record) -> str:
    scene = read(record, shown)
    rng = _random(record.id, "odds")
    other = next(
        one
        for n in range(999)
        if (one := sample_scene(81, rng.randrange(10**6) + n)).kind == scene.kind
    )
    parts = _parts(told(record, shown, scene))
    return render(StructuredCaption(**{**parts, "dense": caption_of(other).dense}))


def _every(part: str, text: str, *_: object) -> str:
    """Hedge: name every value that a part could have."""
    slots = [slot for slot in SLOTS.values() if slot.part == part]
    return f"{text} Or else: {', '.join(t.phrase for slot in slots for t in slot.terms[:4])}."


def _never(_: str, text: str, *__: object) -> str:
    """Deny the movement and the action in the words that they are told in."""
    text = re.sub(r"the camera (\w+)", r"the camera never \1", text)
    return re.sub(r", (\w+ing)\b", r", never \1", text)


def _moved(record: Record, shown: Record) -> str:
    texts = _parts(reader(record, shown))
    order = list(PARTS)
    return render(
        StructuredCaption(**{p: texts[order[(n + 1) % len(order)]] for n, p in enumerate(order)})
    )


def _lost(record: Record, shown: Record) -> str:
    return reader(record, shown).rsplit("\n", 1)[0]


CONSTANT = render(caption_of(sample_scene(3, 3)))
BROKEN: dict[str, Writer] = {
    "dense part “x”": _dense(lambda *_: "x"),
    "dense part of another record": _dense(lambda _, r, __: caption_of(_scene(_other(r))).dense),
    "“blue” 400 times": _dense(lambda *_: " ".join(["blue"] * 400)),
    "every part cut to its slot words": _changed(_slot_words),
    "a burning hospital in every part": _changed(
        lambda _, text, *__: f"{text} Behind it a burning hospital collapses."
    ),
    "camera ignored": _blind("camera"),
    "pose ignored": _blind("pose"),
    "every condition ignored": _blind("text"),
    "left and right swapped": _changed(lambda _, text, *__: _swap(text)),
    "every part broken off half-way": _changed(
        lambda _, text, *__: " ".join(text.split()[: max(1, len(text.split()) // 2)])
    ),
    "every sentence said twice": _changed(_twice),
    "the prompt copied": lambda r, _: render(
        StructuredCaption(**dict.fromkeys(PARTS, r.prompt.strip() or "A video."))
    ),
    "everything denied": _changed(_never),
    "colour dead": _dead("colour", "red"),
    "style dead": _dead("style", "cartoon"),
    "number dead": _dead("count", 1),
    "dense part at odds with the others": _at_odds,
    "another record's caption": lambda r, _: _another(r),
    "one caption for all": lambda *_: CONSTANT,
    "every value named": _changed(_every),
    "parts in each other's places": _moved,
    "last part missing": _lost,
    "a crowd of soldiers added": _changed(
        lambda part, text, *_: f"{text} Two soldiers march past." if part == "dense" else text
    ),
    "talks about the task": _changed(
        lambda part, text, *_: (
            f"As an AI assistant I wrote this caption. {text}" if part == "dense" else text
        )
    ),
    "answers in French": _dense(
        lambda *_: (
            "Une personne marche lentement dans la rue pendant que la caméra avance "
            "vers elle et que le soleil se couche derrière les maisons de la ville."
        )
    ),
}
