"""A manifest as two flat tables of numbers, which the data contract is written against.

Made column by column from Arrow batches, a row group in memory at a time: captions are half a
gigabyte at 337 thousand records, what the contract asks about them is a few megabytes.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets.records import Record
from any2caption.datasets.splits import TRAIN_SHARE, VALIDATION_SHARE

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_BLANK = 0x20
_COUNTED = ("n_", "has_", "is_")  # columns of which only mean and most are asked for
_RECORDS = 4_096  # turned into Arrow at once
COLUMNS = (
    "id", "source", "licence", "split", "prompt", "conditions",
    *(f"caption_{part}" for part in PARTS),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frames:
    """`records`: a row a record; `conditions`: a row a condition."""

    records: "pd.DataFrame"
    conditions: "pd.DataFrame"


def to_frames(records: Sequence[Record], media: Collection[str], kinds: Collection[str]) -> Frames:
    """Return the tables of records; see `frames_of`."""
    return frames_of(_batches(records), media, kinds)


def frames_of(
    batches: "Iterable[pa.RecordBatch]", media: Collection[str], kinds: Collection[str]
) -> Frames:
    """Return the tables of a manifest; `media` are the digests that are in the store.

    Columns of `records`: id, source, licence, split, `<part>_words` (0 = empty), `prompt_words`,
    `n_<kind>` and `has_<kind>` (0 or 1) for each kind, `inputs`, `is_train`, `split_by_content`
    (whether the caption gives that split).
    Columns of `conditions`: what was probed, `pixels` of a frame, `parts` and their `bytes`,
    `smallest`, `largest`, `missing` (how many are not in the store), `twin` (whether its record has
    another condition of that kind and number).
    """
    import pandas as pd
    import pyarrow as pa

    there = pa.array(sorted(media), pa.string())
    rows: list[pa.Table] = []
    conditions: list[pa.Table] = []
    for batch in batches:
        table = _conditions(batch, there)
        conditions.append(table)
        rows.append(_records(batch, table, kinds))
    if not rows:
        return Frames(pd.DataFrame(), pd.DataFrame())
    return Frames(_to_pandas(pa.concat_tables(rows)), _to_pandas(pa.concat_tables(conditions)))


def _records(batch: "pa.RecordBatch", conditions: "pa.Table", kinds: Collection[str]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: dict[str, Any] = {name: batch[name] for name in ("id", "source", "licence")}
    columns["split"] = batch["split"].dictionary_encode().cast(pa.string())
    columns["is_train"] = pc.equal(batch["split"], "train").cast(pa.int8())
    columns["split_by_content"] = _splits_hold(batch)
    prompt = _words(batch["prompt"])
    number = conditions["row"].to_numpy()
    size = batch.num_rows
    counts = np.bincount(number, minlength=size)
    columns["inputs"] = counts + (prompt.to_numpy() > 0)
    columns["prompt_words"] = prompt
    for part in PARTS:
        columns[f"{part}_words"] = _words(batch[f"caption_{part}"])
    kind = conditions["kind"]
    for name in kinds:
        own = number[pc.equal(kind, name).to_numpy()]
        count = np.bincount(own, minlength=size).astype(np.int16)
        columns[f"n_{name}"] = count
        columns[f"has_{name}"] = (count > 0).astype(np.int8)
    return pa.table(columns)


def _conditions(batch: "pa.RecordBatch", there: "pa.Array") -> "pa.Table":
    """Return a row a condition; `row` is its record's place in the batch."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lists = batch["conditions"]
    flat = pc.list_flatten(lists)
    row = pc.list_parent_indices(lists)
    field = {name: pc.struct_field(flat, name) for name in ("kind", "role", "format", "parts")}
    numbers = {
        name: pc.struct_field(flat, name) for name in ("number", "frames", "height", "width")
    }
    parts = pc.list_flatten(field["parts"])
    owner = pc.list_parent_indices(field["parts"]).to_numpy()
    sizes = pc.struct_field(parts, "size").to_numpy()
    known = pc.is_in(pc.struct_field(parts, "sha256"), value_set=there).to_numpy(
        zero_copy_only=False
    )
    size = len(flat)
    smallest = np.full(size, np.iinfo(np.int64).max)
    largest = np.zeros(size, np.int64)
    np.minimum.at(smallest, owner, sizes)
    np.maximum.at(largest, owner, sizes)
    count = np.bincount(owner, minlength=size)
    smallest[count == 0] = 0
    pixels = pc.multiply(numbers["height"].cast(pa.int64()), numbers["width"].cast(pa.int64()))
    return pa.table(
        {
            "row": row,
            "record_id": pc.take(batch["id"], row),
            "twin": _twins(row, field["kind"], numbers["number"]),
            "kind": field["kind"],
            "role": field["role"],
            "format": field["format"],
            **numbers,
            "parts": count,
            "bytes": np.bincount(owner, weights=sizes, minlength=size).astype(np.int64),
            "smallest": smallest,
            "largest": largest,
            "pixels": pixels,
            "missing": np.bincount(owner[~known], minlength=size),
        }
    )


def _twins(row: "pa.Array", kind: "pa.Array", number: "pa.Array") -> np.ndarray:
    import pandas as pd

    keys = pd.DataFrame(
        {
            "row": row.to_numpy(),
            "kind": kind.dictionary_encode().indices.to_numpy(zero_copy_only=False),
            "number": number.to_numpy(zero_copy_only=False),
        }
    )
    return np.asarray(keys.duplicated(), np.bool_)


def _words(texts: "pa.Array") -> "pa.Array":
    """Return the number of words of each text (0 for empty ones), by ASCII white space.

    A word starts where a byte above 0x20 follows one that is not, or the text's beginning.
    """
    import pyarrow as pa

    texts = texts.cast(pa.string()) if texts.null_count == 0 else texts.fill_null("")
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    low, high = int(ends[0]), int(ends[-1])
    if data is None or low == high:
        return pa.array(np.zeros(len(texts), np.int32))
    filled = np.frombuffer(data, np.uint8)[low:high] > _BLANK
    starts = filled.copy()
    starts[1:] &= ~filled[:-1]
    begins = ends[:-1][ends[:-1] < ends[1:]] - low
    starts[begins] = filled[begins]  # whatever the text before ended with
    places = np.flatnonzero(starts)
    counts = np.diff(np.searchsorted(places, ends - low))
    return pa.array(counts.astype(np.int32))


def _splits_hold(batch: "pa.RecordBatch") -> list[bool]:
    """Return whether each record's split is that of its caption, as `splits.split_of` has it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    # The printed form with its texts taken out: what stands before each part.
    empty = StructuredCaption(**dict.fromkeys(PARTS, "\0"))
    labels = [pa.scalar(text) for text in render(empty).split("\0")[:-1]]
    pieces = [
        item
        for label, part in zip(labels, PARTS, strict=True)
        for item in (label, batch[f"caption_{part}"])
    ]
    texts = pc.binary_join_element_wise(*pieces, "").cast(pa.binary())
    sha256 = hashlib.sha256
    heads = b"".join(sha256(text).digest()[:8] for text in texts.to_pylist())
    positions = np.frombuffer(heads, ">u8") / 2**64
    found = np.digitize(positions, [TRAIN_SHARE, TRAIN_SHARE + VALIDATION_SHARE])
    names = np.array(["train", "validation", "test"])
    return list(names[found] == np.array(batch["split"].to_pylist(), dtype=str))


def _to_pandas(table: "pa.Table") -> "pd.DataFrame":
    """Return a data frame; what Great Expectations compares one by one is int64.

    On any other type of whole numbers it calls a Python function for each value.
    """
    import pyarrow as pa

    columns = [name for name in table.column_names if name != "row"]
    compared = {
        name: table[name].cast(pa.int64())
        for name in columns
        if pa.types.is_integer(table[name].type) and not name.startswith(_COUNTED)
    }
    return pa.table({name: compared.get(name, table[name]) for name in columns}).to_pandas()


def _batches(records: Sequence[Record]) -> Iterator["pa.RecordBatch"]:
    from any2caption.datasets.manifest_table import to_table

    for start in range(0, len(records), _RECORDS):
        table = to_table(records[start : start + _RECORDS]).combine_chunks()
        yield from table.to_batches()
