"""What a person names a source by: a store's URI, or a plain path."""

from pathlib import Path

from any2caption.errors import NotFoundError


def folder_uri(source: str) -> str:
    """Return a folder's URI; a plain path is a folder of this machine.

    Raises:
        NotFoundError: there is no such folder.
    """
    if "://" in source:
        return source
    path = Path(source).expanduser()
    if not path.is_dir():
        raise NotFoundError(f"{source}: no such folder (or give file:///… or s3://…)")
    return path.resolve().as_uri()


def file_uri(name: str) -> str:
    """Return a file's URI; a plain path is a file of this machine.

    Raises:
        NotFoundError: there is no such file.
    """
    if "://" in name:
        return name
    path = Path(name).expanduser()
    if not path.is_file():
        raise NotFoundError(f"{name}: no such file (or give file:///… or s3://…)")
    return path.resolve().as_uri()
