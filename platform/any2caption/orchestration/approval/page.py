"""What a person reads before a promotion: figures, the difference to the champion, the report."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from any2caption.errors import A2CError, NotFoundError
from any2caption.evaluation.reports.report import load_finding
from any2caption.registry import models
from any2caption.registry.client import MODEL
from any2caption.registry.promotion import open_ledger
from any2caption.settings import Settings

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Verdict
    from any2caption.evaluation.gates import Check
    from any2caption.evaluation.statistics.paired import Comparison


def page(settings: Settings, version: int) -> str:
    """Write Markdown on a version by its last verdict in the catalogue.

    Where the report's file is gone its figures are, and the page says so.

    Raises:
        NotFoundError: the version was never evaluated.
    """
    with closing(open_ledger(settings)) as ledger:
        verdict, champion = ledger.verdict_on(version), ledger.champion(MODEL)
    if verdict is None:
        raise NotFoundError(f"version {version} was never evaluated")
    passed = "passed" if verdict.passed else "was **refused** by"
    kind = "" if verdict.for_release else " (not for release)"
    started = f", started by {verdict.requester}" if verdict.requester else ""
    present = f"version {champion.version}" if champion else "nobody; this would be the first"
    compared = f"version {verdict.champion}" if verdict.champion else "nobody"
    parts = [
        f"Version **{version}** of `{MODEL}` {passed} policy `{verdict.policy}`{kind}{started}.",
        f"Champion: {present}. Compared with: {compared}.",
        _figures(verdict),
        f"Report: {_link(settings, verdict)}",
    ]
    return "\n\n".join(parts)


def _figures(verdict: "Verdict") -> str:
    path = Path(verdict.report).with_suffix(".json")
    try:
        finding = load_finding(path)
    except A2CError as error:
        return f"Its figures cannot be shown: {error}"
    if finding.report_digest != verdict.report_digest:
        return f"Its figures cannot be shown: {path} is not the report that was judged."
    tables = [_checks(finding.verdict.checks)]
    if finding.verdict.comparisons:
        tables.append(_differences(finding.verdict.comparisons))
    return "\n\n".join(tables)


def _checks(checks: "tuple[Check, ...]") -> str:
    rows = ["| check | value | bound | |", "|---|---:|---:|---|"]
    for check in checks:
        value = "not measured" if check.value is None else f"{check.value:.3f}"
        held = "holds" if check.passed else "**fails**"
        rows.append(f"| {_cell(check.name)} | {value} | {check.bound:.3f} | {held} |")
    return "\n".join(rows)


def _differences(comparisons: "tuple[Comparison, ...]") -> str:
    rows = [
        "| slice | champion | this version | difference | interval | p (worse) |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows += [
        f"| {_cell(one.slice)} | {one.champion:.3f} | {one.challenger:.3f} | "
        f"{one.difference:+.3f} | {one.lowest:+.3f} to {one.highest:+.3f} | {one.p_worse:.4f} |"
        for one in comparisons
    ]
    return "\n".join(rows)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _link(settings: Settings, verdict: "Verdict") -> str:
    """The report in MLflow, else its place on disk."""
    try:
        url = models.report_url(settings, verdict.version or 0, verdict.policy)
    except A2CError:
        return f"`{verdict.report}` (MLflow does not answer)"
    return f"[{verdict.policy}]({url})"
