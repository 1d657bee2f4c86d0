"""`python -m any2caption.datasets.ingest`: make a snapshot from a source."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from any2caption.commands import put_result, run_command
from any2caption.datasets.ingest import run_ingest
from any2caption.settings import Settings


def main(
    source: Annotated[
        str, typer.Option(help="URI of the folder with a manifest or of a known shape")
    ],
    prefix: Annotated[str, typer.Option(help="Folder below the URI")] = "",
    threshold: Annotated[float, typer.Option(help="Tolerated share of bad records")] = 0.05,
    workers: Annotated[int, typer.Option()] = 2,
    lifecycle: Annotated[str, typer.Option(help="Id that ties progress lines together")] = "",
    out: Annotated[Path | None, typer.Option(help="File for the result")] = None,
) -> None:
    """Run the stage; the ids go to standard output or `--out` as JSON."""
    result = run_ingest(
        Settings(),
        source,
        prefix=prefix,
        threshold=threshold,
        workers=workers,
        lifecycle=lifecycle,
    )
    put_result(result, out)


if __name__ == "__main__":
    sys.exit(run_command(main))
