"""One rank of `test_shard_ranks`: the same steps from a prepared folder, then from shards.

python -m deepspeed.launcher.runner … --module shard_ranks FOLDER URI OUT
"""

import json
import os
import sys
from pathlib import Path

import torch

from any2caption.training.context import address_of
from any2caption.training.engine import distributed
from any2caption.training.open_data import open_data

sys.path.insert(0, str(Path(__file__).parent))  # the launcher knows no package of tests
CASE = "zero1"


def train(address, out, rank, world_size):
    """Train the case; leaves the losses, and the bytes of frames that this rank fetched."""
    from two_ranks import run

    out.mkdir(parents=True, exist_ok=True)
    data = open_data(address_of(address))
    run(CASE, data, out, rank, world_size)
    (out / f"fetched-{rank}.json").write_text(json.dumps(getattr(data, "fetched", 0)))


def main():
    """Run both."""
    folder, uri, out = sys.argv[1:]
    torch.set_num_threads(1)
    rank, world_size = distributed.connect()
    train(folder, Path(out) / "folder", rank, world_size)
    train(uri, Path(out) / "shards", rank, world_size)
    sys.stdout.flush()
    os._exit(0)  # DeepSpeed's threads may hold up a normal end


if __name__ == "__main__":
    main()
