"""The data contract as Great Expectations, generated from the condition registry.

A new kind in the registry brings its expectations with it: nothing here names a kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from any2caption.captions.schema import PARTS
from any2caption.conditions.kind import ConditionKind
from any2caption.datasets.records import Split

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

MAX_SIDE = 16_384  # pixels
_SHARES_FROM = 2_000  # records; below, the share of a split is too noisy to judge


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds that a data set must keep, beside what is true of every data set."""

    part_words: tuple[int, int] = (1, 600)
    """Least and most words of any part of a caption."""
    dense_words: tuple[int, int] = (3, 600)
    """Least and most words of the dense part."""
    conditions_per_kind: int = 64
    """Most conditions of one kind in one record."""
    shares: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Least and most share (0…1) of records that have a condition of a kind."""
    train_share: tuple[float, float] = (0.7, 0.9)
    """Share of records in the training split, checked from 2,000 records on."""
    drift_share: float = 0.15
    """How far the share of records with a kind may move against the last snapshot."""
    drift_words: float = 0.3
    """How far a mean length of texts may move against the last snapshot, as a share of it."""


def drift_expectations(
    kinds: Sequence[str], rows: int, last: Mapping[str, Any], policy: Policy
) -> "list[Expectation]":
    """Return what should hold for the records' means against the last snapshot's statistics.

    These are warnings: another mix of data may be what somebody wanted.
    """
    import great_expectations.expectations as gxe

    before = int(last.get("records", 0))
    if not before or not rows:
        return []
    # The mean of few records wanders by itself: twice its standard error (p = 0.5) is not a drift.
    noise = (1 / before + 1 / rows) ** 0.5
    found: list[Expectation] = []
    table = last.get("kinds", {})
    for kind in kinds:
        share = table.get(kind, {}).get("instances", 0) / before
        low, high = share - policy.drift_share - noise, share + policy.drift_share + noise
        found.append(
            gxe.ExpectColumnMeanToBeBetween(
                column=f"has_{kind}", min_value=max(low, 0.0), max_value=min(high, 1.0)
            )
        )
    lengths = {f"{part}_words": row for part, row in last.get("part_words", {}).items()}
    if "prompt_words" in last:
        lengths["prompt_words"] = last["prompt_words"]
    for column, row in lengths.items():
        slack = max(policy.drift_words * row["mean"], 2.0)
        found.append(
            gxe.ExpectColumnMeanToBeBetween(
                column=column, min_value=max(row["mean"] - slack, 0), max_value=row["mean"] + slack
            )
        )
    return found


def record_expectations(policy: Policy) -> "list[Expectation]":
    """Return what must hold for the table of records."""
    import great_expectations.expectations as gxe

    found: list[Expectation] = [
        gxe.ExpectTableRowCountToBeBetween(min_value=1),
        gxe.ExpectColumnValuesToNotBeNull(column="id"),
        gxe.ExpectColumnValuesToBeUnique(column="id"),
        # Nothing that is tested on may be trained on: the split must follow from the content.
        gxe.ExpectColumnValuesToBeInSet(column="split_by_content", value_set=[True]),
        gxe.ExpectColumnValuesToBeBetween(column="inputs", min_value=1),
    ]
    for part in PARTS:
        least, most = policy.dense_words if part == "dense" else policy.part_words
        words = f"{part}_words"
        found += [
            gxe.ExpectColumnValuesToNotBeNull(column=words),
            gxe.ExpectColumnValuesToBeBetween(column=words, min_value=least, max_value=most),
        ]
    return found


def origin_expectations() -> "list[Expectation]":
    """Return what must hold for the sources, licences and splits of records."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectColumnValuesToMatchRegex(column="source", regex=r"\S"),
        gxe.ExpectColumnValuesToMatchRegex(column="licence", regex=r"\S"),
        gxe.ExpectColumnValuesToBeInSet(column="split", value_set=list(get_args(Split))),
    ]


def total_expectations(kinds: Sequence[str], rows: int, policy: Policy) -> "list[Expectation]":
    """Return what must hold for all records together: shares, and the most of a kind."""
    import great_expectations.expectations as gxe

    found: list[Expectation] = []
    for kind in kinds:
        low, high = policy.shares.get(kind, (0.0, 1.0))
        found.append(
            gxe.ExpectColumnMeanToBeBetween(column=f"has_{kind}", min_value=low, max_value=high)
        )
    found += [
        gxe.ExpectColumnMaxToBeBetween(column=f"n_{kind}", max_value=policy.conditions_per_kind)
        for kind in kinds
    ]
    if rows >= _SHARES_FROM:
        low, high = policy.train_share
        found.append(
            gxe.ExpectColumnMeanToBeBetween(column="is_train", min_value=low, max_value=high)
        )
    return found


def condition_expectations(kinds: Sequence[str]) -> "list[Expectation]":
    """Return what must hold for the table of all conditions."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectColumnValuesToBeInSet(column="kind", value_set=list(kinds)),
        gxe.ExpectColumnValuesToBeBetween(column="number", min_value=1),
        # Referential integrity: a condition is one of its record's, its files are in the store.
        gxe.ExpectColumnValuesToBeInSet(column="twin", value_set=[False]),
        gxe.ExpectColumnValuesToBeInSet(column="missing", value_set=[0]),
        gxe.ExpectColumnValuesToBeBetween(column="frames", min_value=1),
        gxe.ExpectColumnValuesToBeBetween(column="height", min_value=1, max_value=MAX_SIDE),
        gxe.ExpectColumnValuesToBeBetween(column="width", min_value=1, max_value=MAX_SIDE),
        gxe.ExpectColumnValuesToBeBetween(column="parts", min_value=1),
        gxe.ExpectColumnValuesToBeBetween(column="smallest", min_value=1),
    ]


def kind_expectations(kind: ConditionKind) -> "list[Expectation]":
    """Return what must hold for the conditions of one kind: formats, roles, limits."""
    import great_expectations.expectations as gxe

    highest = {
        "parts": kind.limits.parts,
        "largest": kind.limits.part_bytes,
        "bytes": kind.limits.total_bytes,
        "pixels": kind.limits.pixels,
        "frames": kind.limits.frames,
    }
    return [
        gxe.ExpectColumnValuesToBeInSet(column="format", value_set=list(kind.formats)),
        gxe.ExpectColumnValuesToBeInSet(column="role", value_set=list(kind.roles))
        if kind.roles
        else gxe.ExpectColumnValuesToBeNull(column="role"),
        *(
            gxe.ExpectColumnValuesToBeBetween(column=column, max_value=most)
            for column, most in highest.items()
            if most is not None
        ),
    ]
