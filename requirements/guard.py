"""Fail when an environment differs from its locks: `python guard.py LOCK…`.

An unbounded dependency resolves to an old version silently; this says so at once.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)\s*(?:;\s*(.*?))?\s*\\?$")


def problems(pins: dict[str, str]) -> list[str]:
    """Return a line for each package that is missing or has another version."""
    found = []
    for name, wanted in pins.items():
        try:
            installed = version(name).split("+")[0]  # torch says 2.13.0+cpu
        except PackageNotFoundError:
            installed = "missing"
        if installed != wanted.split("+")[0]:
            found.append(f"{name}: {installed}, the lock says {wanted}")
    return found


def main(arguments: list[str]) -> int:
    """Compare the running interpreter's environment with the locks."""
    lines = [line for lock in arguments for line in Path(lock).read_text().splitlines()]
    pins = {match[1]: match[2] for line in lines if (match := _PIN.match(line)) and not match[3]}
    bad = problems(pins)
    if bad:
        sys.stderr.write("setup: the environment differs from its locks:\n  " + "\n  ".join(bad))
        sys.stderr.write("\n  remove the environment's folder and run `make setup` again\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
