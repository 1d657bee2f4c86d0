"""The assets that chain the DAGs, and what an event carries: ids, never payloads."""

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Asset

ANNOTATED = Asset("annotated", uri="a2c://annotated", group="a2c")
SNAPSHOT = Asset("snapshot", uri="a2c://snapshot", group="a2c")
CANDIDATE = Asset("candidate", uri="a2c://candidate", group="a2c")
CHALLENGER = Asset("challenger", uri="a2c://challenger", group="a2c")
CHAMPION = Asset("champion", uri="a2c://champion", group="a2c")
RELEASE = Asset("release", uri="a2c://release", group="a2c")
ALIAS = Asset("alias", uri="a2c://alias", group="a2c")  # MLflow's webhook: not of the chain

# Everything that may travel along the chain. A key that a stage does not know passes through it.
KEYS = (
    "lifecycle",
    "source",
    "snapshot",
    "preset",
    "recipe",
    "weights",
    "policy",
    "auto_approve",
    "requester",
    "run",
    "version",
    "champion",
    "release",
)


def carried(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what goes into an event's `extra`: the known keys that have a value."""
    return {key: request[key] for key in KEYS if request.get(key) not in {None, ""}}
