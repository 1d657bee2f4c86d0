"""### Evaluate.

Captions the snapshot's held-out split with the candidate and, where there is one, the champion, and
lets the gate decide by the policy. Verdict, reasons and report go to MLflow and the catalogue. A
refusal fails this run with its reasons: nothing follows and the champion stays. A pass leaves the
asset **challenger**, which starts `promote`.

Runs on every new candidate, or by hand with a registered `version`.
"""

from airflow.sdk import dag

from any2caption.orchestration import assets, params, tasks
from any2caption.orchestration.retries import DEFAULT_ARGS


@dag(
    dag_display_name="Evaluate",
    schedule=[assets.CANDIDATE],
    catchup=False,
    max_active_runs=2,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["any2caption"],
    params={
        "lifecycle": params.lifecycle(),
        "version": params.version("Registered version to evaluate"),
        "snapshot": params.snapshot(),
        "policy": params.policy(),
        "auto_approve": params.auto_approve(),
    },
)
def evaluate() -> None:
    """Candidate → challenger, or a refusal with reasons."""
    planned = tasks.plan_evaluation(tasks.request("candidate"))
    scored = tasks.gpu_work("score", planned["score"])
    judged = tasks.judge(planned)
    scored >> judged
    tasks.announce("announce_challenger", assets.CHALLENGER, judged)


evaluate()
