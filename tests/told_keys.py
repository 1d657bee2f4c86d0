"""Look for a stack's keys where none belongs: in what its services write and its commands print."""

import dataclasses
import re
import traceback
from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from any2caption.cli.main import app
from any2caption.stack.secrets import load

# The files that are there to hold keys, all readable by their owner alone.
PRIVATE = ("secrets.json", "env.json", "env/*.json", "airflow/passwords.json", "swift/etc/*")
PUBLIC = {"stack_id", "s3_access_key"}  # a mark, and the name of an account
_TOKEN = re.compile(rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")  # what Airflow's parts identify by


def keys_of(home: Path) -> dict[str, str]:
    """Return every key of the stack under `home`, by name."""
    return {k: v for k, v in dataclasses.asdict(load(home)).items() if k not in PUBLIC}


def files_that_tell(home: Path, keys: dict[str, str]) -> dict[str, set[str]]:
    """Return the files below `home` in which a key or a token stands, the private ones left out."""
    private = {path for pattern in PRIVATE for path in home.glob(pattern)}
    found: dict[str, set[str]] = {}
    for path in home.rglob("*"):
        if path in private or path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        told = {name for name, key in keys.items() if key.encode() in content}
        if path.suffix == ".log" and _TOKEN.search(content):
            told.add("a token")
        if told:
            found[str(path.relative_to(home))] = told
    return found


def ran(*arguments: str) -> tuple[Result, str]:
    """Run a command; return the result and all that a log could hold of it, a traceback too."""
    result = CliRunner().invoke(app, [*arguments])
    raised = traceback.format_exception(result.exception) if result.exception else []
    return result, "\n".join([result.output, *raised])


def commands_with_json() -> set[str]:
    """Return the commands that can print JSON."""

    def walk(command, path=()):
        for name, one in getattr(command, "commands", {}).items():
            yield from walk(one, (*path, name))
        if any("--json" in parameter.opts for parameter in command.params):
            yield " ".join(path)

    return set(walk(typer.main.get_command(app)))
