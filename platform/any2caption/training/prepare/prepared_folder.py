"""Turn a snapshot's training and validation records into arrays that training maps into memory.

Test records are never read. Each distinct condition is parsed and resized once, in `workers`
processes. A folder that is there already for the same snapshot, preset and recipe is left as it is.
Rows of general instruction data that cannot be used are listed in `quarantine.jsonl`.

The manifest is read three times, a few hundred records in memory at a time: to number the distinct
conditions, to train the small tokenizer, to write the records. What must be looked up lies on disk.
"""

import json
import time
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from any2caption.captions.text import render
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import load_condition, load_snapshot
from any2caption.errors import ConfigError
from any2caption.model.config import ModelConfig
from any2caption.model.inputs import Features
from any2caption.model.presets import FROM_SCRATCH, weights_of
from any2caption.model.presets import preset as preset_of
from any2caption.model.processing.processor import FIRST_KINDS, Processor, prompt_phrases
from any2caption.model.processing.region_text import BOX_TOKENS
from any2caption.model.processing.tokenization import train_tokenizer
from any2caption.progress import ProgressLog
from any2caption.settings import Settings
from any2caption.storage import ObjectStore, open_store
from any2caption.training.data.prepared import MARKER
from any2caption.training.data.slot_labels import slot_phrases
from any2caption.training.prepare.as_read import as_read
from any2caption.training.prepare.extract import extract
from any2caption.training.prepare.instruction_data import read_general
from any2caption.training.prepare.item_index import ItemIndex, TrainingRecords
from any2caption.training.prepare.preparation import Preparation
from any2caption.training.prepare.stated import Stated
from any2caption.training.prepare.targets import Teaching
from any2caption.training.prepare.traces import Traces
from any2caption.training.prepare.writer import Contents, General, write_prepared

TOKENIZER_RECORDS = 10_000
"""Training records, evenly spread, that the small tokenizer learns from: it holds their texts."""
_TOLD = 2_000  # conditions between two lines of progress


def prepare(
    settings: Settings,
    preparation: Preparation,
    out: Path,
    *,
    workers: int = 2,
    progress: ProgressLog | None = None,
) -> Path:
    """Prepare a snapshot; returns `out`. See the module."""
    made_from = preparation.made_from()
    if is_prepared(out, made_from):
        return out
    rows = General(*read_general(preparation.general))
    log = progress or ProgressLog(settings.progress_log)
    began = time.monotonic()
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    kept = TrainingRecords(load_snapshot(store, preparation.snapshot))
    items = ItemIndex(kept)
    refuse_empty(preparation.snapshot, items)
    records = as_read(kept, preparation)
    config, tokenizer = model_and_tokenizer(preparation, records, items)
    address = (settings.object_store, settings.s3_endpoint_url)
    pictures = rows.pictures().values()
    features = extract(address, Processor(config, tokenizer), chain(items, pictures), workers)
    teaching = teaching_of(preparation, store)
    counted = _counted(features, len(items) + len(pictures), log)
    states = preparation.recipe.facts != "none"
    stated = Stated(lambda one: load_condition(store, one)) if states else None
    contents = Contents(records, items, counted, config, tokenizer, teaching, rows, stated)
    write_prepared(out, contents, made_from)
    if teaching.traces is not None and (unused := teaching.traces.unused()):
        log.emit("finetune", f"{preparation.traces}: {unused}")
    seconds, total = round(time.monotonic() - began, 1), items.records.total()
    beside = ""
    if preparation.general:
        beside = f", {len(rows.rows):,} general rows, {len(rows.refused):,} in quarantine"
    log.emit(
        "finetune",
        f"prepared {total} records{beside} in {seconds} s",
        records=total,
        seconds=seconds,
    )
    return out


def _counted(features: Iterator[Features], total: int, log: ProgressLog) -> Iterator[Features]:
    """Pass features on, and tell how many there were now and then."""
    for number, item in enumerate(features, 1):
        if number % _TOLD == 0 or number == total:
            log.emit("finetune", "preparing conditions", step=number, total=total)
        yield item


def refuse_empty(snapshot: str, items: ItemIndex) -> None:
    """Raise ConfigError where there is nothing to train on."""
    if not items.records["train"]:
        raise ConfigError(f"snapshot {snapshot} has no training records")


def teaching_of(preparation: Preparation, store: ObjectStore) -> Teaching:
    """What the recipe wants of each record; traces are read if a stage reasons."""
    stages = preparation.recipe.stages
    return Teaching(
        Traces(preparation.traces) if any(stage.reasoning for stage in stages) else None,
        lambda condition: load_condition(store, condition).payload,
        rewards=any(stage.objective == "reinforce" for stage in stages),
    )


def model_and_tokenizer(
    preparation: Preparation, records: Iterable[Record], items: ItemIndex
) -> tuple[ModelConfig, Tokenizer]:
    """The preset with its tokenizer.

    From the weights' folder, or trained on the training records.
    """
    preset, recipe = preparation.preset, preparation.recipe
    config = preset_of(preset).with_facts(recipe.facts)
    if weights := weights_of(preset, preparation.weights):
        from any2caption.model.weights import describe_pretrained

        return describe_pretrained(weights, config)
    if preset not in FROM_SCRATCH:
        raise ConfigError(
            f"preset {preset} starts from weights: give --weights PATH or file:// URI"
        )
    every = -(-items.records["train"] // TOKENIZER_RECORDS)
    tokenizer = train_tokenizer(
        _training_texts(config, records, {*FIRST_KINDS, *items.kinds}, every),
        recipe.vocab,
        phrases=slot_phrases(),
        special=BOX_TOKENS if "region" in items.kinds else (),
    )
    return config.with_vocab(tokenizer.get_vocab_size()), tokenizer


def _training_texts(
    config: ModelConfig, records: Iterable[Record], kinds: Collection[str], every: int
) -> Iterator[str]:
    training = (record for record in records if record.split == "train")
    for number, record in enumerate(training):
        if number % every == 0:
            yield record.prompt
            yield render(record.caption)
    yield from prompt_phrases(config, kinds)


def is_prepared(out: Path, made_from: dict[str, Any]) -> bool:
    """Whether a folder holds what would be prepared."""
    marker = out / MARKER
    if not marker.is_file():
        return False
    try:
        found = dict(json.loads(marker.read_text()))
    except (ValueError, TypeError):
        return False  # damaged: what is there is made anew
    return all(found.get(key) == value for key, value in made_from.items())
