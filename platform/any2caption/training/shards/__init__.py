"""Training data as shards in the object store: for data that one machine's disk cannot hold.

A shard is a tar of about 64 MB, as WebDataset writes and reads them; `index.json` names each with
its SHA-256, bytes and the length of every sample. `..dataset.Prepared` stays the fast local path.
"""

from any2caption.training.shards.codec import ShardSample
from any2caption.training.shards.export import Source, from_prepared, from_snapshot
from any2caption.training.shards.index import Index, Shard, read_index
from any2caption.training.shards.order import epoch_order
from any2caption.training.shards.reader import ShardReader
from any2caption.training.shards.writer import write_shards

__all__ = [
    "Index",
    "Shard",
    "ShardReader",
    "ShardSample",
    "Source",
    "epoch_order",
    "from_prepared",
    "from_snapshot",
    "read_index",
    "write_shards",
]
