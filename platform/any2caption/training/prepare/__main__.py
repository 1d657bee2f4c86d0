"""Prepare a snapshot for training.

python -m any2caption.training.prepare --snapshot ID --preset tiny --out DIR [--recipe tiny]
[--weights URI] [--workers 2] [--general FILE=LICENCE] [--traces FILE]
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from any2caption.commands import run_command
from any2caption.progress import ProgressLog
from any2caption.settings import Settings
from any2caption.training.prepare.instruction_data import parse_argument
from any2caption.training.prepare.preparation import Preparation
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import default_recipe
from any2caption.training.recipes.files import load_recipe


def main(
    snapshot: Annotated[str, typer.Option(help="Snapshot id")],
    out: Annotated[Path, typer.Option(help="Folder to write")],
    preset: Annotated[str, typer.Option()] = "tiny",
    recipe: Annotated[str, typer.Option(help="Recipe, or its file; the preset's own without")] = "",
    weights: Annotated[str, typer.Option(help="Folder of Qwen2-VL weights")] = "",
    workers: Annotated[int, typer.Option()] = 2,
    general: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE=LICENCE", help="General instruction data (LLaVA, Alpaca)"),
    ] = None,
    traces: Annotated[
        Path | None, typer.Option(help="Reasoning traces, JSONL of id and reasoning")
    ] = None,
    progress: Annotated[Path | None, typer.Option(help="Progress log")] = None,
    lifecycle: Annotated[str, typer.Option()] = "",
) -> None:
    """Prepare a snapshot for training."""
    settings = Settings()
    log = ProgressLog(progress or settings.progress_log, lifecycle)
    preparation = Preparation(
        snapshot=snapshot,
        preset=preset,
        recipe=load_recipe(recipe or default_recipe(preset)),
        weights=weights,
        general=[parse_argument(one) for one in general or ()],
        traces=traces,
    )
    prepare(settings, preparation, out, workers=workers, progress=log)


if __name__ == "__main__":  # worker processes import this file again
    sys.exit(run_command(main))
