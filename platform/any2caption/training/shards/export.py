"""Where samples come from: a prepared folder, or a snapshot without one.

Both give the same samples in the same order, so both give the same shards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from any2caption.captions.text import render
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import load_condition, load_snapshot
from any2caption.model.config import to_json
from any2caption.model.inputs import Features
from any2caption.model.processing.processor import LABELS, Processor
from any2caption.settings import Settings
from any2caption.storage import open_store
from any2caption.training.data.prepared import SPLITS, Prepared
from any2caption.training.prepare.as_read import as_read
from any2caption.training.prepare.extract import extract
from any2caption.training.prepare.item_index import ItemIndex, TrainingRecords
from any2caption.training.prepare.preparation import Preparation
from any2caption.training.prepare.prepared_folder import (
    model_and_tokenizer,
    refuse_empty,
    teaching_of,
)
from any2caption.training.prepare.stated import stated_lines
from any2caption.training.prepare.targets import (
    Classes,
    encode_caption,
    item_tokens,
    told_of,
)
from any2caption.training.shards.codec import ShardSample

# As `Preparation.made_from`.
MADE_FROM = (
    "version",
    "snapshot",
    "preset",
    "vocab",
    "weights",
    "general",
    "reasoning",
    "rewards",
    "traces",
    "facts",
)


@dataclass(frozen=True, slots=True)
class Source:
    """Samples with their split, and what belongs beside them.

    `classes` may be asked for when the samples are through.
    """

    made_from: Mapping[str, Any]
    total: int
    samples: Iterator[tuple[str, ShardSample]]
    files: Mapping[str, bytes]
    classes: Callable[[], dict[str, dict[str, list[str]]]]


def from_prepared(folder: Path) -> Source:
    """The samples of a prepared folder."""
    data = Prepared(folder)
    processor = data.processor()
    splits = [split for split in SPLITS if data.samples(split)]

    def samples() -> Iterator[tuple[str, ShardSample]]:
        for split in splits:
            for sample in data.samples(split):
                span, trace = slice(*sample.span), slice(*sample.trace)
                features = tuple(data.feature(number) for number in sample.item_numbers)
                yield (
                    split,
                    ShardSample(
                        id=sample.id,
                        prompt=sample.prompt,
                        features=features,
                        answers=sample.answers,
                        parts=sample.parts,
                        caption=np.asarray(data.caption_tokens[span], np.int32),
                        slots=np.asarray(data.slot_tokens[span], np.float32),
                        prompt_tokens=_prompt(sample.prompt, processor),
                        length=sample.length,
                        phrases=sample.phrases,
                        wanted=sample.wanted,
                        facts=sample.facts,
                        trace=np.asarray(data.caption_tokens[trace], np.int32),
                        general=sample.general,
                        items=sample.item_numbers,
                    ),
                )

    return Source(
        {key: data.meta[key] for key in MADE_FROM if key in data.meta},
        sum(len(data.samples(split)) for split in splits),
        samples(),
        {name: (folder / name).read_bytes() for name in ("config.json", "tokenizer.json")},
        data.classes,
    )


def from_snapshot(settings: Settings, preparation: Preparation, workers: int = 2) -> Source:
    """The training and validation samples of a snapshot, without a prepared folder between.

    Conditions are parsed in `workers` processes, a bounded number ahead.

    Raises:
        ConfigError: the snapshot has no training records, or the preset needs weights.
    """
    address = (settings.object_store, settings.s3_endpoint_url)
    store = open_store(*address)
    made_from = preparation.made_from()
    kept = TrainingRecords(load_snapshot(store, preparation.snapshot))
    items = ItemIndex(kept)
    refuse_empty(preparation.snapshot, items)
    records = as_read(kept, preparation)
    config, tokenizer = model_and_tokenizer(preparation, records, items)
    processor = Processor(config, tokenizer)
    teaching, classes = teaching_of(preparation, store), Classes()

    def samples() -> Iterator[tuple[str, ShardSample]]:
        conditions = (c for record in records for c in record.conditions if c.kind in LABELS)
        features = extract(address, processor, conditions, workers)
        for record in records:
            numbers = tuple(items.numbers(record))
            found = [next(features) for _ in numbers]
            used = tuple(map(_kept, found))
            told = told_of(record, processor, teaching)
            if preparation.recipe.facts != "none":
                stated = [str(one["facts"]) for one in found]
                told["facts"] = stated_lines(record, stated, lambda c: load_condition(store, c))
            classes.add(record, told)
            yield record.split, replace(_sample(record, used, processor, told), items=numbers)

    files = {
        "config.json": to_json(config).encode(),
        "tokenizer.json": tokenizer.to_str(pretty=True).encode(),
    }
    return Source(made_from, items.records.total(), samples(), files, classes.as_dict)


def _sample(
    record: Record, features: Sequence[Features], processor: Processor, told: Mapping[str, Any]
) -> ShardSample:
    config = processor.config
    caption, slots = encode_caption(render(record.caption), processor)
    cell = config.vision.patch * config.vision.merge
    sizes = (item_tokens(_item(item), config.camera.frames, cell) for item in features)
    return ShardSample(
        id=record.id,
        prompt=record.prompt,
        features=tuple(features),
        caption=caption,
        slots=slots,
        prompt_tokens=_prompt(record.prompt, processor),
        length=len(caption)
        + len(told["trace"])
        + len(processor.tokenizer.encode(told.get("facts", "")).ids)
        + sum(sizes),
        **told,
    )


def _item(features: Features) -> dict[str, Any]:
    """What `item_tokens` asks about a feature."""
    item: dict[str, Any] = {"kind": str(features["kind"])}
    if "frames" in features and item["kind"] != "camera":
        item["shape"] = features["frames"].shape
    if "regions" in features:
        item["regions"] = features["regions"]
    return item


def _kept(features: Features) -> Features:
    """What a prepared folder keeps of a condition."""
    return {key: value for key, value in features.items() if key != "cut"}


def _prompt(prompt: str, processor: Processor) -> np.ndarray[Any, np.dtype[np.int32]]:
    return np.asarray(processor.tokenizer.encode(prompt, add_special_tokens=False).ids, np.int32)
