"""`python -m any2caption.datasets.synthetic`: make a corpus in an object store."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from any2caption.commands import run_command
from any2caption.datasets.synthetic.corpus import make_corpus
from any2caption.storage import open_store


def main(
    store: Annotated[str, typer.Option(help="Store URI: file:///…, s3://bucket/…")],
    prefix: Annotated[str, typer.Option(help="Folder of the corpus in the store")],
    scenes: Annotated[int, typer.Option()],
    seed: Annotated[int, typer.Option()],
    endpoint_url: Annotated[str, typer.Option(help="S3 endpoint other than AWS")] = "",
    workers: Annotated[int, typer.Option()] = 2,
) -> None:
    """Make a corpus; the summary goes to standard output as JSON, progress to standard error."""
    summary = make_corpus(
        open_store(store, endpoint_url=endpoint_url or None),
        prefix,
        scenes=scenes,
        seed=seed,
        workers=workers,
        log=lambda message: typer.echo(message, err=True),
    )
    sys.stdout.write(json.dumps(asdict(summary)) + "\n")


if __name__ == "__main__":
    sys.exit(run_command(main))
