"""A person's word before a promotion, through Airflow's own approval task."""

from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator

_BODY = """\
Version **{{ ti.xcom_pull(task_ids='request')['version'] }}** of `any2caption` passed its gate
(policy `{{ ti.xcom_pull(task_ids='request').get('policy', '') }}`, lifecycle
`{{ ti.xcom_pull(task_ids='request')['lifecycle'] }}`). Its report is on its run in MLflow.

*Approve* makes it champion and rolls it out; *Reject* leaves the present champion in place.
"""


def approval(task_id: str, **kwargs: Any) -> BaseOperator:
    """Make the task that waits, up to a week, for a release owner.

    Airflow 3.3.2 can lose an answer that comes within seconds of the question (the task then asks
    again), so it has retries; no approval is ever made up.
    """
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    return ApprovalOperator(
        task_id=task_id,
        subject="Promote version {{ ti.xcom_pull(task_ids='request')['version'] }} to champion?",
        body=_BODY,
        response_timeout=timedelta(days=7),
        retries=3,
        **kwargs,
    )
