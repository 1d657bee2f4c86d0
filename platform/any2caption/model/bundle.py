"""Model bundles.

A folder of safetensors and JSON with the SHA-256 of every file, written whole or not at all.

    config.json  tokenizer.json  meta.json  scope.json
    vision|motion|camera|language.safetensors  manifest.json  model.sig

The manifest and its signature are written last and the folder appears under its name by one rename.
Every read checks the digest of what it reads; a file that is missing, altered or not listed raises
IntegrityError. Who wrote the manifest is `storage.signatures`' question: it is asked where a bundle
comes from elsewhere.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from any2caption.conditions.types import Condition
from any2caption.errors import IntegrityError, NotFoundError
from any2caption.grounding.stand_ins import Spelled
from any2caption.model.config import ModelConfig, from_dict, to_json
from any2caption.model.presets import FROM_SCRATCH
from any2caption.model.processing.processor import Processor
from any2caption.model.scope import Scope
from any2caption.storage import digest_of, signatures
from any2caption.storage.atomic import fresh_folder
from any2caption.storage.digest import SIGNATURE, file_digest
from any2caption.storage.signing_keys import Keys

if TYPE_CHECKING:
    from torch import Tensor

    from any2caption.model.any2caption import Any2Caption

FORMAT = "a2c.bundle/1"
MANIFEST = "manifest.json"
_SCOPE = "scope.json"
PARTS: dict[str, str] = {
    "vision": "mllm.model.visual.",
    "motion": "motion_encoder.",
    "camera": "camera_encoder.",
    "language": "mllm.",
}
"""Part of a bundle → prefix of its parameters; the first match counts, so `language` is the rest
of the MLLM.
"""


def part_of(name: str) -> str:
    """Which part a parameter belongs to."""
    return next(part for part, prefix in PARTS.items() if name.startswith(prefix))


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle. `meta` says how the model came to be: recipe, snapshot, metrics."""

    path: Path
    config: ModelConfig
    meta: dict[str, Any]

    @property
    def processor(self) -> Processor:
        """The bundle's processor."""
        return load_processor(self.path)

    def load_model(self) -> "Any2Caption":
        """Build the whole model with the bundle's weights, in evaluation mode and float32."""
        from any2caption.model.any2caption import Any2Caption

        model = Any2Caption(self.config)
        state: dict[str, Tensor] = {}
        for part in PARTS:
            state.update(load_part(self.path, part))
        if self.config.text.tie_embeddings:
            state["mllm.lm_head.weight"] = state["mllm.model.language_model.embed_tokens.weight"]
        model.load_state_dict(state)
        return model.float().eval()


def save_bundle(  # noqa: PLR0913 - a bundle's parts
    folder: Path,
    model: "Any2Caption",
    processor: Processor,
    meta: Mapping[str, Any],
    *,
    scope: Scope | None = None,
    keys: Keys | None = None,
) -> Path:
    """Write and sign a bundle atomically; an existing one at `folder` is replaced.

    Returns `folder`. Without a scope nothing is known of what the model was trained on. The key is
    by default that of this process's settings.
    """
    from safetensors.torch import save_file

    with fresh_folder(folder) as work:
        parts: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
        for raw, tensor in model.state_dict().items():
            name = raw.replace("_orig_mod.", "")
            if name == "mllm.lm_head.weight" and model.config.text.tie_embeddings:
                continue
            parts[part_of(name)][name] = tensor.detach().cpu().contiguous().clone()
        for part, tensors in parts.items():
            save_file(tensors, work / f"{part}.safetensors")
        (work / "config.json").write_text(to_json(model.config))
        processor.tokenizer.save(str(work / "tokenizer.json"))
        (work / "meta.json").write_text(json.dumps(dict(meta), indent=2, sort_keys=True) + "\n")
        if scope is not None:
            (work / _SCOPE).write_text(scope.to_json())
        files = {file.name: file_digest(file) for file in sorted(work.iterdir())}
        manifest = {"format": FORMAT, "files": files}
        (work / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
        signatures.sign(work, {**files, MANIFEST: file_digest(work / MANIFEST)}, keys=keys)
    return folder


def load_bundle(folder: Path) -> Bundle:
    """Check every file of a bundle and return it; weights are read when asked for."""
    manifest = _manifest(folder)
    for name in manifest:
        read_file(folder, name)
    if extra := {file.name for file in folder.iterdir()} - {*manifest, MANIFEST, SIGNATURE}:
        raise IntegrityError(f"{folder}: not in the manifest: {', '.join(sorted(extra))}")
    meta = json.loads(read_file(folder, "meta.json"))
    return Bundle(folder, load_config(folder), meta)


def load_config(folder: Path) -> ModelConfig:
    """Read the model's configuration (verified)."""
    return from_dict(
        ModelConfig, json.loads(read_file(folder, "config.json")), f"{folder}/config.json"
    )


def load_processor(folder: Path) -> Processor:
    """Read the processor: configuration and tokenizer (verified)."""
    tokenizer = Tokenizer.from_str(read_file(folder, "tokenizer.json").decode())
    return Processor(load_config(folder), tokenizer)


def trained_kinds(folder: Path) -> frozenset[str] | None:
    """Return the kinds of conditions of the training data (verified); None in older bundles."""
    kinds = json.loads(read_file(folder, "meta.json")).get("kinds")
    return None if kinds is None else frozenset(map(str, kinds))


def load_scope(folder: Path) -> Scope | None:
    """Return what the model was trained on (verified); None in older bundles."""
    if _SCOPE not in _manifest(folder):
        return None
    return Scope.from_json(read_file(folder, _SCOPE), f"{folder}/{_SCOPE}")


def load_spelled(folder: Path) -> Spelled | None:
    """Return the words that the model spells (verified); None where no marks stand for others."""
    if not load_config(folder).processor.stand_ins:
        return None
    scope = load_scope(folder)
    return None if scope is None else scope.spelled


def shown_kinds(folder: Path) -> frozenset[str] | None:
    """Return the kinds of conditions that the model is shown (verified); None for all.

    One that began from nothing is lost at a kind that it never saw; others know pictures.
    """
    if load_config(folder).preset not in FROM_SCRATCH:
        return None
    return trained_kinds(folder)


def unseen_warnings(
    kinds: frozenset[str] | None,
    conditions: Iterable[Condition],
    shown: frozenset[str] | None = None,
) -> list[str]:
    """Say of each condition kind that the model never saw in training that it did not.

    `shown` are the kinds that it is shown all the same, None for all.
    """
    if kinds is None:
        return []
    given = dict.fromkeys(condition.kind for condition in conditions if condition.kind != "text")
    then = "what it reads from them is not reliable" if shown is None else "it is not shown them"
    return [
        f"this model was not trained on {kind} conditions: {then}"
        for kind in given
        if kind not in kinds
    ]


def load_part(folder: Path, part: str) -> "dict[str, Tensor]":
    """Read one part's tensors (verified), by their names in the whole model."""
    from safetensors.torch import load

    return dict(load(read_file(folder, f"{part}.safetensors")))


def read_file(folder: Path, name: str) -> bytes:
    """Read one file of a bundle and check it against the manifest."""
    expected = _manifest(folder).get(name)
    if expected is None:
        raise IntegrityError(f"{folder}: the manifest has no {name}")
    try:
        data = (folder / name).read_bytes()
    except FileNotFoundError:
        raise IntegrityError(f"{folder}: {name} is missing") from None
    if digest_of(data) != expected:
        raise IntegrityError(f"{folder}: {name} does not match its digest")
    return data


def _manifest(folder: Path) -> dict[str, str]:
    file = folder / MANIFEST
    if not file.is_file():
        raise NotFoundError(f"{folder}: not a model bundle (no {MANIFEST})")
    try:
        manifest = json.loads(file.read_bytes())
        if manifest["format"] != FORMAT:
            raise IntegrityError(
                f"{file}: format {manifest['format']!r}, this version reads {FORMAT}"
            )
        return {str(name): str(digest) for name, digest in manifest["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{file}: damaged: {error}") from error
