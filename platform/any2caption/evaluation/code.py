"""Which code made and judged a caption: a verdict on one decoder is none on another."""

from functools import cache
from pathlib import Path

import any2caption
from any2caption.storage.digest import file_digest, listing_digest

_PARTS = ("captions", "conditions", "datasets", "evaluation", "grounding", "model")

_JUDGES = ("judge*", "judge*/**/*", "whole*")


@cache
def judge_digest() -> str:
    """SHA-256 over the sources that say whether an answer is right."""
    return judges_digest(Path(any2caption.__file__).parent)


def judges_digest(root: Path) -> str:
    """Digest the judge of the package under `root`."""
    folder = root / "evaluation"
    sources = {source for pattern in _JUDGES for source in folder.glob(f"{pattern}.py")}
    return listing_digest({one.relative_to(root).as_posix(): file_digest(one) for one in sources})


@cache
def code_digest() -> str:
    """SHA-256 over the sources that stand between a record and its verdict."""
    return sources_digest(Path(any2caption.__file__).parent)


def sources_digest(root: Path) -> str:
    """Digest the package under `root`; names count, times do not."""
    sources = (source for part in _PARTS for source in (root / part).rglob("*.py"))
    return listing_digest({one.relative_to(root).as_posix(): file_digest(one) for one in sources})
