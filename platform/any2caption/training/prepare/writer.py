"""Write the folder that `data.prepared.Prepared` reads, one record and one feature at a time."""

import json
import shutil
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from any2caption.captions.text import render
from any2caption.datasets.records import Record
from any2caption.model.config import ModelConfig, to_json
from any2caption.model.inputs import Features
from any2caption.model.processing.processor import Processor
from any2caption.storage.disk_map import DiskMap
from any2caption.training.data.prepared import MARKER, file_digests
from any2caption.training.prepare.instruction_data import GeneralRow, Refused, encode_turns
from any2caption.training.prepare.item_index import ItemIndex
from any2caption.training.prepare.npy_writer import NpyWriter
from any2caption.training.prepare.stated import Stated
from any2caption.training.prepare.targets import (
    Classes,
    Teaching,
    encode_caption,
    item_tokens,
    told_of,
)


@dataclass(slots=True)
class General:
    """Rows of general instruction data; `refused` grows with pictures that cannot be read."""

    rows: Sequence[GeneralRow] = ()
    refused: list[Refused] = field(default_factory=list)

    def pictures(self) -> dict[Path, GeneralRow]:
        """A row for each distinct picture, in order of first use."""
        return {row.image: row for row in self.rows if row.image is not None}


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a prepared folder.

    `records` are looped over once; `items` are their distinct conditions. `features` come in the
    order of the items, then of the general rows' distinct pictures.
    """

    records: Iterable[Record]
    items: ItemIndex
    features: Iterator[Features]
    config: ModelConfig
    tokenizer: Tokenizer
    teaching: Teaching = field(default_factory=Teaching)
    general: General = field(default_factory=General)
    stated: Stated | None = None
    """Where prompts state facts."""


def write_prepared(out: Path, contents: Contents, made_from: dict[str, Any]) -> None:
    """Write the folder; what was there before is replaced when everything is written."""
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        sizes, failed = _write_features(work, contents)
        counts, classes = _write_records(work, contents, sizes, failed)
        (work / "config.json").write_text(to_json(contents.config))
        contents.tokenizer.save(str(work / "tokenizer.json"))
        refused = contents.general.refused
        if refused:
            with (work / "quarantine.jsonl").open("w") as lines:
                lines.writelines(json.dumps(asdict(one)) + "\n" for one in refused)
        marker = {**made_from, "classes": classes, "items": len(sizes), "splits": counts}
        marker |= {"general_refused": len(refused), "files": file_digests(work)}
        (work / MARKER).write_text(json.dumps(marker, indent=1))
        work.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_features(work: Path, contents: Contents) -> tuple["array[int]", dict[int, str]]:
    """Write items, pixels and poses.

    Returns the prompt tokens of each item, and why some of the general rows' pictures failed.
    """
    config, failed, sizes = contents.config, dict[int, str](), array("i")
    cell = config.vision.patch * config.vision.merge
    with (
        (work / "items.jsonl").open("w") as lines,
        NpyWriter(work / "pixels.npy", np.uint8) as pixels,
        NpyWriter(work / "poses.npy", np.float32, (config.camera.frames, 16)) as poses,
    ):
        for number, item in enumerate(contents.features):
            entry: dict[str, Any] = {"kind": str(item["kind"]), "role": str(item["role"])}
            if "poses" in item:
                entry["at"], _ = poses.append(item["poses"])
            elif "frames" in item:
                frames = item["frames"]
                entry["at"], _ = pixels.append(frames.reshape(-1))
                entry["shape"] = list(frames.shape)
            if contents.stated is not None and "facts" in item:
                contents.stated.keep(number, str(item["facts"]))
            if "failed" in item:
                failed[number] = str(item["failed"])
            if "regions" in item:
                entry["regions"] = item["regions"].tolist()
            sizes.append(item_tokens(entry, config.camera.frames, cell))
            lines.write(json.dumps(entry) + "\n")
    return sizes, failed


class _Captions:
    """The token arrays; a caption that several records share is written once."""

    def __init__(self, work: Path, processor: Processor) -> None:
        self._tokens = NpyWriter(work / "captions.npy", np.int32)
        self._weights = NpyWriter(work / "weights.npy", np.float32)
        self._spans = DiskMap()
        self._processor = processor

    def caption(self, text: str) -> tuple[int, int]:
        """Return where a caption's tokens are."""
        key = sha256(text.encode("utf-8", "surrogatepass")).digest()
        if (known := self._spans.get(key)) is not None:
            start, _, end = known.partition(" ")
            return int(start), int(end)
        span = self.add(*encode_caption(text, self._processor))
        self._spans.add(key, f"{span[0]} {span[1]}")
        return span

    def add(self, ids: Sized, weights: Sized) -> tuple[int, int]:
        """Append tokens and their weights; return where they are."""
        self._weights.append(np.asarray(weights, np.float32))
        return self._tokens.append(np.asarray(ids, np.int32))

    def tokens_of(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self._processor.tokenizer.encode(text, add_special_tokens=False).ids)

    def close(self) -> None:
        """Finish both files."""
        self._tokens.close()
        self._weights.close()


def _write_records(
    work: Path, contents: Contents, sizes: "array[int]", failed: dict[int, str]
) -> tuple[dict[str, int], dict[str, dict[str, list[str]]]]:
    """Write captions and records.

    Returns how many records of each split there are, and the classes of the training records.
    """
    processor = Processor(contents.config, contents.tokenizer)
    captions, classes = _Captions(work, processor), Classes()
    counts = {"train": 0, "validation": 0, "general": 0}
    with (work / "records.jsonl").open("w") as lines:
        for record in contents.records:
            told = told_of(record, processor, contents.teaching)
            classes.add(record, told)
            counts[record.split] += 1
            numbers = contents.items.numbers(record)
            if contents.stated is not None:
                told["facts"] = contents.stated.lines(record, numbers)
            line = _line(record, told, numbers, captions, sizes)
            lines.write(json.dumps(line) + "\n")
        for line in _general_lines(contents, sizes, failed, processor):
            line["span"] = captions.add(line.pop("ids"), line.pop("weights"))
            lines.write(json.dumps(line) + "\n")
            counts["general"] += 1
    captions.close()
    return counts, classes.as_dict()


def _line(
    record: Record,
    told: dict[str, Any],
    features: list[int],
    captions: _Captions,
    sizes: "array[int]",
) -> dict[str, Any]:
    """A record's line; its tokens go to the captions."""
    start, end = captions.caption(render(record.caption))
    trace = told.pop("trace")
    stated = captions.tokens_of(told.get("facts", ""))
    line = told | {
        "id": record.id,
        "split": record.split,
        "prompt": record.prompt,
        "features": features,
        "span": [start, end],
        "length": end - start + len(trace) + stated + sum(sizes[number] for number in features),
    }
    if len(trace):
        line["trace"] = captions.add(trace, np.ones(len(trace), np.float32))
    return line


def _general_lines(
    contents: Contents, sizes: "array[int]", failed: dict[int, str], processor: Processor
) -> Iterator[dict[str, Any]]:
    """Yield the lines of general rows, whose pictures are the items behind the records'."""
    general, most = contents.general, processor.config.text.max_positions
    numbers = {picture: len(contents.items) + n for n, picture in enumerate(general.pictures())}
    for row in general.rows:
        shown = [] if row.image is None else [numbers[row.image]]
        ids, weights = encode_turns(row, processor)
        asked = row.turns[0][0]
        length = len(ids) + sum(sizes[number] for number in shown)
        file, _, number = row.id.rpartition(":")
        reasons = [failed[n] for n in shown if n in failed]
        if length + processor.config.processor.max_text_tokens > most:
            reasons.append(f"{length} tokens, too many for the model's {most} positions")
        if reasons:
            general.refused.append(Refused(file, int(number), reasons[0]))
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
