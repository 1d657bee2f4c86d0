"""Data-set records of a scene: which conditions, which prompt, and what they determine.

A scene gives four records that share its media and its caption. Two records in five have one input
only, because evaluation looks at each kind alone; the others mix. Some scenes give four more in
open words (`open_scenes`), each of which tells a scene of its own. A question is asked only when
the record's own inputs determine the answer, and names all that do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import cast

from any2caption.captions.lexicon import SLOTS
from any2caption.datasets.records import QA, Aspect, SourceCondition, SourceRecord
from any2caption.datasets.supervision.questions import of_prompt
from any2caption.datasets.synthetic import media
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.media import Media
from any2caption.datasets.synthetic.open_scenes import (
    asked,
    is_open,
    open_caption,
    open_prompt,
    open_scene,
    retold,
)
from any2caption.datasets.synthetic.prompting import prompt_of
from any2caption.datasets.synthetic.world import Scene

SOURCE, LICENCE = "synthetic-world", "CC0-1.0"
RECORDS_PER_SCENE = 4
SINGLE_SHARE = 0.45
_STATED_TOO, _STATED_ALONE = 0.15, 0.75

_MAKERS: Mapping[str, Callable[[Scene], Media]] = {
    "first_frame": media.first_frame,
    "identity": media.identity,
    "depth": media.depth,
    "pose": media.pose,
    "camera": media.camera,
    "video": media.video,
}
_ALL_BUT_CAMERA = frozenset(SLOTS) - {"camera"}
_DETERMINES: Mapping[str, frozenset[str]] = {
    "first_frame": frozenset({"kind", "colour", "shape", "count", "background", "style"}),
    "identity": frozenset({"kind", "colour", "shape"}),
    "depth": frozenset({"kind", "shape", "count", "action"}),
    "pose": frozenset({"kind", "count", "action"}),
    "camera": frozenset({"camera"}),
    "video": _ALL_BUT_CAMERA,
}
_REFERENCES: Mapping[str, tuple[str, ...]] = {
    "first_frame": ("starting from picture {n}", "beginning with picture {n}"),
    "identity": ("with the subject of picture {n}", "like picture {n}"),
    "depth": ("following depth {n}", "laid out as in depth {n}"),
    "pose": ("moving as in pose {n}", "following pose {n}"),
    "camera": ("along camera path {n}", "filmed as in camera path {n}"),
    "video": ("like video {n}", "as in video {n}"),
}


@dataclass(frozen=True, slots=True)
class SceneFiles:
    """A scene's records and its files by key relative to the corpus."""

    records: tuple[SourceRecord, ...]
    files: dict[str, bytes]


def determined_by(name: str, item: Media) -> frozenset[str]:
    """Return the slots that a condition determines; four depth maps are no movement."""
    return _DETERMINES[name] - ({"action"} if item.sparse else set())


def scene_files(scene: Scene, number: int, prefix: str) -> SceneFiles:
    """Make the records of scene `number`; record ids start with `prefix`."""
    rng = scene.random("records")
    folder = f"media/{number // 1000:03d}/{number:06d}"
    made: dict[str, Media] = {}
    records = []
    for k in range(RECORDS_PER_SCENE):
        names = _chosen(scene, rng)
        for name in names:
            if name not in made:
                made[name] = _MAKERS[name](scene)
        chosen = {name: made[name] for name in names}
        records.append(_record(scene, f"{prefix}-{number:06d}-{k}", chosen, folder, rng))
    files = {f"{folder}/{name}": data for item in made.values() for name, data in item.files}
    if is_open(scene):
        told = _open_files(scene, folder, f"{prefix}-{number:06d}")
        records += told.records
        files |= told.files
    return SceneFiles(tuple(records), files)


def _open_files(scene: Scene, folder: str, prefix: str) -> SceneFiles:
    """Make records in open words: each tells another scene, so it has a caption of its own."""
    records, files = [], dict[str, bytes]()
    for k in range(RECORDS_PER_SCENE, 2 * RECORDS_PER_SCENE):
        one, place = retold(scene, k), f"{folder}/{k}"
        told = open_scene(one)
        chosen = {name: _MAKERS[name](one) for name in told.conditions}
        prompt, caption = open_prompt(told), open_caption(told, one)
        given = {name: determined_by(name, item) for name, item in chosen.items()}
        shown = [
            _question(one, slot, tuple(dict.fromkeys(chosen[name].kind for name in names)))
            for slot, names in asked(told, given).items()
            if one.keys(slot)
        ]
        records.append(
            SourceRecord(
                id=f"{prefix}-{k}",
                source=SOURCE,
                licence=LICENCE,
                prompt=prompt,
                conditions=tuple(_condition(item, place) for item in chosen.values()),
                caption=caption,
                qa=(*shown, *of_prompt(prompt, caption)),
                synthetic=True,
            )
        )
        files |= {f"{place}/{name}": data for item in chosen.values() for name, data in item.files}
    return SceneFiles(tuple(records), files)


def _chosen(scene: Scene, rng: Random) -> list[str]:
    """Draw the conditions of one record; an empty list is a record of text alone."""
    if rng.random() < SINGLE_SHARE:
        kinds = ["text", "camera", "first_frame", "depth", "video"]
        weights = [1.0] * len(kinds)
        if scene.kind == "person":
            kinds.append("pose")
            weights.append(3.0)
        kind = rng.choices(kinds, weights)[0]
        return [] if kind == "text" else [kind]
    image = rng.choices(["first_frame", "identity", ""], [0.45, 0.25, 0.30])[0]
    names = [image] if image else []
    if rng.random() < 0.30:  # noqa: PLR2004 - the mix of a prototype that learned from it
        names.append("depth")
    if scene.kind == "person" and rng.random() < 0.55:  # noqa: PLR2004
        names.append("pose")
    if rng.random() < 0.60:  # noqa: PLR2004
        names.append("camera")
    if rng.random() < 0.10:  # noqa: PLR2004
        names.append("video")
    return names or ["camera"]


def _record(
    scene: Scene, identifier: str, chosen: dict[str, Media], folder: str, rng: Random
) -> SourceRecord:
    given = {name: determined_by(name, item) for name, item in chosen.items()}
    seen = frozenset().union(*given.values())
    applicable = [slot for slot in SLOTS if scene.keys(slot)]
    stated = {
        slot
        for slot in applicable
        if rng.random() < (_STATED_TOO if slot in seen else _STATED_ALONE)
    }
    if not chosen and not stated:
        stated = {rng.choice(applicable)}
    references = [
        rng.choice(_REFERENCES[name]).format(n=1) for name in chosen if rng.random() < 1 / 4
    ]
    prompt = prompt_of(scene, stated, references, rng)
    # A shape or an action tells persons from objects, too.
    by_text = stated | ({"kind"} if stated & {"shape", "action"} else set())
    sources = {
        slot: tuple(
            dict.fromkeys(
                (["text"] if slot in by_text else [])
                + [chosen[name].kind for name in chosen if slot in given[name]]
            )
        )
        for slot in applicable
    }
    return SourceRecord(
        id=identifier,
        source=SOURCE,
        licence=LICENCE,
        prompt=prompt,
        conditions=tuple(_condition(item, folder) for item in chosen.values()),
        caption=caption_of(scene),
        qa=tuple(_question(scene, slot, sources[slot]) for slot in applicable if sources[slot]),
        synthetic=True,
    )


def _question(scene: Scene, slot: str, sources: tuple[str, ...]) -> QA:
    return QA(
        aspect=cast("Aspect", SLOTS[slot].aspect),
        slot=slot,
        question=SLOTS[slot].question,
        answer=str(scene.answer(slot)),
        sources=sources,
    )


def _condition(item: Media, folder: str) -> SourceCondition:
    return SourceCondition(
        kind=item.kind,
        paths=tuple(f"{folder}/{name}" for name, _ in item.files),
        role=item.role,
        options=dict(item.options),
    )
