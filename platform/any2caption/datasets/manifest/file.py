"""A snapshot's Parquet manifest on disk: written and read a few hundred records at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from any2caption.datasets.manifest.table import documents, schema, to_row

if TYPE_CHECKING:
    import tempfile

    import pyarrow as pa

ROW_GROUP = 4_096
_BATCH = 1_024  # rows that are decoded at once
_ROWS = 512  # records that are Python objects at once


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A manifest at `path`, or an open file; `folder` is a temporary one that goes with it."""

    path: Path | IO[bytes]
    folder: "tempfile.TemporaryDirectory[str] | None" = field(default=None, compare=False)

    def __len__(self) -> int:
        import pyarrow.parquet as pq

        return int(pq.read_metadata(self.path).num_rows)

    def batches(self, columns: Sequence[str] | None = None) -> "Iterator[pa.RecordBatch]":
        """Yield the manifest's rows, a thousand in memory at a time."""
        import pyarrow.parquet as pq

        chosen = None if columns is None else list(columns)
        with pq.ParquetFile(self.path) as file:
            # Not one `iter_batches` over all row groups: it keeps each that it has read until the
            # end. Without Arrow's threads: a short command would end while they start.
            for number in range(file.num_row_groups):
                yield from file.iter_batches(
                    _BATCH, row_groups=[number], columns=chosen, use_threads=False
                )

    def documents(self, split: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the records, all or those of one split, as JSON objects."""
        import pyarrow as pa

        for batch in self.batches():
            yield from documents(pa.Table.from_batches([batch]), split)


def write_manifest(path: Path, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Write records (as JSON objects) to a Parquet file; yield each one on the way."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, schema(), compression="zstd") as writer:
        group: list[pa.Table] = []
        for chunk in _chunks(rows):
            group.append(pa.Table.from_pylist([to_row(item) for item in chunk], schema=schema()))
            yield from chunk
            if sum(table.num_rows for table in group) >= ROW_GROUP:
                writer.write_table(pa.concat_tables(group).combine_chunks())
                group = []
        if group:
            writer.write_table(pa.concat_tables(group).combine_chunks())
    del group
    pa.default_memory_pool().release_unused()  # what reads the manifest next needs as much again


def _chunks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
