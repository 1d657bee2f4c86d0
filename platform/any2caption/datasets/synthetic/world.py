"""Scenes of the synthetic world: known truth, and nothing else.

A scene is a composition (what a caption can say) plus a seed for everything a caption does not say
(exact shades, positions, speeds). Sampling is a pure function of (corpus seed, index).
"""

import hashlib
from dataclasses import dataclass
from random import Random

from any2caption.captions.lexicon import (
    BACKGROUNDS,
    CAMERAS,
    COLOURS,
    OBJECT_ACTIONS,
    PERSON_ACTIONS,
    SHAPES,
    STYLES,
    answer_of,
)

PERSON_SHARE = 0.55
COMBINATION_SHARE = 0.22
MOST_OBJECTS, MOST_PEOPLE = 3, 2
TRANSLATIONS = (
    "dolly_in",
    "dolly_out",
    "truck_left",
    "truck_right",
    "pedestal_up",
    "pedestal_down",
)
TURNS = (
    "pan_left",
    "pan_right",
    "tilt_up",
    "tilt_down",
    "roll_clockwise",
    "roll_anticlockwise",
)
# A sideways move with the opposite pan is an orbit, so it is not a combination of its own.
_ORBITS = {("truck_left", "pan_right"), ("truck_right", "pan_left")}
COMBINATIONS = tuple((m, t) for m in TRANSLATIONS for t in TURNS if (m, t) not in _ORBITS)


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene. `shape` is None for people; `camera` has two keys for combined movements."""

    kind: str
    count: int
    colour: str
    shape: str | None
    action: str
    background: str
    style: str
    camera: tuple[str, ...]
    seed: str

    def keys(self, slot: str) -> tuple[str, ...]:
        """Return the term keys of a slot; empty when the slot does not apply."""
        if slot == "camera":
            return self.camera
        value = getattr(self, slot)
        return () if value is None else (str(value),)

    def answer(self, slot: str) -> str | None:
        """Return the slot's true answer in canonical words, or None when it does not apply."""
        keys = self.keys(slot)
        return answer_of(slot, keys) if keys else None

    @property
    def composition(self) -> bytes:
        """Digest of everything that a caption says: equal compositions get equal captions."""
        facts = (self.kind, self.count, self.colour, self.shape, self.action)
        return hashlib.sha256(
            repr((*facts, self.background, self.style, self.camera)).encode()
        ).digest()

    def random(self, purpose: str) -> Random:
        """Return this scene's own random stream for one purpose."""
        return Random(f"{self.seed}/{purpose}")  # noqa: S311 - reproducible, not secret


def sample_scene(seed: int, index: int) -> Scene:
    """Draw scene number `index` of the corpus with this seed."""
    name = f"{seed}/{index}"
    rng = Random(name)  # noqa: S311 - reproducible, not secret
    person = rng.random() < PERSON_SHARE
    camera: tuple[str, ...]
    if rng.random() < COMBINATION_SHARE:
        camera = rng.choice(COMBINATIONS)
    else:
        camera = (rng.choice(CAMERAS).key,)
    return Scene(
        kind="person" if person else "object",
        count=rng.randint(1, MOST_PEOPLE if person else MOST_OBJECTS),
        colour=rng.choice(COLOURS).key,
        shape=None if person else rng.choice(SHAPES).key,
        action=rng.choice(PERSON_ACTIONS if person else OBJECT_ACTIONS).key,
        background=rng.choice(BACKGROUNDS).key,
        style=rng.choice(STYLES).key,
        camera=camera,
        seed=name,
    )
