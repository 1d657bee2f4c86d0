"""Sequences that are not in memory: lines of a file, and views of other sequences."""

import json
import os
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np

T = TypeVar("T")
_BLOCK = 1 << 20
_NEWLINE = 0x0A


class View(Sequence[T]):
    """A sequence whose items are made when they are asked for; a slice is a list."""

    def __init__(self, length: int, item: Callable[[int], T]) -> None:
        self._length, self._item = length, item

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> list[T]: ...

    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self._item(number) for number in range(*place.indices(self._length))]
        return self._item(range(self._length)[place])


class _File:
    """A file that stays open for reading while somebody holds it; threads may share it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, start: int, end: int) -> bytes:
        return os.pread(self._descriptor, end - start, start)

    def __del__(self) -> None:
        os.close(self._descriptor)


def json_lines(path: Path) -> View[dict[str, Any]]:
    """Return the JSON objects of a file, a line each; 8 bytes a line are in memory."""
    ends = [np.zeros(1, np.int64)]
    with path.open("rb") as blocks:
        while block := blocks.read(_BLOCK):
            at = blocks.tell() - len(block)
            ends.append(np.flatnonzero(np.frombuffer(block, np.uint8) == _NEWLINE) + at + 1)
    places, file = np.concatenate(ends), _File(path)
    return View(
        len(places) - 1,
        lambda number: dict(json.loads(file.read(int(places[number]), int(places[number + 1])))),
    )


def chosen(items: Sequence[T], which: Callable[[T], bool]) -> View[T]:
    """Return a view of the items for which it holds; 8 bytes each are in memory."""
    places = array("q", (place for place, item in enumerate(items) if which(item)))
    return View(len(places), lambda place: items[places[place]])


def concatenated(first: Sequence[T], second: Sequence[T]) -> View[T]:
    """Return a view of one sequence after the other."""
    cut = len(first)
    return View(
        cut + len(second), lambda place: first[place] if place < cut else second[place - cut]
    )
