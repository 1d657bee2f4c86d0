"""Digests of files, of whole folders and of plain data."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SIGNATURE = "model.sig"  # says who made a folder, and so is not part of what the folder is


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal, without holding the file in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(folder: Path) -> str:
    """SHA-256 over the relative path and content of every file, independent of order and times.

    Signatures do not count: the same bundle signed again is the same bundle.
    """
    return listing_digest(
        {
            path.relative_to(folder).as_posix(): file_digest(path)
            for path in folder.rglob("*")
            if path.is_file() and path.name != SIGNATURE
        }
    )


def listing_digest(digests: Mapping[str, str]) -> str:
    """Return the folder digest where {relative path: SHA-256} of its files is known already."""
    lines = sorted(
        f"{digest}  {name}\n"
        for name, digest in digests.items()
        if name.rpartition("/")[2] != SIGNATURE
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def json_digest(value: Any) -> str:
    """SHA-256 of plain data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
