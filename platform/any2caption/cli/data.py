"""`a2c data …`: make, look at, compare and take things out of data sets."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from any2caption.cli.phrases import phrases
from any2caption.cli.shards import shards
from any2caption.cli.stack import DryRun, Home, Json
from any2caption.cli.terminal.address import folder_uri
from any2caption.cli.terminal.console import ProgressPrinter, put, put_json, say, user, working

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.datasets.ingest.open_source import SourceOptions
    from any2caption.datasets.removal import Removed
    from any2caption.settings import Settings
    from any2caption.storage import ObjectStore

data = typer.Typer(help="Make, check, compare and clean data sets.", no_args_is_help=True)
SnapshotName = Annotated[
    str, typer.Argument(metavar="SNAPSHOT", help="Id, its first 6 digits or more, or latest.")
]
_ID = 12  # digits of a snapshot's id that people are shown


@data.command()
def ingest(
    source: Annotated[str, typer.Argument(help="Folder, file:///folder or s3://bucket/prefix.")],
    manifest: Annotated[str, typer.Option(help="Manifest's path below the source.")] = "",
    licence: Annotated[str, typer.Option(help="SPDX licence of records that state none.")] = "",
    source_name: Annotated[
        str, typer.Option("--source", help="Provenance of records that state none.")
    ] = "",
    shape: Annotated[str, typer.Option(help="A plain folder's shape, e.g. sidecars.")] = "",
    kind: Annotated[str, typer.Option(help="Condition kind of a plain folder's media.")] = "",
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Tolerated share of bad records.")
    ] = 0.05,
    workers: Annotated[int, typer.Option(min=1, help="Processes that read and probe.")] = 2,
    strict_drift: Annotated[
        bool, typer.Option("--strict-drift", help="Drift against the last snapshot refuses.")
    ] = False,
    strict_camera: Annotated[
        bool,
        typer.Option("--strict-camera", help="Quarantine texts that contradict their camera path."),
    ] = False,
    dry_run: DryRun = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Read a manifest (JSONL, Parquet, CSV) or a plain folder; publish it as a snapshot."""
    import threading

    from any2caption.datasets.ingest import run_ingest
    from any2caption.datasets.ingest.open_source import SourceOptions
    from any2caption.progress import ProgressLog

    settings, address = _settings(home), folder_uri(source)
    options = SourceOptions(manifest, shape, kind, licence, source_name)
    if dry_run:
        _put_source(settings, address, options, as_json=json)
        return
    log = ProgressLog(settings.progress_log, f"data-{_token()}")
    done = threading.Event()
    with ProgressPrinter() as show:
        follower = threading.Thread(target=_follow, args=(log, show, done), daemon=True)
        follower.start()
        try:
            result = run_ingest(
                settings,
                address,
                threshold=threshold,
                workers=workers,
                lifecycle=log.lifecycle,
                options=options,
                strict_drift=strict_drift,
                allow_pending=True,
                strict_camera=strict_camera,
            )
        finally:
            done.set()
            follower.join()
    _tell_mlflow(settings, result)
    for note in result["notes"]:
        say(f"note: {note}")
    if json:
        put_json(result)
        return
    _put_ingest(settings, result, address)


def _put_source(
    settings: "Settings", address: str, options: "SourceOptions", *, as_json: bool
) -> None:
    """Tell how a source would be read: its manifest or shape, and how many records come."""
    from tempfile import TemporaryDirectory

    from any2caption.datasets.ingest.open_source import open_source
    from any2caption.storage import open_store

    with TemporaryDirectory() as folder:
        store = open_store(address, settings.s3_endpoint_url)
        found = open_source(store, "", Path(folder), options)
    if as_json:
        told = {"source": found.where, "format": found.format, "records": found.count}
        put_json({**told, "defaults": dict(found.defaults), "notes": found.notes})
        return
    put(f"{found.where}: {found.format}, {found.count:,} records would be read")
    for note in found.notes:
        say(f"note: {note}")


@data.command()
def validate(
    snapshot: SnapshotName = "latest",
    against: Annotated[str, typer.Option(help="Snapshot to measure drift against.")] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Hold a snapshot to the data contract again; exit code 1 if it fails."""
    import io

    from any2caption.datasets.contract.report import About
    from any2caption.datasets.contract.validation import validate_manifest
    from any2caption.datasets.digest_set import Digests
    from any2caption.datasets.snapshots import read_metadata, resolve
    from any2caption.storage.content import MEDIA_PREFIX

    settings, store, catalogue = _open(home)
    identity = resolve(store, snapshot)
    metadata = read_metadata(store, identity)
    last = read_metadata(store, resolve(store, against))["statistics"] if against else None
    media = Digests.of(info.key.rpartition("/")[2] for info in store.list(MEDIA_PREFIX))
    manifest = io.BytesIO(store.get(metadata["manifest"]["key"]))
    folder = settings.home / "data_docs" / identity[:16]
    with working(f"holding {identity[:_ID]} to the data contract"):
        about = About(identity, str(metadata.get("source", "")))
        outcome = validate_manifest(manifest, media, folder, last=last, about=about)
    failures = [str(item) for item in outcome.failures]
    catalogue.record_validation(
        identity,
        passed=outcome.passed,
        expectations=outcome.expectations,
        failures=failures,
        report=str(outcome.report),
    )
    result = {
        "snapshot": identity,
        "source": about.source,
        "passed": outcome.passed,
        "expectations": outcome.expectations,
        "failures": failures,
        "warnings": [str(item) for item in outcome.warnings],
        "data_docs": str(outcome.report),
        "contract_seconds": outcome.contract_seconds,
        "seconds": outcome.seconds,
    }
    _tell_mlflow(settings, result)
    if json:
        put_json(result)
    else:
        put(f"{identity[:_ID]}: {len(failures)} of {outcome.expectations} expectations failed")
        for line in (*failures, *(f"warning: {item}" for item in outcome.warnings)):
            put(f"  {line}")
        put(f"report {outcome.report}")
    if not outcome.passed:
        raise typer.Exit(1)


@data.command("list")
def list_(home: Home = None, json: Json = False) -> None:
    """List the snapshots, newest first."""
    from any2caption.datasets.snapshots import latest_id, list_ids, read_metadata, withdrawal

    _, store, _ = _open(home)
    latest, rows = latest_id(store), []
    for identity in reversed(list_ids(store)):
        metadata = read_metadata(store, identity)
        mark = withdrawal(store, identity)
        rows.append(
            {
                "snapshot": identity,
                "records": metadata["statistics"]["records"],
                "created": metadata.get("created", ""),
                "source": metadata.get("source", ""),
                "latest": identity == latest,
                "withdrawn": mark["reason"] if mark else None,
            }
        )
    if json:
        put_json(rows)
        return
    for row in rows:
        state = "latest" if row["latest"] else "withdrawn" if row["withdrawn"] else ""
        put(f"{row['snapshot'][:_ID]}  {row['records']:>8,}  {row['created']:<25}  {state:<9}  "
            f"{row['source']}")  # fmt: skip
    if not rows:
        say("there is no snapshot yet: `a2c data ingest SOURCE` makes one")


@data.command()
def show(
    snapshot: SnapshotName = "latest",
    record: Annotated[str, typer.Option(help="Show this record instead.")] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Show what a snapshot is, or one of its records."""
    from any2caption.datasets.snapshots import load_snapshot, read_metadata, resolve, withdrawal
    from any2caption.errors import NotFoundError

    _, store, catalogue = _open(home)
    identity = resolve(store, snapshot)
    if record:
        loaded = load_snapshot(store, identity, withdrawn=True)
        found = next((item for item in loaded.records() if item.id == record), None)
        if found is None:
            raise NotFoundError(f"snapshot {identity[:_ID]} has no record {record!r}")
        put_json(found.model_dump(mode="json"))
        return
    metadata = read_metadata(store, identity)
    checks = [
        {"passed": row.passed, "expectations": row.expectations, "report": row.report}
        for row in catalogue.validations(identity)
    ]
    models = catalogue.trained_on([identity])
    document = {**metadata, "withdrawn": withdrawal(store, identity), "validations": checks,
                "models": models}  # fmt: skip
    if json:
        put_json(document)
        return
    statistics = metadata["statistics"]
    put(f"snapshot    {identity}")
    put(f"created     {metadata.get('created', '')}")
    put(f"source      {metadata.get('source', '')}")
    put(f"records     {statistics['records']:,}")
    for name in ("splits", "conditions", "licences", "sources"):
        counts = ", ".join(f"{key} {count:,}" for key, count in statistics[name].items())
        put(f"{name:<11} {counts}")
    if document["withdrawn"]:
        put(f"withdrawn   {document['withdrawn']['reason']}")
    for check in checks[:1]:
        verdict = "passed" if check["passed"] else "failed"
        put(f"contract    {verdict}, {check['expectations']} expectations: {check['report']}")
    for model in models:
        put(f"trained     run {model['run']} ({model['status']}), versions {model['versions']}")


@data.command()
def stats(
    snapshot: SnapshotName = "latest",
    html: Annotated[Path | None, typer.Option(help="Write a page with plots here.")] = None,
    thumbnails: Annotated[int, typer.Option(min=0, max=200, help="Samples on the page.")] = 24,
    home: Home = None,
    json: Json = False,
) -> None:
    """Count instances and conditions per kind, hours and words, as in the paper's table."""
    from any2caption.datasets.snapshots import load_snapshot, resolve
    from any2caption.datasets.statistics import describe_documents

    _, store, _ = _open(home)
    identity = resolve(store, snapshot)
    loaded = load_snapshot(store, identity)
    found = loaded.statistics
    if "kinds" not in found:  # published by an earlier version
        found = describe_documents(item.model_dump(mode="json") for item in loaded.records())
    if html is not None:
        from any2caption.datasets import statistics_page

        figures = statistics_page.thumbnails(store, loaded.records(), thumbnails)
        html.parent.mkdir(parents=True, exist_ok=True)
        with working("drawing the page"):
            html.write_text(statistics_page.page(identity, found, figures), encoding="utf-8")
        say(f"written: {html}")
    if json:
        put_json({"snapshot": identity, **found})
        return
    put(f"{'kind':<14}{'instances':>11}{'conditions':>12}{'hours':>9}{'prompt':>9}{'caption':>9}")
    for name, row in found["kinds"].items():
        put(f"{name:<14}{row['instances']:>11,}{row['conditions']:>12,}{row['hours']:>9,.2f}"
            f"{row['prompt_words']:>9}{row['caption_words']:>9}")  # fmt: skip
    total = sum(row["conditions"] for row in found["kinds"].values())
    put(f"{'all':<14}{found['records']:>11,}{total:>12,}{found['hours']:>9,.2f}"
        f"{found['prompt_words']['mean']:>9}{found['words']['mean']:>9}")  # fmt: skip
    for part, row in found["part_words"].items():
        put(f"{part:<14}{row['mean']:>8} words ({row['least']}-{row['most']})")


@data.command()
def card(
    snapshot: SnapshotName = "latest",
    out: Annotated[
        Path | None, typer.Option(help="Write README.md and data_card.html into this folder.")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show a snapshot's data card as Markdown: sources, licences, counts, what it lacks."""
    from any2caption.datasets import data_card
    from any2caption.datasets.snapshots import resolve

    _, store, catalogue = _open(home)
    known = data_card.facts(store, catalogue, resolve(store, snapshot))
    if out is not None:
        say(f"written: {data_card.write(out, known)}, {out / data_card.README}")
    if json:
        put_json(known)
    elif out is None:
        put(data_card.documents(known)[data_card.README])


@data.command()
def diff(
    before: Annotated[
        str, typer.Argument(metavar="BEFORE", help="Id, its first 6 digits or more, or latest.")
    ],
    after: Annotated[
        str, typer.Argument(metavar="AFTER", help="Id, its first 6 digits or more, or latest.")
    ] = "latest",
    home: Home = None,
    json: Json = False,
) -> None:
    """Compare two snapshots: records added, removed and changed, per kind."""
    from any2caption.datasets.diff import compare, entries
    from any2caption.datasets.snapshots import load_snapshot, resolve

    _, store, _ = _open(home)
    old, new = (
        load_snapshot(store, resolve(store, name), withdrawn=True) for name in (before, after)
    )
    with working("comparing the snapshots"):
        found = {"before": old.id, "after": new.id, **compare(entries(old), entries(new))}
    if json:
        put_json(found)
        return
    put(f"{old.id[:_ID]} → {new.id[:_ID]}: {found['same']:,} records are the same")
    for name in ("added", "removed", "changed"):
        group = found[name]
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in group["per_kind"].items())
        examples = f" e.g. {', '.join(group['examples'][:3])}" if group["examples"] else ""
        put(f"{name:<8} {group['records']:>8,}  {kinds}{examples}")
    if found["changed_fields"]:
        put("fields   " + ", ".join(f"{k} {v:,}" for k, v in found["changed_fields"].items()))


@data.command()
def remove(
    by: Annotated[
        str, typer.Option(default_factory=user, show_default="the login", help="Who asks; kept.")
    ],
    source: Annotated[str, typer.Option(help="Remove every record of this source.")] = "",
    record: Annotated[str, typer.Option(help="Remove the record with this id.")] = "",
    reason: Annotated[str, typer.Option(help="Why; kept.")] = "",
    purge: Annotated[
        bool, typer.Option("--purge", help="Also delete media that only old snapshots have.")
    ] = False,
    dry_run: DryRun = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Serve a deletion request: new snapshot without it, old ones withdrawn, models listed.

    What was removed does not come back with the next ingest.
    """
    from dataclasses import asdict

    from any2caption.datasets.removal import affected_by
    from any2caption.datasets.removal import remove as remove_records
    from any2caption.errors import ConfigError

    if bool(source) == bool(record):
        raise ConfigError("give --source or --record, one of them")
    _, store, catalogue = _open(home)
    what, name = ("source", source) if source else ("record", record)
    if dry_run:
        found = affected_by(store, catalogue, what=what, name=name)
        _put_affected(asdict(found), as_json=json)
        return
    with working("taking it out of the snapshots"):
        done = remove_records(
            store, catalogue, what=what, name=name, by=by, reason=reason, purge=purge
        )
    if json:
        put_json(asdict(done))
        return
    _put_removed(done, purged=purge)


def _put_removed(done: "Removed", *, purged: bool) -> None:
    put(f"{done.removed:,} records removed; latest snapshot {(done.snapshot or 'none')[:_ID]}")
    if done.waited:
        put(f"{done.waited:,} records that waited for captions removed")
    for identity in done.withdrawn:
        put(f"withdrawn   {identity[:_ID]}")
    for model in done.models:
        champion = f", champion of {model['champion_of'][0]}" if model["champion_of"] else ""
        put(f"trained     run {model['run']}, versions {model['versions']}{champion}")
    if not done.models:
        put("no model was trained on them")
    if purged:
        put(f"{done.purged:,} media objects deleted")


def _put_affected(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        put_json(found)
        return
    put(f"{found['records']:,} records of the latest snapshot, {found['waiting']:,} that wait")
    for identity in found["withdrawn"]:
        put(f"would be withdrawn  {identity[:_ID]}")
    for model in found["models"]:
        put(f"trained on it       run {model['run']}, versions {model['versions']}")


@data.command()
def duplicates(
    snapshot: SnapshotName = "latest",
    against: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="SNAPSHOT", help="Another snapshot, compared with it."),
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Find exact, text and near duplicates in whole snapshots, across splits first."""
    from any2caption.datasets.duplicates.groups import load_report
    from any2caption.datasets.snapshot_duplicates import duplicates_of
    from any2caption.datasets.snapshots import resolve
    from any2caption.errors import NotFoundError

    _, store, _ = _open(home)
    identities = [resolve(store, name) for name in (snapshot, *(against or ()))]
    with working("comparing every record with every other"):
        report = duplicates_of(store, identities)
    try:
        report["quarantined"] = load_report(store, identities[0])["leaks"]
    except NotFoundError:  # a removal made it, not an ingest
        report["quarantined"] = None
    if json:
        put_json({"snapshot": identities[0], **report})
        return
    for name in ("exact", "text", "near"):
        found = report[name]
        put(f"{name:<6} {found['groups']:>7,} groups of {found['records']:,} records, "
            f"{found['across_splits']:,} across splits")  # fmt: skip
        for group in found["examples"][:3]:
            put("         " + ", ".join(f"{i['id']} ({i['split']})" for i in group["records"][:4]))
    put(f"{report['leaks']:,} of {report['records']:,} records are in a later split than a twin")
    if report["quarantined"] is not None:
        put(f"{report['quarantined']:,} such records were quarantined by the ingest: "
            "train before validation before test")  # fmt: skip


@data.command()
def quarantine(
    key: Annotated[
        str, typer.Argument(help="Key that the ingest named; the last by default.")
    ] = "",
    records: Annotated[int, typer.Option(min=0, help="Records to show in full.")] = 0,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show why records were rejected, grouped, most frequent reason first."""
    from any2caption.datasets.ingest.quarantine import load_quarantine

    _, store, _ = _open(home)
    report = load_quarantine(store, key, records)
    if json:
        put_json(report)
        return
    put(f"{report['records']:,} records of {report['source']} ({report['key']})")
    for group in report["groups"]:
        where = f"{group['field']}: " if group["field"] else ""
        put(f"{group['records']:>8,}  {where}{group['reason']}  (e.g. {group['examples'][0]})")
    for item in report["examples"]:
        put(f"line {item['line']} {item['id']}: {item['problems']}")


data.command()(shards)
data.command()(phrases)


def _settings(home: Path | None) -> "Settings":
    from any2caption.stack import environment

    return environment.load_settings(home)


def _open(home: Path | None) -> "tuple[Settings, ObjectStore, Catalogue]":
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.storage import open_store

    settings = _settings(home)
    catalogue = Catalogue(settings.catalogue_url)
    catalogue.migrate()
    return settings, open_store(settings.object_store, settings.s3_endpoint_url), catalogue


def _token() -> str:
    import uuid

    return uuid.uuid4().hex[:8]


def _follow(log: Any, show: ProgressPrinter, done: Any) -> None:
    """Show the progress of this process's own log until it is done."""
    offset = log.path.stat().st_size if log.path.exists() else 0
    while True:
        last = done.wait(0.5)
        for after, line in log.read(offset):
            offset = after
            show(line)
        if last:
            return


def _tell_mlflow(settings: "Settings", result: dict[str, Any]) -> None:
    """Put the result into MLflow where a server answers; a missing one is not an error.

    A home without a stack of its own has no MLflow: the default port may be another home's.
    """
    from any2caption.errors import UnavailableError
    from any2caption.registry.datasets import log_data_set
    from any2caption.stack.environment import saved_file

    if not saved_file(settings.home).exists() and not os.environ.get("A2C_MLFLOW_URL"):
        say(f"not in MLflow: no stack was started under {settings.home}, and A2C_MLFLOW_URL names "
            "none")  # fmt: skip
        return
    try:
        log_data_set(settings, result)
    except UnavailableError as error:
        say(f"not in MLflow: {error}")


def _put_ingest(settings: "Settings", result: dict[str, Any], source: str) -> None:
    if result["snapshot"]:
        again = " (unchanged)" if result["unchanged"] else ""
        put(f"snapshot    {result['snapshot']}{again}")
        put(f"records     {result['records']:,} from {result['format']}")
        put(f"contract    {result['expectations']} expectations hold: {result['data_docs']}")
    else:
        put(f"snapshot    none: no record has a six-part caption yet (read as {result['format']})")
    if camera := result.get("camera_language", {}).get("compared"):
        agree = result["camera_language"]["agree"]
        put(f"camera      {agree:,} of {camera:,} texts agree with their camera path")
    if result["pending"]:
        where = f"{settings.object_store}/{result['pending_manifest']}"
        put(f"pending     {result['pending']:,} records wait for captions: {where}")
        put(f"next        a2c annotate run {shlex.quote(source)} --manifest {shlex.quote(where)}")
    if result["rejected"]:
        put(f"quarantine  {result['rejected']:,} records ({result['leaks']:,} near duplicates "
            f"across splits): a2c data quarantine {result['quarantine']}")  # fmt: skip
    for warning in result.get("warnings", ()):
        put(f"warning     {warning}")
    sys.stdout.flush()
