"""`python -m any2caption.annotation`: annotate a source, as the DAG runs it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from any2caption.annotation.plan import Contradictions, Fill, Name, Plan
from any2caption.annotation.run import run_annotation
from any2caption.commands import put_result, run_command
from any2caption.settings import Settings


def main(
    source: Annotated[str, typer.Option(help="URI of the folder with manifest.jsonl")],
    manifest: Annotated[str, typer.Option(help="URI of another file that lists the records")] = "",
    annotator: Annotated[Name, typer.Option()] = "rules",
    extract: Annotated[list[str] | None, typer.Option(metavar="TOOL[=WEIGHTS]")] = None,
    captions: Annotated[Fill, typer.Option()] = "missing",
    prompts: Annotated[Fill, typer.Option()] = "missing",
    frames: Annotated[int, typer.Option(help="Frames shown per question")] = 8,
    complete_only: Annotated[bool, typer.Option("--complete-only")] = False,
    contradictions: Annotated[Contradictions, typer.Option()] = "repair",
    threshold: Annotated[float, typer.Option(help="Tolerated share of bad records")] = 0.05,
    limit: Annotated[int, typer.Option(help="Annotate the first ones; 0: all")] = 0,
    workers: Annotated[int, typer.Option()] = 4,
    lifecycle: Annotated[str, typer.Option(help="Id that ties progress lines together")] = "",
    out: Annotated[Path | None, typer.Option(help="File for the result")] = None,
) -> None:
    """Run the stage; the report goes to standard output or `--out` as JSON."""
    plan = Plan(
        source=source,
        manifest=manifest,
        annotator=annotator,
        extract=tuple(extract or ()),
        captions=captions,
        prompts=prompts,
        frames=frames,
        complete_only=complete_only,
        contradictions=contradictions,
        threshold=threshold,
        limit=limit,
        workers=workers,
    )
    put_result(run_annotation(Settings(), plan, lifecycle=lifecycle), out)


if __name__ == "__main__":
    sys.exit(run_command(main))
