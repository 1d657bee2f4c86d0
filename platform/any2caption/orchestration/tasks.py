"""The control tasks that DAG files chain: each calls its action; one announces the asset."""

from typing import Any

from airflow.sdk import Asset, get_current_context, task

from any2caption.orchestration import assets, links
from any2caption.orchestration.jobs import work_operator
from any2caption.orchestration.jobs.work_operator import control_work
from any2caption.orchestration.links import linked
from any2caption.orchestration.retries import by_policy

__all__ = [
    "announce",
    "choose_approval",
    "control_work",
    "describe",
    "gpu_work",
    "judge",
    "plan_evaluation",
    "plan_ingest",
    "plan_training",
    "promote",
    "published",
    "reconcile",
    "register",
    "release",
    "request",
    "retain",
    "send_metrics",
    "watch",
]

Request = dict[str, Any]
gpu_work = linked(links.TRAINING_RUN)(work_operator.gpu_work)


def _settings() -> Any:
    from any2caption.settings import Settings

    return Settings()


@task
@by_policy
def request(asset: str = "") -> Request:
    """Work out what this run is about: from the event of asset `asset`, else from params."""
    from any2caption.orchestration.run_request import resolve

    context = get_current_context()
    return resolve(
        context["params"],
        _event_extra(context, asset),
        context["run_id"],
        _settings(),
        user=context["dag_run"].triggering_user_name or "",
    )


def _event_extra(context: Any, asset: str) -> dict[str, Any] | None:
    """Return the latest event's extra; several that queued up are one run on the last of them."""
    events = context.get("triggering_asset_events") or {}
    extras = [event.extra for key in events if key.name == asset for event in events[key]]
    return dict(extras[-1]) if extras else None


@task
@by_policy
def plan_ingest(request: Request) -> Request:
    """Settle the source, the configured one by default; a scheduled run without any is skipped."""
    from airflow.sdk.exceptions import AirflowSkipException

    from any2caption.orchestration import actions

    settings = _settings()
    source = request.get("source") or settings.source
    if not source and str(get_current_context()["run_id"]).startswith("scheduled"):
        raise AirflowSkipException("no source to ingest weekly: set A2C_SOURCE")
    return actions.plan_ingest(settings, {**request, "source": source})


@linked(links.DATA_REPORT, links.DATA_CARD)
@task
@by_policy
def published(request: Request) -> Request:
    """Take up the snapshot's id."""
    from any2caption.orchestration import actions

    return actions.published(_settings(), request)


@task
@by_policy
def plan_training(request: Request) -> Request:
    """Decide snapshot and run key, and write down the commands."""
    from any2caption.orchestration import actions

    return actions.plan_training(_settings(), request)


@linked(links.VERSION)
@task
@by_policy
def register(request: Request) -> Request:
    """Register the bundle as a candidate version."""
    from any2caption.orchestration import actions

    return actions.register(_settings(), request)


@task
@by_policy
def plan_evaluation(request: Request) -> Request:
    """Bring the candidate's and the champion's bundles here and write down the command."""
    from any2caption.orchestration import actions

    return actions.plan_evaluation(_settings(), request)


@linked(links.GATE_REPORT, links.VERSION)
@task
@by_policy
def judge(request: Request) -> Request:
    """Record the verdict; a refusal fails the run with its reasons, and nothing follows."""
    from any2caption.orchestration import actions

    return actions.judge(_settings(), request)


@task.branch
@by_policy
def choose_approval(request: Request, automatic: str, by_person: str) -> str:
    """Go on to the task `automatic` if no person is needed, else to `by_person`."""
    from any2caption.orchestration.run_request import needs_no_person

    return automatic if needs_no_person(request, _settings()) else by_person


@task
@by_policy
def describe(request: Request) -> str:
    """Write what a person reads before the promotion."""
    from any2caption.orchestration import actions
    from any2caption.orchestration.run_request import require

    hint = "give the param `version` of a challenger"
    return actions.describe(_settings(), int(require(request, "version", hint)))


@linked(links.GATE_REPORT, links.MODEL_CARD)
@task(trigger_rule="none_failed_min_one_success")  # type: ignore[untyped-decorator]
@by_policy
def promote(request: Request, approval_task: str = "") -> Request:
    """Make the version champion. The approver is who answered `approval_task`, if asked."""
    from any2caption.orchestration import actions

    context = get_current_context()
    answer = context["ti"].xcom_pull(task_ids=approval_task) if approval_task else None
    if isinstance(answer, dict):
        user = answer.get("responded_by_user") or {}
        request = {**request, "approver": user.get("name") or user.get("id") or "a person"}
    return actions.promote(_settings(), request)


@linked(links.MODEL_CARD, links.VERSION)
@task
@by_policy
def release(request: Request) -> Request:
    """Build, try, roll out and watch the champion's release."""
    from any2caption.orchestration import actions

    return actions.release(_settings(), request)


def announce(task_id: str, asset: Asset, request: Any) -> Any:
    """Make the task that publishes the asset's event; the next DAG starts from it."""

    @task(task_id=task_id, outlets=[asset])  # type: ignore[untyped-decorator]
    def publish(request: Request) -> Request:
        extra = assets.carried(request)
        get_current_context()["outlet_events"][asset].extra = extra
        return extra

    return publish(request)


@task
@by_policy
def reconcile() -> Request:
    """Repair MLflow's champion alias from the ledger."""
    from any2caption.orchestration import actions

    return actions.reconcile(_settings())


@task
@by_policy
def unreleased() -> Request:
    """Find a champion whose release was never begun; skipped where there is none."""
    from airflow.sdk.exceptions import AirflowSkipException

    from any2caption.orchestration import actions
    from any2caption.orchestration.run_request import lifecycle_of

    version = actions.unreleased(_settings())
    if version is None:
        raise AirflowSkipException("the champion's release was begun")
    run = str(get_current_context()["run_id"])
    return {"lifecycle": lifecycle_of(run), "version": version}


@task
@by_policy
def send_metrics() -> list[str]:
    """Send metrics of finished training runs that MLflow missed."""
    from any2caption.orchestration import actions

    return actions.send_metrics(_settings())


@task
@by_policy
def watch() -> list[Request]:
    """Bring back serving steps that died."""
    from any2caption.orchestration import actions

    return actions.watch(_settings())


@task
@by_policy
def retain() -> Request:
    """Remove data and checkpoints of old finished runs, old releases, bundles and half uploads."""
    from any2caption.orchestration import actions

    settings, days = _settings(), int(get_current_context()["params"]["days"])
    return {
        "runs": actions.retain(settings, days=days),
        **actions.retire(settings),
        "half_written": actions.sweep_store(settings),
    }
