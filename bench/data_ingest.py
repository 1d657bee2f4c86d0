"""Probing rate per core, memory and re-ingest time as a source grows to 100 thousand records.

    python bench/data_ingest.py --sizes 1000 10000 100000 --workers 1 --out ingest.json

Each record has a small picture of its own (16 KB PNG at most) and a camera path; nothing is shared,
so every file is read, stored and parsed. Each size runs in a process of its own: `first` is the
whole stage (ingest, contract, snapshot, catalogue), `again` the same on the unchanged source,
`touched` after one file changed. Memory is the peak of the process and of its children, once after
probing and once at the end of the stage; 280 MB of it are imports. `CPU s` is what the first ingest
took of processors, children and threads included: others on a shared machine change it less.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HELP = (__doc__ or "").partition("\n")[0]
sys.path.insert(0, str(Path(__file__).parent))
_SIDE = 64
HEADS = (
    "records",
    "first s",
    "CPU s",
    "rec/s",
    "probes/s/core",
    "again s",
    "faster",
    "touched s",
    "probing MB",
    "peak MB",
)
WIDTHS = (8, 9, 8, 8, 14, 9, 8, 10, 11, 9)


def make_source(folder: Path, count: int) -> None:
    """Write `count` records: PNG pictures of noise blocks, RealEstate10K camera paths, captions."""
    import numpy as np
    from data_records import LICENCES, row
    from PIL import Image

    from any2caption.captions.schema import PARTS

    rng = np.random.default_rng(0)
    with (folder / "manifest.jsonl").open("w") as manifest:
        for number in range(count):
            place = folder / "media" / f"{number // 1000:03}"
            place.mkdir(parents=True, exist_ok=True)
            blocks = rng.integers(0, 255, (9, 9, 3), np.uint8)
            Image.fromarray(blocks).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC).save(
                place / f"{number}.png"
            )
            (place / f"{number}.txt").write_text(camera(number))
            made = row(number)
            record = {
                "id": made["id"],
                "source": made["source"],
                "licence": LICENCES[number % len(LICENCES)],
                "prompt": made["prompt"],
                "caption": {part: made[f"caption_{part}"] for part in PARTS},
                "conditions": [
                    {"kind": "image", "paths": [f"media/{number // 1000:03}/{number}.png"]},
                    {"kind": "camera", "paths": [f"media/{number // 1000:03}/{number}.txt"]},
                ],
            }
            manifest.write(json.dumps(record) + "\n")


def camera(number: int) -> str:
    lines = ["https://example.org/clip"]
    for frame in range(16):
        move = frame * (1 + number / 1e6)
        lines.append(f"{frame * 100000} 0.5 0.9 0.5 0.5 0 0 1 0 0 {move:.6f} 0 1 0 0 0 0 1 0")
    return "\n".join(lines) + "\n"


def run_one(source: Path, home: Path, workers: int) -> dict:
    """Ingest three times in this process; seconds and peak memory after each."""
    os.environ["A2C_HOME"] = str(home)
    from any2caption.datasets.contract.validation import _context
    from any2caption.datasets.ingest import pipeline, run_ingest
    from any2caption.settings import Settings

    _context(home / "warm")  # imports are paid before the clock: they do not grow with the source
    settings = Settings()
    found: dict = {"imported_mb": peak_mb()}
    ingest = pipeline.ingest

    def probing(*arguments: object, **named: object) -> object:
        result = ingest(*arguments, **named)
        found.setdefault("probing_mb", peak_mb())
        return result

    pipeline.ingest = probing
    for name in ("first", "again", "touched"):
        if name == "touched":
            path = source / "media" / "000" / "0.txt"
            path.write_text(path.read_text() + "\n")
        began, cpu = time.perf_counter(), cpu_seconds()
        result = run_ingest(settings, source.as_uri(), workers=workers, threshold=0.0)
        found[name] = {
            "s": round(time.perf_counter() - began, 3),
            "cpu_s": round(cpu_seconds() - cpu, 3),
            "probing_s": result["seconds"],
            "parsed": result["media_sets_parsed"],
            "leaks": result["leaks"],
            "unchanged": result["unchanged"],
            "peak_mb": peak_mb(),
        }
    return found


def peak_mb() -> float:
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return round(max(resource.getrusage(item).ru_maxrss for item in who) / 1024, 1)


def cpu_seconds() -> float:
    """Processor seconds of this process and of children that have ended."""
    return sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.source:
        home = options.source.parent / "home"
        print(json.dumps(run_one(options.source, home, options.workers)))
        return
    results = {}
    heads = zip(HEADS, WIDTHS, strict=True)
    print("".join(f"{head:>{width}}" for head, width in heads), flush=True)
    for size in options.sizes:
        with tempfile.TemporaryDirectory(prefix="a2c-bench-") as folder:
            source = Path(folder) / "source"
            source.mkdir()
            make_source(source, size)
            command = [sys.executable, __file__, "--source", str(source)]
            command += ["--workers", str(options.workers)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr[-2000:])
            found = results[size] = json.loads(done.stdout.splitlines()[-1])
        first, again, touched = found["first"], found["again"], found["touched"]
        found["probes_per_s_core"] = first["parsed"] / first["probing_s"] / options.workers
        found["faster"] = first["s"] / again["s"]
        print(f"{size:>8}{first['s']:>9.1f}{first['cpu_s']:>8.1f}{size / first['s']:>8.0f}"
              f"{found['probes_per_s_core']:>14.0f}{again['s']:>9.2f}{found['faster']:>7.0f}×"
              f"{touched['s']:>10.1f}{found['probing_mb']:>11.0f}"
              f"{first['peak_mb']:>9.0f}", flush=True)  # fmt: skip
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
