"""### Housekeeping.

Every quarter of an hour, and when MLflow says that the champion's alias changed: points the alias
at the ledger's champion again, sends MLflow the metrics that it missed of finished training runs,
announces a champion whose release was never begun, brings models back whose worker process died
inside Triton, removes prepared data and checkpoints of finished runs that are older than `days`,
and retires releases beyond A2C_KEEP_RELEASES. Metrics, reports and the bundles of runs are kept.
"""

from airflow.sdk import Param, dag

from any2caption.orchestration import assets, schedules, tasks
from any2caption.orchestration.retries import DEFAULT_ARGS


@dag(
    dag_display_name="Housekeeping",
    schedule=schedules.at_or(schedules.QUARTER_HOURLY, assets.ALIAS),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["any2caption"],
    params={"days": Param(30, type="integer", minimum=1, description="Age of runs to clean")},
)
def housekeeping() -> None:
    """Repair, watch, clean."""
    tasks.reconcile()
    tasks.announce("announce_champion", assets.CHAMPION, tasks.unreleased())
    tasks.send_metrics()
    tasks.watch()
    tasks.retain()


housekeeping()
