"""Which code made and judged a caption: a verdict on one decoder is none on another."""

import subprocess
from functools import cache
from pathlib import Path

import any2caption
from any2caption.storage.digest import file_digest, listing_digest

_PARTS = ("captions", "conditions", "datasets", "evaluation", "grounding", "model")

_JUDGES = ("judge/**/*.py", "judge/**/*.json", "whole*.py")


@cache
def judge_digest() -> str:
    """SHA-256 over what says whether an answer is right, and how far that is believed."""
    return judges_digest(Path(any2caption.__file__).parent)


def judges_digest(root: Path) -> str:
    """Digest the judge of the package under `root`."""
    folder = root / "evaluation"
    sources = {source for pattern in _JUDGES for source in folder.glob(pattern)}
    return listing_digest({one.relative_to(root).as_posix(): file_digest(one) for one in sources})


@cache
def code_digest() -> str:
    """SHA-256 over the sources that stand between a record and its verdict."""
    return sources_digest(Path(any2caption.__file__).parent)


def sources_digest(root: Path) -> str:
    """Digest the package under `root`; names count, times do not."""
    sources = (source for part in _PARTS for source in (root / part).rglob("*.py"))
    return listing_digest({one.relative_to(root).as_posix(): file_digest(one) for one in sources})


@cache
def revision() -> str:
    """Name the code for people: the package's version and, in a checkout of git, its revision."""
    folder = Path(any2caption.__file__).parent
    told = f"any2caption {any2caption.__version__}"
    git = ["git", "-C", str(folder)]
    try:
        # A package that lies in somebody else's checkout is not of that revision.
        asked = [*git, "ls-files", "--error-unmatch", __file__]
        subprocess.run(asked, capture_output=True, timeout=10, check=True)
        asked = [*git, "describe", "--always", "--exclude=*", "--dirty", "--abbrev=12"]
        found = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return told
    return f"{told}, revision {found.stdout.strip()}"
