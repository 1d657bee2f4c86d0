"""What a verdict was made on: its report, held to the digest that the catalogue keeps of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from any2caption.errors import IntegrityError, NotFoundError
from any2caption.storage import digest_of


class Kept(Protocol):
    """What the catalogue keeps of a verdict."""

    @property
    def report(self) -> str:
        """The path of `report.html`, beside which `report.json` lies."""

    @property
    def report_digest(self) -> str:
        """The SHA-256 of `report.json`."""


def read_report(verdict: Kept, path: Path | None = None) -> dict[str, Any]:
    """Return the report that a verdict was made from; `path` is where else than then it lies now.

    Raises:
        NotFoundError: the file is gone.
        IntegrityError: it is another report.
    """
    path = path or Path(verdict.report).with_suffix(".json")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"{path}: the report is gone ({error.strerror})") from error
    if digest_of(content) != verdict.report_digest:
        raise IntegrityError(f"{path}: not the report that was judged")
    return dict(json.loads(content))


@dataclass(frozen=True, slots=True)
class Judged:
    """The captions that a policy judged: held-out record → what the model wrote, unrepaired."""

    policy: str
    snapshot: str
    texts: Mapping[str, str]

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Self:
        """Take them from a report."""
        texts = {record: one["model"] for record, one in report["texts"].items()}
        return cls(report["policy"]["name"], report["snapshot"], texts)
