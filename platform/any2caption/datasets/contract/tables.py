"""A manifest as flat tables of numbers, which the data contract is written against.

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
from any2caption.datasets.digest_set import Digests
from any2caption.datasets.records import Record
from any2caption.datasets.splits import TRAIN_SHARE, VALIDATION_SHARE

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_BLANK = 0x20
_ORIGIN = ("source", "licence", "split")
_LENGTHS = ("prompt_words", *(f"{part}_words" for part in PARTS))
_RECORDS = 4_096  # turned into Arrow at once
COLUMNS = (
    "id", "source", "licence", "split", "prompt", "conditions",
    *(f"caption_{part}" for part in PARTS),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frames:
    """The tables that the contract is written against.

    `records`: a row a record; `conditions`: a row a condition; `origins`: a row for each source,
    licence and split that records have together, and `records`, how many do. `totals`: one row,
    `has_<kind>`, the share of records that have the kind; `n_<kind>`, the most of it in one record;
    `is_train`, a share; means of `<part>_words` and `prompt_words`.
    """

    records: "pd.DataFrame"
    conditions: "pd.DataFrame"
    totals: "pd.DataFrame"
    origins: "pd.DataFrame"


def to_frames(
    records: Sequence[Record], media: Iterable[str] | Digests, kinds: Collection[str]
) -> Frames:
    """Return the tables of records; see `frames_of`."""
    return frames_of(_batches(records), media, kinds)


def frames_of(
    batches: "Iterable[pa.RecordBatch]", media: Iterable[str] | Digests, kinds: Collection[str]
) -> Frames:
    """Return the tables of a manifest; `media` are the digests that are in the store.

    Columns of `records`: id, `<part>_words` (0 = empty), `prompt_words`, `inputs`,
    `split_by_content` (whether the caption gives that split).
    Columns of `conditions`: what was probed, `pixels` of a frame, `parts` and their `bytes`,
    `smallest`, `largest`, `missing` (how many are not in the store), `twin` (whether its record has
    another condition of that kind and number).
    """
    import pandas as pd
    import pyarrow as pa

    there, counted = Digests.of(media), _Totals(kinds)
    rows: list[pa.Table] = []
    conditions: list[pa.Table] = []
    origins: list[pa.Table] = []
    for batch in batches:
        table = _conditions(batch, there)
        origins.append(_origins(pa.table({name: batch[name] for name in _ORIGIN})))
        rows.append(_records(batch, table))
        counted.add(batch, table, rows[-1])
        conditions.append(table.drop_columns("row"))
    if not rows:
        return Frames(*(pd.DataFrame() for _ in range(4)))
    frames = _to_pandas(rows), _to_pandas(conditions)
    # What the batches took is given back before Great Expectations copies tables.
    pa.default_memory_pool().release_unused()
    everywhere = _origins(pa.concat_tables(origins)).to_pandas()
    return Frames(*frames, pd.DataFrame([counted.row()]), everywhere)


def _origins(table: "pa.Table") -> "pa.Table":
    """Count the records of each source, licence and split; sums counts that are there already."""
    import pyarrow as pa

    if "records" not in table.column_names:
        table = table.append_column("records", pa.array(np.ones(table.num_rows, np.int64)))
    found = table.group_by(list(_ORIGIN), use_threads=False).aggregate([("records", "sum")])
    return found.rename_columns([*_ORIGIN, "records"])


class _Totals:
    """Sums over records, batch by batch."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._count = 0
        self._sums = dict.fromkeys([*(f"has_{name}" for name in kinds), "is_train", *_LENGTHS], 0.0)
        self._most = dict.fromkeys((f"n_{name}" for name in kinds), 0)
        self._kinds = kinds

    def add(self, batch: "pa.RecordBatch", conditions: "pa.Table", records: "pa.Table") -> None:
        import pyarrow.compute as pc

        self._count += batch.num_rows
        self._sums["is_train"] += pc.sum(pc.equal(batch["split"], "train"), min_count=0).as_py()
        for name in _LENGTHS:
            self._sums[name] += pc.sum(records[name], min_count=0).as_py()
        number, kind = conditions["row"].to_numpy(), conditions["kind"]
        for name in self._kinds:
            count = np.bincount(number[pc.equal(kind, name).to_numpy()], minlength=1)
            self._sums[f"has_{name}"] += int(np.count_nonzero(count))
            self._most[f"n_{name}"] = max(self._most[f"n_{name}"], int(count.max()))

    def row(self) -> dict[str, float]:
        """Return means and mosts."""
        return {name: value / self._count for name, value in self._sums.items()} | self._most


def _records(batch: "pa.RecordBatch", conditions: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    columns: dict[str, Any] = {"id": batch["id"]}
    columns["split_by_content"] = _splits_hold(batch)
    prompt = _words(batch["prompt"])
    number = conditions["row"].to_numpy()
    size = batch.num_rows
    counts = np.bincount(number, minlength=size)
    columns["inputs"] = counts + (prompt.to_numpy() > 0)
    columns["prompt_words"] = prompt
    for part in PARTS:
        columns[f"{part}_words"] = _words(batch[f"caption_{part}"])
    return pa.table(columns)


def _conditions(batch: "pa.RecordBatch", there: Digests) -> "pa.Table":
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
    known = there.holds(pc.struct_field(parts, "sha256"))
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
            "twin": _twins(row, field["kind"], numbers["number"]),
            **{name: field[name].dictionary_encode() for name in ("kind", "role", "format")},
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


def _to_pandas(batches: "list[pa.Table]") -> "pd.DataFrame":
    """Return a data frame, and empty the list: what was converted is not kept twice.

    What Great Expectations compares one by one is int64: on any other type of whole numbers it
    calls a Python function for each value.
    """
    import pandas as pd
    import pyarrow as pa

    table = pa.concat_tables(batches).unify_dictionaries()
    batches.clear()
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_integer(column.type):
            column = column.cast(pa.int64())
        columns[name] = column.to_pandas()
        table = table.drop_columns(name)
    return pd.DataFrame(columns, copy=False)


def _batches(records: Sequence[Record]) -> Iterator["pa.RecordBatch"]:
    from any2caption.datasets.manifest.table import to_table

    for start in range(0, len(records), _RECORDS):
        table = to_table(records[start : start + _RECORDS]).combine_chunks()
        yield from table.to_batches()
