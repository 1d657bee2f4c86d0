"""A person's word before a promotion, through Airflow's own approval task."""

from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator

_BODY = """\
{{ ti.xcom_pull(task_ids='describe') }}

Life cycle `{{ ti.xcom_pull(task_ids='request')['lifecycle'] }}`; from a terminal:
`a2c approve {{ ti.xcom_pull(task_ids='request')['version'] }}`.

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
