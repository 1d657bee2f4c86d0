"""What a person names a source by: a store's URI, or a plain path."""

from collections.abc import Callable
from pathlib import Path

from any2caption.errors import NotFoundError


def folder_uri(source: str) -> str:
    """Return a folder's URI; a plain path is a folder of this machine.

    Raises:
        NotFoundError: there is no such folder.
    """
    return _uri(source, "folder", Path.is_dir)


def file_uri(name: str) -> str:
    """Return a file's URI; a plain path is a file of this machine.

    Raises:
        NotFoundError: there is no such file.
    """
    return _uri(name, "file", Path.is_file)


def _uri(name: str, what: str, there: Callable[[Path], bool]) -> str:
    if "://" in name:
        return name
    path = Path(name).expanduser()
    if not there(path):
        raise NotFoundError(f"{name}: no such {what} (or give file:///… or s3://…)")
    return path.resolve().as_uri()
