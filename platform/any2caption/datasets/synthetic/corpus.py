"""Write a synthetic corpus as a customer would deliver one: media files and a `manifest.jsonl`.

The manifest is written last and carries its parameters beside it, so that a corpus is either whole
or absent, and making the same one again costs one read.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context

from any2caption.datasets.synthetic.recording import scene_files
from any2caption.datasets.synthetic.world import sample_scene
from any2caption.errors import ConfigError
from any2caption.storage.base import ObjectStore

# Raise this when the same seed gives other bytes: corpora made before are then made anew.
WORLD_VERSION = 5
_CHUNK = 50
_WRITERS = 8
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CorpusSummary:
    """What a corpus holds; `reused` says that it was there already."""

    prefix: str
    scenes: int
    records: int
    files: int
    seconds: float
    reused: bool


def make_corpus(  # noqa: PLR0913 - the corpus's parameters
    store: ObjectStore,
    prefix: str,
    *,
    scenes: int,
    seed: int,
    workers: int = 2,
    log: Log | None = None,
) -> CorpusSummary:
    """Write `<prefix>/manifest.jsonl` and its media; the same parameters give the same bytes.

    Raises:
        ConfigError: no scenes asked for, or no worker.
    """
    if scenes < 1 or workers < 1:
        raise ConfigError(f"a corpus needs scenes and workers, got {scenes} and {workers}")
    prefix = prefix.strip("/")
    parameters = {"world": WORLD_VERSION, "scenes": scenes, "seed": seed}
    manifest_key, marker_key = f"{prefix}/manifest.jsonl", f"{prefix}/corpus.json"
    if store.exists(marker_key) and store.exists(manifest_key):
        marker = json.loads(store.get(marker_key))
        if marker["parameters"] == parameters:
            _say(log, f"synthetic corpus {prefix}: {scenes} scenes are there already")
            return CorpusSummary(**{**marker["summary"], "reused": True})
    # Media are about to be replaced: no reader may find them under an old manifest.
    store.delete(marker_key)
    store.delete(manifest_key)
    began = time.monotonic()
    lines: list[str] = []
    files = 0
    with ThreadPoolExecutor(_WRITERS) as writers:
        for chunk_lines, chunk_files in _chunks(scenes, seed, workers):
            lines += chunk_lines
            files += len(chunk_files)
            writes = [
                writers.submit(store.put, f"{prefix}/{name}", data)
                for name, data in chunk_files.items()
            ]
            for write in writes:
                write.result()
            if len(lines) % 4000 < len(chunk_lines):
                _say(log, f"synthetic corpus {prefix}: {len(lines)} records written")
    store.put(manifest_key, ("\n".join(lines) + "\n").encode())
    seconds = round(time.monotonic() - began, 2)
    summary = CorpusSummary(prefix, scenes, len(lines), files, seconds, reused=False)
    marker = {"parameters": parameters, "synthetic": True, "summary": asdict(summary)}
    store.put(marker_key, json.dumps(marker, indent=1).encode())
    _say(log, f"synthetic corpus {prefix}: {len(lines)} records, {files} files, {seconds} s")
    return summary


def make_scenes(seed: int, first: int, last: int) -> tuple[list[str], dict[str, bytes]]:
    """Return manifest lines and files of the scenes `first` to `last` - 1."""
    lines: list[str] = []
    files: dict[str, bytes] = {}
    for number in range(first, last):
        made = scene_files(sample_scene(seed, number), number, f"synthetic-{seed}")
        lines += [record.model_dump_json(exclude_defaults=True) for record in made.records]
        files.update(made.files)
    return lines, files


def _chunks(scenes: int, seed: int, workers: int) -> Iterator[tuple[list[str], dict[str, bytes]]]:
    """Yield chunks in order; a bounded number is ahead, so memory stays small."""
    bounds = [(a, min(a + _CHUNK, scenes)) for a in range(0, scenes, _CHUNK)]
    if workers == 1 or len(bounds) == 1:
        for first, last in bounds:
            yield make_scenes(seed, first, last)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        ahead: list[Future[tuple[list[str], dict[str, bytes]]]] = []
        for first, last in bounds:
            ahead.append(pool.submit(make_scenes, seed, first, last))
            if len(ahead) > 2 * workers:
                yield ahead.pop(0).result()
        for future in ahead:
            yield future.result()


def _say(log: Log | None, message: str) -> None:
    if log is not None:
        log(message)
