"""Validate a data set against its contract with Great Expectations, and write a report of it.

Every expectation runs once with a yes or no as its result, which is fast; only those that failed
run again with numbers and examples, from which the reasons are made.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from any2caption.conditions.kind import ConditionKind
from any2caption.datasets.contract.expectations import (
    Policy,
    condition_expectations,
    drift_expectations,
    kind_expectations,
    origin_expectations,
    record_expectations,
    total_expectations,
)
from any2caption.datasets.contract.report import About, Checked, page
from any2caption.datasets.contract.tables import COLUMNS, Frames, frames_of
from any2caption.datasets.digest_set import Digests
from any2caption.datasets.manifest.file import ManifestFile

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.expectations import Expectation


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that does not hold: in which table, which one, and what was found instead."""

    table: str
    expectation: str
    reason: str

    def __str__(self) -> str:
        return f"{self.table}: {self.expectation}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """The outcome. `report` is an HTML page.

    `warnings` are drift against the last snapshot: they are told, they refuse nothing.
    """

    passed: bool
    expectations: int
    failures: tuple[Failure, ...]
    report: Path
    seconds: float
    warnings: tuple[Failure, ...] = ()
    contract_seconds: float = 0.0
    """Of that, the yes-or-no tier alone: no examples, no report."""


def validate_manifest(  # noqa: PLR0913, PLR0917 - what a data set is held to
    manifest: Path | IO[bytes],
    media: Iterable[str] | Digests,
    data_docs_dir: Path,
    policy: Policy | None = None,
    last: Mapping[str, Any] | None = None,
    about: About | None = None,
) -> ValidationResult:
    """Validate a snapshot's Parquet manifest, a row group in memory at a time; see `validate`."""
    from any2caption.conditions.registry import KINDS

    frames = read_frames(manifest, media, list(KINDS))
    return validate_frames(frames, KINDS, data_docs_dir, policy or Policy(), last, about)


def read_frames(
    manifest: Path | IO[bytes], media: Iterable[str] | Digests, kinds: list[str]
) -> Frames:
    """Return the contract's tables of a Parquet manifest."""
    return frames_of(ManifestFile(manifest).batches(COLUMNS), media, kinds)


@dataclass(frozen=True, slots=True)
class Suite:
    """Expectations on one table; those of drift only warn."""

    table: str
    frame: "pd.DataFrame"
    expectations: "list[Expectation]"
    warns: bool = False


def suites(
    frames: Frames,
    kinds: Mapping[str, ConditionKind],
    policy: Policy,
    last: Mapping[str, Any] | None = None,
) -> Iterator[Suite]:
    """Yield the contract of a data set, generated from the condition registry, table by table."""
    rows, names = len(frames.records), list(kinds)
    yield Suite("records", frames.records, record_expectations(policy))
    yield Suite("origins", frames.origins, origin_expectations())
    # Means are taken here: Great Expectations looks at every value in Python before it takes one.
    yield Suite("totals", frames.totals, total_expectations(names, rows, policy))
    if len(frames.conditions):
        table = frames.conditions
        yield Suite("conditions", table, condition_expectations(names))
        places = table.groupby("kind", sort=False).indices
        # A table for each kind: a row condition would filter the whole table for every expectation.
        for name, kind in kinds.items():
            if name in places:
                own = table.iloc[places[name]]
                yield Suite(f"{name} conditions", own, kind_expectations(kind))
    if drift := drift_expectations(names, rows, last or {}, policy):
        yield Suite("drift", frames.totals, drift, warns=True)


def validate_frames(  # noqa: PLR0913, PLR0917 - what a data set is held to
    frames: Frames,
    kinds: Mapping[str, ConditionKind],
    data_docs_dir: Path,
    policy: Policy,
    last: Mapping[str, Any] | None = None,
    about: About | None = None,
) -> ValidationResult:
    """Validate the two tables of a data set; `kinds` says what each kind accepts."""
    context = _context()
    began = time.monotonic()
    checked: dict[str, list[Checked]] = {}
    broken: list[tuple[Suite, list[Expectation]]] = []  # the other tables need not be kept
    for suite in suites(frames, kinds, policy, last):
        checked[suite.table] = _checked(suite, {})
        if failed := _failed(context, suite):
            broken.append((suite, failed))
    contract_seconds = round(time.monotonic() - began, 2)
    failures: dict[bool, list[Failure]] = {True: [], False: []}
    for suite, failed in broken:
        again = [item.copy(update={"id": None}) for item in failed]
        results = _run(context, f"{suite.table} that failed", suite.frame, again, "SUMMARY")
        found = {
            id(item): _failure(suite.table, result)
            for item, result in zip(failed, results, strict=True)
            if not result.success
        }
        failures[suite.warns] += found.values()
        checked[suite.table] = _checked(suite, found)
    told = [one for table in checked.values() for one in table]
    report = data_docs_dir / "index.html"
    data_docs_dir.mkdir(parents=True, exist_ok=True)
    report.write_text(page(told, frames, about or About()), encoding="utf-8")
    return ValidationResult(
        passed=not failures[False],
        expectations=len(told),
        failures=tuple(failures[False]),
        report=report,
        seconds=round(time.monotonic() - began, 2),
        warnings=tuple(failures[True]),
        contract_seconds=contract_seconds,
    )


def _checked(suite: Suite, failed: Mapping[int, Failure]) -> list[Checked]:
    """What the report says of a table; `failed` by the expectation's `id()`."""
    return [
        Checked(
            suite.table,
            _name(item.configuration),
            failed[id(item)].reason if id(item) in failed else "",
            suite.warns,
        )
        for item in suite.expectations
    ]


def contract_tier(frames: Frames, kinds: Mapping[str, ConditionKind], policy: Policy) -> int:
    """Run the yes-or-no tier alone; return how many expectations failed (for measurements)."""
    context = _context()
    return sum(len(_failed(context, suite)) for suite in suites(frames, kinds, policy))


def _failed(context: "EphemeralDataContext", suite: Suite) -> "list[Expectation]":
    results = _run(context, suite.table, suite.frame, suite.expectations, "BOOLEAN_ONLY")
    return [
        expectation
        for expectation, result in zip(suite.expectations, results, strict=True)
        if not result.success
    ]


def _context() -> "EphemeralDataContext":
    # No usage statistics leave the machine; both must be set before the import.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.enable_analytics(False)
    for name, site in list(context.list_data_docs_sites().items()):
        context.delete_data_docs_site(name)
        shutil.rmtree(site["store_backend"]["base_directory"], ignore_errors=True)
    context.data_sources.add_pandas("snapshot")
    return context


def _run(
    context: "EphemeralDataContext",
    name: str,
    frame: "pd.DataFrame",
    expectations: "Sequence[Expectation]",
    detail: str,
) -> list[Any]:
    """Run expectations on a table; return one result each, in their order."""
    import great_expectations as gx

    suite = context.suites.add(gx.ExpectationSuite(name, expectations=list(expectations)))
    asset = context.data_sources.get("snapshot").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("all")
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=batch, suite=suite)
    )
    # A checkpoint around it would have no action to take, and costs a third more time.
    outcome = definition.run(
        batch_parameters={"dataframe": frame}, result_format={"result_format": detail}
    )
    # Or every table that was validated stays in memory, until the next context is made.
    batches = context.data_sources.get("snapshot").get_execution_engine().batch_manager
    batches.reset_batch_cache()
    batches.batch_data_cache.clear()
    by_id = {item.expectation_config.id: item for item in outcome.results}
    return [by_id[expectation.id] for expectation in suite.expectations]


def _failure(table: str, outcome: Any) -> Failure:
    config = outcome.expectation_config
    reason = _reason(config.kwargs, outcome.result, outcome.exception_info)
    return Failure(table, _name(config), reason)


def _name(config: Any) -> str:
    """An expectation's type with its columns."""
    column = config.kwargs.get("column") or ", ".join(config.kwargs.get("column_list", ()))
    return f"{config.type}({column})" if column else str(config.type)


def _reason(wanted: dict[str, Any], found: dict[str, Any], error: dict[str, Any]) -> str:
    """Say what was found instead of what was wanted, in one line."""
    if "unexpected_count" in found:
        examples = found.get("partial_unexpected_list", [])[:3]
        return (
            f"{found['unexpected_count']} of {found.get('element_count', '?')} values are not as "
            f"expected, e.g. {', '.join(map(repr, examples))}"
        )
    if "observed_value" in found:
        low, high = wanted.get("min_value"), wanted.get("max_value")
        return f"found {found['observed_value']}, expected between {low} and {high}"
    messages = [
        str(item.get("exception_message")) for item in error.values() if isinstance(item, dict)
    ]
    return "; ".join(messages) or "could not be computed"
