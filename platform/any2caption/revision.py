"""Which code this is: the version, and the commit where it runs from a checkout."""

import subprocess
from pathlib import Path

import any2caption

_SECONDS = 10


def revision() -> str:
    """Return the commit of this package's checkout, with `+` where its files differ from it.

    Empty where the package is installed, not checked out, or git cannot say.
    """
    folder = Path(any2caption.__file__).parent
    # A checkout around an installed package is somebody else's: our own file must be in it.
    if not _git(folder, "ls-files", "--error-unmatch", "__init__.py"):
        return ""
    commit = _git(folder, "rev-parse", "HEAD")
    return f"{commit}+" if commit and _git(folder, "status", "--porcelain", "--", ".") else commit


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
