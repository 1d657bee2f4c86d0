"""### Fine-tune.

Trains a model on a snapshot: the camera and the motion encoder are aligned, then the whole model
learns to interpret conditions. DeepSpeed runs as a process (or pod) of its own, in the pool `gpu`;
after a kill it resumes from its last checkpoint. An unchanged snapshot and recipe reuse the bundle
that is there. Leaves the asset **candidate**, which starts `evaluate`.

Runs on every new snapshot, or by hand with params (an empty `snapshot` means the latest).
"""

from airflow.sdk import dag

from any2caption.orchestration import assets, params, tasks
from any2caption.orchestration.retries import DEFAULT_ARGS


@dag(
    dag_display_name="Fine-tune",
    schedule=[assets.SNAPSHOT],
    catchup=False,
    max_active_runs=2,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["any2caption"],
    params={
        "lifecycle": params.lifecycle(),
        "snapshot": params.snapshot(),
        "preset": params.preset(),
        "recipe": params.recipe(),
        "weights": params.weights(),
        "policy": params.policy(),
        "auto_approve": params.auto_approve(),
    },
)
def finetune() -> None:
    """Snapshot → candidate."""
    planned = tasks.plan_training(tasks.request("snapshot"))
    prepared = tasks.gpu_work("prepare", planned["prepare"], accelerator=False)
    trained = tasks.gpu_work("train", planned["train"], retries=10)
    registered = tasks.register(planned)
    prepared >> trained >> registered
    tasks.announce("announce_candidate", assets.CANDIDATE, registered)


finetune()
