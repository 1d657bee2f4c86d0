"""Models that the user brings: loaded from a local folder only, no code and no pickle from it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.errors import ConfigError
from any2caption.storage.digest import file_digest, listing_digest


def check_folder(tool: str, path: Path | None) -> Path:
    """Return the folder with a model's weights.

    Raises:
        ConfigError: none was given, or it holds no model; says which tool needs which files.
    """
    if path is None:
        raise ConfigError(
            f"extractor {tool} needs model weights and none are shipped: give the folder of a "
            f"transformers model as {tool}=/path/to/folder"
        )
    for name in ("config.json", "preprocessor_config.json"):
        if not (path / name).is_file():
            raise ConfigError(f"extractor {tool}: {path} holds no transformers model: no {name}")
    if not list(path.glob("*.safetensors")):
        raise ConfigError(
            f"extractor {tool}: {path} has no *.safetensors; pickled weights are never read"
        )
    return path


def weights_version(path: Path) -> str:
    """Name a model by the library's version and the digest of its configuration and weights."""
    import transformers

    files = [*path.glob("*.json"), *path.glob("*.safetensors")]
    digest = listing_digest({file.name: file_digest(file) for file in files})
    return f"transformers {transformers.__version__}, weights {digest[:16]}"


def load_pipeline(task: str, tool: str, path: Path, device: str) -> Any:
    """Open a transformers pipeline on a checked folder.

    Raises:
        ConfigError: the folder's model is not one for the task.
    """
    from transformers import pipeline

    try:
        return pipeline(
            task,
            model=str(path),
            device=device,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (ValueError, KeyError, OSError, RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"extractor {tool}: {path} is not a model for {task}: {reason}"
        ) from error


def as_picture(frame: NDArray[np.uint8]) -> Any:
    """Return uint8 H×W×3 as a PIL picture."""
    from PIL import Image

    return Image.fromarray(frame)
