"""`a2c demo`: one request, answered from facts, and by a model that is trained meanwhile."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from any2caption.cli.lifecycle import SCENES, Scenes, follow, summary
from any2caption.cli.stack import Home, Json
from any2caption.cli.terminal.console import put, put_json, say, working

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from any2caption.serving.client import CaptionResult, ConditionInput


def demo(
    examples: Annotated[Path, typer.Option(help="Folder of example conditions.")] = Path(
        "examples"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="Facts, caption and video only: no stack, no training.")
    ] = False,
    scenes: Scenes = SCENES,
    recipe: Annotated[str, typer.Option(help="Training recipe and gate policy.")] = "tiny",
    object_store: Annotated[str | None, typer.Option(help="As in `a2c up`.")] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Start the stack and answer one request from facts; train a model, and let it answer too.

    The request is examples/request.json. The model's answer is held to the same facts.
    """
    from any2caption.cli.call import as_json, example_request, show_result
    from any2caption.cli.stack import bring_up
    from any2caption.stack import environment

    settings = environment.load_settings(home)
    if quick:
        _quick(examples, settings.home / "demo.mp4", as_json=json)
        return
    composed: list[CaptionResult] = []

    def first_answer() -> None:
        composed.append(example_request(settings, examples, asked={"writer": "compose"}))
        if not json:
            put("Composed from the facts of the request, before any training:")
            show_result(composed[0])
            put()

    bring_up(settings, object_store, serving=first_answer)
    outcome = follow(settings, recipe=recipe, policy=recipe, scenes=scenes, auto_approve=True)
    video = settings.home / "demo.mp4"
    written = example_request(settings, examples, video, asked={"writer": "model"})
    if json:
        put_json(
            {
                "composed": as_json(composed[0]),
                "written": as_json(written, video),
                "gate_report": outcome.report,
                "seconds": outcome.seconds,
            }
        )
        return
    put(summary(outcome))
    put()
    put("Composed from the facts of the request:")
    put(composed[0].text)
    put()
    put("Written by the model just trained, and held to the same facts:")
    show_result(written, explain=True)
    put()
    put(f"video        {video}")
    put(f"gate report  {outcome.report}")
    put(f"Airflow      {settings.airflow_url}")
    put(f"MLflow       {settings.mlflow_url}")
    put(f"Triton       {settings.triton_url} (gRPC)")


def _quick(examples: Path, video: Path, *, as_json: bool) -> None:
    """Show what the request's files state, the caption composed from it, and its video."""
    from any2caption.cli import call

    text, conditions = call.example(examples)
    with working("reading the conditions"):
        stated = [*_stated(conditions)]
    if not as_json:
        put(f"Asked: {text}")
        for one in stated:
            put(f"  {one['input']}: {one['path']} ({one['format']})")
            for fact in one["facts"]:
                put(f"    {fact}")
        put()
    with working("composing the caption and drawing its video"):
        result = call.answer_here(text, conditions, video_out=video, asked={"writer": "compose"})
    if as_json:
        put_json({"text": text, "stated": stated, **call.as_json(result, video)})
        return
    call.show_result(result, explain=True)
    put()
    put(f"video        {video}")
    say("`a2c demo` without --quick also trains a model, evaluates, releases and asks it")


def _stated(
    conditions: "Mapping[str, Sequence[ConditionInput]]",
) -> "Iterator[dict[str, Any]]":
    """What each condition states, in words."""
    from any2caption.conditions.inspect.report import report_of

    for kind, given in conditions.items():
        for number, one in enumerate(given, 1):
            report = report_of(one.path, kind=kind, options=one.options)
            yield {
                "input": f"{kind} {number}",
                "path": str(one.path),
                "format": report["format"],
                "facts": [_told(fact) for fact in report["facts"] if fact["aspect"] != "identity"],
            }


def _told(fact: "Mapping[str, Any]") -> str:
    who = f"{fact['value']['who']} " if "who" in fact["value"] else ""
    return f"{fact['aspect']}: {who}{fact['text']}"
