"""### Annotate conditions.

Takes a source (a folder with `manifest.jsonl`) whose records lack conditions, captions or short
prompts, and makes one that has them: conditions by extractors, six-part captions and prompts by
rules or by an OpenAI-compatible endpoint (settings `A2C_ANNOTATE_…`). A sample goes to people
(*Required actions* in this interface: accept, edit, reject, skip), part of it to two of them; rates
and agreement go to the catalogue. Leaves the asset **annotated**, which starts `ingest_conditions`.

Runs by hand. The same source and params again ask the endpoint nothing and people nothing twice. A
run with a `limit` is a trial and starts nothing.
"""

from airflow.sdk import dag

from any2caption.orchestration import annotation_tasks, params, tasks
from any2caption.orchestration.retries import DEFAULT_ARGS


@dag(
    dag_display_name="Annotate conditions",
    schedule=None,
    catchup=False,
    max_active_runs=2,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["any2caption"],
    params={
        "lifecycle": params.lifecycle(),
        "source": params.source(),
        "annotator": params.annotator(),
        "extract": params.extract(),
        "captions": params.fill("captions"),
        "prompts": params.fill("short prompts"),
        "complete_only": params.complete_only(),
        "contradictions": params.contradictions(),
        "threshold": params.share("Share of records left out above which nothing follows", 0.05),
        "limit": params.limit(),
        "review_share": params.share("Share of records that people read", 0.02),
        "second_share": params.share("Share of these that a second person reads", 0.2),
        "review_most": params.review_most(),
    },
)
def annotate_conditions() -> None:
    """Source → annotated source."""
    planned = annotation_tasks.plan_annotation(tasks.request())
    written = tasks.control_work("annotate", planned["annotate"])
    found = annotation_tasks.annotated(planned)
    written >> found
    queue = annotation_tasks.review_queue(found)
    answers = annotation_tasks.review("review", annotation_tasks.forms(queue))
    recorded = annotation_tasks.record_reviews(found, queue, answers.output)
    annotation_tasks.announce(recorded)


annotate_conditions()
