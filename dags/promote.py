"""### Promote.

Makes a challenger champion: compare-and-swap in the ledger, then MLflow's alias. A person approves
(*Required actions* in this interface, with the figures and the difference to the champion, or
`a2c approve VERSION`), unless `auto_approve` says otherwise. Only a version that passed its gate
can be promoted. Leaves the asset **champion**, which starts `release`.

Runs on every new challenger, or by hand with a `version`.
"""

from airflow.sdk import dag

from any2caption.orchestration import assets, params, tasks
from any2caption.orchestration.approval.task import approval
from any2caption.orchestration.retries import DEFAULT_ARGS


@dag(
    dag_display_name="Promote",
    schedule=[assets.CHALLENGER],
    catchup=False,
    max_active_runs=4,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["any2caption"],
    params={
        "lifecycle": params.lifecycle(),
        "version": params.version("Version with a passed verdict"),
        "auto_approve": params.auto_approve(),
    },
)
def promote() -> None:
    """Challenger → champion."""
    requested = tasks.request("challenger")
    choice = tasks.choose_approval(requested, "promote", "approval")
    asked = approval("approval")
    promoted = tasks.promote(requested, "approval")
    tasks.describe(requested) >> asked
    choice >> asked >> promoted
    choice >> promoted
    tasks.announce("announce_champion", assets.CHAMPION, promoted)


promote()
