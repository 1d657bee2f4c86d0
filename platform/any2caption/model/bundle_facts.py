"""What a bundle's files say of its model, read without torch and without the weights."""

import json
import math
import struct
from pathlib import Path
from typing import Any

from any2caption.errors import IntegrityError

_COMMONEST = 24
_LONGEST_HEADER = 100_000_000  # as the safetensors library's own limit
_ENCODERS = {"language": "text", "vision": "vision", "camera": "camera"}


def bundle_facts(folder: Path) -> dict[str, Any]:
    """Return `{"bytes", "parameters", "sizes", "meta", "scope"}` of a bundle.

    `parameters` counts numbers of each part, `sizes` are the widths and depths that the
    configuration states, `meta` is what training wrote, `scope` is None where that is not known.
    What the folder holds is taken at its word: its signature is the caller's to check.

    Raises:
        IntegrityError: a file is no JSON object, or no safetensors.
    """
    weights = sorted(folder.glob("*.safetensors"))
    config, scope = _json(folder / "config.json"), _json(folder / "scope.json")
    words = scope.get("words", {})
    return {
        "bytes": sum(path.stat().st_size for path in weights),
        "parameters": {path.stem: _numbers(path) for path in weights},
        "sizes": {
            part: {
                name: value
                for name, value in config.get(key, {}).items()
                if isinstance(value, int) and not isinstance(value, bool) and value
            }
            for part, key in _ENCODERS.items()
            if config.get(key)
        },
        "meta": _json(folder / "meta.json"),
        "scope": {
            "kinds": scope.get("kinds", []),
            "words": len(words),
            "commonest": sorted(words, key=lambda word: (-words[word], word))[:_COMMONEST],
        }
        if scope
        else None,
    }


def _json(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"{file}: not a JSON object: {error}") from error


def _numbers(file: Path) -> int:
    """Count a safetensors file's numbers by its header: eight bytes of length, then JSON."""
    try:
        with file.open("rb") as content:
            (length,) = struct.unpack("<Q", content.read(8))
            header = json.loads(content.read(min(length, _LONGEST_HEADER)))
        return sum(
            math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"
        )
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise IntegrityError(f"{file}: not a safetensors file: {error}") from error
