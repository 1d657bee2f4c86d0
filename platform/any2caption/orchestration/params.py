"""Params of the DAGs, with JSON schemas that Airflow checks before it starts a run."""

from airflow.sdk import Param

from any2caption.model.presets import PRESETS

_ID = "^([A-Za-z0-9][A-Za-z0-9._-]{0,79})?$"


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
        enum=list(PRESETS),
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
        description="Promote without waiting for a person, where the server leaves that to a run "
        "(A2C_AUTO_APPROVE_BY_RUN); empty: the setting A2C_AUTO_APPROVE",
    )


def run() -> Param:
    """A training run."""
    return Param("", type="string", pattern="^[0-9a-f]{0,16}$", description="Key of a training run")


def version(description: str) -> Param:
    """A model version in the registry."""
    return Param(0, type="integer", minimum=0, description=description)


def annotator() -> Param:
    """Who writes captions and prompts."""
    return Param(
        "rules",
        type="string",
        enum=["rules", "endpoint"],
        description="rules: geometry and the prompt's own words; endpoint: A2C_ANNOTATE_…",
    )


def extract() -> Param:
    """Which conditions to make."""
    return Param(
        [],
        type="array",
        items={"type": "string", "pattern": "^[a-z-]+(=.+)?$"},
        description="Extractors in order, as `canny` or `depth-model=/path/to/weights`; "
        "`a2c annotate tools` lists them",
    )


def fill(what: str) -> Param:
    """Which texts to write."""
    return Param(
        "missing",
        type="string",
        enum=["missing", "all", "never"],
        description=f"Which {what} to write",
    )


def complete_only() -> Param:
    """Whether parts may stay unknown."""
    return Param(
        False,
        type="boolean",
        description="Leave out records whose caption has parts that could not be known",
    )


def contradictions() -> Param:
    """What happens to captions that contradict geometry."""
    return Param(
        "repair",
        type="string",
        enum=["repair", "people"],
        description="A caption against its conditions' geometry is repaired, or left to people",
    )


def share(description: str, default: float) -> Param:
    """A part of the whole."""
    return Param(default, type="number", minimum=0, maximum=1, description=description)


def limit() -> Param:
    """How many records."""
    return Param(0, type="integer", minimum=0, description="Annotate the first ones; 0: all")


def review_most() -> Param:
    """How much people are asked."""
    return Param(50, type="integer", minimum=0, maximum=500, description="Most records to read")
