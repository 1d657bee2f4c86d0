"""`a2c annotate …`: conditions, captions and prompts for a source, and what trainers read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from any2caption.cli.stack import Home, Json
from any2caption.cli.terminal.address import file_uri, folder_uri
from any2caption.cli.terminal.console import put, put_json, say, working

if TYPE_CHECKING:
    from any2caption.annotation.plan import Plan

annotate = typer.Typer(
    help="Make conditions, captions and short prompts for a source.", no_args_is_help=True
)


@annotate.command("run")
def run(
    source: Annotated[str, typer.Argument(help="Folder, file:///… or s3://… with a manifest.")],
    manifest: Annotated[
        str,
        typer.Option(help="Another file that lists them, e.g. an ingest's pending file."),
    ] = "",
    annotator: Annotated[
        str, typer.Option(help="rules (no model) or endpoint (settings A2C_ANNOTATE_…).")
    ] = "rules",
    extract: Annotated[
        list[str] | None,
        typer.Option(help="Tool, or TOOL=/path/to/weights; may be given again. See `tools`."),
    ] = None,
    captions: Annotated[str, typer.Option(help="missing, all or never.")] = "missing",
    prompts: Annotated[str, typer.Option(help="missing, all or never.")] = "missing",
    frames: Annotated[int, typer.Option(help="Frames of the clip shown per question.")] = 8,
    complete_only: Annotated[
        bool, typer.Option("--complete-only", help="Leave out captions with unknown parts.")
    ] = False,
    contradictions: Annotated[
        str,
        typer.Option(
            metavar="repair|people",
            help="A sentence against the conditions' geometry: replaced, or left to people.",
        ),
    ] = "repair",
    threshold: Annotated[
        float, typer.Option(help="Share of records left out above which nothing is published.")
    ] = 0.05,
    limit: Annotated[int, typer.Option(help="Annotate the first records only; 0: all.")] = 0,
    workers: Annotated[int, typer.Option(help="Records in work at once.")] = 4,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many requests and tokens it takes.")
    ] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Annotate a source; run it again to go on where it stopped.

    The result is a source that `ingest_conditions` takes. What was answered is never asked twice.
    """
    from any2caption.annotation.plan import Plan
    from any2caption.annotation.run import estimate, run_annotation
    from any2caption.stack import environment

    settings = environment.load_settings(home)
    plan = Plan(
        source=folder_uri(source).rstrip("/"),
        manifest=file_uri(manifest) if manifest else "",
        annotator=annotator,
        extract=tuple(extract or ()),
        captions=_choice(captions),
        prompts=_choice(prompts),
        frames=frames,
        complete_only=complete_only,
        contradictions=_choice(contradictions),
        threshold=threshold,
        limit=limit,
        workers=workers,
    )
    found = estimate(settings, plan) if dry_run else run_annotation(settings, plan, say=say)
    if json:
        put_json(found)
    else:
        put(_estimated(found) if dry_run else _done(found, plan))


def _choice(value: str) -> Any:
    """A choice that `Plan` checks."""
    return value


def _estimated(found: dict[str, Any]) -> str:
    cost = "unknown (set A2C_ANNOTATE_INPUT_PRICE, _OUTPUT_PRICE)"
    if found["cost"] is not None:
        cost = f"at most {found['cost']:.2f}"
    return "\n".join(
        [
            f"run {found['key']} of {found['source']} with {found['annotator']}: nothing was asked",
            f"  records   {found['records']}",
            f"  finished  {found['finished']} before; {found['unreadable']} cannot be read",
            f"  to write  {found['captions']} captions, {found['prompts']} short prompts",
            f"  requests  {found['requests']} without answers that are asked again",
            f"  tokens    about {found['input_tokens']} in, at most {found['output_tokens']} out",
            f"  cost      {cost}",
        ]
    )


def _done(found: dict[str, Any], plan: "Plan") -> str:
    spent = found["spent"]
    unknown = ", ".join(f"{part} {count}" for part, count in sorted(found["unknown"].items()))
    repaired = ", ".join(f"{part} {count}" for part, count in sorted(found["repaired"].items()))
    lines = [
        f"run {found['key']}: {found['records']} records in {found['seconds']} s",
        f"  annotated {found['annotated']}",
        f"  reused    {found['reused']} from former runs",
        f"  left out  {found['left_out']}",
        *(f"            {reason}" for reason in found["reasons"][:5]),
        f"  unknown   {unknown or 'nothing'}",
        f"  repaired  {repaired or 'nothing'}; {found['doubted']} records for people to read",
    ]
    if plan.annotator == "endpoint":
        cost = "unknown" if spent["cost"] is None else f"{spent['cost']:.4f}"
        lines.append(
            f"  spent     {spent['requests']} requests ({spent['cached']} answers from the cache), "
            f"{spent['input_tokens']} tokens in, {spent['output_tokens']} out, cost {cost}"
        )
    return "\n".join(lines)


@annotate.command("export")
def export(
    name: Annotated[
        str,
        typer.Argument(
            metavar="RUN|SNAPSHOT|SOURCE",
            help="Key of an annotation run, a snapshot (latest), or a source with captions.",
        ),
    ],
    trainer: Annotated[
        str, typer.Option("--for", help="musubi-tuner, diffusion-pipe or finetrainers.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the export; a former one is replaced.")],
    dialect: Annotated[
        str, typer.Option(help="Captions as this generator reads them: wan, ltx2, cogvideox …")
    ] = "plain",
    length: Annotated[
        str, typer.Option(help="short (64 tokens), medium (160) or long (all that fits).")
    ] = "long",
    split: Annotated[
        str, typer.Option(help="Of a snapshot: train, validation or test; all by default.")
    ] = "",
    link: Annotated[
        bool, typer.Option("--link", help="Link to clips in a folder instead of copying them.")
    ] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Write captioned clips as a trainer of video generators reads them.

    [dim]a2c annotate export latest --for musubi-tuner --dialect wan --out clips[/]
    """
    from any2caption.annotation.export.run import run_export
    from any2caption.errors import ConfigError
    from any2caption.stack import environment

    if split not in {"", "train", "validation", "test"}:
        raise ConfigError(f"unknown split {split!r}; known: train, validation, test")
    source = folder_uri(name) if "://" in name or Path(name).is_dir() else name
    with working(f"writing clips for {trainer}"):
        done = run_export(
            environment.load_settings(home),
            source,
            out,
            trainer=trainer,
            dialect=dialect,
            length=_choice(length),
            split=_choice(split) or None,
            link=link,
        )
    if json:
        put_json(done)
        return
    put(f"{done['clips']} clips with captions for {trainer}: {done['out']}")
    for reason, count in done["left_out"].items():
        put(f"  left out  {count} records: {reason}")
    if done["shortened"]:
        put(f"  shortened {done['shortened']} captions; what was cut is in records.jsonl")
    put(f"  next      {done['use']}")


@annotate.command("tools")
def tools(json: Json = False) -> None:
    """List the extractors, and which of them need weights."""
    from any2caption.annotation.extractors import TOOLS

    if json:
        put_json(
            [
                {"name": t.name, "kind": t.kind, "summary": t.summary, "weights": t.weights}
                for t in TOOLS.values()
            ]
        )
        return
    for tool in TOOLS.values():
        put(f"{tool.name:<19} {tool.kind:<13} {tool.summary}")
        if tool.weights:
            put(f"{'':<19} {'':<13} needs {tool.name}=/folder/of {tool.weights}")


@annotate.command("report")
def report(
    key: Annotated[str, typer.Argument(help="Key of an annotation run.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Show a run's bill, what people said of it, and how far they agree."""
    from any2caption.annotation import reviews
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.stack import environment

    settings = environment.load_settings(home)
    catalogue = Catalogue(settings.catalogue_url)
    try:
        catalogue.migrate()
        row = catalogue.annotation_run(key)
    finally:
        catalogue.close()
    told = reviews.report(settings, key)
    if json:
        put_json({"run": row.report, "reviews": told})
        return
    put(f"run {key} of {row.source} with {row.annotator}: {row.report['records']} records")
    put(f"  reviewed  {told['reviewed']} by {', '.join(told['reviewers']) or 'nobody'}")
    for outcome, rate in told["rates"].items():
        put(f"  {outcome:<9} {told[outcome]} ({'—' if rate is None else f'{rate:.1%}'})")
    both = told["agreement"]
    kappa = "not defined" if both["kappa"] is None else both["kappa"]
    put(f"  agreement {both['pairs']} read by two; observed {both['observed']}, kappa {kappa}")
