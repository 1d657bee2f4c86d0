"""A snapshot as MLflow shows it: the data set of a run."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_DIGEST = 36  # the longest digest of a data set that MLflow takes


def mlflow_input(snapshot: str, context: str) -> "DatasetInput":
    """Return a snapshot as the input of a run; `context` says what it was used for."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name, digest = input_name(snapshot)
    source = json.dumps({"snapshot": snapshot})
    held = Dataset(name=name, digest=digest, source_type="a2c", source=source)
    return DatasetInput(held, [InputTag("mlflow.data.context", context)])


def input_name(snapshot: str) -> tuple[str, str]:
    """Return the name and the digest that the data set has."""
    return f"snapshot {snapshot[:12]}", snapshot[:_DIGEST]
