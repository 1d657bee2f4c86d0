"""`python -m any2caption.datasets.ingest`: make a snapshot from a source."""

import argparse
import json
import sys
from pathlib import Path

from any2caption.datasets.ingest import run_ingest
from any2caption.errors import A2CError
from any2caption.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Run the stage; the ids go to standard output or `--out` as JSON."""
    parser = argparse.ArgumentParser(prog="any2caption.datasets.ingest", description=__doc__)
    parser.add_argument(
        "--source", required=True, help="URI of the folder with a manifest or of a known shape"
    )
    parser.add_argument("--prefix", default="", help="folder below the URI")
    parser.add_argument(
        "--threshold", type=float, default=0.05, help="tolerated share of bad records"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--lifecycle", default="", help="id that ties progress lines together")
    parser.add_argument("--out", type=Path, help="file for the result instead of standard output")
    options = parser.parse_args(arguments)
    try:
        result = run_ingest(
            Settings(),
            options.source,
            prefix=options.prefix,
            threshold=options.threshold,
            workers=options.workers,
            lifecycle=options.lifecycle,
        )
    except A2CError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's output
        return error.exit_code
    text = json.dumps(result, indent=1)
    if options.out is None:
        print(text)  # noqa: T201 - a command's output
    else:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
