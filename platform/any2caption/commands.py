"""Stages as commands: `python -m any2caption.<stage>`, options by Typer, results as JSON.

Exit codes: 0 done, 75 try again; else the error's own, as `a2c` has them.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from any2caption.errors import A2CError


def run_command(command: Callable[..., None], arguments: Sequence[str] | None = None) -> int:
    """Run a Typer command (by default on the process's arguments); return its exit code.

    The platform's errors become one line on standard error.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app(arguments, standalone_mode=False)
    except A2CError as error:
        return _refused(str(error), error.stage_exit_code)
    except typer.Exit as end:
        return int(end.exit_code)
    except typer.Abort:
        return 1
    except Exception as error:
        if hasattr(error, "format_message"):  # a wrong option
            return _refused(error.format_message(), 2)
        raise
    return 0


def put_result(result: object, out: Path | None = None) -> None:
    """Write a stage's result as JSON to a file, or to standard output."""
    text = json.dumps(result, indent=1)
    if out is None:
        sys.stdout.write(f"{text}\n")
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(f"{text}\n", encoding="utf-8")


def _refused(message: str, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    return code
