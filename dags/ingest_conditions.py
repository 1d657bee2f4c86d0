"""### Ingest conditions.

Reads a source (a folder with `manifest.jsonl` in object storage), parses and probes every condition
file, quarantines broken records with reasons, validates the rest with Great Expectations and
publishes an immutable snapshot. Leaves the asset **snapshot**, which starts `finetune`.

An unchanged source gives the same snapshot id. By default it runs weekly on the source that the
setting `A2C_SOURCE` names; without one the scheduled run is skipped. It also runs on every source
that `annotate_conditions` leaves.
"""

from airflow.sdk import dag

from any2caption.orchestration import assets, params, schedules, tasks
from any2caption.orchestration.retries import DEFAULT_ARGS


@dag(
    dag_display_name="Ingest conditions",
    schedule=schedules.at_or(schedules.WEEKLY, assets.ANNOTATED),
    catchup=False,
    max_active_runs=4,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["any2caption"],
    params={
        "lifecycle": params.lifecycle(),
        "source": params.source(),
        "preset": params.preset(),
        "recipe": params.recipe(),
        "weights": params.weights(),
        "policy": params.policy(),
        "auto_approve": params.auto_approve(),
    },
)
def ingest_conditions() -> None:
    """Source → snapshot."""
    planned = tasks.plan_ingest(tasks.request("annotated"))
    read = tasks.control_work("ingest", planned["ingest"])
    published = tasks.published(planned)
    read >> published
    tasks.announce("announce_snapshot", assets.SNAPSHOT, published)


ingest_conditions()
