"""Scenes in open words: who, where and what are phrases that the world does not draw.

The caption says what the words state, as facts have it, of the rest what the conditions show, and
else a neutral sentence: a model learns from it to say what it is told, and to invent nothing.
Nobody can draw such words, so a picture, a clip or a depth map beside them may show something else
than they state: then the words are followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from any2caption.captions.lexicon import PLACES, SLOTS, camera_phrase
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.datasets.synthetic import open_words
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.world import Scene
from any2caption.grounding.compose import compose
from any2caption.grounding.gather import gather

SHARE = 0.05
"""Of all scenes: they are told in open words too."""
SHOWS: Mapping[str, tuple[str, ...]] = {
    "first_frame": ("main_object", "background", "style"),
    "identity": ("main_object",),
    "depth": ("main_object", "action"),
    "pose": ("main_object",),
    "video": ("main_object", "background", "style", "action"),
}
"""Condition → the parts that it tells where the words do not."""
_STATED = {"subject": 0.85, "action": 0.5, "place": 0.5, "style": 0.4, "framing": 0.12}
_DRAWN = 0.3
"""How often place and style are words of the world."""
_GIVEN = {
    "first_frame": 0.35,
    "identity": 0.1,
    "depth": 0.15,
    "pose": 0.5,
    "camera": 0.5,
    "video": 0.1,
}
_ORDER = ("main_object", "action", "background", "camera", "style")


@dataclass(frozen=True, slots=True)
class OpenScene:
    """What the words of a scene state, by aspect, and the names of its conditions."""

    words: Mapping[str, str]
    conditions: tuple[str, ...]


def is_open(scene: Scene) -> bool:
    """Whether a scene is told in open words."""
    return scene.random("open").random() < SHARE


def retold(scene: Scene, number: int) -> Scene:
    """Return another scene of the same composition: other words, and media of its own."""
    return replace(scene, seed=f"{scene.seed}/{number}")


def open_scene(scene: Scene, *, kept_out: bool = False) -> OpenScene:
    """Draw a scene's words; `kept_out`: those that no corpus shows."""
    rng = scene.random("open words")
    stated = {name for name, share in _STATED.items() if rng.random() < share}
    if not stated & {"subject", "place"}:
        stated.add("subject")
    if "subject" not in stated:
        stated.discard("action")  # whose?
    person = scene.kind == "person"
    kinds = {
        "subject": "people" if person else "things",
        "action": "deeds" if person else "events",
        "place": "places",
        "style": "styles",
        "framing": "framings",
    }
    words = {}
    for name, kind in kinds.items():
        listed = open_words.KINDS[kind]
        words[name] = rng.choice(listed.kept_out if kept_out else listed.shown)
    if rng.random() < _DRAWN:
        words["place"] = PLACES[scene.background]
    if rng.random() < _DRAWN:
        words["style"] = f"{SLOTS['style'].term(scene.style).phrase} style"
    given = [name for name, share in _GIVEN.items() if rng.random() < share]
    return OpenScene(
        {name: phrase for name, phrase in words.items() if name in stated},
        tuple(name for name in given if person or name != "pose"),
    )


def open_prompt(scene: OpenScene) -> str:
    """Write a prompt that states the words of a scene."""
    said = scene.words
    who = " ".join(said[name] for name in ("subject", "action", "place") if name in said)
    beside = [said[name] for name in ("style", "framing") if name in said]
    text = ", ".join([who, *beside])
    return f"{text[0].upper()}{text[1:]}."


def open_caption(scene: OpenScene, shown: Scene) -> StructuredCaption:
    """Return the caption: the words part by part, then what the conditions show of a scene."""
    written = compose(gather(open_prompt(scene), [])).parts
    parts = {part: " ".join(one.text for one in written[part]) for part in PARTS}
    stated = {part for part in PARTS if written[part][0].origin == "stated"}
    drawn, seen = caption_of(shown), set[str]()
    for condition in scene.conditions:
        seen |= set(SHOWS.get(condition, ())) - stated
    if "pose" in scene.conditions:
        moves = f"The movement is this: {shown.answer('action')}."
        parts["action"] = f"{parts['action']} {moves}" if "action" in stated else moves
        seen, stated = seen - {"action"}, stated | {"action"}
    if "camera" in scene.conditions:
        moves = f"The camera {camera_phrase(shown.camera)}."
        parts["camera"] = f"{parts['camera']} {moves}" if "camera" in stated else moves
        stated.add("camera")
    parts |= {part: getattr(drawn, part) for part in seen}
    dense = " ".join(parts[part] for part in _ORDER if part in stated | seen)
    return StructuredCaption(**{**parts, "dense": dense})


def asked(scene: OpenScene, determined: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    """Return slot → the conditions that tell it, of the slots of which the words say nothing.

    `determined` has the slots that each of the scene's conditions determines.
    """
    found: dict[str, list[str]] = {}
    for name, slots in determined.items():
        for slot in SLOTS:
            if slot in slots and _SAID_BY.get(slot, slot) not in scene.words:
                found.setdefault(slot, []).append(name)
    return found


_SAID_BY = {**dict.fromkeys(("kind", "count", "colour", "shape"), "subject"), "background": "place"}
"""Slot → the words that state it."""
