"""The local stack's services: how each starts, its ports, how its health is asked."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from any2caption.settings import Settings
from any2caption.stack import environment, health, swift
from any2caption.stack.ports import Port
from any2caption.stack.secrets import load

WATCH = "watch"
WATCH_SECONDS = 30.0  # it looks every 3 seconds, and a repair may take its time
BINARIES = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Service:
    """A process that supervisord keeps running. `check` returns "" when healthy, else a reason.

    It may take `start_seconds` until it answers, and `stop_seconds` to end. `asks` names the
    service that knows of this one's heartbeats.
    """

    name: str
    command: tuple[str, ...]
    check: Callable[..., str]
    address: str = ""
    ports: tuple[Port, ...] = ()
    stop_seconds: int = 15
    start_seconds: int = 300
    asks: str = ""

    def ask(self, started: float) -> str:
        """Ask for its health; what a heartbeat says from before its start does not count."""
        return self.check(started) if self.asks else self.check()


def services(settings: Settings, *, with_swift: bool) -> list[Service]:
    """Return the stack's services in starting order: last the one that watches the others."""
    serving = [_triton(settings), _door(settings)]
    chosen = [_mlflow(settings), *_airflow(settings), *serving, _watch(settings)]
    return [*_swift(settings), *chosen] if with_swift else chosen


def watch_file(home: Path) -> Path:
    """Where the watchdog writes what it did last, and by that when."""
    return home / "watch.json"


def artifacts(settings: Settings) -> str:
    """Where MLflow's server keeps artifacts: beside everything else in the object store."""
    return f"{settings.object_store.rstrip('/')}/mlflow"


def _mlflow(settings: Settings) -> Service:
    url = environment.mlflow_url(settings.ports)
    return Service(
        name="mlflow",
        command=(
            *(str(BINARIES / "mlflow"), "server", "--app-name", "basic-auth"),
            *("--backend-store-uri", f"sqlite:///{settings.home / 'mlflow.db'}"),
            *("--artifacts-destination", artifacts(settings)),
            *("--host", "127.0.0.1", "--port", str(settings.ports.mlflow), "--workers", "1"),
        ),
        check=partial(health.http_ok, f"{url}/health"),
        address=url,
        ports=(Port(settings.ports.mlflow, "MLflow", "A2C_PORT_MLFLOW"),),
    )


def _airflow(settings: Settings) -> list[Service]:
    binary = str(BINARIES / "airflow")
    url = f"http://127.0.0.1:{settings.ports.airflow}"
    port = Port(settings.ports.airflow, "Airflow", "A2C_PORT_AIRFLOW")
    # Task logs lie in the shared folder, so nobody needs the extra ports of the log servers.
    arguments = {
        "scheduler": ("scheduler", "--skip-serve-logs"),
        "dag-processor": ("dag-processor",),
        "triggerer": ("triggerer", "--skip-serve-logs"),
    }
    parts = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}
    server = Service(
        name="airflow-api",
        command=(binary, "api-server"),
        check=partial(health.http_ok, f"{url}/api/v2/version"),
        address=url,
        ports=(port,),
    )
    others = [
        Service(
            name=f"airflow-{name}",
            command=(binary, *arguments[name]),
            check=partial(health.airflow_component, url, parts[name]),
            asks=server.name,
        )
        for name in arguments
    ]
    return [server, *others]


def _triton(settings: Settings) -> Service:
    metrics = settings.ports.triton_metrics
    inner = settings.triton_inner_url
    return Service(
        name="triton",
        command=(
            *(sys.executable, "-m", "any2caption.serving.server"),
            *("--repository", str(settings.home / "triton" / "models")),
            *("--serve-python", settings.serve_python),
            *("--inner", inner, "--metrics-port", str(metrics)),
        ),
        check=partial(health.triton_ready, inner, lambda: load(settings.home).triton_key),
        address=f"http://127.0.0.1:{metrics}/metrics",
        ports=(Port(metrics, "Triton metrics", "A2C_PORT_TRITON_METRICS"),),
        stop_seconds=20,
        start_seconds=600,  # a model of many gigabytes
    )


def _watch(settings: Settings) -> Service:
    return Service(
        name=WATCH,
        command=(sys.executable, "-m", "any2caption.stack.watchdog.watch"),
        check=partial(health.recent, watch_file(settings.home), WATCH_SECONDS),
    )


def _door(settings: Settings) -> Service:
    address = f"127.0.0.1:{settings.ports.triton_grpc}"
    return Service(
        name="door",
        command=(sys.executable, "-m", "any2caption.serving.door", "--listen", address),
        check=partial(health.triton_ready, address),
        address=f"{address} (gRPC)",
        ports=(Port(settings.ports.triton_grpc, "the door to Triton", "A2C_PORT_TRITON_GRPC"),),
    )


def _swift(settings: Settings) -> list[Service]:
    root = settings.home / "swift"
    url = f"http://127.0.0.1:{settings.ports.s3}"
    ports = swift.ports(settings.ports)
    storage = [
        Service(
            name=f"s3-{kind}",
            command=tuple(swift.command(root, kind)),
            check=partial(health.http_answers, f"http://127.0.0.1:{port.number}/healthcheck"),
            ports=(port,),
        )
        for kind, port in zip(swift.KINDS, ports[1:], strict=True)
    ]
    proxy = Service(
        name="s3",
        command=tuple(swift.command(root, "proxy")),
        check=partial(health.http_answers, url),
        address=url,
        ports=(ports[0],),
    )
    return [*storage, proxy]
