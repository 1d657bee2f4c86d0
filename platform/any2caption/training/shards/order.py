"""Which samples a batch holds: a pure function of seed and epoch.

The shards are shuffled and taken `window` at a time; the samples of a window are shuffled, put
beside others of like length and cut into global batches. So a reader needs few shards at once, the
number of ranks changes nothing, and any batch of any epoch can be found again.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

POOL = 32  # batches that are sorted by length together


def batches_per_epoch(samples: int, batch: int) -> int:
    """Batches of an epoch; a remainder is left out, another one each epoch."""
    return max(1, samples // batch)


def epoch_order(  # noqa: PLR0913 - what the order depends on
    counts: Sequence[int],
    lengths: NDArray[np.int64],
    *,
    seed: int,
    epoch: int,
    batch: int,
    window: int,
) -> NDArray[np.int64]:
    """Return the sample numbers of every global batch of an epoch, int64 (batches, batch).

    `counts` are the samples of each shard; a sample's number counts through the shards in order.
    With fewer samples than a batch, samples repeat.
    """
    rng = np.random.default_rng([seed, epoch])
    ends = np.cumsum(counts)
    shards = rng.permutation(len(counts))
    groups = []
    for at in range(0, len(shards), window):
        members = [np.arange(ends[s] - counts[s], ends[s]) for s in shards[at : at + window]]
        groups.append(rng.permutation(np.concatenate(members)))
    order = np.concatenate(groups).astype(np.int64)
    if len(order) < batch:
        order = np.resize(order, batch)
    order = order[: len(order) // batch * batch]
    for start, end in _regions([len(group) for group in groups], len(order), batch):
        for at in range(start, end, POOL * batch):
            pool = order[at : min(at + POOL * batch, end)]
            pool[:] = pool[np.argsort(lengths[pool], kind="stable")]
        rows = order[start:end].reshape(-1, batch)
        rows[:] = rows[rng.permutation(len(rows))]
    return order.reshape(-1, batch)


def first_uses(shards: NDArray[np.int64]) -> list[int]:
    """The distinct values in order of first appearance."""
    values, first = np.unique(shards, return_index=True)
    return [int(value) for value in values[np.argsort(first)]]


def _regions(sizes: Sequence[int], total: int, batch: int) -> Iterator[tuple[int, int]]:
    """The windows' stretches of the order, their borders moved down to whole batches."""
    start = 0
    for end in np.cumsum(sizes):
        whole = min(int(end) // batch * batch, total)
        if whole > start:
            yield start, whole
            start = whole
    if start < total:
        yield start, total
