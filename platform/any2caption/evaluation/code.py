"""Which code made and judged a caption: a verdict on one decoder is none on another."""

import hashlib
from functools import cache
from pathlib import Path

import any2caption

_PARTS = ("captions", "conditions", "datasets", "evaluation", "model")


@cache
def code_digest() -> str:
    """SHA-256 over the sources that stand between a record and its verdict."""
    return sources_digest(Path(any2caption.__file__).parent)


def sources_digest(root: Path) -> str:
    """Digest the package under `root`; names count, times do not."""
    digest = hashlib.sha256()
    for part in _PARTS:
        for source in sorted((root / part).rglob("*.py")):
            content = hashlib.sha256(source.read_bytes()).hexdigest()
            digest.update(f"{content}  {source.relative_to(root).as_posix()}\n".encode())
    return digest.hexdigest()
