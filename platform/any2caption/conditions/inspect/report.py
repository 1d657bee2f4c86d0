"""Have a process of its own tell what condition files are (`worker`); this side stays light."""

import atexit
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from any2caption.conditions.io.files import read_parts
from any2caption.conditions.io.sniff import IMAGE_FORMATS, sniff
from any2caption.conditions.isolation.frames import NonsenseError
from any2caption.conditions.isolation.parse_workers import (
    MEMORY,
    PATIENCE,
    GoneError,
    Server,
    never,
    refusal_of,
)
from any2caption.errors import InputError

if TYPE_CHECKING:
    from any2caption.conditions.kind import OptionValue
    from any2caption.conditions.types import Condition, Part

_TEXTS = {"JSON", "BVH", "npy", "text", "UTF-16 text"}


def inspect_path(
    path: Path,
    *,
    kind: str | None = None,
    format_: str | None = None,
    select: str | None = None,
    options: "Mapping[str, OptionValue] | None" = None,
) -> "tuple[Condition, dict[str, Any]]":
    """Read a file or a folder; return the condition and a JSON-ready report (numbers finite).

    `format_` is the format that the files must be read as; `select` a file of the folder, or one
    record of a file that holds several.

    Raises:
        InputError: one line that names the file and the field.
    """
    from any2caption.conditions.isolation.wire import unpack
    from any2caption.conditions.types import Condition

    wanted = {"kind": kind, "format": format_, "select": select, "options": options}
    answer, blobs = _asked(path, {**wanted, "form": True})
    try:
        condition = unpack(answer["condition"], blobs)
    except NonsenseError as error:
        raise _nonsense(path) from error
    if not isinstance(condition, Condition):
        raise _nonsense(path)
    return condition, answer["report"]


def report_of(
    path: Path,
    *,
    kind: str | None = None,
    format_: str | None = None,
    select: str | None = None,
    options: "Mapping[str, OptionValue] | None" = None,
) -> dict[str, Any]:
    """Return the report alone, as `inspect_path` does; needs neither NumPy nor a parser here."""
    wanted = {"kind": kind, "format": format_, "select": select, "options": options}
    report: dict[str, Any] = _asked(path, {**wanted, "form": False})[0]["report"]
    return report


def _asked(path: Path, wanted: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytearray]]:
    parts = read_parts(path)
    names, options = [part.name for part in parts], dict(wanted["options"] or {})
    request = {**wanted, "path": str(path), "names": names, "options": options}
    for loaded in _loaded(parts):
        answer, blobs = _told(request, parts, loaded)
        if not answer.get("missing"):
            break
    if "error" in answer:
        raise refusal_of(answer, names[0], wanted["kind"] or "kind")
    if not isinstance(answer.get("report"), dict) or "condition" not in answer:
        raise _nonsense(path)
    return answer, blobs


def _loaded(parts: "list[Part]") -> tuple[str, ...]:
    """What a worker needs to have loaded for these files, by their first bytes: least first."""
    formats = {sniff(part.data) for part in parts}
    if formats <= _TEXTS:
        return "texts", "all"
    return ("pictures", "all") if formats <= {*_TEXTS, *IMAGE_FORMATS} else ("all",)


def _told(
    request: Mapping[str, Any], parts: "list[Part]", loaded: str
) -> tuple[dict[str, Any], list[bytearray]]:
    worker = _server(loaded).worker()
    until = time.monotonic() + PATIENCE
    try:
        return worker.ask(request, [part.data for part in parts], until, never)
    except (GoneError, NonsenseError) as error:
        late = time.monotonic() >= until
        said = f"reading took longer than {PATIENCE:g} s" if late else str(error)
        raise InputError(said, file=parts[0].name, field=request["kind"] or "kind") from error
    finally:
        worker.close()


def _nonsense(path: Path) -> InputError:
    return InputError("the file makes its decoder answer nonsense", file=path.name)


@cache
def _server(loaded: str) -> Server:
    """The process that has loaded what such files need; it lives as long as this one."""
    server = Server("any2caption.conditions.inspect.worker", MEMORY, loaded)
    atexit.register(server.close)
    return server
