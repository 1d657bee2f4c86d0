"""Tell the door which steps work on a request whose client wants to know.

Triton says nothing of an ensemble before it is done. For a client that asked for a stream the door
makes a file beside the flags of cancelled requests, by the same token; a step that finds it writes
there that it begins, and that it has ended. No text of a draft passes: what was not checked is not
shown.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from any2caption.serving.steps.cancellation import checked

_SUFFIX = ".steps"


@dataclass(frozen=True, slots=True)
class StepLog:
    """The files in a folder of flags (`CancelFlags`), which also sweeps them."""

    folder: Path

    def follow(self, token: str) -> None:
        """Have steps say when they work on this request."""
        with suppress(OSError):  # the disk is full: the client is told nothing, then the answer
            self._file(token).touch(mode=0o600)

    def forget(self, token: str) -> None:
        """Remove what was said."""
        self._file(token).unlink(missing_ok=True)

    @contextmanager
    def working(self, token: str, step: str) -> Iterator[None]:
        """Say that a step works on a request, if somebody follows it."""
        self._say(token, f"+{step}\n")
        try:
            yield
        finally:
            self._say(token, f"-{step}\n")

    def running(self, token: str) -> tuple[str, ...]:
        """Return the steps that have begun and not ended, in the order in which they began."""
        try:
            lines = self._file(token).read_text().splitlines()
        except OSError:
            return ()
        ended = {line[1:] for line in lines if line[:1] == "-"}
        return tuple(line[1:] for line in lines if line[:1] == "+" and line[1:] not in ended)

    def _say(self, token: str, line: str) -> None:
        with suppress(OSError):  # nobody follows, or the disk is full
            file = os.open(self._file(token), os.O_WRONLY | os.O_APPEND)
            try:
                os.write(file, line.encode())  # one write: steps work beside each other
            finally:
                os.close(file)

    def _file(self, token: str) -> Path:
        return self.folder / f"{checked(token)}{_SUFFIX}"
