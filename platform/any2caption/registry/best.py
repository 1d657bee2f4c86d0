"""Which former champion was best: the guard against losing a little with every promotion."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from any2caption.errors import A2CError
from any2caption.evaluation.reports.judged import read_report
from any2caption.registry.client import MODEL

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
        value = read_report(verdict)["slices"]["all"]["accuracy"]["determinable"]["value"]
        return None if value is None else float(value)
    except (A2CError, ValueError, KeyError, TypeError):
        return None
