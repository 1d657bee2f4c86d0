"""Exit codes of the training commands: 0 done, 2 configuration or input error, 75 try again."""

import sys
from collections.abc import Callable
from typing import Any

import typer

from any2caption.errors import A2CError


def run_command(command: Callable[..., Any]) -> None:
    """Run a Typer command; the platform's errors become one line and their exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app(standalone_mode=False)
    except A2CError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from error
    except typer.Exit as end:
        raise SystemExit(end.exit_code) from end
    except typer.Abort as end:
        raise SystemExit(1) from end
    except Exception as error:
        if type(error).__module__.startswith("click") or hasattr(error, "format_message"):
            sys.stderr.write(f"{error.format_message()}\n")  # type: ignore[attr-defined]
            raise SystemExit(2) from error
        raise
