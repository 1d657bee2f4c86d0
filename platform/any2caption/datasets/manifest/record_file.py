"""Many records without holding them in memory: canonical JSON lines in a temporary file.

A `RecordFile` is a sequence of `Record`; what stays in memory is the id and the place of each
(about 100 bytes a record). `select` and `ordered` make views that share the file.
"""

import json
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, overload

from any2caption.datasets.manifest.table import canonical_line
from any2caption.datasets.records import Record


class RecordFile(Sequence[Record]):
    """Records in the order in which they were appended; the file goes when nobody uses it."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="a2c-records-")  # noqa: SIM115
        self._starts = array("q")
        self._end = 0
        self.ids: list[str] = []

    @classmethod
    def of(cls, records: Iterable[Record]) -> "RecordFile":
        """Write records into a new file, unless they are one already."""
        if isinstance(records, RecordFile):
            return records
        found = cls()
        for record in records:
            found.append(record)
        return found

    def append(self, record: Record) -> dict[str, Any]:
        """Add a record at the end, return its JSON object. Views made before do not see it."""
        document = record.model_dump(mode="json")
        line = canonical_line(document)
        self._file.seek(self._end)
        self._file.write(line)
        self._starts.append(self._end)
        self._end += len(line)
        self.ids.append(record.id)
        return document

    def select(self, places: Iterable[int]) -> "RecordFile":
        """Return a view of the records at these places, in that order."""
        view = RecordFile.__new__(RecordFile)
        chosen = list(places)
        view._file, view._end = self._file, self._end  # noqa: SLF001 - of the same class
        view._starts = array("q", (self._starts[place] for place in chosen))  # noqa: SLF001
        view.ids = [self.ids[place] for place in chosen]
        return view

    def ordered(self) -> "RecordFile":
        """Return a view in order of id."""
        return self.select(sorted(range(len(self.ids)), key=self.ids.__getitem__))

    def lines(self) -> Iterator[bytes]:
        """Yield each record's canonical line."""
        for start in self._starts:
            self._file.seek(start)
            yield self._file.readline()

    def documents(self) -> Iterator[dict[str, Any]]:
        """Yield each record as a JSON object."""
        for line in self.lines():
            yield json.loads(line)

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[Record]:
        for line in self.lines():
            yield Record.model_validate_json(line)

    @overload
    def __getitem__(self, place: int) -> Record: ...

    @overload
    def __getitem__(self, place: slice) -> "RecordFile": ...

    def __getitem__(self, place: int | slice) -> "Record | RecordFile":
        if isinstance(place, slice):
            return self.select(range(*place.indices(len(self))))
        self._file.seek(self._starts[place])
        return Record.model_validate_json(self._file.readline())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RecordFile):
            return NotImplemented
        return self.ids == other.ids and all(
            mine == theirs for mine, theirs in zip(self.lines(), other.lines(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment] # it can grow
