"""`a2c promote`, `a2c rollback` and `a2c model …`: a release owner's commands."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from any2caption.cli.lifecycle import airflow
from any2caption.cli.stack import DryRun, Home, Json
from any2caption.cli.terminal.console import put, put_json, say, user, working
from any2caption.errors import A2CError, ConfigError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from any2caption.registry.promotion import Promoted
    from any2caption.settings import Settings

model = typer.Typer(help="Cards and signatures of bundles and releases.", no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(help="Folder of a bundle or a release.")]
Key = Annotated[
    str | None,
    typer.Option(help="Names this request: sent again with the same key, it changes nothing."),
]
Sequence = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="The ledger's last line that you decided on (`a2c registry show`): if others came "
        "since, nothing changes.",
    ),
]
Approver = Annotated[
    str,
    typer.Option(
        default_factory=user, show_default="the login", help="Who decides; kept in the ledger."
    ),
]


def promote(
    version: Annotated[int, typer.Argument(help="Model version in the registry.")],
    approver: Approver,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Past what the verdict says; needs a reason.")
    ] = False,
    key: Key = None,
    sequence: Sequence = None,
    dry_run: DryRun = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Make a version champion; the DAG `release` then rolls it out."""
    from any2caption.registry.commands import run_promote
    from any2caption.registry.promotion import would_promote
    from any2caption.stack import environment

    settings = environment.load_settings(home)
    if dry_run:
        _foretell(would_promote(settings, version, approver, force=force), as_json=json)
        return
    done = run_promote(
        settings,
        version=version,
        approver=approver,
        reason=reason or "by hand",
        force=force,
        key=key,
        sequence=sequence,
    )
    _announce(settings, done, as_json=json)


def rollback(
    approver: Approver,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")],
    key: Key = None,
    sequence: Sequence = None,
    dry_run: DryRun = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Make the champion before the present one champion again, and serve it.

    Needs no Airflow where the server is this machine's own; elsewhere the DAG release serves it.
    """
    from any2caption.orchestration import actions
    from any2caption.registry.promotion import would_roll_back
    from any2caption.serving.releases.rollout import live_repository
    from any2caption.stack import environment

    settings = environment.load_settings(home)
    if dry_run:
        _foretell(would_roll_back(settings), as_json=json)
        return
    if live_repository(settings).current() is None:
        from any2caption.registry.commands import run_rollback

        done = run_rollback(settings, approver=approver, reason=reason, key=key, sequence=sequence)
        _announce(settings, done, as_json=json)
        return
    done = actions.roll_back(
        settings, approver=approver, reason=reason, key=key, sequence=sequence, say=say
    )
    if json:
        put_json(done)
    else:
        said = "is champion now" if done["changed"] else "was champion already"
        put(
            f"version {done['version']} {said} (before: {done['previous']}), "
            f"release {done['release']} serves it"
        )


def _foretell(would: "Promoted", *, as_json: bool) -> None:
    """Tell who would be champion; nothing was changed."""
    if as_json:
        put_json(asdict(would))
    else:
        said = "would be champion" if would.changed else "is champion already"
        put(f"version {would.version} {said} (now: {would.previous or 'nobody'})")


def _announce(settings: "Settings", done: dict[str, Any], *, as_json: bool) -> None:
    """Tell the outcome, and Airflow of the new champion.

    Raises:
        UnavailableError: the ledger has the new champion, but nobody rolls it out.
    """
    if as_json:
        put_json(done)
    else:
        said = "is champion now" if done["changed"] else "was champion already"
        put(f"version {done['version']} {said} (before: {done['previous'] or 'nobody'})")
    if not done["changed"] and not _unserved(settings):
        return
    try:
        airflow(settings).publish("champion", {"version": done["version"]})
    except A2CError as error:
        raise UnavailableError(
            f"the ledger says so, but the release did not start: {error}; when Airflow answers, "
            f"trigger the DAG release with version {done['version']}, or wait for housekeeping"
        ) from error
    say(f"DAG release rolls version {done['version']} out: {settings.airflow_url}")


def _unserved(settings: "Settings") -> bool:
    """Whether the champion's release still has to follow: an earlier try may have been killed."""
    from contextlib import closing
    from datetime import timedelta

    from any2caption.orchestration.reconciler import unserved
    from any2caption.registry.promotion import open_ledger

    with closing(open_ledger(settings)) as ledger:
        return unserved(settings, ledger, patience=timedelta(0)) is not None


@model.command("sign")
def sign(folder: Folder, home: Home = None, json: Json = False) -> None:
    """Sign a folder with the stack's key: say that you know where it comes from.

    Training and releases sign by themselves; this is for what was made before, or elsewhere.
    """
    from any2caption.stack import environment
    from any2caption.storage import signatures
    from any2caption.storage.signing_keys import Keys

    keys = Keys.of(environment.load_settings(home))
    with working(f"signing {folder}"):
        signatures.sign(folder, keys=keys)
    files = len(signatures.signed_digests(folder, keys=keys))
    if json:
        put_json({"folder": str(folder), "files": files})
    else:
        put(f"{folder}: {files} files signed")


@model.command("card")
def card(
    model_of: Annotated[
        str,
        typer.Argument(metavar="VERSION|FOLDER", help="Registered version, bundle or release."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Write README.md, model_card.html and model_card.json here."),
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show a model's card as Markdown: what it is, learned from, reached, and does not do."""
    from json import loads

    from any2caption.registry.model_card import FACTS, README
    from any2caption.stack import environment

    texts = _card_of(environment.load_settings(home), model_of)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in texts.items():
            (out / name).write_text(content, encoding="utf-8")
        say(f"written: {', '.join(str(out / name) for name in texts)}")
    if json:
        put_json(loads(texts[FACTS]))
    elif out is None:
        put(texts[README])


def _card_of(settings: "Settings", model_of: str) -> dict[str, str]:
    """The card that a release holds, as it was signed; else a fresh one of a bundle or version."""
    from any2caption.registry.commands import version_bundle
    from any2caption.registry.model_card import FACTS, documents, facts
    from any2caption.serving.releases.release_folder import DOCUMENTS, RELEASE, read_release
    from any2caption.storage import signatures
    from any2caption.storage.signing_keys import Keys

    if model_of.isdecimal():
        version = int(model_of)
        return documents(facts(settings, version_bundle(settings, version), version))
    folder = Path(model_of)
    if (folder / FACTS).is_file():
        signatures.verify(folder, keys=Keys.of(settings))
        return {name: (folder / name).read_text(encoding="utf-8") for name in sorted(DOCUMENTS)}
    if not (folder / RELEASE).is_file():
        return documents(facts(settings, folder))
    release = read_release(folder)
    if not release.bundle.is_dir():
        raise NotFoundError(f"{folder}: release {release.number} has no model")
    version_of = int(release.model_version) if release.model_version.isdecimal() else None
    return documents(facts(settings, release.bundle, version_of, release.number))


@model.command("zero-shot")
def zero_shot(
    out: Annotated[Path, typer.Argument(help="Folder of the bundle to write.")],
    preset: Annotated[str, typer.Option(help="Preset that starts from weights.")] = "smol",
    weights: Annotated[
        str, typer.Option(help="Folder or file:// URI of weights; smol has its own.")
    ] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Write the bundle of a pretrained model that reads facts: a writer without any training.

    [dim]a2c model zero-shot smol; a2c caption --local --bundle smol --writer model --text …[/]
    """
    from any2caption.stack import environment
    from any2caption.storage.signing_keys import Keys

    settings = environment.load_settings(home)
    try:
        from any2caption.model.zero_shot import write_zero_shot

        with working(f"writing the bundle of {preset}"):
            write_zero_shot(out, preset=preset, weights=weights, keys=Keys.of(settings))
    except ImportError as error:
        raise ConfigError(
            f"a2c model zero-shot needs an environment with torch: {error}"
        ) from error
    if json:
        put_json({"folder": str(out), "preset": preset})
    else:
        put(f"{out}: a bundle of {preset}, untrained; --writer model asks it")


@model.command("verify")
def verify(folder: Folder, home: Home = None, json: Json = False) -> None:
    """Check every file of a folder against its signature; exit code 1 names the first wrong one."""
    from any2caption.stack import environment
    from any2caption.storage import signatures
    from any2caption.storage.digest import listing_digest
    from any2caption.storage.signing_keys import Keys

    with working(f"reading {folder}"):
        digests = signatures.verify(folder, keys=Keys.of(environment.load_settings(home)))
    digest = listing_digest(digests)
    if json:
        put_json({"folder": str(folder), "files": len(digests), "digest": digest})
    else:
        put(f"{folder}: {len(digests)} files as signed, digest {digest}")


@model.command("key")
def key(home: Home = None, json: Json = False) -> None:
    """Say where the stack's keys lie; a missing pair is made."""
    from any2caption.stack import environment
    from any2caption.storage.signing_keys import Keys

    keys = Keys.of(environment.load_settings(home))
    private, public = keys.for_signing(), keys.for_verifying()
    if json:
        put_json({"private": str(private), "public": str(public)})
    else:
        put(f"private {private}")
        put(f"public  {public}")
