"""Heavy work as Airflow tasks: one factory, two back ends.

`A2C_WORK_BACKEND=process` (the default) runs a local process that survives the Airflow worker;
`kubernetes` runs a pod through a deferrable KubernetesPodOperator that attaches to a pod that is
already there. The Kubernetes back end is built and its pod specification tested; it has not been
run against a cluster.
"""

import os
from typing import Any

from airflow.sdk import BaseOperator

from any2caption.errors import A2CError
from any2caption.orchestration.retries import exit_is_retryable, for_airflow

POOL = "gpu"


class ProcessWorkOperator(BaseOperator):  # type: ignore[misc]  # Airflow is untyped here
    """Runs a `Work` as a local process in a session of its own and waits for it.

    A retried task attaches to the process if it is alive; a cancelled one kills the whole group.
    """

    template_fields = ("work",)

    def __init__(self, *, work: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.work = work

    def execute(self, context: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Start or attach, stream the output to the task's log, and judge the exit code."""
        from airflow.sdk.exceptions import AirflowException, AirflowFailException

        from any2caption.orchestration.jobs import local_jobs
        from any2caption.orchestration.jobs.job_spec import from_dict
        from any2caption.progress import ProgressLog
        from any2caption.settings import Settings

        settings = Settings()
        work = from_dict(self.work)
        if work.is_done():
            self.log.info("%s was done before: %s", work.key, work.done)
            return work.key
        job = work.job(settings)
        offset = local_jobs.output_size(job)
        try:
            known = local_jobs.running_pid(job)
            pid = local_jobs.start(job)
        except A2CError as error:
            raise for_airflow(error) from error
        self.log.info("%s %s as process %d", "attached to" if known else "started", job.key, pid)
        code = local_jobs.follow(job, self.log.info, offset=offset)
        if code == 0:
            return job.key
        retryable = exit_is_retryable(code)
        ending = "was killed" if code is None else f"ended with exit code {code}"
        reason = f"{job.key} {ending}: {local_jobs.tail(job, 1)} (see {job.folder}/output.log)"
        ProgressLog(settings.progress_log, work.lifecycle).emit(
            work.stage, reason, status="retrying" if retryable else "failed"
        )
        raise (AirflowException if retryable else AirflowFailException)(reason)

    def on_kill(self) -> None:
        """Kill the process group when the task is cancelled."""
        from any2caption.orchestration.jobs import local_jobs
        from any2caption.orchestration.jobs.job_spec import from_dict
        from any2caption.settings import Settings

        local_jobs.cancel(from_dict(self.work).job(Settings()))


def control_work(task_id: str, work: Any, **kwargs: Any) -> BaseOperator:
    """Make the task that runs `work` beside Airflow, as a process of the control environment.

    For work that starts processes of its own, which a process forked by Airflow cannot.
    """
    return ProcessWorkOperator(task_id=task_id, work=work, **kwargs)


def gpu_work(task_id: str, work: Any, *, accelerator: bool = True, **kwargs: Any) -> BaseOperator:
    """Make the task that runs `work` (a `Work` as a dict, usually another task's output).

    `accelerator` puts it into the pool `gpu`, so that one such task runs at a time on a machine,
    and asks Kubernetes for a GPU.
    """
    if accelerator:
        kwargs.setdefault("pool", POOL)
    if os.environ.get("A2C_WORK_BACKEND", "process") == "kubernetes":
        from any2caption.orchestration.jobs.kubernetes import pod_operator

        return pod_operator(task_id, work, accelerator=accelerator, **kwargs)
    return ProcessWorkOperator(task_id=task_id, work=work, **kwargs)
