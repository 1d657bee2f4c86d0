"""A writer without training: a pretrained language model that reads a request's facts.

It is told what to do, and shown one example, in turns before the request.
"""

from dataclasses import replace
from pathlib import Path

from any2caption.errors import ConfigError
from any2caption.model.config import ModelConfig
from any2caption.model.presets import FROM_SCRATCH, weights_of
from any2caption.model.presets import preset as preset_of
from any2caption.storage.signing_keys import Keys

INSTRUCTION = (
    "You write the caption of a video in six parts. Use the words of the request and its facts,"
    " all of them, and add nothing else."
)
_ASKED = """A tall woman reads a book on a sunny beach.
Facts:
subjects: a tall woman; a book
actions: woman reads a book
place: on a sunny beach
camera: pans right, then tilts up (camera 1)
style: watercolour"""
_ANSWERED = """\
1. Dense caption: A tall woman reads a book on a sunny beach, watercolour. The camera pans right, \
then tilts up.
2. Main object caption: A tall woman with a book.
3. Background caption: A sunny beach.
4. Camera caption: The camera pans right, then tilts up.
5. Style caption: Watercolour.
6. Action caption: The woman reads a book."""
EXAMPLE = (_ASKED, _ANSWERED)


def zero_shot(config: ModelConfig) -> ModelConfig:
    """Return the model with facts in place of conditions, an instruction and an example.

    Encoders that saw nothing have nothing to say, so no condition's tokens are shown.
    """
    processor = replace(
        config.with_facts("text").processor, instruction=INSTRUCTION, example=EXAMPLE
    )
    return replace(config, processor=processor)


def write_zero_shot(
    folder: Path, *, preset: str = "smol", weights: str = "", keys: Keys | None = None
) -> Path:
    """Write and sign the bundle of a preset's weights as they are; returns `folder`.

    It has no scope, so a server takes it only where a request asks for the model by name.

    Raises:
        ConfigError: the preset starts from nothing, or its weights are not there.
    """
    from any2caption.model.bundle import save_bundle
    from any2caption.model.weights import from_pretrained

    config = preset_of(preset)
    if preset in FROM_SCRATCH:
        raise ConfigError(f"preset {preset} starts from nothing: it writes only once it is trained")
    source = weights_of(preset, weights)
    if not source:
        raise ConfigError(f"preset {preset} starts from weights: give --weights PATH or URI")
    model, processor = from_pretrained(source, zero_shot(config))
    meta = {"recipe": "zero-shot", "preset": preset, "weights": source}
    return save_bundle(folder, model, processor, meta, keys=keys)
