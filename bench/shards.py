"""Read rate of shards beside plain WebDataset and Hugging Face `datasets` on the same data.

    python bench/shards.py --samples 300 --out shards.json
    pip install --target /tmp/hf datasets && python bench/shards.py --with /tmp/hf

Every reader gives the same decoded frames and camera paths: `a2c` shuffled, each sample's frames
fetched alone and hashed, `webdataset` the same tars one after the other, unchecked, `datasets` the
same files from an Arrow table on disk, in order and shuffled, unchecked. One process, one pass to
warm the page cache, then the median of `--repeats` passes, the readers taking turns. MB are stored
bytes; on a busy machine look at samples a CPU second. `datasets` is in no lock of this project:
where it cannot be imported the table says so.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

HELP = (__doc__ or "").partition("\n")[0]
_FRAMES, _SIDE = 8, 112


def made(number: int) -> Any:
    """A sample of the tiny model's scale: eight frames of blocks, a camera path, 260 tokens."""
    from PIL import Image

    from any2caption.training.shards import ShardSample

    rng = np.random.default_rng(number)
    blocks = rng.integers(0, 255, (_FRAMES, 9, 9, 3), np.uint8)
    pictures = [Image.fromarray(block).resize((_SIDE, _SIDE)) for block in blocks]
    video = {"kind": np.asarray("video"), "role": np.asarray(""), "frames": np.stack(pictures)}
    poses = rng.normal(size=(16, 16)).astype(np.float32)
    length = int(rng.integers(180, 340))
    return ShardSample(
        id=f"{number:06d}",
        prompt="a red ball rolls over a table",
        features=(video, {"kind": np.asarray("camera"), "role": np.asarray(""), "poses": poses}),
        answers={},
        parts={},
        caption=rng.integers(0, 8000, length, np.int32),
        slots=np.zeros(length, np.float32),
        prompt_tokens=rng.integers(0, 8000, 12, np.int32),
        length=length,
    )


def by_a2c(store: Any, count: int) -> Iterator[Any]:
    from any2caption.training.shards import ShardData

    with tempfile.TemporaryDirectory(prefix="a2c-bench-") as cache:
        data = ShardData(store, "", Path(cache))
        samples = data.samples("train")
        for place in np.random.default_rng(0).permutation(count):
            yield [data.feature(number) for number in samples[int(place)].features]


def decoded(files: dict[str, bytes]) -> Any:
    """The frames of a sample's files; camera paths are a view and cost nothing."""
    from any2caption.training.shards.codec import decode_frames

    name = "0.png" if "0.png" in files else "0.npy"
    return decode_frames(files[name], name, (_FRAMES, _SIDE, _SIDE, 3))


def by_webdataset(paths: list[str]) -> Iterator[Any]:
    import webdataset

    yield from map(decoded, webdataset.WebDataset(paths, shardshuffle=False))


def by_datasets(table: Any) -> Iterator[Any]:
    for row in table:
        yield decoded({file["name"]: file["data"] for file in row["files"]})


def _files() -> dict[str, bytes]:
    """What lies beside the shards."""
    from any2caption.model.config import to_json
    from any2caption.model.presets import preset

    return {"config.json": to_json(preset("tiny")).encode()}


def arrow_table(samples: list[dict[str, bytes]], folder: Path) -> Any:
    """The same files as an Arrow table of Hugging Face `datasets`, on disk and mapped."""
    import datasets

    rows = [
        {"files": [{"name": k, "data": v} for k, v in sorted(files.items())]} for files in samples
    ]
    datasets.Dataset.from_list(rows).save_to_disk(str(folder))
    return datasets.load_from_disk(str(folder))


def timed(readers: dict[str, Callable[[], Iterable[Any]]], repeats: int) -> dict[str, Any]:
    """Reader → samples of a pass, median wall seconds and CPU seconds; the readers take turns."""
    seen = {name: sum(1 for _ in read()) for name, read in readers.items()}
    wall: dict[str, list[float]] = {name: [] for name in readers}
    used: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(repeats):
        for name, read in readers.items():
            began, cpu = time.perf_counter(), time.process_time()
            again = sum(1 for _ in read())
            wall[name].append(time.perf_counter() - began)
            used[name].append(time.process_time() - cpu)
            if again != seen[name]:
                raise SystemExit(f"{name}: read {again} samples after {seen[name]}")
    median = statistics.median
    return {name: (seen[name], median(wall[name]), median(used[name])) for name in readers}


def measure(media: str, options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    from any2caption.storage import open_store
    from any2caption.training.recipes.schema import PREPARED_VERSION
    from any2caption.training.shards import Source, write_shards
    from any2caption.training.shards.codec import encode

    store = open_store((folder / media).as_uri())
    count = options.samples
    samples = (("train", made(number)) for number in range(count))
    began = time.perf_counter()
    index = write_shards(
        Source({"version": PREPARED_VERSION}, count, samples, _files(), dict),
        store,
        "",
        media=media,  # type: ignore[arg-type]
        shard_bytes=round(options.shard_mb * 1e6),
    )
    shards = index.splits["train"]
    size = sum(shard.bytes for shard in shards) / 1e6
    print(f"{media}: {count} samples in {len(shards)} shards, {size:.1f} MB, made and written in "
          f"{time.perf_counter() - began:.1f} s")  # fmt: skip
    paths = [str(folder / media / shard.key) for shard in shards]
    readers: dict[str, Callable[[], Iterable[Any]]] = {
        "a2c, shuffled, verified": lambda: by_a2c(store, count),
        "webdataset, in order": lambda: by_webdataset(paths),
    }
    try:
        import datasets  # noqa: F401
    except ImportError as error:
        print(f"  datasets: not measured ({error}); see --with")
    else:
        table = arrow_table([encode(made(n), media) for n in range(count)], folder / f"hf-{media}")  # type: ignore[arg-type]
        readers["datasets, in order"] = lambda: by_datasets(table)
        readers["datasets, shuffled"] = lambda: by_datasets(table.shuffle(seed=0))
    rows = []
    for name, (seen, seconds, cpu) in timed(readers, options.repeats).items():
        row = {
            "media": media,
            "reader": name,
            "samples": seen,
            "samples_per_s": seen / seconds,
            "mb_per_s": size * seen / count / seconds,
            "samples_per_cpu_s": seen / cpu,
        }
        rows.append(row)
        print(f"  {name:<26}{row['samples_per_s']:>9.0f} samples/s{row['mb_per_s']:>9.1f} MB/s"
              f"{row['samples_per_cpu_s']:>9.0f} samples/CPU s")  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP)
    parser.add_argument("--samples", type=int, default=300, help="of each reader")
    parser.add_argument("--shard-mb", type=float, default=8.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--with", dest="folder", type=Path, help="folder that holds `datasets`")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.folder:
        sys.path.append(str(options.folder))  # after the locked packages: nothing else moves
    with tempfile.TemporaryDirectory(prefix="a2c-bench-") as folder:
        rows = [row for media in ("png", "npy") for row in measure(media, options, Path(folder))]
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
