"""Starts workers that look: `python -m any2caption.perception.look_server FD MEMORY`.

As `parse_server`, but with the recognisers' networks loaded instead of parsers: every worker is a
fork with the same sandbox (no files, no network, no keys, limits on time and memory), shares the
weights with this process and lives for one request.
"""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from any2caption.conditions.fact import Fact
from any2caption.conditions.isolation import parse_server
from any2caption.perception import registry, weights
from any2caption.perception.view import Look, View

_LOOKS: dict[str, Look] = {}
_SIDE = 64


def preload() -> None:
    """Load every recogniser that is installed, and use it once: a worker can open no file."""
    blank = View(np.zeros((1, _SIDE, _SIDE, 3), np.uint8), "picture 1")
    for one in registry.installed():
        look = one.load(weights.folder())
        look(blank)
        _LOOKS[one.name] = look


def answer(request: Mapping[str, Any], blobs: list[bytearray]) -> tuple[dict[str, Any], list[Any]]:
    """Answer a view with its facts, and with a word for each recogniser that fails on it."""
    view = View(
        frames=np.frombuffer(blobs[0], np.uint8).reshape(request["shape"]),
        name=str(request["name"]),
        role=request["role"],
        fps=request["fps"],
    )
    facts, failed = look_at(view, _LOOKS)
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
    return facts, failed


if __name__ == "__main__":
    parse_server.main(sys.argv[1:], preload, answer)
