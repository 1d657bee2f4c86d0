"""The tasks of `annotate_conditions`; people's readings are Airflow's human-in-the-loop tasks."""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, get_current_context, task

from any2caption.orchestration import assets
from any2caption.orchestration.annotation_actions import OPTIONS, SKIP
from any2caption.orchestration.retries import by_policy

Request = dict[str, Any]
TEXTS = ("prompt", "dense", "main_object", "background", "camera", "style", "action")


def _settings() -> Any:
    from any2caption.settings import Settings

    return Settings()


@task
@by_policy
def plan_annotation(request: Request) -> Request:
    """Write down the command."""
    from any2caption.orchestration import annotation_actions

    return annotation_actions.plan(_settings(), request)


@task
@by_policy
def annotated(request: Request) -> Request:
    """Take up the run's key and the annotated source."""
    from any2caption.orchestration import annotation_actions

    return annotation_actions.annotated(_settings(), request)


@task
@by_policy
def review_queue(request: Request) -> list[Request]:
    """Draw the records that people read."""
    from any2caption.orchestration import annotation_actions

    return annotation_actions.review_queue(_settings(), request)


@task
def forms(entries: list[Request]) -> list[Request]:
    """Return the readings' headings and texts, which is all that a form takes."""
    return [{"subject": entry["subject"], "body": entry["body"]} for entry in entries]


def review(task_id: str, shown: Any) -> Any:
    """Make one waiting task a reading: accept, edit (new texts in the form), reject or skip.

    Nobody's answer within two weeks is *Skip*: it counts as no reading, and none is made up.
    """
    from airflow.providers.standard.operators.hitl import HITLOperator

    fields = {
        name: Param("", type="string", description=f"New text of `{name}`; empty keeps the old one")
        for name in TEXTS
    }
    return HITLOperator.partial(
        task_id=task_id,
        options=list(OPTIONS),
        defaults=SKIP,
        params=fields,
        response_timeout=timedelta(days=14),
        retries=3,
    ).expand_kwargs(shown)


@task(trigger_rule="none_failed")  # type: ignore[untyped-decorator]
@by_policy
def record_reviews(request: Request, entries: list[Request], answers: Any) -> Request:
    """Enter what people said; without a queue there is nothing to enter."""
    from any2caption.orchestration import annotation_actions

    given = [dict(answer) for answer in answers or ()]
    return annotation_actions.record_reviews(_settings(), request, entries, given)


@task(task_id="announce_annotated", outlets=[assets.ANNOTATED])  # type: ignore[untyped-decorator]
def announce(request: Request) -> Request:
    """Publish the annotated source, from which `ingest_conditions` starts; a trial run does not."""
    from airflow.sdk.exceptions import AirflowSkipException

    if request.get("limit"):
        raise AirflowSkipException("a run with a limit is a trial: nothing is announced")
    extra = assets.carried(request)
    get_current_context()["outlet_events"][assets.ANNOTATED].extra = extra
    return extra
