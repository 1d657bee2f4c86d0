"""How a command ends: one line on standard error, and an exit code.

| code | means |
|---|---|
| 0 | done, or fine |
| 1 | refused: a gate, a check or a comparison says no |
| 2 | usage or input: an option, a file or a name that cannot be right |
| 3 | infrastructure: a service, a disk or a permission; trying again may help |
| 70 | a fault of `a2c` itself, with its traceback |
| 130 | interrupted |

The first four are `exit_code` of the platform's errors.
"""

import sys
import traceback
from collections.abc import Callable
from typing import Any

from any2caption.errors import A2CError, ConfigError, UnavailableError

USAGE, INFRASTRUCTURE = ConfigError.exit_code, UnavailableError.exit_code
FAULT, INTERRUPTED = 70, 130


def run(app: Callable[..., Any], arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    try:
        return int(app(arguments, standalone_mode=False, prog_name="a2c") or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has seen enough
        sys.stdout = None  # nor is it flushed at the end
        return 0
    except Exception as error:  # noqa: BLE001 - one place decides how each ends
        told = explained(error)
        if told is None:
            traceback.print_exc()
            return FAULT
        message, code = told
        if message:
            sys.stderr.write(f"{message}\n")
        return code


def explained(error: Exception) -> tuple[str, int] | None:
    """Return the line and the exit code of an error, or None where only a traceback says it."""
    if isinstance(error, A2CError):
        return f"a2c: {_line(error)}", error.exit_code
    if hasattr(error, "format_message"):  # the command line itself is wrong
        return _usage(error), USAGE
    if isinstance(error, ImportError):
        from any2caption.cli.terminal.extras import missing_extra

        told = missing_extra(error)
        return (f"a2c: {told}", INFRASTRUCTURE) if told else None
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"a2c: {where}{error.strerror}", INFRASTRUCTURE
    if type(error).__name__ == "Abort":  # Typer's own, at a question that nobody answered
        return "a2c: aborted", INTERRUPTED
    return None


def _usage(error: Any) -> str:
    message = _line(error.format_message())
    if not message:  # no command was named, and the help is printed
        return ""
    command = error.ctx.command_path if error.ctx is not None else "a2c"
    return f"{command}: {message.rstrip('.')}; see `{command} --help`"


def _line(message: object) -> str:
    return " ".join(str(message).split())
