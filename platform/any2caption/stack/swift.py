"""OpenStack Swift with its S3 interface: one copy in a plain folder, durable over restarts."""

import getpass
import os
import subprocess
import sys
from pathlib import Path

from any2caption.errors import ConfigError
from any2caption.settings import Ports
from any2caption.stack.ports import Port
from any2caption.stack.secrets import Secrets, write_private
from any2caption.stack.templates import render

BINARIES = Path(sys.executable).parent
KINDS = ("account", "container", "object")
_PART_POWER = 4  # 16 partitions: one disk needs no more


def ports(chosen: Ports) -> list[Port]:
    """The S3 port, and the three after it for the storage servers."""
    names = ("proxy", *KINDS)
    return [
        Port(chosen.s3 + offset, f"Swift {name} server", "A2C_PORT_S3")
        for offset, name in enumerate(names)
    ]


def command(root: Path, kind: str) -> list[str]:
    """The command line of one of Swift's servers."""
    return [str(BINARIES / f"swift-{kind}-server"), str(root / "etc" / f"{kind}-server.conf"), "-v"]


def configure(root: Path, chosen: Ports, keys: Secrets) -> None:
    """Write the configuration, and build the rings when there are none for these ports."""
    etc = root / "etc"
    (root / "data" / "d1").mkdir(parents=True, exist_ok=True)
    _require_attributes(root / "data")
    etc.mkdir(parents=True, exist_ok=True)
    account, name = keys.s3_access_key.split(":")
    user = getpass.getuser()
    write_private(
        etc / "swift.conf",
        render("swift.conf", prefix=keys.swift_hash_prefix, suffix=keys.swift_hash_suffix),
    )
    write_private(
        etc / "proxy-server.conf",
        render(
            "swift-proxy.conf",
            root=root,
            port=chosen.s3,
            user=user,
            account=account,
            name=name,
            secret=keys.s3_secret_key,
        ),
    )
    for offset, kind in enumerate(KINDS, start=1):
        port = chosen.s3 + offset
        text = render("swift-storage.conf", root=root, port=port, user=user, kind=kind)
        (etc / f"{kind}-server.conf").write_text(text)
        _build_ring(etc, kind, port)


def _build_ring(etc: Path, kind: str, port: int) -> None:
    """Build a one-device ring; moving the port changes the ring, not the data's place in it."""
    stamp = etc / f"{kind}.port"
    if stamp.exists() and stamp.read_text() == str(port) and (etc / f"{kind}.ring.gz").exists():
        return
    for old in (*etc.glob(f"{kind}.builder"), *etc.glob(f"{kind}.ring.gz")):
        old.unlink()
    builder = [str(BINARIES / "swift-ring-builder"), f"{kind}.builder"]
    device = ["--region", "1", "--zone", "1", "--ip", "127.0.0.1", "--device", "d1"]
    for step in (
        ["create", str(_PART_POWER), "1", "0"],
        ["add", *device, "--port", str(port), "--weight", "1"],
        ["rebalance"],
    ):
        done = subprocess.run(
            [*builder, *step], cwd=etc, capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode > 1:  # 1 is a warning, e.g. about a single replica
            raise ConfigError(f"swift-ring-builder {kind} {step[0]}: {done.stdout}{done.stderr}")
    stamp.write_text(str(port))


def _require_attributes(folder: Path) -> None:
    """Swift keeps metadata in extended attributes; some file systems have none."""
    try:
        os.setxattr(folder, "user.a2c", b"1")
    except OSError as error:
        raise ConfigError(
            f"{folder}: this file system has no user extended attributes, which Swift needs; "
            "put A2C_HOME on ext4 or xfs, or use the folder store"
        ) from error
