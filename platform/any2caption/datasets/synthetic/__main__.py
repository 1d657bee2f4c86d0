"""`python -m any2caption.datasets.synthetic`: make a corpus in an object store."""

import argparse
import json
import sys
from dataclasses import asdict

from any2caption.datasets.synthetic.corpus import make_corpus
from any2caption.errors import A2CError


def main(arguments: list[str] | None = None) -> int:
    """Make a corpus; the summary goes to standard output as JSON, progress to standard error."""
    parser = argparse.ArgumentParser(prog="any2caption.datasets.synthetic", description=__doc__)
    parser.add_argument("--store", required=True, help="store URI: file:///…, s3://bucket/…")
    parser.add_argument("--endpoint-url", help="S3 endpoint, for stores other than AWS")
    parser.add_argument("--prefix", required=True, help="folder of the corpus in the store")
    parser.add_argument("--scenes", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    from any2caption.storage import open_store

    try:
        summary = make_corpus(
            open_store(options.store, endpoint_url=options.endpoint_url),
            options.prefix,
            scenes=options.scenes,
            seed=options.seed,
            workers=options.workers,
            log=lambda message: print(message, file=sys.stderr, flush=True),  # noqa: T201
        )
    except A2CError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's output
        return error.exit_code
    print(json.dumps(asdict(summary)))  # noqa: T201 - a command's output
    return 0


if __name__ == "__main__":
    sys.exit(main())
