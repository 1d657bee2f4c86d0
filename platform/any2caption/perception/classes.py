"""What a picture shows, by ImageNet's classes: "a dog, probably a corgi".

EfficientNet-Lite0 gives 1,000 probabilities. They are summed over WordNet's hypernyms
(`imagenet_names.json`), because a cat is often split over three breeds. What is told are the
nearest names that are sure enough: a noun, and a kind of it. Below the thresholds nothing is said,
which is what drawn figures get (`bench/recognisers.py`).
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.facts.words import with_article
from any2caption.perception.view import FRAMES, Look, View

FILE = "efficientnet_lite0.onnx"
SIDE = 224
SURE = 0.55
"""A noun is told from this probability on; set on the pictures of `bench/recognisers.py`, where one
wrong noun of 26 pictures lies above it."""
SURE_KIND = 0.55
"""The same for its kind."""
MOST_FRAMES = 4
"""Frames of a clip that are looked at; their probabilities are averaged."""
_MEAN, _SCALE = 127.0, 128.0
_WHERE = {
    "mountain": "on a mountain",
    "cliff": "by a cliff",
    "coral reef": "at a coral reef",
    "geyser": "by a geyser",
    "lakeside": "at a lakeside",
    "promontory": "on a promontory",
    "sandbar": "on a sandbar",
    "seashore": "at the seashore",
    "valley": "in a valley",
    "volcano": "by a volcano",
}


@dataclass(frozen=True, slots=True)
class Named:
    """What is shown: `noun` ("dog"), its `kind` if sure ("corgi"), and all names on the way."""

    noun: str
    kind: str
    names: tuple[str, ...]
    probability: float
    place: bool = False


@dataclass(frozen=True, slots=True)
class _Table:
    """Names by node; `above` the node's more general one or -1; `of_class` a class' node or -1."""

    names: tuple[str, ...]
    above: NDArray[np.int64]
    others: tuple[tuple[str, ...], ...]
    of_class: NDArray[np.int64]
    places: frozenset[str]
    animals: frozenset[str]
    worn: frozenset[str]


@cache
def _table() -> _Table:
    data: dict[str, Any] = json.loads(Path(__file__).with_name("imagenet_names.json").read_text())
    names, above, others = zip(*data["nodes"], strict=True)
    return _Table(
        names=names,
        above=np.array(above),
        others=tuple(tuple(one) for one in others),
        of_class=np.array(data["classes"]),
        places=frozenset(data["places"]),
        animals=frozenset(data["animals"]),
        worn=frozenset(data["worn"]),
    )


def is_animal(noun: str) -> bool:
    """Whether a noun of the classes names an animal."""
    return noun in _table().animals


def is_worn(noun: str) -> bool:
    """Whether a noun of the classes names clothes."""
    return noun in _table().worn


def name_of(probabilities: NDArray[np.float64]) -> Named | None:
    """Return what 1,000 class probabilities show; None where nothing is sure enough."""
    table = _table()
    sums = np.zeros(len(table.names))
    for node, probability in zip(table.of_class, probabilities, strict=True):
        at = int(node)
        while at >= 0:
            sums[at] += probability
            at = int(table.above[at])
    top = int(np.argmax(np.where(table.above < 0, sums, 0)))
    if sums[top] < SURE:
        return None
    line = [top]
    while True:  # down, as long as one kind is sure
        below = np.where(table.above == line[-1], sums, 0)
        if below.max() < SURE_KIND:
            break
        line.append(int(below.argmax()))
    noun, kind = table.names[top], table.names[line[1]] if len(line) > 1 else ""
    if kind == noun:
        kind = ""
    names = [name for at in line for name in (table.names[at], *table.others[at])]
    return Named(
        noun, kind, tuple(dict.fromkeys(names)), float(min(sums[top], 1)), noun in table.places
    )


def load(where: Path) -> Look:
    """Return the recogniser with its weights."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # No threads: they would not survive the fork of a worker.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(where / FILE), options, providers=["CPUExecutionProvider"]
    )

    def look(view: View) -> list[Fact]:
        chosen = np.linspace(0, len(view.frames) - 1, min(len(view.frames), MOST_FRAMES))
        inputs = np.stack([network_input(view.frames[round(at)]) for at in chosen])
        (scores,) = session.run(None, {"pictures": inputs})
        named = name_of(_softmax(scores.astype(np.float64)).mean(axis=0))
        return [] if named is None else facts_of(named, view)

    return look


def network_input(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return uint8 H×W×3 as float32 3×224×224, squeezed whole into the square."""
    from PIL import Image

    square = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return ((np.asarray(square, np.float32) - _MEAN) / _SCALE).transpose(2, 0, 1)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def facts_of(named: Named, view: View) -> list[Fact]:
    """Return what a picture of this states, by its role: its subject, whose picture it is, a place.

    How many there are is not said. A style picture's subject is none of the video's.
    """
    if view.role == "style":
        return []
    source = Source(view.name)
    sure = {"certainty": "estimated", "confidence": named.probability}
    if named.place:
        where = _WHERE[named.noun]
        return [Fact("background", where, source, {"place": named.noun}, **sure)]  # type: ignore[arg-type]
    known = {"noun": named.noun, "kind": named.kind, "names": list(named.names)}
    value = {**known, "number": None, "attributes": []}
    facts = [Fact("subject", with_article(named.noun), source, value, **sure)]  # type: ignore[arg-type]
    if view.role not in FRAMES:
        role = {"condition": view.name, "role": view.role or "reference"}
        text = f"the {named.noun} of {view.name}"
        facts.append(Fact("identity", text, source, {**known, **role}, **sure))  # type: ignore[arg-type]
    return facts
