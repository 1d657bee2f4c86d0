"""Whether a training process's memory stays flat over steps: megabytes by step, and slope.

    python bench/train_memory.py --out train_memory.json

The tiny model trains on a synthetic corpus in one process, by this project's loop with batches made
in the background, padded and then packed. Shapes change from step to step, so the allocator takes
its share in the first `--settle` steps; the slope is a straight line through the rest. Counted is
what the process holds itself: pages of the data set, which it maps from files and the kernel can
take back, are not (`--out` has both). Exits 1 when a slope is above `--most` megabytes for a
thousand steps and the growth is no noise (above three standard errors).
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
HELP = (__doc__ or "").partition("\n")[0]
WAYS = ("padded", "packed")


def resident(way: str, data: Path, options: argparse.Namespace) -> list[tuple[int, float, float]]:
    """(step, own MB, MB with files) every `--every` steps of one way."""
    import psutil
    from train_throughput import Run

    from any2caption.training.data.prefetch import Prefetcher
    from any2caption.training.data.stage_batches import Source
    from any2caption.training.engine import engine as engines
    from any2caption.training.loop.step import Tally, forward_backward

    chosen = argparse.Namespace(data=data, way=way, batch=options.batch, packs=2)
    run, process, found = Run(chosen), psutil.Process(), []
    source = Source(run.data, run.processor, run.stage, 1)
    engine = engines.start(run.objective, run.recipe, run.stage, 1)
    with Prefetcher(source, options.steps) as ahead:
        for step in range(options.steps):
            batch: Any = ahead(step, 0, 1)
            forward_backward(engine, [batch], 0.0, lambda _: None, Tally())
            engines.set_rate(engine, run.stage, 1.0)
            engine.step()
            if step % options.every == 0:
                memory = process.memory_info()
                own = memory.rss - memory.shared
                found.append((step, own / 2**20, memory.rss / 2**20))
    engines.finish(engine, run.objective)
    return found


def slope(points: list[tuple[int, float, float]]) -> tuple[float, float]:
    """Megabytes for a thousand steps, and its standard error."""
    steps, values, _ = np.asarray(points).T
    line, (variance, *_) = np.polyfit(steps, values, 1, cov=True)
    return float(line[0] * 1000), float(np.sqrt(variance[0]) * 1000)


def main() -> None:
    """Run both ways and print the table."""
    parser = argparse.ArgumentParser(description=HELP)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--settle", type=int, default=100)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--most", type=float, default=20.0, help="MB for a thousand steps")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--data", type=Path, help="prepared folder; made without")
    options = parser.parse_args()
    from train_zero import prepare

    from any2caption.training.engine import distributed
    from any2caption.training.hardware import worker_environment
    from any2caption.training.launch.supervisor import free_port

    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= worker_environment(1, Path(folder))
        os.environ |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        data = options.data or prepare(Path(folder))
        distributed.connect()
        for way in WAYS:
            points = resident(way, data, options)
            growth, error = slope([one for one in points if one[0] >= options.settle])
            rows[way] = {"points": points, "growth": growth, "error": error}
    print("| way | MB at the beginning | settled | at the end | MB for a thousand steps |")
    print("|---|---|---|---|---|")
    for way, row in rows.items():
        first, last = row["points"][0][1], row["points"][-1][1]
        settled = next(mb for step, mb, _ in row["points"] if step >= options.settle)
        print(
            f"| {way} | {first:,.0f} | {settled:,.0f} | {last:,.0f}"
            f" | {row['growth']:+.1f} ± {row['error']:.1f} |"
        )
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
    grown = [
        way
        for way, row in rows.items()
        if row["growth"] > options.most and row["growth"] > 3 * row["error"]
    ]
    if grown:
        raise SystemExit(f"memory grows: {', '.join(grown)}")


if __name__ == "__main__":
    main()
