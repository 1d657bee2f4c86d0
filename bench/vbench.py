"""VBench's figures of generated clips, by given weights: `python bench/vbench.py CLIPS --dino DIR`.

Each clip of a folder (MP4, MOV, WebM) gets a row: temporal flickering always; subject consistency
with `--dino` (a DINOv2 folder), background consistency with `--clip` (a CLIP folder), aesthetic
quality with `--head` (a linear head in safetensors) as well; the last row is the mean. Folders are
as transformers saves them. Figures of other weights than VBench's own are no VBench scores.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import av
import numpy as np

from any2caption.evaluation.figures import vbench
from any2caption.evaluation.figures.likeness import Clip, Dino, Frames

KINDS = {".mp4", ".mov", ".webm"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--dino", type=Path, help="folder of a DINOv2 model")
    parser.add_argument("--clip", type=Path, help="folder of a CLIP model")
    parser.add_argument("--head", type=Path, help="a linear head over CLIP's features")
    given = parser.parse_args()
    measures = measures_of(given.dino, given.clip, given.head)
    files = sorted(path for path in given.clips.iterdir() if path.suffix.lower() in KINDS)
    if not files:
        parser.error(f"{given.clips}: no clip there ({', '.join(sorted(KINDS))})")
    print(f"| clip | {' | '.join(measures)} |\n|---|{'---|' * len(measures)}")
    rows = []
    for path in files:
        frames = frames_of(path)
        rows.append([measure(frames) for measure in measures.values()])
        print(row(path.name, rows[-1]), flush=True)
    print(row(f"mean of {len(rows)}", [fmean(column) for column in zip(*rows, strict=True)]))


def measures_of(
    dino: Path | None, clip: Path | None, head: Path | None
) -> dict[str, Callable[[Frames], float]]:
    found: dict[str, Callable[[Frames], float]] = {
        "temporal flickering": vbench.temporal_flickering
    }
    if dino:
        encoder = Dino(dino)
        found["subject consistency"] = lambda frames: vbench.subject_consistency(encoder, frames)
    if clip:
        towers = Clip(clip)
        found["background consistency"] = lambda some: vbench.background_consistency(towers, some)
        if head:
            found["aesthetic quality"] = vbench.Aesthetic(towers, head).quality
    return found


def row(name: str, values: list[float]) -> str:
    return f"| {name} | {' | '.join(f'{value:.2f}' for value in values)} |"


def frames_of(path: Path) -> Frames:
    with av.open(str(path)) as container:
        return np.stack([one.to_ndarray(format="rgb24") for one in container.decode(video=0)])


if __name__ == "__main__":
    main()
