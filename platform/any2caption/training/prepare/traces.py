"""Reasoning traces by record id, kept on disk; a record without one gets a rule-made one."""

import json
from pathlib import Path

from any2caption.errors import ConfigError
from any2caption.storage.disk_map import DiskMap


class Traces:
    """The traces of a JSONL file of `id` and `reasoning`; none without a file.

    Raises:
        ConfigError: the file cannot be read, a line is none, or a record has two.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._texts = DiskMap()
        self._used = bytearray()
        if file is not None:
            self._read(file)

    def _read(self, file: Path) -> None:
        try:
            with file.open(encoding="utf-8-sig") as lines:
                for number, line in enumerate(lines, 1):
                    self._add(*_trace(line, where := f"{file}: line {number}"), where)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: cannot be read: {error}") from None
        self._used = bytearray(len(self._texts))

    def _add(self, record: str, text: str, where: str) -> None:
        before = len(self._texts)
        if self._texts.add(record.encode("utf-8", "surrogatepass"), text) < before:
            raise ConfigError(f"{where}: {record!r} has a trace already")

    def text(self, record: str) -> str | None:
        """Return the trace of a record, which counts as used from now on."""
        key = record.encode("utf-8", "surrogatepass")
        place = self._texts.place(key)
        if place is None:
            return None
        self._used[place] = 1
        return self._texts.get(key)

    def unused(self) -> str:
        """Say how many traces no record has asked for; empty if none."""
        count = self._used.count(0)
        if not count:
            return ""
        keys = zip(self._texts.keys(), self._used, strict=True)
        example = min(key for key, used in keys if not used)
        return (
            f"{count:,} of {len(self._used):,} traces belong to no training or validation record,"
            f" as that of {example.decode('utf-8', 'surrogatepass')!r}"
        )


def _trace(line: str, where: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
        return str(row["id"]), str(row["reasoning"])
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{where}: no object with id and reasoning") from None
