"""Training data as shards in the object store: for data that one machine's disk cannot hold.

A shard is a tar of about 64 MB as WebDataset writes and reads them; `index.json`, written last,
names each with its SHA-256. Beside them lie the small files of `data.prepared.Tables`.
"""

from any2caption.training.shards.codec import ShardSample
from any2caption.training.shards.export import Source, from_prepared, from_snapshot
from any2caption.training.shards.index import Index, Shard, read_index
from any2caption.training.shards.training_data import ShardData
from any2caption.training.shards.writer import write_shards

__all__ = [
    "Index",
    "Shard",
    "ShardData",
    "ShardSample",
    "Source",
    "from_prepared",
    "from_snapshot",
    "read_index",
    "write_shards",
]
