"""The serving contract as data, and its compilation into Triton's `config.pbtxt` files.

The edge follows from the condition registry: one bytes input a kind with its `_INFO` twin, all
optional. Inside, every tensor is required: an absent condition is a zero-length tensor, so that
requests with any mix of conditions batch together (`allow_ragged_batch`). `python -m
any2caption.serving.contract --write` writes the committed files.

Release 0 has no model: its ensembles are the same to callers, and the facts write the caption, or
the endpoint that is configured.

Measured with Triton 2.51: an ensemble and its first step without batching (`max_batch_size: 0`) may
feed steps that batch, when tensors between them carry a leading dimension of 1; five different
mixes then ran in one execution.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from any2caption.conditions.registry import KINDS
from any2caption.errors import ConfigError
from any2caption.grounding.options import CHOICES

MAX_BATCH = 8
QUEUE_DELAY_US = 5_000
BUNDLE = "${bundle}"  # the rollout puts the release's bundle folder here
NO_MODEL = 0  # the number of the release that has no bundle
REPOSITORY = Path(__file__).parents[3] / "model_repository"


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named tensor: Triton's type without `TYPE_`, dims without the batch dimension."""

    name: str
    dtype: str
    dims: tuple[int, ...]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One model of the ensembles; `max_batch` 0 = each request is its own execution."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    max_batch: int = 0
    parameters: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Ensemble:
    """A public model: its outputs and the steps that make them, in order."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    steps: tuple[Step, ...]


def edge_inputs(kinds: Iterable[str] = tuple(KINDS)) -> tuple[Tensor, ...]:
    """Return the public inputs: `TEXT`, and the files' bytes and `_INFO` of each other kind."""
    tensors = []
    for kind in kinds:
        name = kind.upper()
        tensors.append(Tensor(name, "STRING", (1,) if kind == "text" else (-1,), optional=True))
        if kind != "text":
            tensors.append(Tensor(f"{name}_INFO", "STRING", (-1,), optional=True))
    return tuple(tensors)


def option_inputs() -> tuple[Tensor, ...]:
    """Return the public inputs of a request's choices: `WRITER`, `MODE` and so on."""
    return tuple(Tensor(name.upper(), "STRING", (1,), optional=True) for name in CHOICES)


# Names and meanings as in `model.inputs`: ModelInputs before the encoders, DecoderInputs after.
TOKENS = (
    Tensor("INPUT_IDS", "INT64", (-1,)),
    Tensor("POSITION_IDS", "INT64", (3, -1)),
    Tensor("TOKEN_TYPES", "INT64", (-1,)),
)
VISION = (Tensor("VISION_PATCHES", "FP32", (-1, -1)), Tensor("VISION_GRID", "INT64", (-1, 3)))
MOTION = (Tensor("MOTION_PATCHES", "FP32", (-1, -1)), Tensor("MOTION_GRID", "INT64", (-1, 3)))
CAMERA = (Tensor("CAMERA_POSES", "FP32", (-1, 16)),)
PRESENT = Tensor("PRESENT", "BOOL", (3,))  # vision, motion, camera
EMBEDDINGS = tuple(
    Tensor(f"{name}_EMBEDS", "FP32", (-1, -1)) for name in ("VISION", "MOTION", "CAMERA")
)
# JSON between the steps, never public: what was read, what it states, what is asked of the caption.
READ, FACTS, OPTIONS = (Tensor(name, "STRING", (1,)) for name in ("READ", "FACTS", "OPTIONS"))
SHOWN, WRITTEN = (Tensor(name, "STRING", (1,)) for name in ("SHOWN", "WRITTEN"))
DRAFT = Tensor("DRAFT", "STRING", (1,))  # the model's caption as text, unchecked; "": none asked
CAPTIONS = (Tensor("CAPTION", "STRING", (1,)), Tensor("CAPTION_TEXT", "STRING", (1,)))
INFO = Tensor("INFO", "STRING", (1,))
# Not VIDEO: an ensemble has one namespace, and VIDEO is the condition.
CLIP = Tensor("CLIP", "STRING", (1,))
CLIP_REPORT = Tensor("CLIP_REPORT", "STRING", (1,))


def batched(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Return the tensors as a model without batching sees them: with a leading dimension of 1."""
    return tuple(replace(tensor, dims=(1, *tensor.dims)) for tensor in tensors)


REQUEST = (*edge_inputs(), *option_inputs())
_WORDS = (READ, FACTS, OPTIONS)
_CAPTION_OUTPUTS = (*batched(CAPTIONS), INFO)
PREPROCESS = Step(
    "preprocess",
    REQUEST,
    (*batched((*TOKENS, *VISION, *MOTION, *CAMERA, PRESENT)), *_WORDS, SHOWN),
)
VISION_ENCODER = Step("vision_encoder", VISION, EMBEDDINGS[:1], MAX_BATCH)
MOTION_ENCODER = Step("motion_encoder", MOTION, EMBEDDINGS[1:2], MAX_BATCH)
CAMERA_ENCODER = Step("camera_encoder", CAMERA, EMBEDDINGS[2:], MAX_BATCH)
DECODER = Step("decoder", (*TOKENS, *EMBEDDINGS, PRESENT), (DRAFT,), MAX_BATCH)
ENDPOINT = Step("endpoint", (FACTS, OPTIONS, SHOWN), (WRITTEN,))
CHECK = Step("check", (*batched((DRAFT,)), *_WORDS, WRITTEN), _CAPTION_OUTPUTS)
PREVIS = Step(
    "previs",
    batched(CAPTIONS[:1]),
    (CLIP, CLIP_REPORT),
    parameters={"generator": "previs", "seconds": "2.5", "fps": "12", "size": "256"},
)
_MODEL_STEPS = (VISION_ENCODER, MOTION_ENCODER, CAMERA_ENCODER, DECODER)
_STEPS = (PREPROCESS, *_MODEL_STEPS, ENDPOINT, CHECK, PREVIS)
_STEPS_WITHOUT_MODEL = (
    replace(PREPROCESS, outputs=(*_WORDS, SHOWN)),
    ENDPOINT,
    replace(CHECK, inputs=(*_WORDS, WRITTEN)),
    PREVIS,
)


def steps(release: int | None = None) -> tuple[Step, ...]:
    """Return a release's steps, in order."""
    return _STEPS_WITHOUT_MODEL if release == NO_MODEL else _STEPS


def ensembles(release: int | None = None) -> tuple[Ensemble, ...]:
    """Return the public models over a release's steps; callers see no difference."""
    found = steps(release)
    return (
        Ensemble("any2caption", REQUEST, _CAPTION_OUTPUTS, found[:-1]),
        Ensemble("any2video", REQUEST, (*_CAPTION_OUTPUTS, CLIP, CLIP_REPORT), found),
    )


PUBLIC = tuple(ensemble.name for ensemble in ensembles())


def release_name(model: str, release: int | None) -> str:
    """Return `decoder-r7`; without a release the plain name."""
    return model if release is None else f"{model}-r{release}"


def _tensor(tensor: Tensor, *, ragged: bool = False) -> str:
    dims = ", ".join(map(str, tensor.dims))
    flags = " optional: true" if tensor.optional else ""
    flags += " allow_ragged_batch: true" if ragged else ""
    return f'  {{ name: "{tensor.name}" data_type: TYPE_{tensor.dtype} dims: [ {dims} ]{flags} }}'


def _block(key: str, lines: Sequence[str]) -> str:
    return f"{key} [\n" + ",\n".join(lines) + "\n]"


def compile_step(step: Step, release: int | None = None) -> str:
    """Return the step's `config.pbtxt`; the bundle's folder is filled in by the rollout."""
    ragged = step.max_batch > 0
    parameters = {
        "bundle": "" if release == NO_MODEL else BUNDLE,
        "release": "" if release is None else str(release),
        **(step.parameters or {}),
    }
    lines = [
        f'name: "{release_name(step.name, release)}"',
        'backend: "python"',
        f"max_batch_size: {step.max_batch}",
        _block("input", [_tensor(t, ragged=ragged and -1 in t.dims) for t in step.inputs]),
        _block("output", [_tensor(tensor) for tensor in step.outputs]),
        "instance_group [ { kind: KIND_CPU count: 1 } ]",
    ]
    if step.max_batch:
        delay = f"max_queue_delay_microseconds: {QUEUE_DELAY_US}"
        lines.append(f"dynamic_batching {{ {delay} }}")
    lines += [
        f'parameters {{ key: "{key}" value {{ string_value: {json.dumps(value)} }} }}'
        for key, value in parameters.items()
    ]
    return "\n".join(lines) + "\n"


def _ensemble_step(ensemble: Ensemble, step: Step, release: int | None) -> str:
    public = {tensor.name for tensor in (*ensemble.inputs, *ensemble.outputs)}

    def maps(key: str, tensors: Iterable[Tensor]) -> list[str]:
        # Inner tensors get lower-case names, so that none is public by accident.
        return [
            f'      {key} {{ key: "{name}" value: "{name if name in public else name.lower()}" }}'
            for name in (tensor.name for tensor in tensors)
        ]

    lines = [
        "    {",
        f'      model_name: "{release_name(step.name, release)}"',
        "      model_version: -1",
        *maps("input_map", step.inputs),
        *maps("output_map", step.outputs),
        "    }",
    ]
    return "\n".join(lines)


def compile_ensemble(
    ensemble: Ensemble, release: int | None = None, *, name: str | None = None
) -> str:
    """Return the ensemble's `config.pbtxt` over the steps of a release."""
    steps = ",\n".join(_ensemble_step(ensemble, step, release) for step in ensemble.steps)
    lines = [
        f'name: "{name or ensemble.name}"',
        'platform: "ensemble"',
        "max_batch_size: 0",
        _block("input", [_tensor(tensor) for tensor in ensemble.inputs]),
        _block("output", [_tensor(tensor) for tensor in ensemble.outputs]),
        f"ensemble_scheduling {{\n  step [\n{steps}\n  ]\n}}",
    ]
    return "\n".join(lines) + "\n"


def compile_repository(release: int | None = None) -> dict[str, str]:
    """Return `{model/config.pbtxt: content}` of every step and ensemble."""
    files = {step.name: compile_step(step, release) for step in steps(release)}
    files |= {one.name: compile_ensemble(one, release) for one in ensembles(release)}
    return {f"{name}/config.pbtxt": text for name, text in files.items()}


def write(repository: Path = REPOSITORY) -> list[Path]:
    """Write the committed configuration files; return the paths that changed."""
    changed = []
    for name, text in compile_repository().items():
        path = repository / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            changed.append(path)
    return changed


def stale(repository: Path = REPOSITORY) -> list[str]:
    """Return the names of committed files that differ from what the registry says."""
    return [
        name
        for name, text in compile_repository().items()
        if not (repository / name).exists() or (repository / name).read_text() != text
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Check the committed files, or write them."""
    parser = argparse.ArgumentParser(prog="python -m any2caption.serving.contract")
    parser.add_argument("--write", action="store_true", help="write instead of check")
    parser.add_argument("--repository", type=Path, default=REPOSITORY)
    chosen = parser.parse_args(arguments)
    if chosen.write:
        sys.stdout.writelines(f"{path}\n" for path in write(chosen.repository))
    elif names := stale(chosen.repository):
        raise ConfigError(f"{', '.join(names)}: differ from the contract; run with --write")


if __name__ == "__main__":
    main()
