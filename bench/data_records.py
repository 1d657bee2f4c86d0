"""Make a realistic manifest of any size: the paper's mix of kinds and its lengths of texts.

Synthetic: words are drawn from a fixed vocabulary, digests from the record's number. Written batch
by batch: 337 thousand records (half a gigabyte of captions) need the memory of one batch.
"""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.conditions.registry import KINDS
from any2caption.datasets.manifest.table import schema
from any2caption.datasets.splits import split_of

# Instances of the paper's data set, of 336,956: depth 182,945, identities 68,255, pose, camera.
MIX = (("depth", 182_945), ("image", 68_255), ("pose", 44_644), ("camera", 41_112))
WORDS = {"dense": 90, "main_object": 38, "background": 32, "camera": 24, "style": 20, "action": 27}
PROMPT = 55
LICENCES = ("CC-BY-4.0", "CC0-1.0", "Apache-2.0", "MIT")
_BATCH = 4_096
_LETTERS = "abcdeilmnorst"
_VOCABULARY = [
    "".join(_LETTERS[number // 13**place % 13] for place in range(1 + number % 7))
    for number in range(1_000, 6_000)
]


def _text(rng: random.Random, mean: int) -> str:
    return " ".join(rng.choices(_VOCABULARY, k=max(3, int(rng.gauss(mean, mean / 8)))))


def row(number: int) -> dict:
    """Return record `number` as a row of the manifest table."""
    rng = random.Random(number)  # noqa: S311 - no secret
    kind = rng.choices([name for name, _ in MIX], [count for _, count in MIX])[0]
    caption = {part: _text(rng, mean) for part, mean in WORDS.items()}
    split = split_of(StructuredCaption(**caption))
    # 138,089 identities on 68,255 instances: 2.02 pictures each.
    several = kind == "image"
    return {
        "id": f"bench-{number:07}",
        "source": f"bench-{number % 7}",
        "licence": LICENCES[number % len(LICENCES)],
        "split": split,
        "prompt": _text(rng, PROMPT),
        **{f"caption_{part}": caption[part] for part in PARTS},
        "conditions": [_condition(rng, kind, place) for place in range(1, 3 if several else 2)],
        "qa": [],
        "synthetic": True,
    }


def _condition(rng: random.Random, kind: str, place: int) -> dict:
    registered = KINDS[kind]
    sha256 = hashlib.sha256(rng.randbytes(8)).hexdigest()
    frames = {"depth": 4, "pose": 49, "camera": 49}.get(kind, 1)
    sized = kind in {"depth", "image"}
    return {
        "kind": kind,
        "number": place,
        "role": registered.roles[0] if registered.roles else None,
        "format": registered.formats[0],
        "parts": [{"name": f"{kind}.bin", "sha256": sha256, "size": rng.randint(500, 90_000)}],
        "frames": frames,
        "height": 480 if sized else None,
        "width": 720 if sized else None,
        "seconds": None,
        "options": "{}",
        "assumptions": [],
        "tool": "bench",
        "tool_version": "1",
    }


def rows(count: int) -> Iterator[list[dict]]:
    """Yield rows in batches."""
    for start in range(0, count, _BATCH):
        yield [row(number) for number in range(start, min(start + _BATCH, count))]


def write_manifest(path: Path, count: int) -> None:
    """Write a Parquet manifest of `count` records."""
    with pq.ParquetWriter(path, schema(), compression="zstd") as writer:
        for batch in rows(count):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema()))


def media_of(path: Path) -> list[str]:
    """Return the digests that the manifest refers to."""
    found: list[str] = []
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["conditions"]):
            for item in batch["conditions"].to_pylist():
                found += [part["sha256"] for condition in item for part in condition["parts"]]
    return found
