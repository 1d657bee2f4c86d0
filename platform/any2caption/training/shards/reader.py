"""Read shards in a global order that does not depend on the number of ranks.

Every rank takes each `ranks`-th sample of a global batch, so lengths stay balanced. All ranks of a
machine walk through the same shards; give them one cache folder, and each shard is fetched once a
machine. A shard's bytes are hashed each time they are read, from the store or from the cache.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from any2caption.errors import ConfigError, NotFoundError
from any2caption.storage import ObjectStore
from any2caption.training.shards.cache import CACHE_BYTES, ShardCache
from any2caption.training.shards.codec import ShardSample, decode
from any2caption.training.shards.index import read_index
from any2caption.training.shards.order import batches_per_epoch, epoch_order, first_uses
from any2caption.training.shards.tars import Files, read_tar

WINDOW = 2


class ShardReader:
    """An endless iterator of one rank's batches, epoch after epoch.

    At most 2·`window` shards are open, and one more is on its way. `cache` is a local folder that
    ranks share, bounded by `cache_bytes`; without one every use reads from the store.

    Raises:
        ConfigError: impossible rank, batch or window, or a split that is not there.
        IntegrityError: while reading, a shard that is not what the index says; names the shard.
    """

    def __init__(  # noqa: PLR0913 - what the order depends on, and where things are
        self,
        store: ObjectStore,
        prefix: str,
        *,
        seed: int,
        batch: int,
        rank: int = 0,
        ranks: int = 1,
        split: str = "train",
        window: int = WINDOW,
        cache: Path | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if not 0 <= rank < ranks:
            raise ConfigError(f"rank {rank} of {ranks} is not possible")
        if batch < ranks:
            raise ConfigError(f"a global batch of {batch} leaves some of {ranks} ranks without")
        if window < 1:
            raise ConfigError(f"a window of {window} shards is not possible")
        self.index = read_index(store, prefix)
        if not self.index.splits.get(split):
            raise ConfigError(f"{prefix!r} has no {split!r} shards: {sorted(self.index.splits)}")
        self.seed, self.batch, self.rank, self.ranks = seed, batch, rank, ranks
        self.split, self.window, self.step = split, window, 0
        self._shards = self.index.splits[split]
        self._counts = [shard.samples for shard in self._shards]
        self._ends = np.cumsum(self._counts)
        self._lengths = self.index.lengths(split)
        self._cache = ShardCache(store, prefix, cache, cache_bytes)
        self._open: OrderedDict[int, list[Files]] = OrderedDict()
        self._coming: dict[int, Future[list[Files]]] = {}
        self._fetcher = ThreadPoolExecutor(1, thread_name_prefix="shards")
        self._epoch = -1
        self._order: NDArray[np.int64] = np.zeros((0, batch), np.int64)
        self._next: dict[int, int] = {}

    @property
    def per_epoch(self) -> int:
        """Batches of an epoch."""
        return batches_per_epoch(len(self._lengths), self.batch)

    def state(self) -> dict[str, Any]:
        """Where the reader is: plain JSON, the same on every rank."""
        return {"step": self.step, **self._identity()}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on after the batch that `state` was taken after; the number of ranks may differ.

        Raises:
            ConfigError: the state is of other shards, or of another order of them.
        """
        for name, value in self._identity().items():
            if state.get(name) != value:
                raise ConfigError(
                    f"cannot resume: {name} was {state.get(name)!r} and is {value!r} now"
                )
        step = state.get("step")
        if not isinstance(step, int) or step < 0:
            raise ConfigError(f"cannot resume: step is {step!r}")
        self.step = step
        self._coming.clear()  # what was fetched ahead of another step

    def __iter__(self) -> Iterator[list[ShardSample]]:
        return self

    def __next__(self) -> list[ShardSample]:
        batch = [self._sample(int(number)) for number in self.numbers(self.step)]
        self.step += 1
        return batch

    def numbers(self, step: int) -> NDArray[np.int64]:
        """Return the sample numbers of this rank's part of a step's global batch."""
        epoch, position = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._order, self._epoch = self._epoch_order(epoch), epoch
            uses = self._uses(self._order)
            following = self._uses(self._epoch_order(epoch + 1))[:1]
            self._next = dict(zip(uses, [*uses[1:], *following], strict=True))
        return np.asarray(self._order[position][self.rank :: self.ranks])

    def close(self) -> None:
        """Stop fetching ahead."""
        self._fetcher.shutdown(cancel_futures=True)
        self._open.clear()
        self._coming.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _identity(self) -> dict[str, Any]:
        return {
            "index": self.index.digest,
            "split": self.split,
            "seed": self.seed,
            "batch": self.batch,
            "window": self.window,
        }

    def _epoch_order(self, epoch: int) -> NDArray[np.int64]:
        return epoch_order(
            self._counts,
            self._lengths,
            seed=self.seed,
            epoch=epoch,
            batch=self.batch,
            window=self.window,
        )

    def _uses(self, order: NDArray[np.int64]) -> list[int]:
        """The shards that this rank opens in an epoch, in order."""
        mine = order[:, self.rank :: self.ranks].reshape(-1)
        return first_uses(np.searchsorted(self._ends, mine, side="right"))

    def _sample(self, number: int) -> ShardSample:
        shard = int(np.searchsorted(self._ends, number, side="right"))
        at = number - int(self._ends[shard]) + self._counts[shard]
        return decode(self._samples(shard)[at], f"{self._shards[shard].key}: sample {at}")

    def _samples(self, shard: int) -> list[Files]:
        if shard in self._open:
            self._open.move_to_end(shard)
            return self._open[shard]
        coming = self._coming.pop(shard, None) or self._fetcher.submit(self._load, shard)
        samples = self._open[shard] = coming.result()
        while len(self._open) > 2 * self.window:
            self._open.popitem(last=False)
        following = self._next.get(shard)
        if following is not None and following not in self._open and not self._coming:
            self._coming[following] = self._fetcher.submit(self._load, following)
        return samples

    def _load(self, number: int) -> list[Files]:
        shard = self._shards[number]
        return read_tar(self._cache.read(shard), shard)


def read_everything(store: ObjectStore, prefix: str) -> Iterator[tuple[str, ShardSample]]:
    """Yield every sample with its split in the order it was written in, checking each shard."""
    index = read_index(store, prefix)
    if not index.splits:
        raise NotFoundError(f"{store.uri}: {prefix!r} has no shards")
    cache = ShardCache(store, prefix)
    for split, shards in index.splits.items():
        for shard in shards:
            for at, files in enumerate(read_tar(cache.read(shard), shard)):
                yield split, decode(files, f"{shard.key}: sample {at}")
