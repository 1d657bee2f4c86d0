"""Bring the local stack up, from whatever state it is in, and down, with nothing left running."""

import json
import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from any2caption import processes
from any2caption.errors import A2CError, ConfigError, UnavailableError
from any2caption.settings import Settings
from any2caption.stack import environment, own, ports, supervisor, swift
from any2caption.stack.secrets import load, write_private
from any2caption.stack.services import Service, services
from any2caption.stack.templates import render
from any2caption.stack.watchdog import served
from any2caption.storage.signing_keys import Keys

Say = Callable[[str], None]
_POLL_SECONDS = 0.5
_STOP_SECONDS = 40.0
MARK = "A2C_STACK"
_SERVING = ("triton", "door")


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One row of `a2c status`. `state`: healthy, unhealthy, starting, failed or stopped."""

    name: str
    state: str
    pid: int
    uptime_seconds: int
    address: str
    detail: str


def choose_store(settings: Settings, choice: str | None, endpoint_url: str | None = None) -> bool:
    """Point `settings` at the chosen object store; return whether the stack itself must serve it.

    `choice` is `file` (a folder under home), `s3` (the stack's own Swift server), or a URI.
    """
    own = environment.swift_url(settings.ports)
    if choice == "file":
        settings.object_store = (settings.home / "store").as_uri()
        settings.s3_endpoint_url = None
    elif choice == "s3":
        settings.object_store, settings.s3_endpoint_url = environment.LOCAL_BUCKET, own
    elif choice:
        settings.object_store, settings.s3_endpoint_url = choice, endpoint_url
    elif endpoint_url:
        settings.s3_endpoint_url = endpoint_url
    if not settings.object_store.startswith(("file://", "s3://")):
        raise ConfigError(
            f"object store {settings.object_store!r}: expected file, s3, file:///… or s3://…"
        )
    return environment.uses_swift(settings)


def up(
    settings: Settings,
    *,
    with_swift: bool,
    say: Say,
    timeout: float = 300.0,
    serving: Callable[[], None] | None = None,
) -> None:
    """Start what is not running and wait until every service is healthy.

    `serving` is called once as soon as captions are answered, which is before all of Airflow is up.

    Raises:
        ConfigError: a port is taken, or the running stack was started with other settings.
        UnavailableError: a service did not become healthy within `timeout` seconds.
    """
    home = settings.home
    settings.mlflow_url = settings.mlflow_url or environment.mlflow_url(settings.ports)
    (home / "logs").mkdir(parents=True, exist_ok=True)
    wanted = services(settings, with_swift=with_swift)
    running = supervisor.is_running(home)
    if running:
        _require_same(settings, with_swift=with_swift)
    else:
        processes.stop_marked(MARK, load(home).stack_id)  # left by a supervisord that was killed
        ports.require_free([port for service in wanted for port in service.ports])
        _prepare(settings, wanted, with_swift=with_swift, say=say)
        supervisor.launch(home, own.of_supervisor(settings))
    # What this process does next with the stack, it may do.
    os.environ.update(environment.credentials(settings, swift=with_swift))
    deadline = time.monotonic() + timeout
    if with_swift:
        store = [service for service in wanted if service.name.startswith("s3")]
        _start(home, store)
        _await_health(home, store, deadline, say)
        _make_bucket(settings)
        wanted = [service for service in wanted if service not in store]
    _start(home, wanted)
    _await_health(home, wanted, deadline, say, serving)
    # Whoever started the stack goes on with it: the keys of its servers go with the settings.
    keys = environment.credentials(settings, swift=with_swift)
    os.environ.update(keys)
    _hear_of_aliases(settings, say)
    settings.triton_key = SecretStr(keys[environment.TRITON_KEY])


def down(settings: Settings, *, say: Say) -> int:
    """Stop every process of the stack, orphans included, and remove stale shared memory.

    Returns how many processes there were.
    """
    from any2caption.serving import shared_memory

    home = settings.home
    if not (home / "secrets.json").exists():
        return 0
    stack_id = load(home).stack_id
    before = len(processes.marked(MARK, stack_id))
    if supervisor.is_running(home):
        say("stopping services")
        try:
            with supervisor.connect(home) as rpc:
                rpc.shutdown()
        except (UnavailableError, xmlrpc.client.Error):
            say("supervisord did not answer, stopping its processes one by one")
        deadline = time.monotonic() + _STOP_SECONDS
        while supervisor.is_running(home) and time.monotonic() < deadline:
            time.sleep(0.2)
    # Trainers and task processes run in sessions of their own and outlive whoever started them.
    processes.stop_marked(MARK, stack_id)
    supervisor.socket_path(home).unlink(missing_ok=True)
    shared_memory.clean(younger=0.0)
    return before


def status(settings: Settings) -> list[ServiceStatus]:
    """Ask supervisord, each service and each model that is served; all at once."""
    with_swift = environment.uses_swift(settings)
    wanted = services(settings, with_swift=with_swift)
    known = supervisor.states(settings.home)
    running = [service for service in wanted if _is_up(known.get(service.name))]
    with ThreadPoolExecutor(max_workers=8) as pool:
        asked = pool.submit(served.ask, settings) if known else None
        checks = pool.map(lambda one: _asked(one, known[one.name]), running)
        reasons = dict(zip((service.name for service in running), checks, strict=True))
        rows = [_row(service, known.get(service.name, {}), reasons) for service in wanted]
        return [*rows, *_served(settings, asked.result() if asked else None)]


def log_file(settings: Settings, name: str) -> Path:
    """The log of a service. Raises ConfigError listing the names there are."""
    names = [service.name for service in services(settings, with_swift=True)]
    names.append("supervisord")
    if name not in names:
        raise ConfigError(f"no service {name!r}; there are {', '.join(names)}")
    return settings.home / "logs" / f"{name}.log"


def airflow_login(settings: Settings) -> tuple[str, str]:
    """User and password of the local Airflow."""
    return "admin", load(settings.home).airflow_password


def mlflow_login(settings: Settings) -> tuple[str, str]:
    """User and password of the local MLflow."""
    return environment.MLFLOW_USER, load(settings.home).mlflow_password


def running(settings: Settings) -> list[tuple[int, str]]:
    """Return process id and command of everything that `down` would stop."""
    if not (settings.home / "secrets.json").exists():
        return []
    found = processes.marked(MARK, load(settings.home).stack_id)
    return [(process.pid, process.name()) for process in found]


def as_json(rows: Sequence[ServiceStatus]) -> str:
    """Render status rows for machines."""
    return json.dumps([asdict(row) for row in rows], indent=2)


def _prepare(settings: Settings, wanted: list[Service], *, with_swift: bool, say: Say) -> None:
    """Write configuration, keys and databases; everything here can be repeated."""
    home, keys = settings.home, load(settings.home)
    if with_swift:
        swift.configure(home / "swift", settings.ports, keys)
    if settings.object_store.startswith("file://"):
        Path(settings.object_store.removeprefix("file://")).mkdir(parents=True, exist_ok=True)
    (home / "triton" / "models").mkdir(parents=True, exist_ok=True)
    write_private(home / "airflow" / "passwords.json", json.dumps({"admin": keys.airflow_password}))
    auth = render("mlflow-auth.ini", database=str(home / "mlflow" / "auth.db").replace("%", "%%"))
    write_private(home / "mlflow" / "auth.ini", auth)
    environment.save(settings, swift=with_swift)
    for service in wanted:
        own.write(service.name, settings, swift=with_swift)
    write_private(home / "supervisord.conf", supervisor.configuration(home, wanted))
    _install_first_release(settings, say)
    say("preparing Airflow's database")
    for arguments in (
        ("db", "migrate"),
        ("pools", "set", "gpu", "1", "One accelerator job at a time"),
    ):
        _airflow(settings, arguments, with_swift=with_swift)


def _install_first_release(settings: Settings, say: Say) -> None:
    """Have captions served from the start; a machine that signs nothing has no release 0."""
    from any2caption.serving.releases import first
    from any2caption.serving.releases.rollout import live_repository

    try:
        told = first.install(live_repository(settings), keys=Keys.of(settings))
    except ConfigError as error:
        told = f"nothing is served before a release: {error}"
    if told:
        say(told)


def _airflow(settings: Settings, arguments: tuple[str, ...], *, with_swift: bool) -> None:
    """Run one of Airflow's own commands in the stack's environment."""
    log = settings.home / "logs" / "airflow-setup.log"
    with log.open("ab") as output:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "airflow"), *arguments],
            env=own.of_service("airflow-scheduler", settings, swift=with_swift),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=300,
        )
    if done.returncode:
        raise UnavailableError(f"airflow {' '.join(arguments)} failed; see {log}")


def _hear_of_aliases(settings: Settings, say: Say) -> None:
    """Have MLflow tell Airflow of changed aliases; without it housekeeping looks by the clock."""
    if settings.mlflow_url != environment.mlflow_url(settings.ports):
        return
    from any2caption.registry import webhook

    try:
        url = f"{settings.airflow_url}{webhook.PATH}"
        webhook.subscribe(settings, url, load(settings.home).alias_secret)
    except A2CError as error:
        say(f"MLflow does not tell of aliases: {error}")


def _require_same(settings: Settings, *, with_swift: bool) -> None:
    path = environment.saved_file(settings.home)
    saved = json.loads(path.read_text()) if path.exists() else {}
    wanted = environment.saved_variables(settings, swift=with_swift)
    ignored = ("AWS_", "A2C_TRAIN_PYTHON")
    other = [
        name
        for name in sorted({*saved, *wanted})
        if not name.startswith(ignored) and saved.get(name) != wanted.get(name)
    ]
    if other:
        raise ConfigError(
            f"the stack under {settings.home} runs with other settings "
            f"({', '.join(other)}); run `a2c down` first"
        )


def _start(home: Path, wanted: list[Service]) -> None:
    known = supervisor.states(home)
    with supervisor.connect(home) as rpc:
        for service in wanted:
            if known.get(service.name, {}).get("statename") in {"RUNNING", "STARTING"}:
                continue
            try:
                rpc.startProcess(service.name, False)
            except xmlrpc.client.Fault as fault:
                if "ALREADY_STARTED" not in fault.faultString:
                    raise UnavailableError(f"{service.name}: {fault.faultString}") from fault


def _await_health(
    home: Path,
    wanted: list[Service],
    deadline: float,
    say: Say,
    serving: Callable[[], None] | None = None,
) -> None:
    began = time.monotonic()
    waiting = {service.name: service for service in wanted}
    reasons: dict[str, str] = {}
    while waiting:
        known = supervisor.states(home)
        for name, service in list(waiting.items()):
            state = known.get(name, {}).get("statename", "STOPPED")
            if state == "FATAL":
                log = home / "logs" / f"{name}.log"
                raise UnavailableError(f"{name} does not start: {_last_line(log)} (see {log})")
            reasons[name] = _asked(service, known[name]) if state == "RUNNING" else state.lower()
            if not reasons[name]:
                del waiting[name]
                say(f"{name} is healthy ({time.monotonic() - began:.0f} s) {service.address}")
        if serving and waiting.keys().isdisjoint(_SERVING):
            serving()
            serving = None
        if waiting and time.monotonic() > deadline:
            listed = "; ".join(f"{name}: {reasons[name]}" for name in waiting)
            raise UnavailableError(f"not healthy in time: {listed}; logs are in {home}/logs")
        if waiting:
            time.sleep(_POLL_SECONDS)


def _asked(service: Service, entry: Mapping[str, Any]) -> str:
    return service.ask(float(entry["start"]))


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")


def _make_bucket(settings: Settings) -> None:
    """Create the stack's own bucket; one that is there is kept."""
    import boto3
    from botocore.config import Config

    keys = load(settings.home)
    client = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        aws_access_key_id=keys.s3_access_key,
        aws_secret_access_key=keys.s3_secret_key,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 5}),
    )
    bucket = settings.object_store.removeprefix("s3://").split("/")[0]
    names = [entry["Name"] for entry in client.list_buckets()["Buckets"]]
    if bucket not in names:
        client.create_bucket(Bucket=bucket)


def _is_up(entry: dict[str, object] | None) -> bool:
    return bool(entry) and entry is not None and entry.get("statename") == "RUNNING"


def _served(settings: Settings, answer: tuple[dict[str, str], str] | None) -> list[ServiceStatus]:
    """Return a row for each public model; without supervisord, what still runs is nobody's."""
    address = settings.triton_url
    if answer is None:
        left = _marked_there(settings.home)
        detail = f"supervisord is gone, {left} processes are left: run `a2c up`" if left else ""
        return [ServiceStatus(name, "stopped", 0, 0, address, detail) for name in served.models()]
    reasons, note = answer
    return [
        ServiceStatus(name, "unhealthy" if reason else "healthy", 0, 0, address, reason or note)
        for name, reason in reasons.items()
    ]


def _marked_there(home: Path) -> int:
    if not (home / "secrets.json").exists():
        return 0
    return len(processes.marked(MARK, load(home).stack_id))


def _row(service: Service, entry: dict[str, object], reasons: dict[str, str]) -> ServiceStatus:
    name = str(entry.get("statename", "STOPPED"))
    up_seconds = 0
    if name == "RUNNING":
        state = "unhealthy" if reasons[service.name] else "healthy"
        up_seconds = int(str(entry["now"])) - int(str(entry["start"]))
    else:
        state = {"STARTING": "starting", "BACKOFF": "starting", "FATAL": "failed"}.get(
            name, "stopped"
        )
    detail = reasons.get(service.name, "") or (str(entry.get("spawnerr", "")))
    pid = int(str(entry.get("pid", 0)))
    return ServiceStatus(service.name, state, pid, up_seconds, service.address, detail)
