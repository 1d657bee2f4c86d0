"""Recipes from files and from `--set`: YAML or JSON with the fields of `Recipe` and `Stage`.

    base: tiny            # optional: a recipe by name; what the file leaves out comes from it
    name: my-recipe
    seed: 7
    stages:               # a list of whole stages, or, with a base, changes by the stage's name
      interpret: {steps: 900, lr: 0.001}

Unknown keys are refused with those there are, wrong types by the field's path. `--set` takes the
same paths: `seed=7`, `stages.interpret.steps=900`. A changed recipe whose name was not changed is
called `<name>+<the first digits of its digest>`, so that nothing passes for a recipe it is not.

Workers never read a user's file: the run's folder keeps the resolved recipe in `recipe.json`, with
its digest.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from any2caption.errors import ConfigError
from any2caption.storage.atomic import write_atomically
from any2caption.training.recipes.builtin import RECIPES
from any2caption.training.recipes.builtin import recipe as recipe_by_name
from any2caption.training.recipes.schema import Recipe, Reinforce, Stage

if TYPE_CHECKING:
    from yaml import Node

SUFFIXES = (".yaml", ".yml", ".json")
RESOLVED = "recipe.json"
_MOST_BYTES = 1 << 20
_RENAMED = {"ranks": "ranks (now world_size)"}
_SHOWN = 60  # characters of a wrong value in a message
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")
Data = dict[str, Any]
Shape = TypeVar("Shape", Recipe, Stage, Reinforce)


def load_recipe(source: str, changes: Iterable[str] = ()) -> Recipe:
    """Return the recipe of a name or a file, with `key=value` changes.

    Raises:
        ConfigError: no such recipe or file, a key that is not known, a value of another type.
    """
    changes = list(changes)
    if not source.endswith(SUFFIXES):
        found = recipe_by_name(source)
        return _changed(found, asdict(found), changes)
    base, data = _based(_read(Path(source)), source)
    return _changed(base, data, changes, source)


def _changed(
    base: Recipe | None, data: Data, changes: Iterable[str], where: str = "recipe"
) -> Recipe:
    for change in changes:
        _set(data, change)
    found = build(data, where)
    if base is not None and found.name == base.name and found != base:
        return replace(found, name=f"{base.name}+{found.digest[:6]}")
    if base is None and RECIPES.get(found.name, found) != found:
        raise ConfigError(
            f"{where}: name: {found.name!r} is a recipe of the platform and this is not it;"
            f" give another name, or base: {found.name}"
        )
    return found


def build(data: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Build a recipe from plain data, strictly.

    Raises:
        ConfigError: naming the key or the field.
    """
    from pydantic import TypeAdapter, ValidationError

    _known_keys(data, Recipe, where)
    stages = data.get("stages", ())
    if isinstance(stages, list | tuple):
        for number, stage in enumerate(stages):
            name = stage.get("name", number) if isinstance(stage, Mapping) else number
            _known_keys(stage, Stage, f"{where}: stages.{name}")
            if stage.get("reinforce") is not None:
                _known_keys(stage["reinforce"], Reinforce, f"{where}: stages.{name}.reinforce")
    try:
        text = json.dumps(data)
        return TypeAdapter(Recipe).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing_argument" or first["type"] == "missing":
            raise ConfigError(f"{where}: {field}: is missing") from None
        given = json.dumps(first["input"])[:_SHOWN]
        raise ConfigError(f"{where}: {field}: {first['msg']}, not {given}") from None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: not plain data: {error}") from None


def write_resolved(out: Path, recipe: Recipe) -> Path:
    """Write `recipe.json` of a run's folder, atomically; workers read it."""
    file = out / RESOLVED
    content = {"digest": recipe.digest, "recipe": asdict(recipe)}
    write_atomically(file, json.dumps(content, indent=1) + "\n")
    return file


def read_resolved(file: Path, digest: str = "") -> Recipe:
    """Read `recipe.json`; its content must have the digest it states, and `digest` if given.

    Raises:
        ConfigError: it is missing, damaged, or another recipe.
    """
    try:
        data = json.loads(file.read_text())
        stated, content = str(data["digest"]), dict(data["recipe"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file}: no resolved recipe: {error}") from None
    found = build(content, str(file))
    for wanted in (stated, digest):
        if wanted and found.digest != wanted:
            raise ConfigError(f"{file}: its content has digest {found.digest}, not {wanted}")
    return found


def _read(file: Path) -> Data:
    """Read a mapping from a YAML or JSON file."""
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{file}: longer than {_MOST_BYTES} bytes: no recipe")
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{file}: cannot be read: {reason}") from None
    try:
        is_json = file.suffix == ".json"
        data = json.loads(text, object_pairs_hook=_unique) if is_json else _yaml(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{file}: a recipe is a mapping of fields, not {type(data).__name__}")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> Data:
    out: Data = {}
    for key, value in pairs:
        if key in out:
            raise ValueError(f"{key} is there twice")
        out[key] = value
    return out


def _yaml(text: str) -> Any:
    """Safe YAML without anchors and doubled keys; `1e-3` is a number, as in JSON."""
    import yaml

    class Loader(yaml.SafeLoader):
        """SafeLoader with the rules above."""

        def compose_node(self, parent: "Node | None", index: int) -> "Node | None":
            if self.check_event(yaml.events.AliasEvent):
                raise ValueError("anchors and aliases are not read")
            return super().compose_node(parent, index)

        def construct_unique(self, node: Any) -> Iterator[Data]:
            yield _unique(
                [
                    (str(self.construct_object(k, deep=True)), self.construct_object(v, deep=True))
                    for k, v in node.value
                ]
            )

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    Loader.add_constructor("tag:yaml.org,2002:map", Loader.construct_unique)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(f"no YAML: {error}") from None


def _based(data: Data, where: str) -> tuple[Recipe | None, Data]:
    """Put the file's fields over those of its `base`."""
    if "base" not in data:
        return None, data
    base = recipe_by_name(str(data.pop("base")))
    _known_keys(data, Recipe, where)
    out = {**asdict(base), **data}
    stages = data.get("stages")
    if isinstance(stages, dict):
        own = {stage.name: asdict(stage) for stage in base.stages}
        for name, changes in stages.items():
            if name not in own:
                there = ", ".join(own)
                raise ConfigError(f"{where}: stages.{name}: {base.name} has no such stage: {there}")
            _known_keys(changes, Stage, f"{where}: stages.{name}")
            own[name] |= changes
        out["stages"] = list(own.values())
    return base, out


def _known_keys(data: Any, shape: type[Shape], where: str) -> None:
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where}: must be a mapping of fields, not {type(data).__name__}")
    known = [item.name for item in fields(shape)]
    if unknown := [_RENAMED.get(key, str(key)) for key in data if key not in known]:
        noun = "key" if len(unknown) == 1 else "keys"
        raise ConfigError(
            f"{where}: unknown {noun} {', '.join(unknown)}; there are {', '.join(known)}"
        )


def _set(data: Data, change: str) -> None:
    """Apply `key=value` or `stages.<name or number>.key=value`."""
    path, sign, text = change.partition("=")
    if not sign or not path:
        raise ConfigError(f"--set {change}: must be KEY=VALUE")
    where = f"--set {change}"
    try:
        value = _yaml(text)
    except ValueError as error:
        raise ConfigError(f"{where}: {' '.join(str(error).split())}") from None
    parts = path.split(".")
    if parts[0] != "stages" or len(parts) == 1:
        _known_keys({path: value}, Recipe, where)
        data[path] = value
        return
    if len(parts) != 3:  # noqa: PLR2004 - stages.NAME.KEY
        raise ConfigError(f"{where}: a stage's field is stages.NAME.KEY")
    _, name, key = parts
    _known_keys({key: value}, Stage, where)
    listed = data.get("stages")
    stages = [s for s in listed if isinstance(s, dict)] if isinstance(listed, list | tuple) else []
    for number, stage in enumerate(stages):
        if name in {stage.get("name"), str(number)}:
            stage[key] = value
            return
    there = ", ".join(str(stage.get("name")) for stage in stages)
    raise ConfigError(f"{where}: no stage {name!r}; there are {there}")
