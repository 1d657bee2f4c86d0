"""Policies from files: the built-in ones beside this module, and those of others.

`base: data` takes what the file leaves out from a built-in policy. A file is found by its policy's
name; `A2C_POLICIES` (a folder) holds those that a server's owner adds. A policy is identified by
its content: two of one name are two policies.
"""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from any2caption.errors import ConfigError
from any2caption.evaluation.policies.schema import Policy
from any2caption.storage.digest import json_digest

SCHEMA = "a2c.gate-policy/1"
FOLDER = "A2C_POLICIES"
_MOST_BYTES = 1 << 18
_HERE = Path(__file__).parent


def read_policy(path: Path) -> Policy:
    """Read a policy's file.

    Raises:
        ConfigError: it is no YAML, of another schema, or has a field that no policy has; one line
            names file and field.
    """
    data = _data(path)
    try:
        policy = TypeAdapter(Policy).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path}: {field}: {first['msg']}") from error
    if policy.name != path.stem:
        raise ConfigError(f"{path}: holds the policy {policy.name}; a file is named as its policy")
    return policy


def _data(path: Path) -> dict[str, Any]:
    """The fields of a file, over those of the built-in policy that it is based on."""
    import yaml

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{path}: a policy has at most {_MOST_BYTES:,} bytes")
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: not a policy: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict) or data.pop("schema", None) != SCHEMA:
        raise ConfigError(f"{path}: the field schema must be {SCHEMA}")
    base = data.pop("base", None)
    if base is None:
        return dict(data)
    source = _HERE / f"{base}.yaml"
    if not source.is_file() or source == path:
        raise ConfigError(f"{path}: base: there is no built-in policy {base}")
    return {**_data(source), **data}


def _built_in() -> dict[str, Policy]:
    return {path.stem: read_policy(path) for path in sorted(_HERE.glob("*.yaml"))}


POLICIES: dict[str, Policy] = _built_in()


def policy_of(name: str) -> Policy:
    """Look a policy up by name; ConfigError lists the known ones."""
    if name in POLICIES:
        return POLICIES[name]
    folder = os.environ.get(FOLDER, "")
    own = sorted(Path(folder).glob("*.yaml")) if folder else []
    found = next((path for path in own if path.stem == name), None)
    if found is None:
        known = ", ".join((*POLICIES, *(path.stem for path in own)))
        raise ConfigError(f"unknown gate policy {name!r}; known: {known}")
    return read_policy(found)


def policy_digest(policy: Policy) -> str:
    """Identify a policy by its content: two policies of one name are two policies."""
    return json_digest(asdict(policy))
