"""A playground whose steps take their time: `python slow.py`, which prints its address.

Each step goes on until the file of its name is in the folder of the environment's `SLOW`, or until
the request is taken back; then the file `left` is made.
"""

import os
import sys
import time
from pathlib import Path

from any2caption.cli.terminal.console import put
from any2caption.errors import CancelledError
from any2caption.playground.asking import Here
from any2caption.playground.server import serve


class Slow(Here):
    """This process, which waits for a file before each step."""

    def ask(self, request, choices=None, follow=None):
        folder = Path(os.environ["SLOW"])
        for step in ("preprocess", "decoder", "check"):
            while not (folder / step).exists():
                if not follow([step]):
                    (folder / "left").touch()
                    raise CancelledError("the request was cancelled")
                time.sleep(0.05)
        return super().ask(request, choices, follow)


if __name__ == "__main__":
    with Slow() as slow:
        serve(
            [slow], host="127.0.0.1", port=0, token="", shelf=[], keep=lambda _: "",
            ready=put,
        )  # fmt: skip
    sys.exit(0)
