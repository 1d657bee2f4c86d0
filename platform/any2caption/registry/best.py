"""Which former champion was best: the guard against losing a little with every promotion."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from any2caption.registry.client import MODEL
from any2caption.storage import digest_of

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue


def best_former(catalogue: "Catalogue", snapshot: str, without: Collection[int]) -> int | None:
    """Return the former champion that answered best on this snapshot, by its verdict's report.

    Reports that are gone, or are not those that the verdict was made from, do not count: then the
    present champion alone is compared with. `without` are versions that are not former ones.
    """
    found = {
        version: accuracy
        for version in set(catalogue.champions(MODEL)) - set(without)
        if (accuracy := _accuracy(catalogue, version, snapshot)) is not None
    }
    return max(found, key=lambda version: (found[version], version)) if found else None


def _accuracy(catalogue: "Catalogue", version: int, snapshot: str) -> float | None:
    verdict = catalogue.verdict_on(version)
    if verdict is None or verdict.snapshot_id != snapshot:
        return None
    try:
        raw = Path(verdict.report).with_suffix(".json").read_bytes()
        if digest_of(raw) != verdict.report_digest:
            return None
        value = json.loads(raw)["slices"]["all"]["accuracy"]["determinable"]["value"]
        return None if value is None else float(value)
    except (OSError, ValueError, KeyError, TypeError):
        return None
