"""`python -m any2caption.annotation`: annotate a source, as the DAG runs it."""

import argparse
import json
import sys
from pathlib import Path

from any2caption.annotation.plan import FILLS, NAMES, Plan
from any2caption.annotation.run import run_annotation
from any2caption.errors import A2CError
from any2caption.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Run the stage; the report goes to standard output or `--out` as JSON."""
    parser = argparse.ArgumentParser(prog="any2caption.annotation", description=__doc__)
    parser.add_argument("--source", required=True, help="URI of the folder with manifest.jsonl")
    parser.add_argument("--manifest", default="", help="URI of another file that lists the records")
    parser.add_argument("--annotator", choices=NAMES, default="rules")
    parser.add_argument("--extract", action="append", default=[], metavar="TOOL[=WEIGHTS]")
    parser.add_argument("--captions", choices=FILLS, default="missing")
    parser.add_argument("--prompts", choices=FILLS, default="missing")
    parser.add_argument("--frames", type=int, default=8, help="frames shown per question")
    parser.add_argument("--complete-only", action="store_true")
    parser.add_argument("--threshold", type=float, default=0.05)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--lifecycle", default="", help="id that ties progress lines together")
    parser.add_argument("--out", type=Path, help="file for the result instead of standard output")
    options = vars(parser.parse_args(arguments))
    lifecycle, out = options.pop("lifecycle"), options.pop("out")
    try:
        plan = Plan(**{**options, "extract": tuple(options["extract"])})
        result = run_annotation(Settings(), plan, lifecycle=lifecycle)
    except A2CError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's output
        return error.exit_code
    text = json.dumps(result, indent=1)
    if out is None:
        print(text)  # noqa: T201 - a command's output
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
