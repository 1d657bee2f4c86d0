"""`a2c registry …`: who is champion, why, where it comes from, and whether all agree on it."""

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from any2caption.cli.stack import DryRun, Home, Json
from any2caption.cli.terminal.console import put, put_address, put_json, say
from any2caption.errors import A2CError, ConfigError, IntegrityError, UnavailableError

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Promotion, Verdict
    from any2caption.orchestration.reconciler import Standing
    from any2caption.settings import Settings

registry = typer.Typer(help="Ledger, verdicts and lineage of the models.", no_args_is_help=True)
Version = Annotated[int | None, typer.Argument(help="Model version; without one: the champion.")]
AnyVersion = Annotated[int | None, typer.Argument(help="Model version; without one: all.")]
_DIGESTS = (
    ("bundle", "digest"),
    ("champion", "champion_digest"),
    ("snapshot", "snapshot_id"),
    ("selection", "selection_digest"),
    ("policy", "policy_digest"),
    ("judge", "judge_digest"),
    ("code", "code_digest"),
    ("captions", "captions_digest"),
    ("report", "report_digest"),
)
_SHOWN = 12  # digits of a digest that people are shown


def _settings(home: Any) -> "Settings":
    from any2caption.stack import environment

    return environment.load_settings(home)


@registry.command()
def show(
    last: Annotated[int, typer.Option(min=1, help="Lines of the ledger that are shown.")] = 10,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show the champion by ledger, alias and server, and the ledger's last lines."""
    from any2caption.orchestration.reconciler import Standing, standing
    from any2caption.registry.client import MODEL
    from any2caption.registry.promotion import open_ledger

    settings = _settings(home)
    with closing(open_ledger(settings)) as ledger:
        lines, moved = ledger.ledger(MODEL), ledger.corrections(MODEL)
        agrees: bool | None = None
        try:
            stands = standing(settings, ledger)
            agrees, told = stands.agrees, _agreement(stands)
        except UnavailableError as error:  # the ledger is known all the same
            champion = lines[-1].version if lines else None
            stands = Standing(champion, None, None, None, note=str(error))
            told = (
                f"{f'version {champion}' if champion else 'nobody'} is champion by the ledger; "
                f"whether alias and server follow is not known: {error}"
            )
    if json:
        put_json(
            {
                **asdict(stands),
                "agrees": agrees,
                "lines": [_line(line) for line in lines[-last:]],
                "corrections": [
                    {
                        "alias": one.alias,
                        "found": one.found,
                        "restored": one.restored,
                        "created": _time(one.created),
                    }
                    for one in moved
                ],
            }
        )
        return
    put(told)
    for line in lines[-last:]:
        put(
            f"  {line.sequence:>4}  {_time(line.created)}  {line.kind:<8} "
            f"{line.previous or 'nobody'} → {line.version}  {line.approver}: {line.reason}"
        )
    for one in moved:
        put(
            f"  alias {one.alias} was moved by hand to {one.found or 'nothing'}, and back to "
            f"{one.restored or 'nothing'}: {_time(one.created)}"
        )


def _line(line: "Promotion") -> dict[str, Any]:
    names = ("sequence", "kind", "previous", "version", "approver", "reason", "key", "verdict")
    return {
        **{name: getattr(line, name) for name in names},
        "digest": line.digest,
        "created": _time(line.created),
    }


def _time(moment: Any) -> str:
    return str(moment.isoformat(timespec="seconds"))


def _agreement(stands: "Standing") -> str:
    if stands.agrees and stands.ledger is None:
        return "nobody is champion"
    if stands.agrees:
        return f"version {stands.ledger} is champion; alias and release {stands.release} agree"
    who = {"ledger": stands.ledger, "alias": stands.alias, "server": stands.live}
    told = ", ".join(f"{name} {version or 'nobody'}" for name, version in who.items())
    why = stands.note or "`a2c registry reconcile` lets them follow the ledger"
    return f"they differ: {told}; {why}"


@registry.command()
def verdicts(version: AnyVersion = None, home: Home = None, json: Json = False) -> None:
    """List verdicts, on a version or all, with the digests of what they were made on and by."""
    from any2caption.registry.promotion import open_ledger

    with closing(open_ledger(_settings(home))) as ledger:
        rows = [_verdict(row) for row in ledger.verdicts(version)]
    if json:
        put_json(rows)
        return
    for row in rows:
        put(
            f"{row['id']:>4}  {row['created']}  version {row['version']}  policy {row['policy']}  "
            f"{'passed' if row['passed'] else 'refused'}, against "
            f"{'version ' + str(row['against']) if row['against'] else 'nobody'}"
        )
        for reason in row["reasons"]:
            put(f"        {reason}")
        put("        " + "  ".join(f"{n} {d[:_SHOWN] or '-'}" for n, d in row["digests"].items()))
    if not rows:
        put(f"no verdict{f' on version {version}' if version else ''}")


def _verdict(row: "Verdict") -> dict[str, Any]:
    return {
        "id": row.id,
        "version": row.version,
        "against": row.champion,
        "policy": row.policy,
        "for_release": row.for_release,
        "passed": row.passed,
        "reasons": row.reasons,
        "requester": row.requester,
        "report": row.report,
        "digests": {name: getattr(row, column) for name, column in _DIGESTS},
        "created": _time(row.created),
    }


@registry.command()
def lineage(version: Version = None, home: Home = None, json: Json = False) -> None:
    """Follow a version back to its run, its snapshot, and every source with its licence."""
    from any2caption.registry.lineage import lineage as follow

    found = follow(_settings(home), version)
    if json:
        put_json(found)
        return
    verdict, promoted = found["verdict"], found["promoted"]
    said = f"{'passed' if verdict['passed'] else 'refused'} under {verdict['policy']}, report "
    put(f"version   {found['version']}, bundle {found['digest'][:_SHOWN]}")
    for line in promoted:
        put(f"{line['kind']:<9} {line['created']} by {line['approver']}: {line['reason']}")
    put(f"verdict   {said + verdict['report'] if verdict else 'none'}")
    put(f"run       {found['run']}: preset {found['preset']}, recipe {found['recipe']}")
    put(f"weights   {found['weights']}")
    put(
        f"snapshot  {found['snapshot'][:_SHOWN]}: {found['records']} records from {found['source']}"
    )
    for one in found["sources"]:
        put(f"source    {one['source']}: {one['licence']}, {one['records']} records")


@registry.command()
def verify(home: Home = None, json: Json = False) -> None:
    """Hold the ledger to its chain of digests, and alias and bundle to it; 1 if one is wrong."""
    from any2caption.registry.lineage import findings

    found = findings(_settings(home))
    if json:
        put_json([{"right": right, "said": said} for right, said in found])
    else:
        for right, said in found:
            put(f"{'?    ' if right is None else 'ok   ' if right else 'WRONG'}  {said}")
    wrong = [said for right, said in found if right is False]
    if wrong:
        raise IntegrityError(f"{len(wrong)} of {len(found)} checks failed: {wrong[0]}")
    for right, said in found:
        if right is None:
            raise UnavailableError(said)


@registry.command()
def reconcile(
    dry_run: DryRun = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Let MLflow's alias and this machine's server follow the ledger, as housekeeping does."""
    from any2caption.orchestration.reconciler import settle, standing
    from any2caption.registry.promotion import open_ledger

    settings = _settings(home)
    if dry_run:
        with closing(open_ledger(settings)) as ledger:
            stands = standing(settings, ledger)
    else:
        stands = settle(settings, say=say)
    if json:
        put_json({**asdict(stands), "agrees": stands.agrees})
    else:
        put(_agreement(stands))
    if not stands.agrees and not dry_run:
        raise A2CError(stands.note or "they do not agree yet: is another roll-out running?")


@registry.command()
def subscribe(
    dry_run: DryRun = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Have MLflow tell Airflow of every changed alias, signed with A2C_ALIAS_SECRET.

    `a2c up` does it for the local stack; elsewhere once, and again after another secret.
    """
    from any2caption.registry import webhook
    from any2caption.stack import secrets

    settings = _settings(home)
    url = f"{settings.airflow_url}{webhook.PATH}"
    key = webhook.secret()
    if not key and secrets.file_of(settings.home).exists():
        key = secrets.load(settings.home).alias_secret
    if not key:
        raise ConfigError(f"neither {webhook.SECRET} nor {webhook.SECRET_FILE} is set")
    if not dry_run:
        webhook.subscribe(settings, url, key)
    if json:
        put_json({"mlflow": settings.mlflow_url, "url": url, "subscribed": not dry_run})
    else:
        put(
            f"{settings.mlflow_url} {'would tell' if dry_run else 'tells'} {url} of changed aliases"
        )


@registry.command()
def ask(
    version: Annotated[int, typer.Argument(help="Model version.")],
    rater: Annotated[str, typer.Option(help="Who votes; without it: who is logged in.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 0,
    home: Home = None,
    json: Json = False,
) -> None:
    """Open a page to vote on a version's captions beside the champion's, blind, by keyboard."""
    import getpass

    from any2caption.playground.people.server import serve, study
    from any2caption.registry.promotion import open_ledger

    settings = _settings(home)
    with closing(open_ledger(settings)) as ledger:
        asked = study(settings, ledger, version, rater or getpass.getuser())
        say(f"{len(asked.pairs)} pairs for {asked.rater}; end with Ctrl-C")
        serve(asked, ledger, port=port, ready=put_address if json else put)


@registry.command()
def votes(
    version: Annotated[int, typer.Argument(help="Model version.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Count what people prefer, a version's captions or the champion's, and how far they agree."""
    from any2caption.errors import NotFoundError
    from any2caption.evaluation.people import tally
    from any2caption.registry.promotion import open_ledger, votes_on

    with closing(open_ledger(_settings(home))) as ledger:
        if (verdict := ledger.verdict_on(version)) is None:
            raise NotFoundError(f"version {version} was never evaluated")
        found = tally(votes_on(ledger, verdict), verdict.digest)
    if json:
        put_json(asdict(found))
        return
    if found.value is None:
        put(f"nobody has voted on version {version} (a2c registry ask {version})")
        return
    kappa = "not known" if found.agreement is None else f"{found.agreement:.2f}"
    put(
        f"version {version} is preferred in {found.value:.2f} of cases ({found.low:.2f} to "
        f"{found.high:.2f}): {found.won} won, {found.lost} lost, {found.tied} undecided; "
        f"{found.votes} votes of {found.raters} people, agreement (Cohen's κ) {kappa}"
    )
