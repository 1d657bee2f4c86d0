"""Check ports before anything starts: a taken one is a sentence, not a trace in some log."""

import socket
from dataclasses import dataclass

from any2caption.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Port:
    """A TCP port that `service` will listen on; `setting` is the variable that moves it."""

    number: int
    service: str
    setting: str


def is_free(number: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`number` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True


def require_free(ports: list[Port]) -> None:
    """Raise ConfigError naming each taken port, its service and the setting that moves it."""
    repeated = [port for port in ports if sum(port.number == other.number for other in ports) > 1]
    if repeated:
        listed = ", ".join(f"{port.setting}={port.number} ({port.service})" for port in repeated)
        raise ConfigError(f"two services cannot share a port: {listed}")
    taken = [port for port in ports if not is_free(port.number)]
    if taken:
        raise ConfigError(
            "; ".join(
                f"port {port.number} for {port.service} is taken by another program: stop it, "
                f"or set {port.setting} to a free port"
                for port in taken
            )
        )
