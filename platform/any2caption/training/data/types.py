"""A record as training reads it, and what every form of training data offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from any2caption.model.config import ModelConfig
from any2caption.model.inputs import Features
from any2caption.model.processing.processor import Processor


@dataclass(frozen=True, slots=True)
class Sample:
    """One record: `item_numbers` are its conditions, in prompt order.

    `answers` maps kind → slot → class names that it determines.
    """

    id: str
    prompt: str
    item_numbers: tuple[int, ...]
    answers: Mapping[str, Mapping[str, tuple[str, ...]]]
    span: tuple[int, int]
    parts: Mapping[str, str]
    length: int
    phrases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Part → its mined phrases."""
    trace: tuple[int, int] = (0, 0)
    """The reasoning trace's tokens, as `span`; empty without."""
    wanted: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    """The facts that a reward looks for, by who wants them; see `reinforce.rewards.Wanted`."""
    facts: str = ""
    """The lines of its facts, where its recipe's prompts state them."""
    general: bool = False
    """A conversation of general instruction data: `span` is all that follows the first turn."""


class Items(Protocol):
    """Conditions and captions by number: what a collator reads."""

    items: Sequence[Mapping[str, Any]]
    """One entry per distinct condition; `kind` is always there."""
    caption_tokens: NDArray[np.int32]
    slot_tokens: NDArray[np.float32]
    """Beside each caption token: 1 names a slot, 0 does not, below 0 is not learned."""

    def feature(self, number: int) -> Features:
        """Return one item's arrays, as `Processor.features` gave them."""


class TrainingData(Items, Protocol):
    """A folder of training data, whatever its form; see `open_data`."""

    folder: Path
    meta: dict[str, Any]
    """What it was made from; see `prepared.prepared_from`."""
    config: ModelConfig

    def processor(self) -> Processor:
        """A processor with the data's own tokenizer."""

    def poses(self) -> NDArray[np.float32]:
        """All camera paths c×F×16."""

    def samples(self, split: str) -> Sequence[Sample]:
        """The records of `train` or `validation` in order of id, or the rows of `general`."""

    def kinds(self) -> list[str]:
        """The kinds of conditions that training records show, sorted."""

    def classes(self) -> dict[str, dict[str, list[str]]]:
        """Kind → slot → class names that training records show."""


def kinds_shown(data: Items, samples: Sequence[Sample]) -> list[str]:
    """The kinds of conditions that these samples show, sorted."""
    kinds = item_kinds(data)
    return sorted({kinds[number] for sample in samples for number in sample.item_numbers})


def item_kinds(data: Items) -> list[str]:
    """The kind of every item, by number."""
    return [intern(str(item["kind"])) for item in data.items]


def slot_classes(meta: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Kind → slot → class names, as the data's marker lists them."""
    return {
        kind: {slot: list(names) for slot, names in slots.items()}
        for kind, slots in meta["classes"].items()
    }
