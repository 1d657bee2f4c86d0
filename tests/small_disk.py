"""A real file system of a few megabytes, for tests of what happens when a disk is full."""

import os
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

_MOUNT = 'mount -t tmpfs -o "size=$1" none "$2" && echo mounted && exec cat'


@contextmanager
def small_disk(mount_point, size):
    """Yield a file system of its own that holds `size` bytes and is really full then.

    Root mounts it. Others reach it through the root of a process that holds it in a mount namespace
    of its own; SQLite resolves that link and so keeps its files beside the disk, not on it.
    """
    mount_point.mkdir(parents=True)
    if os.geteuid() == 0:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(mount_point)], check=True
        )
        try:
            yield mount_point
        finally:
            subprocess.run(["umount", "--lazy", str(mount_point)], check=True)
        return
    argv = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNT, "sh"]
    holder = subprocess.Popen(
        [*argv, str(size), str(mount_point)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = holder.stdout.readline().strip()
        assert said == "mounted", f"no small disk ({said}): allow user namespaces, or run as root"
        yield Path(f"/proc/{holder.pid}/root{mount_point}")
    finally:
        holder.stdin.close()
        holder.wait(10)
        holder.stdout.close()


def fill(folder):
    """Write until the disk is full; return the file."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path
