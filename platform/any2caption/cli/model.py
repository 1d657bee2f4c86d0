"""`a2c promote` and `a2c rollback`: a release owner's commands, written into the ledger."""

from typing import Annotated

import typer

from any2caption.cli.console import put, put_json
from any2caption.cli.stack import Home, Json

Approver = Annotated[str, typer.Option(envvar="USER", help="Who decides; kept in the ledger.")]


def promote(  # noqa: PLR0913, PLR0917 - a command's options
    version: Annotated[int, typer.Argument(help="Model version in the registry.")],
    approver: Approver,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    force: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--force", help="Also without a passed verdict; needs a reason.")
    ] = False,
    home: Home = None,
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Make a version champion. The release follows by the DAG `release`."""
    from any2caption.registry.commands import run_promote
    from any2caption.stack import environment

    settings = environment.load_settings(home)
    done = run_promote(
        settings, version=version, approver=approver, reason=reason or "by hand", force=force
    )
    _say(done, as_json=json)


def rollback(
    approver: Approver,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")],
    home: Home = None,
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Make the champion before the present one champion again."""
    from any2caption.registry.commands import run_rollback
    from any2caption.stack import environment

    done = run_rollback(environment.load_settings(home), approver=approver, reason=reason)
    _say(done, as_json=json)


def _say(done: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        put_json(done)
        return
    said = "is champion now" if done["changed"] else "was champion already"
    put(f"version {done['version']} {said} (before: {done['previous'] or 'nobody'})")
