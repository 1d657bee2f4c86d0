"""What a trained model reads from first frames of unseen synthetic scenes, without any words.

    python bench/first_frames.py BUNDLE --scenes 1200

Draws scenes of the synthetic world with objects (seed 4242, which no corpus of the platform has),
renders the first frame of each, captions it alone, and prints for each slot that a first frame
determines how often the caption is right, as a whole and by the true answer. More pictures than a
gate's slice has: its share of right shapes moves by four points by chance alone.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from any2caption.captions.lexicon import answer
from any2caption.captions.schema import StructuredCaption
from any2caption.conditions.inspect.report import inspect_path
from any2caption.conditions.types import Condition
from any2caption.datasets.synthetic import media
from any2caption.datasets.synthetic.world import Scene, sample_scene
from any2caption.model.inference import Captioner, Request

HELP = (__doc__ or "").partition("\n")[0]
SLOTS = ("kind", "count", "colour", "shape", "background", "style")


def with_objects(seed: int) -> Iterator[Scene]:
    """Scenes without people, one after the other."""
    return (scene for scene in (sample_scene(seed, n) for n in count()) if scene.shape)


def first_frame(scene: Scene, file: Path) -> Condition:
    """Render a scene's first frame to a file and read it as a request's picture is read."""
    ((_, data),) = media.first_frame(scene).files
    file.write_bytes(data)
    return replace(inspect_path(file, kind="image")[0], role="first_frame")


def show(scenes: Sequence[Scene], captions: Sequence[StructuredCaption]) -> None:
    """Print slot, answer, share of right captions and number of pictures."""
    for slot in SLOTS:
        asked, right = Counter[str](), Counter[str]()
        for scene, caption in zip(scenes, captions, strict=True):
            true = str(scene.answer(slot))
            for name in ("*", true):
                asked[name] += 1
                right[name] += answer(slot, caption) == true
        for name in sorted(asked):
            share = right[name] / asked[name]
            sys.stdout.write(f"{slot:12}{name:24}{share:7.3f}{asked[name]:7}\n")


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=HELP, epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--scenes", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=4242)
    given = parser.parse_args()
    scenes = list(islice(with_objects(given.seed), given.scenes))
    with TemporaryDirectory() as folder:
        shown = [first_frame(scene, Path(folder) / f"{n}.png") for n, scene in enumerate(scenes)]
        found = Captioner(given.bundle).caption([Request("", [picture]) for picture in shown])
    show(scenes, [one.caption for one in found])
    return 0


if __name__ == "__main__":
    sys.exit(main())
