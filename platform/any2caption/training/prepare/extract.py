"""Conditions to features, in worker processes, a bounded number ahead of who writes them."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing import get_context
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from any2caption.datasets.records import RecordCondition
from any2caption.datasets.snapshots import load_condition
from any2caption.errors import InputError
from any2caption.model.config import ModelConfig, from_dict, to_json
from any2caption.model.inputs import Features
from any2caption.model.processing.processor import Processor
from any2caption.storage import ObjectStore, open_store
from any2caption.training.prepare.instruction_data import GeneralRow, load_picture
from any2caption.training.prepare.stated import stated_by

CHUNK = 16
"""Conditions that a worker takes at a time."""
_AHEAD = 4  # chunks of each worker that may wait to be written
Source = RecordCondition | GeneralRow


def extract(
    address: tuple[str, str | None],
    processor: Processor,
    conditions: Iterable[Source],
    workers: int,
) -> Iterator[Features]:
    """Yield the conditions' features in order; a few chunks a worker are in memory at a time.

    `address` is the store's, as `open_store` takes it.
    """
    chunks = _chunks(conditions)
    begin = list(islice(chunks, 2))
    if workers == 1 or len(begin) < 2:  # noqa: PLR2004 - not worth a process
        store = open_store(*address)
        for chunk in chain(begin, chunks):
            yield from (_features(store, processor, condition) for condition in chunk)
        return
    settings = (address, to_json(processor.config), processor.tokenizer.to_str())
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, settings) as pool:
        waiting: deque[Future[list[Features]]] = deque()
        for chunk in chain(begin, chunks):
            waiting.append(pool.submit(_work, chunk))
            if len(waiting) >= _AHEAD * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _chunks(conditions: Iterable[Source]) -> Iterator[list[Source]]:
    rest = iter(conditions)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


_worker: dict[str, Any] = {}


def _start_worker(address: tuple[str, str | None], config: str, tokenizer: str) -> None:
    model = from_dict(ModelConfig, json.loads(config))
    _worker["store"] = open_store(*address)
    _worker["processor"] = Processor(model, Tokenizer.from_str(tokenizer))


def _work(conditions: Sequence[Source]) -> list[Features]:
    store, processor = _worker["store"], _worker["processor"]
    return [_features(store, processor, condition) for condition in conditions]


def _features(store: ObjectStore, processor: Processor, condition: Source) -> Features:
    """A condition's features, and what it states where prompts state facts.

    A general row's picture that cannot be read says why instead.
    """
    if isinstance(condition, RecordCondition):
        loaded = load_condition(store, condition)
        found = processor.features(loaded)
        if processor.config.processor.facts != "none":
            found["facts"] = np.asarray(stated_by(loaded))
        return found
    try:
        return processor.features(load_picture(condition))
    except (InputError, OSError) as error:
        why = " ".join(str(error).split())
        return {"kind": np.asarray("image"), "role": np.asarray(""), "failed": np.asarray(why)}
