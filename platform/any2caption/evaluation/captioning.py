"""Captioning held-out records through a bundle, in batches, with every finished text remembered.

The memory is a JSON-lines file per bundle digest, keyed by the content of record and donor: an
interrupted evaluation goes on where it stopped, and a champion is captioned once per record.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from any2caption.datasets.records import Record
from any2caption.progress import ProgressLog

Texter = Callable[[Sequence["Item"]], list[str]]


@dataclass(frozen=True, slots=True)
class Item:
    """A record to caption; with a `donor`, the donor's conditions take the place of its own."""

    record: Record
    donor: Record | None = None

    @property
    def key(self) -> str:
        """Digest of everything that the caption depends on beside the model."""
        shown = (self.donor or self.record).conditions
        content = json.dumps([self.record.prompt, [c.model_dump(mode="json") for c in shown]])
        return hashlib.sha256(content.encode()).hexdigest()[:32]


class CaptionCache:
    """Texts that a bundle has written already; appends are whole lines, a torn one is ignored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: dict[str, str] = dict(self._read())

    def _read(self) -> Iterator[tuple[str, str]]:
        if not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
                yield entry["key"], entry["text"]
            except (ValueError, KeyError, TypeError):
                continue

    def get(self, item: Item) -> str | None:
        """Return the remembered text, or None."""
        return self._texts.get(item.key)

    def put(self, items: Sequence[Item], texts: Sequence[str]) -> None:
        """Remember texts, on disk too."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._texts.update({item.key: text for item, text in zip(items, texts, strict=True)})
        lines = [json.dumps({"key": i.key, "text": t}) for i, t in zip(items, texts, strict=True)]
        with self._path.open("ab") as file:
            # A new line first: whatever an interrupted writer left torn ends here.
            file.write(("\n" + "\n".join(lines) + "\n").encode())


def caption_all(  # noqa: PLR0913 - what, by whom, remembered where, told how
    items: Sequence[Item],
    texter: Callable[[], Texter],
    cache: CaptionCache,
    *,
    batch: int = 32,
    progress: ProgressLog | None = None,
    what: str = "challenger",
) -> list[str]:
    """Return one text per item, in order; `texter` (which loads the model) runs only if needed."""
    missing = {item.key: item for item in items if cache.get(item) is None}
    todo, started = list(missing.values()), time.monotonic()
    if todo:
        write = texter()
        for first in range(0, len(todo), batch):
            group = todo[first : first + batch]
            cache.put(group, write(group))
            if progress:
                done = min(first + batch, len(todo))
                progress.emit(
                    "evaluate",
                    f"captioned {done} of {len(todo)} held-out requests ({what})",
                    step=done,
                    total=len(todo),
                    elapsed=round(time.monotonic() - started, 1),
                )
    return [cache.get(item) or "" for item in items]
