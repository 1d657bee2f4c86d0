"""The data contract's outcome as one HTML page, which asks nothing of the network."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from any2caption.datasets.contract.tables import Frames
from any2caption.pages import render

if TYPE_CHECKING:
    import pandas as pd

_MEASURES = ("frames", "width", "height", "bytes")
_FORMATS = 6  # shown of a kind; the rest is counted


@dataclass(frozen=True, slots=True)
class Checked:
    """One expectation: in which table, in words, and what was found where it does not hold."""

    table: str
    expectation: str
    found: str = ""
    """Empty: it holds."""
    warns: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """What the page says beside the contract; what is not known is left out."""

    snapshot: str = ""
    source: str = ""
    rejected: int | None = None
    """Records that the ingest put into quarantine before the contract."""
    quarantine: str = ""
    duplicates: Mapping[str, Any] = field(default_factory=dict)
    """See `duplicates.groups`."""


def page(checked: Sequence[Checked], frames: Frames, about: About) -> str:
    """Return the page."""
    tables = list(dict.fromkeys(one.table for one in checked))
    return render(
        "any2caption.datasets.contract",
        "report.html",
        about=about,
        records=len(frames.records),
        checked=checked,
        failed=[one for one in checked if one.found and not one.warns],
        warnings=[one for one in checked if one.found and one.warns],
        tables=[(name, [one for one in checked if one.table == name]) for name in tables],
        kinds=list(_kinds(frames)),
        origins={name: _counts(frames.origins, name) for name in ("split", "licence", "source")},
        duplicates=[
            (name, about.duplicates[name])
            for name in ("exact", "text", "near")
            if name in about.duplicates
        ],
    )


def _kinds(frames: Frames) -> Iterator[dict[str, Any]]:
    """What conditions of each kind are like: share of records, formats, least, median and most."""
    if not len(frames.conditions):
        return
    for kind, rows in frames.conditions.groupby("kind", sort=False, observed=True):
        formats = rows["format"].value_counts()
        formats = formats[formats > 0]
        yield {
            "kind": kind,
            "conditions": len(rows),
            # A kind that nobody knows is in no total: the contract says so above.
            "share": float(frames.totals.get(f"has_{kind}", [math.nan])[0]),
            "formats": [(str(name), int(count)) for name, count in formats[:_FORMATS].items()],
            "others": int(formats[_FORMATS:].sum()),
            "measures": {name: spread for name in _MEASURES if (spread := _spread(rows[name]))},
        }


def _spread(column: "pd.Series[Any]") -> tuple[int, int, int] | None:
    """Least, median and most; None where nothing was measured."""
    known = column.dropna()
    if known.empty or known.max() == 0:
        return None
    return int(known.min()), int(known.median()), int(known.max())


def _counts(origins: "pd.DataFrame", name: str) -> list[tuple[str, int]]:
    if not len(origins):
        return []
    found = origins.groupby(name)["records"].sum().sort_values(ascending=False)
    return [(str(key), int(count)) for key, count in found.items()]
