"""Write samples to shards: tars with fixed times and owners, so that equal data is equal bytes."""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from any2caption.errors import ConfigError, ConflictError, NotFoundError
from any2caption.storage import ObjectStore, digest_of
from any2caption.storage.keys import join_key
from any2caption.training.shards.codec import Media, encode
from any2caption.training.shards.export import Source
from any2caption.training.shards.index import NAME, Index, Shard, read_index

SHARD_BYTES = 64_000_000
_MODE = 0o444
Progress = Callable[[int, int, int], None]
"""Called with samples done, of how many, bytes written."""


def write_shards(  # noqa: PLR0913 - where to, and how
    source: Source,
    store: ObjectStore,
    prefix: str,
    *,
    shard_bytes: int = SHARD_BYTES,
    media: Media = "png",
    progress: Progress | None = None,
) -> Index:
    """Write a source's samples below the prefix; the index comes last.

    Equal data that is there already is left as it is. One shard is in memory at a time.

    Raises:
        ConflictError: the prefix holds other shards.
        ConfigError: `shard_bytes` is not positive.
    """
    if shard_bytes < 1:
        raise ConfigError(f"shards of {shard_bytes} bytes cannot be written")
    made_from = {**source.made_from, "media": media, "shard_bytes": shard_bytes}
    try:
        there = read_index(store, prefix)
    except NotFoundError:
        pass
    else:
        if there.made_from == made_from:
            return there
        raise ConflictError(
            f"{store.uri}: {prefix!r} holds shards of other data ({dict(there.made_from)}); "
            "choose another prefix"
        )
    writers: dict[str, _Split] = {}
    for done, (split, sample) in enumerate(source.samples, 1):
        if split not in writers:
            writers[split] = _Split(store, prefix, split, shard_bytes)
        writers[split].add(encode(sample, media), sample.length)
        if progress is not None:
            progress(done, source.total, sum(writer.written for writer in writers.values()))
    splits = {split: tuple(writer.finish()) for split, writer in sorted(writers.items())}
    for name, data in source.files.items():
        store.put(join_key(prefix, name), data)
    files = {name: digest_of(data) for name, data in sorted(source.files.items())}
    index = Index(made_from, splits, files, source.classes())
    store.flush()
    store.put(join_key(prefix, NAME), index.to_json())
    return index


@dataclass
class _Split:
    """The shards of one split, one after the other."""

    store: ObjectStore
    prefix: str
    split: str
    limit: int
    written: int = 0
    shards: list[Shard] = field(default_factory=list)
    files: list[dict[str, bytes]] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    size: int = 0

    def add(self, files: dict[str, bytes], length: int) -> None:
        grown = sum(512 + len(data) + -len(data) % 512 for data in files.values())
        if self.files and self.size + grown > self.limit:
            self._close()
        self.files.append(files)
        self.lengths.append(length)
        self.size += grown
        self.written += grown

    def finish(self) -> list[Shard]:
        if self.files:
            self._close()
        return self.shards

    def _close(self) -> None:
        data = tar(self.files)
        sha256 = digest_of(data)
        # The name holds the digest: writing other data never changes a shard under a reader.
        key = f"{self.split}-{len(self.shards):05d}-{sha256[:12]}.tar"
        self.store.put(join_key(self.prefix, key), data)
        self.shards.append(Shard(key, sha256, len(data), tuple(self.lengths)))
        self.files, self.lengths, self.size = [], [], 0


def tar(samples: Iterable[dict[str, bytes]]) -> bytes:
    """Return samples as a tar; nothing in it depends on the clock or the user."""
    from webdataset.writer import TarWriter

    out = io.BytesIO()
    # encoder=False: bytes as they are; WebDataset's own encoders include pickle.
    with TarWriter(out, user="", group="", mode=_MODE, encoder=False, mtime=0) as writer:
        for number, files in enumerate(samples):
            writer.write({"__key__": f"{number:08d}", **files})
    return out.getvalue()
