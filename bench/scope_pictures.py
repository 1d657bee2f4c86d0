"""How well the scope of a model trained on the synthetic corpus tells real pictures from its own.

    python bench/scope_pictures.py FOLDER…      # folders of real pictures

The limit is set on pictures of the corpus (99.5 % of them lie within); nothing was tuned on what is
measured.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import BPE

from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.datasets.synthetic.corpus import make_scenes
from any2caption.model.inputs import Features
from any2caption.model.presets import TINY
from any2caption.model.processing.processor import Processor
from any2caption.model.scope import Scope

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_NAMES = ("first", "identity")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--scenes", type=int, default=400)
    options = parser.parse_args()
    processor = Processor(TINY, Tokenizer(BPE()))

    def features(files: Iterable[tuple[str, bytes]]) -> list[Features]:
        parsed = (parse_condition("image", [Part(name, data)]) for name, data in files)
        return [processor.features(one) for one in parsed]

    def corpus(seed: int, scenes: int) -> list[Features]:
        _, files = make_scenes(seed, 0, scenes)
        shown = (name for name in sorted(files) if name.endswith(".png"))
        return features((name, files[name]) for name in shown if Path(name).stem in _NAMES)

    scope = Scope.of([], ["image"], corpus(1, options.scenes))
    found = [path for folder in options.folders for path in sorted(folder.rglob("*"))]
    real = [path for path in found if path.suffix.lower() in _SUFFIXES]
    shown = features((path.name, path.read_bytes()) for path in real)
    for name, some in (("held-out corpus", corpus(2, options.scenes // 2)), ("real", shown)):
        outside = np.array([bool(scope.unlike(one, "")) for one in some])
        print(
            f"{name:<16}{len(some):>6} pictures {outside.sum():>6} outside {outside.mean():>7.1%}"
        )
    for path, one in zip(real, shown, strict=True):
        if not scope.unlike(one, ""):
            print(f"  within: {path.name}")


if __name__ == "__main__":
    main()
