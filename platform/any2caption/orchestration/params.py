"""Params of the DAGs, with JSON schemas that Airflow checks before it starts a run."""

from airflow.sdk import Param

_ID = "^[A-Za-z0-9._-]{0,80}$"


def lifecycle() -> Param:
    """The id that ties the stages of one life cycle together."""
    return Param(
        "", type="string", pattern=_ID, description="Ties stages together; empty: the run's own id"
    )


def source() -> Param:
    """Where `ingest_conditions` reads from."""
    return Param(
        "",
        type="string",
        description="Folder with manifest.jsonl: a prefix in the platform's store, file:///… or "
        "s3://…; empty: the setting A2C_SOURCE",
    )


def snapshot() -> Param:
    """The snapshot to train and evaluate on."""
    return Param(
        "",
        type="string",
        pattern="^[0-9a-f]{0,64}$",
        description="Snapshot id; empty: the latest one",
    )


def preset() -> Param:
    """The model's size."""
    return Param(
        "tiny",
        type="string",
        enum=["tiny", "qwen2-vl-2b", "qwen2-vl-7b"],
        description="Model preset",
    )


def recipe() -> Param:
    """How it is trained."""
    return Param("tiny", type="string", pattern=_ID, minLength=1, description="Training recipe")


def weights() -> Param:
    """Where the larger presets start from."""
    return Param(
        "",
        type="string",
        description="Folder or URI of Qwen2-VL weights; presets other than tiny need it",
    )


def policy() -> Param:
    """What the gate asks for."""
    return Param("tiny", type="string", pattern=_ID, minLength=1, description="Gate policy")


def auto_approve() -> Param:
    """Whether a person must approve the promotion."""
    return Param(
        None,
        type=["null", "boolean"],
        description="Promote without waiting for a person; empty: the setting A2C_AUTO_APPROVE",
    )


def run() -> Param:
    """A training run."""
    return Param("", type="string", pattern="^[0-9a-f]{0,16}$", description="Key of a training run")


def version(description: str) -> Param:
    """A model version in the registry."""
    return Param(0, type="integer", minimum=0, description=description)
