"""Read a condition's files from disk: one file, or a folder's files in natural order."""

import re
import stat
from pathlib import Path

from any2caption.conditions.part import Part
from any2caption.errors import InputError

MAX_FILES = 10_000
MAX_BYTES = 1_000_000_000


def natural_key(name: str) -> tuple[tuple[int, int, str, str], ...]:
    """Sort key under which `frame2` comes before `frame10`; numbers may have any length."""
    pieces = re.split(r"([0-9]+)", name)
    return tuple(
        _number_key(piece) if index % 2 else (0, 0, piece.casefold(), "")
        for index, piece in enumerate(pieces)
    )


def _number_key(digits: str) -> tuple[int, int, str, str]:
    """Orders by value without making a number of it: more digits are more, leading zeros apart."""
    bare = digits.lstrip("0")
    return 1, len(bare), bare, digits


def read_parts(path: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> list[Part]:
    """Read a file, or the files of a folder in natural order.

    Hidden files (leading dot) are ignored. A folder inside the folder, a special file and a link
    that leaves the folder are refused. Limits are checked on sizes, before anything is read.

    Raises:
        InputError: naming the file: missing, empty folder, too many files, too large, unreadable.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("no such file or folder", file=str(path))
    files = _folder_files(path, max_files) if path.is_dir() else [path]
    total = 0
    for file in files:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError("not a regular file", file=str(file))
        total += status.st_size
        if total > max_bytes:
            raise InputError(f"more than {max_bytes:,} bytes in all", file=str(file))
    return [_read(file) for file in files]


def _folder_files(folder: Path, max_files: int) -> list[Path]:
    root = folder.resolve()
    files: list[Path] = []
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if not entry.exists():
            raise InputError("a link that leads nowhere", file=str(entry))
        if entry.is_dir():
            raise InputError("a folder inside the folder; give a folder of files", file=str(entry))
        if not entry.resolve().is_relative_to(root):
            raise InputError("a link that leaves its folder", file=str(entry))
        files.append(entry)
        if len(files) > max_files:
            raise InputError(f"more than {max_files:,} files", file=str(folder))
    if not files:
        raise InputError("no files in this folder", file=str(folder))
    return sorted(files, key=lambda file: natural_key(file.name))


def _read(file: Path) -> Part:
    try:
        return Part(file.name, file.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=str(file)) from error
