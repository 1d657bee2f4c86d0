"""How each trainer wants its clips, captions and data-set file. Pure.

`musubi-tuner` and `diffusion-pipe` read a caption from the text file beside its clip and take a
TOML file; diffusion-pipe looks at every other file of that folder, so nothing else lies there.
`finetrainers` takes a JSON file, and reads a folder with `metadata.jsonl` through the library
`datasets` (columns `file_name` and `caption`).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SIDE = 16  # pixels: what the generators' encoders divide by
_GROUP = 4  # frames that they take at a time, after the first
_MOST_FRAMES = 81  # a clip of Wan's own length; longer ones cost more memory than most have
CLIPS = "clips"


@dataclass(frozen=True, slots=True)
class Captioned:
    """A clip of the export: its file in `clips/`, its caption, its size; frames 0: not known."""

    file: str
    caption: str
    width: int
    height: int
    frames: int


@dataclass(frozen=True, slots=True)
class Trainer:
    """`suffixes` are the clips that it takes, `files` writes the rest of a folder by path in it.

    `use` says how the trainer is called; `{out}` is the folder.
    """

    name: str
    suffixes: frozenset[str]
    files: Callable[[Sequence[Captioned], Path], Mapping[str, str]]
    use: str


def buckets(clips: Iterable[Captioned]) -> tuple[int, int, int]:
    """Return width, height (the commonest, down to a multiple of 16) and frames (4n + 1).

    The frames are those that the shortest clip of known length still has, 81 at most: a trainer
    drops what is shorter.
    """
    found = list(clips)
    (width, height), _ = Counter((one.width, one.height) for one in found).most_common(1)[0]
    shortest = min([_MOST_FRAMES, *(one.frames for one in found if one.frames)])
    sides = (max(_SIDE, side // _SIDE * _SIDE) for side in (width, height))
    return (*sides, (max(shortest, 1) - 1) // _GROUP * _GROUP + 1)  # type: ignore[return-value]


def _sidecars(clips: Iterable[Captioned]) -> dict[str, str]:
    return {f"{CLIPS}/{Path(one.file).stem}.txt": f"{one.caption}\n" for one in clips}


def _musubi(clips: Sequence[Captioned], out: Path) -> dict[str, str]:
    width, height, frames = buckets(clips)
    return {
        **_sidecars(clips),
        "dataset.toml": f"""\
# Resolution and frames are those of these clips; every clip must be at the model's frame rate, or
# set source_fps (a decimal number) here.
[general]
resolution = [{width}, {height}]
caption_extension = ".txt"
batch_size = 1
enable_bucket = true
bucket_no_upscale = true

[[datasets]]
video_directory = {json.dumps(str(out / CLIPS))}
cache_directory = {json.dumps(str(out / "cache"))}
target_frames = [{frames}]
frame_extraction = "head"
""",
    }


def _diffusion_pipe(clips: Sequence[Captioned], out: Path) -> dict[str, str]:
    width, height, frames = buckets(clips)
    lengths = [1] if frames == 1 else [1, frames]
    return {
        **_sidecars(clips),
        "dataset.toml": f"""\
# Frames are those of the shortest clip: what is shorter than every bucket is dropped.
resolutions = [[{width}, {height}]]
enable_ar_bucket = true
min_ar = 0.5
max_ar = 2.0
num_ar_buckets = 7
frame_buckets = {lengths}

[[directory]]
path = {json.dumps(str(out / CLIPS))}
num_repeats = 1
""",
    }


def _finetrainers(clips: Sequence[Captioned], out: Path) -> dict[str, str]:
    width, height, frames = buckets(clips)
    rows = [
        json.dumps({"file_name": one.file, "caption": one.caption}, ensure_ascii=False)
        for one in clips
    ]
    config = {
        "datasets": [
            {
                "data_root": str(out / CLIPS),
                "dataset_type": "video",
                "video_resolution_buckets": [[frames, height, width]],
                "reshape_mode": "bicubic",
                "remove_common_llm_caption_prefixes": False,
            }
        ]
    }
    return {
        f"{CLIPS}/metadata.jsonl": "".join(f"{row}\n" for row in rows),
        "training.json": json.dumps(config, indent=2, ensure_ascii=False) + "\n",
    }


TRAINERS: Mapping[str, Trainer] = {
    one.name: one
    for one in (
        Trainer(
            "musubi-tuner",
            frozenset({".mp4", ".webm"}),
            _musubi,
            "python wan_cache_latents.py --dataset_config {out}/dataset.toml …",
        ),
        Trainer(
            "diffusion-pipe",
            frozenset({".mp4", ".webm"}),
            _diffusion_pipe,
            "set dataset = '{out}/dataset.toml' in the training configuration",
        ),
        Trainer(
            "finetrainers",
            frozenset({".mp4"}),
            _finetrainers,
            "train.py --dataset_config {out}/training.json …",
        ),
    )
}
