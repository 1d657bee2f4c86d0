"""Folders that only their owner may enter: what lies in them is reached by nobody else."""

import os
import stat
from pathlib import Path

from any2caption.errors import ConfigError


def make_private(folder: Path) -> None:
    """Make a folder for this user alone, or make one that is there so.

    Raises:
        ConfigError: it cannot be made, is a link, or is somebody else's (as in /tmp it may be).
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise ConfigError(f"{folder}: a link or somebody else's folder; remove it")
        folder.chmod(0o700)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made a folder of our own: {error}") from error
