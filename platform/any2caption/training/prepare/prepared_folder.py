"""Turn a snapshot's training and validation records into arrays that training maps into memory.

    python -m any2caption.training.prepare --snapshot ID --preset tiny --out DIR [--recipe tiny]
    [--weights URI] [--workers 2] [--general FILE=LICENCE] [--traces FILE]

Test records are never read. Each distinct condition is parsed and resized once, in `workers`
processes. A folder that is there already for the same snapshot, preset and recipe is left as it is.
Rows of general instruction data that cannot be used are listed in `quarantine.jsonl`.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tokenizers import Tokenizer

from any2caption.captions.schema import PARTS
from any2caption.captions.text import render
from any2caption.captions.trace import render_trace
from any2caption.datasets.records import Record, RecordCondition
from any2caption.datasets.snapshots import load_condition, load_snapshot
from any2caption.datasets.supervision.phrases import PoseOf, mine
from any2caption.datasets.supervision.reasoning import rule_trace
from any2caption.errors import ConfigError, InputError
from any2caption.model.config import ModelConfig, to_json
from any2caption.model.inputs import Features
from any2caption.model.presets import FROM_SCRATCH
from any2caption.model.presets import preset as preset_of
from any2caption.model.processing.processor import FIRST_KINDS, LABELS, Processor, prompt_phrases
from any2caption.model.processing.region_text import BOX_TOKENS
from any2caption.model.processing.tokenization import train_tokenizer
from any2caption.progress import ProgressLog
from any2caption.settings import Settings
from any2caption.storage import ObjectStore, open_store
from any2caption.storage.digest import file_digest
from any2caption.training.data.prepared import MARKER, file_digests, prepared_from
from any2caption.training.data.slot_labels import determined, slot_phrases, slot_tokens
from any2caption.training.prepare.instruction_data import (
    GeneralFile,
    GeneralRow,
    Refused,
    encode_turns,
    identity,
    load_picture,
    parse_argument,
    read_general,
)
from any2caption.training.recipes.builtin import default_recipe
from any2caption.training.recipes.builtin import recipe as recipe_of
from any2caption.training.recipes.files import load_recipe
from any2caption.training.recipes.schema import Recipe
from any2caption.training.reinforce.rewards import wanted as wanted_facts

CHUNK = 64
Key = tuple[str, ...]


def prepare(  # noqa: PLR0913 - what to prepare, and where
    settings: Settings,
    *,
    snapshot: str,
    preset: str,
    out: Path,
    recipe: str | Recipe = "",
    weights: str = "",
    workers: int = 2,
    progress: ProgressLog | None = None,
    general: Sequence[GeneralFile] = (),
    traces: Path | None = None,
) -> Path:
    """Prepare a snapshot; returns `out`. See the module."""
    chosen, made_from = made_from_of(snapshot, preset, recipe, weights, general, traces)
    if is_prepared(out, made_from):
        return out
    rows, refused = read_general(general)
    log = progress or ProgressLog(settings.progress_log)
    began = time.monotonic()
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    source = load_snapshot(store, snapshot)
    records = [*source.records("train"), *source.records("validation")]
    if not any(record.split == "train" for record in records):
        raise ConfigError(f"snapshot {snapshot} has no training records")
    config, tokenizer = model_and_tokenizer(preset, chosen, weights, records)
    pictures = {row.image: row for row in rows if row.image is not None}
    conditions: list[RecordCondition | GeneralRow] = [
        *_distinct(records).values(),
        *pictures.values(),
    ]

    def counted(features: Iterator[Features]) -> Iterator[Features]:
        for number, item in enumerate(features, 1):
            if number % 2000 == 0 or number == len(conditions):
                log.emit("finetune", "preparing conditions", step=number, total=len(conditions))
            yield item

    address = (settings.object_store, settings.s3_endpoint_url)
    features = extract(address, store, config, tokenizer, conditions, workers)
    extra = extra_of(chosen, store, traces, rows, refused)
    if unused := unused_traces(extra.traces or {}, records):
        log.emit("finetune", f"{traces}: {unused}")
    write_prepared(out, records, counted(features), config, tokenizer, made_from, extra)
    seconds = round(time.monotonic() - began, 1)
    beside = (
        f", {len(rows):,} general rows, {len(extra.refused):,} in quarantine" if general else ""
    )
    log.emit(
        "finetune",
        f"prepared {len(records)} records{beside} in {seconds} s",
        records=len(records),
        seconds=seconds,
    )
    return out


@dataclass(slots=True)
class Extra:
    """What goes into the folder beside the snapshot's records and conditions.

    `traces` are reasoning traces by record id, None where no stage reasons; a record without one
    gets a rule-made one. `refused` grows with pictures that cannot be read.
    """

    general: Sequence[GeneralRow] = ()
    refused: list[Refused] = field(default_factory=list)
    traces: Mapping[str, str] | None = None
    pose_of: PoseOf | None = None
    rewards: bool = False


def extra_of(
    recipe: Recipe,
    store: ObjectStore,
    traces: Path | None = None,
    general: Sequence[GeneralRow] = (),
    refused: Sequence[Refused] = (),
) -> Extra:
    """What a recipe needs beside the records; `traces` are read if a stage reasons."""
    return Extra(
        general,
        list(refused),
        read_traces(traces) if any(stage.reasoning for stage in recipe.stages) else None,
        lambda condition: load_condition(store, condition).payload,
        rewards=any(stage.objective == "reinforce" for stage in recipe.stages),
    )


def read_traces(file: Path | None) -> dict[str, str]:
    """Read reasoning traces: JSONL of `id` and `reasoning`.

    Raises:
        ConfigError: it cannot be read, or a line is none.
    """
    found: dict[str, str] = {}
    if file is None:
        return found
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            found[str(row["id"])] = str(row["reasoning"])
        except (ValueError, KeyError, TypeError):
            raise ConfigError(f"{file}: line {number}: no object with id and reasoning") from None
    return found


def unused_traces(traces: Mapping[str, str], records: Iterable[Record]) -> str:
    """Say how many traces belong to no training or validation record; empty if none."""
    strange = sorted(traces.keys() - {record.id for record in records})
    if not strange:
        return ""
    return (
        f"{len(strange):,} of {len(traces):,} traces belong to no training or validation record,"
        f" as that of {strange[0]!r}"
    )


def made_from_of(  # noqa: PLR0913, PLR0917 - everything that decides it
    snapshot: str,
    preset: str,
    recipe: str | Recipe,
    weights: str,
    general: Sequence[GeneralFile] = (),
    traces: Path | None = None,
) -> tuple[Recipe, dict[str, Any]]:
    """Return the recipe that prepares this preset, and what decides the prepared content."""
    chosen = recipe
    if isinstance(chosen, str):
        chosen = recipe_of(chosen or default_recipe(preset))
    if preset not in chosen.presets:
        raise ConfigError(
            f"recipe {chosen.name} is for {', '.join(chosen.presets)}, not for preset {preset}"
        )
    made_from = prepared_from(snapshot, preset, chosen, weights, identity(general))
    if traces is not None:
        if not any(stage.reasoning for stage in chosen.stages):
            raise ConfigError(f"{traces}: no stage of recipe {chosen.name} has reasoning: true")
        read_traces(traces)  # a bad file is refused by a plan already
        made_from["traces"] = file_digest(traces)
    return chosen, made_from


def model_and_tokenizer(
    preset: str, recipe: Recipe, weights: str, records: Iterable[Record]
) -> tuple[ModelConfig, Tokenizer]:
    """The preset with its tokenizer.

    From the weights' folder, or trained on the training records.
    """
    config = preset_of(preset)
    if weights:
        from any2caption.model.weights import describe_pretrained

        return describe_pretrained(weights, config)
    if preset not in FROM_SCRATCH:
        raise ConfigError(
            f"preset {preset} starts from weights: give --weights PATH or file:// URI"
        )
    records = list(records)
    kinds = {condition.kind for record in records for condition in record.conditions}
    tokenizer = train_tokenizer(
        _training_texts(config, records, {*FIRST_KINDS, *kinds}),
        recipe.vocab,
        phrases=slot_phrases(),
        special=BOX_TOKENS if "region" in kinds else (),
    )
    return config.with_vocab(tokenizer.get_vocab_size()), tokenizer


def extract(  # noqa: PLR0913, PLR0917 - what the workers need
    address: tuple[str, str | None],
    store: ObjectStore,
    config: ModelConfig,
    tokenizer: Tokenizer,
    conditions: Sequence[RecordCondition | GeneralRow],
    workers: int,
) -> Iterator[Features]:
    """Yield the conditions' features in order, a bounded number ahead."""
    if workers < 2 or len(conditions) <= CHUNK:  # noqa: PLR2004
        processor = Processor(config, tokenizer)
        for condition in conditions:
            yield _features(store, processor, condition)
        return
    settings = (address, to_json(config), tokenizer.to_str())
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, settings) as pool:
        waiting: list[Future[list[Features]]] = []
        chunks = iter(range(0, len(conditions), CHUNK))
        waiting += [
            pool.submit(_work, conditions[at : at + CHUNK]) for at in islice(chunks, 4 * workers)
        ]
        while waiting:
            done = waiting.pop(0).result()
            waiting += [pool.submit(_work, conditions[at : at + CHUNK]) for at in islice(chunks, 1)]
            yield from done


_worker: dict[str, Any] = {}


def _start_worker(address: tuple[str, str | None], config: str, tokenizer: str) -> None:
    from any2caption.model.config import from_dict

    model = from_dict(ModelConfig, json.loads(config))
    _worker["store"] = open_store(*address)
    _worker["processor"] = Processor(model, Tokenizer.from_str(tokenizer))


def _work(conditions: Sequence[RecordCondition | GeneralRow]) -> list[Features]:
    store, processor = _worker["store"], _worker["processor"]
    return [_features(store, processor, condition) for condition in conditions]


def _features(
    store: ObjectStore, processor: Processor, condition: RecordCondition | GeneralRow
) -> Features:
    """A condition's features; a general row's picture that cannot be read says why instead."""
    if isinstance(condition, RecordCondition):
        return processor.features(load_condition(store, condition))
    try:
        return processor.features(load_picture(condition))
    except (InputError, OSError) as error:
        why = " ".join(str(error).split())
        return {"kind": np.asarray("image"), "role": np.asarray(""), "failed": np.asarray(why)}


def write_prepared(  # noqa: PLR0913, PLR0917 - everything that goes into the folder
    out: Path,
    records: Sequence[Record],
    features: Iterator[Features],
    config: ModelConfig,
    tokenizer: Tokenizer,
    made_from: dict[str, Any],
    extra: Extra | None = None,
) -> None:
    """Write the folder of `data.prepared.Prepared`.

    `features` come in the order of the records' distinct conditions, then of the general rows'
    distinct pictures.
    """
    extra = extra or Extra()
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        items = _write_features(work, features, config)
        classes, rows = _write_records(work, records, items, Processor(config, tokenizer), extra)
        (work / "items.json").write_text(json.dumps(items))
        (work / "config.json").write_text(to_json(config))
        tokenizer.save(str(work / "tokenizer.json"))
        marker = {**made_from, "classes": classes, "items": len(items), "records": len(records)}
        marker |= {"general_rows": rows, "general_refused": len(extra.refused)}
        if extra.refused:
            lines = (json.dumps(asdict(one)) + "\n" for one in extra.refused)
            (work / "quarantine.jsonl").write_text("".join(lines))
        marker["files"] = file_digests(work)
        (work / MARKER).write_text(json.dumps(marker, indent=1))
        work.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_features(
    work: Path, features: Iterator[Features], config: ModelConfig
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    poses = [np.zeros((0, config.camera.frames, 16), np.float32)]
    at = cameras = 0
    with (work / "pixels.raw").open("wb") as pixels:
        for item in features:
            entry: dict[str, Any] = {"kind": str(item["kind"]), "role": str(item["role"])}
            if "poses" in item:
                poses.append(np.asarray(item["poses"], np.float32)[None])
                entry["at"] = cameras
                cameras += 1
            elif "frames" in item:
                frames = np.ascontiguousarray(item["frames"])
                pixels.write(frames.tobytes())
                entry |= {"at": at, "shape": list(frames.shape)}
                at += frames.size
            if "failed" in item:
                entry["failed"] = str(item["failed"])
            if "regions" in item:
                entry["regions"] = item["regions"].tolist()
            items.append(entry)
    flat = (
        np.memmap(work / "pixels.raw", np.uint8, "r", shape=(at,)) if at else np.zeros(0, np.uint8)
    )
    np.save(work / "pixels.npy", flat, allow_pickle=False)
    (work / "pixels.raw").unlink()
    np.save(work / "poses.npy", np.concatenate(poses), allow_pickle=False)
    return items


def _write_records(
    work: Path,
    records: Sequence[Record],
    items: list[dict[str, Any]],
    processor: Processor,
    extra: Extra,
) -> tuple[dict[str, dict[str, list[str]]], int]:
    """Write captions and records.

    Returns kind → slot → class names of the training records, and how many general rows there are.
    """
    numbers = item_numbers(records)
    items_used = len({n for record in records for n in numbers(record)})
    captions: dict[str, tuple[int, int]] = {}
    tokens: list[np.ndarray[Any, Any]] = [np.zeros(0, np.int32)]
    weights: list[np.ndarray[Any, Any]] = [np.zeros(0, np.float32)]
    classes: dict[str, dict[str, set[str]]] = {}
    merge = processor.config.vision.merge
    sizes = [
        item_tokens(item, processor.config.camera.frames, processor.config.vision.patch * merge)
        for item in items
    ]
    at = 0

    def stored(ids: Sized, weigh: Sized) -> tuple[int, int]:
        nonlocal at
        tokens.append(np.asarray(ids, np.int32))
        weights.append(np.asarray(weigh, np.float32))
        at += len(ids)
        return at - len(ids), at

    with (work / "records.jsonl").open("w") as lines:
        for record in records:
            text = render(record.caption)
            if text not in captions:
                captions[text] = stored(*encode_caption(text, processor))
            features = numbers(record)
            told = told_of(record, processor, extra)
            if record.split == "train":
                for kind, slots in told["answers"].items():
                    for slot, names in slots.items():
                        classes.setdefault(kind, {}).setdefault(slot, set()).update(names)
            start, end = captions[text]
            trace = told.pop("trace")
            line = told | {
                "id": record.id,
                "split": record.split,
                "prompt": record.prompt,
                "features": features,
                "span": [start, end],
                "length": end - start + len(trace) + sum(sizes[number] for number in features),
            }
            if len(trace):
                line["trace"] = stored(trace, [1.0] * len(trace))
            lines.write(json.dumps(line) + "\n")
        rows = 0
        for line in _general_lines(extra, items_used, items, sizes, processor):
            line["span"] = stored(line.pop("ids"), line.pop("weights"))
            lines.write(json.dumps(line) + "\n")
            rows += 1
    np.save(work / "captions.npy", np.concatenate(tokens), allow_pickle=False)
    np.save(work / "weights.npy", np.concatenate(weights), allow_pickle=False)
    return {
        kind: {slot: sorted(names) for slot, names in slots.items()}
        for kind, slots in classes.items()
    }, rows


def told_of(record: Record, processor: Processor, extra: Extra) -> dict[str, Any]:
    """What the targets and rewards of a record are made of, by the names of `data.types.Sample`.

    `trace` are its tokens, int32 L, none where no stage reasons.
    """
    # Only stages that describe one part read parts and phrases; the tiny recipes have none.
    by_part = processor.config.preset not in FROM_SCRATCH
    mined = mine(record, extra.pose_of) if by_part else {}
    trace: Sequence[int] = ()
    if extra.traces is not None:
        text = render_trace(extra.traces.get(record.id) or rule_trace(record))
        trace = processor.tokenizer.encode(text, add_special_tokens=False).ids
    return {
        "answers": determined(record),
        "parts": {part: getattr(record.caption, part) for part in PARTS} if by_part else {},
        "phrases": {part: one.phrases for part, one in mined.items()},
        "wanted": asdict(wanted_facts(record)) if extra.rewards else {},
        "trace": np.asarray(trace, np.int32),
    }


def _general_lines(
    extra: Extra,
    first: int,
    items: list[dict[str, Any]],
    sizes: Sequence[int],
    processor: Processor,
) -> Iterator[dict[str, Any]]:
    """Yield the lines of general rows, whose pictures are the items from `first` on."""
    pictures: dict[Path, int] = {}
    most = processor.config.text.max_positions
    for row in extra.general:
        shown = []
        if row.image is not None:
            shown = [pictures.setdefault(row.image, first + len(pictures))]
        ids, weights = encode_turns(row, processor)
        asked = row.turns[0][0]
        length = len(ids) + sum(sizes[number] for number in shown)
        file, _, number = row.id.rpartition(":")
        failed = [items[n]["failed"] for n in shown if "failed" in items[n]]
        if length + processor.config.processor.max_text_tokens > most:
            failed.append(f"{length} tokens, too many for the model's {most} positions")
        if failed:
            extra.refused.append(Refused(file, int(number), failed[0]))
            continue
        yield {
            "id": row.id,
            "split": "general",
            "prompt": asked,
            "features": shown,
            "answers": {},
            "parts": {},
            "length": length,
            "general": True,
            "ids": ids,
            "weights": weights,
        }


def encode_caption(
    text: str, processor: Processor
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return a caption's tokens with the end token, int32, and which name a slot, float32."""
    encoded = processor.tokenizer.encode(text, add_special_tokens=False)
    ids = np.asarray([*encoded.ids, processor.end_id], np.int32)
    return ids, np.append(slot_tokens(text, encoded.offsets), np.float32(0))


def item_tokens(item: dict[str, Any], camera_frames: int, cell: int) -> int:
    """Prompt tokens of one item: only for putting samples of like length together."""
    if item["kind"] == "camera":
        return camera_frames
    boxes = 16 * len(item.get("regions", ()))
    if "shape" not in item:
        return boxes
    shape = item["shape"]
    return boxes + int((shape[0] + 1) // 2 * (shape[1] // cell) * (shape[2] // cell))


def item_numbers(records: Sequence[Record]) -> Callable[[Record], list[int]]:
    """Return what tells the item numbers of a record's conditions, in prompt order."""
    numbers = {key: number for number, key in enumerate(_distinct(records))}
    return lambda record: [numbers[_key(c)] for c in record.conditions if c.kind in LABELS]


def _distinct(records: Iterable[Record]) -> dict[Key, RecordCondition]:
    """Every condition with files, once, in order of first use."""
    found: dict[Key, RecordCondition] = {}
    for record in records:
        for condition in record.conditions:
            if condition.kind in LABELS:
                found.setdefault(_key(condition), condition)
    return found


def _key(condition: RecordCondition) -> Key:
    options = json.dumps(condition.options, sort_keys=True)
    return (
        condition.kind,
        condition.role or "",
        options,
        *(part.sha256 for part in condition.parts),
    )


def _training_texts(
    config: ModelConfig, records: Iterable[Record], kinds: Collection[str]
) -> Iterator[str]:
    for record in records:
        if record.split == "train":
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


def main(  # noqa: PLR0913, PLR0917 - a command's options
    snapshot: Annotated[str, typer.Option(help="Snapshot id")],
    out: Annotated[Path, typer.Option(help="Folder to write")],
    preset: Annotated[str, typer.Option()] = "tiny",
    recipe: Annotated[str, typer.Option(help="Recipe, or its file; the preset's own without")] = "",
    weights: Annotated[str, typer.Option(help="Folder of Qwen2-VL weights")] = "",
    workers: Annotated[int, typer.Option()] = 2,
    general: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE=LICENCE", help="General instruction data (LLaVA, Alpaca)"),
    ] = None,
    traces: Annotated[
        Path | None, typer.Option(help="Reasoning traces, JSONL of id and reasoning")
    ] = None,
    progress: Annotated[Path | None, typer.Option(help="Progress log")] = None,
    lifecycle: Annotated[str, typer.Option()] = "",
) -> None:
    """Prepare a snapshot for training."""
    settings = Settings()
    log = ProgressLog(progress or settings.progress_log, lifecycle)
    chosen = load_recipe(recipe or default_recipe(preset))
    prepare(
        settings,
        snapshot=snapshot,
        preset=preset,
        out=out,
        recipe=chosen,
        weights=weights,
        workers=workers,
        progress=log,
        general=[parse_argument(one) for one in general or ()],
        traces=traces,
    )
