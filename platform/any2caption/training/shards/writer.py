"""Write samples to shards: tars with fixed times and owners, so that equal data is equal bytes."""

import io
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from any2caption.errors import ConfigError, ConflictError, NotFoundError
from any2caption.storage import ObjectStore, digest_of
from any2caption.storage.digest import file_digest
from any2caption.storage.keys import join_key
from any2caption.training.shards.codec import Media, ShardSample, encode
from any2caption.training.shards.export import Source
from any2caption.training.shards.index import NAME, Index, Shard, read_index
from any2caption.training.shards.tables import Located, TablesWriter

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
    if (there := _written(store, prefix, made_from)) is not None:
        return there
    with tempfile.TemporaryDirectory(prefix="a2c-shards-") as folder:
        shards = _Shards(store, prefix, shard_bytes, TablesWriter(Path(folder)))
        for done, (split, sample) in enumerate(source.samples, 1):
            shards.add(split, sample, encode(sample, media))
            if progress is not None:
                progress(done, source.total, shards.written)
        splits = shards.finish()
        for name, data in source.files.items():
            (Path(folder) / name).write_bytes(data)
        files = {path.name: file_digest(path) for path in sorted(Path(folder).iterdir())}
        for name in files:
            store.upload(join_key(prefix, name), Path(folder) / name)
    index = Index(made_from, splits, files, source.classes())
    store.flush()
    store.put(join_key(prefix, NAME), index.to_json())
    return index


def _written(store: ObjectStore, prefix: str, made_from: dict[str, object]) -> Index | None:
    """The index of equal data that is there already."""
    try:
        there = read_index(store, prefix)
    except NotFoundError:
        return None
    if there.made_from == made_from:
        return there
    raise ConflictError(
        f"{store.uri}: {prefix!r} holds shards of other data ({dict(there.made_from)}); "
        "choose another prefix"
    )


class _Shards:
    """The shards of all splits, one after the other, and the tables beside them."""

    def __init__(self, store: ObjectStore, prefix: str, limit: int, tables: TablesWriter) -> None:
        self._store, self._prefix, self._limit, self._tables = store, prefix, limit, tables
        self._splits: dict[str, list[Shard]] = {}
        self._split = ""
        self._samples: list[ShardSample] = []
        self._files: list[dict[str, bytes]] = []
        self._size = self.written = 0

    def add(self, split: str, sample: ShardSample, files: dict[str, bytes]) -> None:
        """Take a sample; those of a split come one after the other."""
        grown = sum(512 + len(data) + -len(data) % 512 for data in files.values())
        if split != self._split or (self._files and self._size + grown > self._limit):
            self._close()
            self._split = split
        self._samples.append(sample)
        self._files.append(files)
        self._size += grown
        self.written += grown

    def finish(self) -> dict[str, tuple[Shard, ...]]:
        """Write what is left; return the shards by split."""
        self._close()
        self._tables.close()
        return {split: tuple(shards) for split, shards in sorted(self._splits.items())}

    def _close(self) -> None:
        if not self._files:
            return
        shards = self._splits.setdefault(self._split, [])
        data = tar(self._files)
        sha256 = digest_of(data)
        # The name holds the digest: writing other data never changes a shard under a reader.
        key = f"{self._split}-{len(shards):05d}-{sha256[:12]}.tar"
        self._store.put(join_key(self._prefix, key), data)
        shards.append(Shard(key, sha256, len(data), len(self._files)))
        places = _offsets(data)
        for number, (sample, files) in enumerate(zip(self._samples, self._files, strict=True)):
            located = {
                name: Located(key, name, places[_member(number, name)], len(content), content)
                for name, content in files.items()
            }
            self._tables.add(self._split, sample, located)
        self._samples, self._files, self._size = [], [], 0


def _member(number: int, name: str) -> str:
    """The name in the tar of a file of its sample `number`."""
    return f"{number:08d}.{name}"


def _offsets(data: bytes) -> dict[str, int]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as found:
        return {member.name: member.offset_data for member in found}


def tar(samples: Iterable[dict[str, bytes]]) -> bytes:
    """Return samples as a tar; nothing in it depends on the clock or the user."""
    from webdataset.writer import TarWriter

    out = io.BytesIO()
    # encoder=False: bytes as they are; WebDataset's own encoders include pickle.
    with TarWriter(out, user="", group="", mode=_MODE, encoder=False, mtime=0) as writer:
        for number, files in enumerate(samples):
            writer.write({"__key__": f"{number:08d}", **files})
    return out.getvalue()
