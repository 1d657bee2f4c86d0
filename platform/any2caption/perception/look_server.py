"""Starts workers that look: `python -m any2caption.perception.look_server FD MEMORY`.

As `parse_server`, but with the recognisers' networks loaded instead of parsers: every worker is a
fork with the same sandbox (no files, no network, no keys, limits on time and memory), shares the
weights with this process and lives for one request.
"""

import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from any2caption.conditions.fact import Fact
from any2caption.conditions.isolation import parse_server
from any2caption.perception import classes, registry, weights
from any2caption.perception.view import Look, View

LOOKS: dict[str, Look] = {}
"""The recognisers of this process, by name; `preload` fills it."""
_LATE_IMPORTS = (
    "any2caption.conditions.body.movements",
    "scipy.interpolate",
    "scipy.ndimage",
    "scipy.optimize",
    "scipy.signal",
)
"""What reading poses imports only when it needs it."""
_SIDE = 64
_SURE_PERSON = 0.9
"""From this score on, a person is one beside an animal."""


def preload() -> None:
    """Load every recogniser that is installed, and use it once: a worker can open no file."""
    for name in _LATE_IMPORTS:
        importlib.import_module(name)
    blank = View(np.zeros((1, _SIDE, _SIDE, 3), np.uint8), "picture 1")
    with _silence():
        for one in registry.installed():
            look = one.load(weights.folder())
            look(blank)
            LOOKS[one.name] = look


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what libraries print while they load off the user's screen."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def answer(request: Mapping[str, Any], blobs: list[bytearray]) -> tuple[dict[str, Any], list[Any]]:
    """Answer a view with its facts, and with a word for each recogniser that fails on it."""
    view = View(
        frames=np.frombuffer(blobs[0], np.uint8).reshape(request["shape"]),
        name=str(request["name"]),
        role=request["role"],
        fps=request["fps"],
    )
    facts, failed = look_at(view, LOOKS)
    return {"facts": [fact.as_json() for fact in facts], "failed": failed}, []


def look_at(view: View, looks: Mapping[str, Look]) -> tuple[list[Fact], list[str]]:
    """Return what all recognisers see, and of those that failed one line each."""
    facts: list[Fact] = []
    failed = []
    for name, look in looks.items():
        try:
            facts += look(view)
        except Exception as error:  # noqa: BLE001 - the boundary: one that fails is said, no more
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            failed.append(f"{view.name} could not be looked at for {name} ({reason})")
    return consistent(facts), failed


def consistent(facts: Sequence[Fact]) -> list[Fact]:
    """Return what the recognisers say together.

    Who is there is told before what they wear. An animal of which the classes are sure is no
    person, however it sits: the detector takes some for one.
    """
    people = [fact for fact in facts if _of_people(fact)]
    others = [fact for fact in facts if not _of_people(fact)]
    nouns = {str(fact.value.get("noun")) for fact in others}
    if people and any(map(classes.is_animal, nouns)):
        people = [fact for fact in people if fact.confidence >= _SURE_PERSON]
    if people:
        others = [fact for fact in others if not classes.is_worn(str(fact.value.get("noun")))]
    return [*others, *people]


def _of_people(fact: Fact) -> bool:
    return fact.value.get("noun") == "person" or fact.aspect == "action"


if __name__ == "__main__":
    parse_server.main(sys.argv[1:], preload, answer)
