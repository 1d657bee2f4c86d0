"""Rejections in a temporary file: a source of a million bad records does not fill memory."""

import json
import tempfile
from collections.abc import Collection, Iterable, Iterator
from typing import IO

from any2caption.datasets.ingest.source_records import Problem, Rejection


class RejectionFile(Collection[Rejection]):
    """Rejections in the order in which they were appended; one iteration at a time."""

    def __init__(self, rejections: Iterable[Rejection] = ()) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile("a+b", prefix="a2c-rejections-")  # noqa: SIM115
        self._count = 0
        for rejection in rejections:
            self.append(rejection)

    def append(self, rejection: Rejection) -> None:
        """Add a rejection at the end."""
        document = {**rejection.document(), "asked": rejection.asked}
        self._file.write(json.dumps(document).encode() + b"\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Rejection]:
        self._file.seek(0)
        for line in self._file:
            document = json.loads(line)
            problems = tuple(Problem(**problem) for problem in document.pop("problems"))
            yield Rejection(problems=problems, **document)

    def __contains__(self, item: object) -> bool:
        return any(rejection == item for rejection in self)
