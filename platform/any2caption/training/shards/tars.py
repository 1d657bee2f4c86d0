"""From a shard's bytes to the files of its samples, with WebDataset's tar iteration alone.

None of WebDataset's decoders is used: they include pickle.
"""

import io
import tarfile

from any2caption.errors import IntegrityError
from any2caption.training.shards.index import Shard

Files = dict[str, bytes]
_MAGIC = slice(257, 262)


def read_tar(data: bytes, shard: Shard) -> list[Files]:
    """Return name → bytes for each sample of a shard.

    Raises:
        IntegrityError: it is no plain tar, or holds another number of samples than the index says.
    """
    from webdataset.tariterators import group_by_keys, tar_file_expander

    if data[_MAGIC] != b"ustar":  # a compressed one would be unpacked without limit
        raise IntegrityError(f"shard {shard.key} is no plain tar")
    try:
        members = tar_file_expander([{"url": shard.key, "stream": io.BytesIO(data)}])
        samples = [
            {name: found for name, found in sample.items() if not name.startswith("__")}
            for sample in group_by_keys(members)
        ]
    except (tarfile.TarError, ValueError, OSError, EOFError) as error:
        raise IntegrityError(f"shard {shard.key} is damaged: {error}") from error
    if len(samples) != shard.samples:
        raise IntegrityError(
            f"shard {shard.key} holds {len(samples)} samples, the index says {shard.samples}"
        )
    return samples
