"""Records as two flat tables, which the data contract is written against. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from any2caption.captions.schema import PARTS
from any2caption.datasets.records import Record
from any2caption.datasets.splits import split_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Frames:
    """`records`: a row a record; `conditions`: a row a condition."""

    records: "pd.DataFrame"
    conditions: "pd.DataFrame"


def to_frames(records: Sequence[Record], media: Collection[str], kinds: Collection[str]) -> Frames:
    """Return the tables; `media` are the digests that are in the store.

    Columns of `records`: the record's texts, `<part>_words`, `n_<kind>` and `has_<kind>` (0 or 1)
    for each kind, `is_train`, `split_by_content` (whether the caption gives that split).
    Columns of `conditions`: what was probed, `pixels` of a frame, `parts` and their `bytes`,
    `smallest`, `largest`, `missing` (how many are not in the store).
    """
    import pandas as pd

    rows, conditions = [], []
    for record in records:
        counts = dict.fromkeys(kinds, 0)
        for item in record.conditions:
            counts[item.kind] = counts.get(item.kind, 0) + 1
            sizes = [part.size for part in item.parts]
            conditions.append(
                {
                    "record_id": record.id,
                    "kind": item.kind,
                    "number": item.number,
                    "role": item.role,
                    "format": item.format,
                    "frames": item.frames,
                    "height": item.height,
                    "width": item.width,
                    "parts": len(item.parts),
                    "bytes": sum(sizes),
                    "smallest": min(sizes, default=0),
                    "largest": max(sizes, default=0),
                    "pixels": item.height * item.width if item.height and item.width else None,
                    "missing": sum(part.sha256 not in media for part in item.parts),
                }
            )
        texts = {part: getattr(record.caption, part) for part in PARTS}
        rows.append(
            {
                "id": record.id,
                "source": record.source,
                "licence": record.licence,
                "split": record.split,
                "is_train": int(record.split == "train"),
                "split_by_content": record.split == split_of(record.caption),
                "inputs": len(record.conditions) + bool(record.prompt.strip()),
                **texts,
                **{f"{part}_words": len(text.split()) for part, text in texts.items()},
                **{f"n_{kind}": counts[kind] for kind in kinds},
                **{f"has_{kind}": int(counts[kind] > 0) for kind in kinds},
            }
        )
    return Frames(pd.DataFrame(rows), pd.DataFrame(conditions))
