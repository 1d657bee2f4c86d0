"""Talk to the stack's supervisord over its private socket."""

import contextlib
import hashlib
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from any2caption.errors import ConfigError, UnavailableError
from any2caption.stack.launch import ALONE
from any2caption.stack.own import file_of
from any2caption.stack.services import Service
from any2caption.stack.templates import render

_SOCKET_LIMIT = (
    100  # a Unix socket's path may have 107 bytes; supervisord appends its pid meanwhile
)
_START_SECONDS = 20.0


def socket_path(home: Path) -> Path:
    """The control socket: in the state folder, or under /tmp where that path would be too long."""
    path = home / "supervisor.sock"
    if len(str(path)) <= _SOCKET_LIMIT - 10:
        return path
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(os.environ.get("TMPDIR", "/tmp")) / f"a2c-{os.getuid()}-{digest}.sock"  # noqa: S108


def configuration(home: Path, services: Sequence[Service]) -> str:
    """Render supervisord's configuration. It holds no key: `launch` reads each service's own.

    Processes start in the folder of logs: from the state folder itself, `python -m` would take the
    folder `triton` for the package of that name.
    """
    logs = home / "logs"
    parts = [render("supervisord.conf", socket=socket_path(home), home=home, logs=logs)]
    parts += [
        render(
            "program.conf",
            name=service.name,
            command=shlex.join(_command(home, service)).replace("%", "%%"),
            logs=logs,
            stop_seconds=service.stop_seconds,
        )
        for service in services
    ]
    return "\n".join(parts)


def _command(home: Path, service: Service) -> tuple[str, ...]:
    alone = (ALONE,) if service.ports else ()
    file = str(file_of(home, service.name))
    return (sys.executable, "-m", "any2caption.stack.launch", *alone, file, *service.command)


def launch(home: Path, environment: Mapping[str, str]) -> None:
    """Start supervisord in the background and wait for its socket.

    Raises:
        ConfigError: supervisord refused its configuration.
        UnavailableError: the socket did not answer in time.
    """
    binary = str(Path(sys.executable).parent / "supervisord")
    command = [binary, "-c", str(home / "supervisord.conf")]
    done = subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise ConfigError(f"supervisord did not start: {(done.stderr or done.stdout).strip()}")
    deadline = time.monotonic() + _START_SECONDS
    while not is_running(home):
        if time.monotonic() > deadline:
            raise UnavailableError(f"supervisord does not answer; see {home}/logs/supervisord.log")
        time.sleep(0.1)


def is_running(home: Path) -> bool:
    """Whether this stack's supervisord answers."""
    try:
        with connect(home) as rpc:
            rpc.getState()
    except UnavailableError:
        return False
    except xmlrpc.client.Fault:
        return True  # shutting down
    return True


@contextlib.contextmanager
def connect(home: Path) -> Iterator[Any]:
    """Yield supervisord's `supervisor` namespace. Raises UnavailableError when it is not there."""
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(None, None, f"unix://{socket_path(home)}")
    proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
    try:
        yield proxy.supervisor
    except OSError as error:
        raise UnavailableError(f"the stack under {home} is not running: {error}") from error
    finally:
        transport.close()


def states(home: Path) -> dict[str, dict[str, Any]]:
    """Return supervisord's word on each process, by name; empty when it is not running."""
    try:
        with connect(home) as rpc:
            return {str(entry["name"]): dict(entry) for entry in rpc.getAllProcessInfo()}
    except UnavailableError:
        return {}
