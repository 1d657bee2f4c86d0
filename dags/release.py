"""### Release.

Builds a Triton release from the champion's registered bundle, verifies it, boots it in a Triton of
its own, loads it beside the present one, moves the traffic over and watches it answer; the former
release stays in place, or comes back, if any of this fails. Leaves the asset **release**.

Runs on every new champion, or by hand (version 0: the present champion).
"""

from airflow.sdk import dag

from any2caption.orchestration import assets, params, tasks
from any2caption.orchestration.retries import DEFAULT_ARGS


@dag(
    dag_display_name="Release",
    schedule=[assets.CHAMPION],
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["any2caption"],
    params={
        "lifecycle": params.lifecycle(),
        "version": params.version("Version to release; 0: the champion"),
    },
)
def release() -> None:
    """Champion → release."""
    released = tasks.release(tasks.request("champion"))
    tasks.announce("announce_release", assets.RELEASE, released)


release()
