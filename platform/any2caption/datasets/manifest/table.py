"""Records as rows of an Arrow table and back, exactly; and their canonical text.

The canonical text is what a snapshot's id is the digest of, so it depends on the records alone: not
on their order, not on Parquet's version or compression.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from any2caption.captions.schema import PARTS
from any2caption.datasets.records import Record

if TYPE_CHECKING:
    import pyarrow as pa

LATER = ("seconds", "movements")  # fields of a condition that records of the first version lack
_EMPTY: tuple[Any, ...] = (None, [])
_BATCH = 512  # rows turned into Python objects at once


def canonical_line(document: dict[str, Any]) -> bytes:
    """Return a record's canonical JSON (sorted keys, no blanks, UTF-8) with a line break.

    Fields that came later (`LATER`) are left out where they are empty: ids of old records stay.
    """
    if any(key in item for item in document["conditions"] for key in LATER):
        conditions = [
            {key: value for key, value in item.items() if key not in LATER or value not in _EMPTY}
            for item in document["conditions"]
        ]
        document = {**document, "conditions": conditions}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


def to_table(records: Iterable[Record]) -> "pa.Table":
    """Return the manifest table, a row a record, in the given order."""
    import pyarrow as pa

    rows = [to_row(record.model_dump(mode="json")) for record in records]
    return pa.Table.from_pylist(rows, schema=schema())


def documents(table: "pa.Table", split: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield records as JSON objects, in the table's order, a few thousand in memory at a time."""
    import pyarrow.compute as pc

    if split is not None:
        table = table.filter(pc.equal(table["split"], split))
    for batch in table.to_batches(max_chunksize=_BATCH):
        for row in batch.to_pylist():
            yield _to_document(row)


def to_row(document: dict[str, Any]) -> dict[str, Any]:
    """Return a record's JSON object as a row of the table."""
    document = dict(document)
    caption = document.pop("caption")
    conditions = [
        {**item, "options": json.dumps(item["options"], sort_keys=True)}
        for item in document["conditions"]
    ]
    columns = {f"caption_{part}": caption[part] for part in PARTS}
    return {**document, "conditions": conditions, **columns}


def _to_document(row: dict[str, Any]) -> dict[str, Any]:
    caption = {part: row.pop(f"caption_{part}") for part in PARTS}
    for condition in row["conditions"]:
        condition["options"] = json.loads(condition["options"])
        condition["movements"] = condition.get("movements") or []
    return {**row, "caption": caption}


@cache
def schema() -> "pa.Schema":
    """Return the manifest table's schema."""
    import pyarrow as pa

    text, whole = pa.string(), pa.int32()
    part = pa.struct([("name", text), ("sha256", text), ("size", pa.int64())])
    condition = pa.struct(
        [
            ("kind", text),
            ("number", whole),
            ("role", text),
            ("format", text),
            ("parts", pa.list_(part)),
            ("frames", whole),
            ("height", whole),
            ("width", whole),
            ("seconds", pa.float64()),
            ("options", text),
            ("assumptions", pa.list_(text)),
            ("movements", pa.list_(text)),
            ("tool", text),
            ("tool_version", text),
        ]
    )
    names = ("aspect", "slot", "question", "answer")
    qa = pa.struct([*((name, text) for name in names), ("sources", pa.list_(text))])
    return pa.schema(
        [
            ("id", text),
            ("source", text),
            ("licence", text),
            ("split", text),
            ("prompt", text),
            *((f"caption_{name}", text) for name in PARTS),
            ("conditions", pa.list_(condition)),
            ("qa", pa.list_(qa)),
            ("synthetic", pa.bool_()),
        ]
    )
