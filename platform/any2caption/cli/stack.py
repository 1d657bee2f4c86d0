"""`a2c up`, `status`, `doctor`, `down`, `logs`, `password`."""

import json as jsonlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from any2caption.cli.terminal.console import put, put_json, say
from any2caption.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from any2caption.settings import Settings

Home = Annotated[
    Path | None,
    typer.Option("--home", envvar="A2C_HOME", help="State folder.", show_default=".a2c"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Local = Annotated[bool, typer.Option("--local", help="Answer in this process: no stack, no model.")]
Bundle = Annotated[Path | None, typer.Option(metavar="DIR", help="With --local: a model's bundle.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def up(
    home: Home = None,
    object_store: Annotated[
        str | None,
        typer.Option(help="file (folder in the state folder), s3 (durable local Swift), or a URI."),
    ] = None,
    s3_endpoint_url: Annotated[
        str | None, typer.Option(help="Endpoint of another S3-compatible server.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for health.")] = 300.0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Start the local stack, or what is missing of it, and wait until it is healthy.

    Ports come from A2C_PORT_AIRFLOW, _MLFLOW, _S3, _TRITON_GRPC (the door) and
    _TRITON_METRICS.
    The settings are kept in the state folder; the next commands find them there.
    """
    from any2caption.stack import environment

    settings = environment.load_settings(home)
    if dry_run:
        _planned(settings, object_store, s3_endpoint_url, as_json=json)
        return
    bring_up(settings, object_store, s3_endpoint_url, timeout=timeout)
    if json:
        put_json(_addresses(settings))


def _planned(
    settings: "Settings", object_store: str | None, endpoint_url: str | None, *, as_json: bool
) -> None:
    """Tell what `up` would start, and where each would listen."""
    from any2caption.stack import local, supervisor
    from any2caption.stack.services import services

    with_swift = local.choose_store(settings, object_store, endpoint_url)
    found = [
        {"service": service.name, "ports": [port.number for port in service.ports]}
        for service in services(settings, with_swift=with_swift)
    ]
    running = supervisor.is_running(settings.home)
    if as_json:
        put_json({"running": running, "services": found, **_addresses(settings)})
        return
    for one in found:
        put(f"{one['service']:<22} {', '.join(map(str, one['ports']))}".rstrip())
    put(f"{'object store':<22} {settings.object_store}")
    say("the stack runs: what is missing would be started" if running else "nothing runs yet")


def _addresses(settings: "Settings") -> dict[str, str]:
    return {
        "home": str(settings.home),
        "object_store": settings.object_store,
        "airflow": settings.airflow_url,
        "mlflow": settings.mlflow_url,
        "triton": settings.triton_url,
    }


def bring_up(
    settings: "Settings",
    object_store: str | None = None,
    s3_endpoint_url: str | None = None,
    *,
    timeout: float = 300.0,
    serving: "Callable[[], None] | None" = None,
) -> None:
    """Start the stack as `a2c up` does; `serving` is called once captions are answered."""
    from any2caption.stack import local

    with_swift = local.choose_store(settings, object_store, s3_endpoint_url)
    local.up(settings, with_swift=with_swift, say=say, timeout=timeout, serving=serving)
    say(f"object store {settings.object_store}")
    say(f"Airflow {settings.airflow_url} (`a2c password airflow` shows the login)")
    say(f"MLflow {settings.mlflow_url} (`a2c password mlflow`)")
    say(f"Triton gRPC {settings.triton_url}")


def status(home: Home = None, json: Json = False) -> None:
    """Show every service's state as it answers now; exit code 1 if one is not healthy."""
    from any2caption.serving.releases.recall import taken_back
    from any2caption.stack import environment, local

    settings = environment.load_settings(home)
    rows = local.status(settings)
    if json:
        put(local.as_json(rows))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for heading in ("service", "state", "pid", "up"):
            table.add_column(heading, no_wrap=True)
        table.add_column("address", overflow="fold")
        table.add_column("detail", overflow="fold")
        for row in rows:
            seconds = f"{row.uptime_seconds} s" if row.uptime_seconds else ""
            pid = str(row.pid or "")
            table.add_row(row.name, row.state, pid, seconds, row.address, row.detail)
        Console(highlight=False).print(table)
        if why := taken_back(settings):
            say(f"{why}; the champion is not what serves")
    if any(row.state != "healthy" for row in rows):
        raise typer.Exit(1)


def password(
    service: Annotated[Literal["airflow", "mlflow"], typer.Argument(help="Whose login.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Print user and password of Airflow or MLflow, for the browser's login form."""
    from any2caption.stack import environment, local

    settings = environment.load_settings(home)
    if not environment.saved_file(settings.home).exists():
        raise NotFoundError(f"{settings.home}: no stack was started there; `a2c up` starts one")
    login = local.airflow_login if service == "airflow" else local.mlflow_login
    user, word = login(settings)
    if json:
        put_json({"user": user, "password": word})
    else:
        put(f"{user} {word}")


def down(
    home: Home = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Stop the stack and everything that it started; the state stays."""
    from any2caption.stack import environment, local

    settings = environment.load_settings(home)
    if dry_run:
        running = local.running(settings)
        if json:
            put_json([{"pid": pid, "command": command} for pid, command in running])
        for pid, command in () if json else running:
            put(f"{pid:>8}  {command}")
        say(f"{len(running)} processes would be stopped" if running else "nothing is running")
        return
    stopped = local.down(settings, say=say)
    if json:
        put_json({"stopped": stopped})
    say(f"{stopped} processes stopped" if stopped else "nothing was running")


def doctor(home: Home = None, json: Json = False) -> None:
    """Say what is unsafe or unfit about this installation; exit code 3 if something must change."""
    from dataclasses import asdict

    from any2caption.stack import doctor as checks
    from any2caption.stack import environment

    found = checks.findings(environment.load_settings(home))
    if json:
        put_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            put(f"{finding.level}: {finding.what}")
            put(f"  {finding.fix}")
        if not found:
            put("nothing to say")
    if any(finding.level != "note" for finding in found):
        raise typer.Exit(UnavailableError.exit_code)


def logs(
    name: Annotated[str, typer.Argument(help="Service, as `a2c status` names it.")],
    home: Home = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as the log grows.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many.")] = 50,
    json: Json = False,
) -> None:
    """Show the end of a service's log; with --json and --follow an object a line."""
    from any2caption.stack import environment, local

    path = local.log_file(environment.load_settings(home), name)
    if not path.exists():
        raise NotFoundError(f"{path}: {name} has not been started yet")
    with path.open(encoding="utf-8", errors="replace") as file:
        last = [line.rstrip("\n") for line in file.readlines()[-lines:]]
        if json and not follow:
            put_json({"service": name, "lines": last})
            return
        for line in last:
            _put_line(name, line, as_json=json)
        while follow:
            if line := file.readline():
                _put_line(name, line.rstrip("\n"), as_json=json)
            else:
                time.sleep(0.3)


def _put_line(service: str, line: str, *, as_json: bool) -> None:
    put(jsonlib.dumps({"service": service, "line": line}) if as_json else line)
