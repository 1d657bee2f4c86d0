"""Tell a running step that nobody waits for its answer any more.

Triton passes a client's cancellation on to steps that it has yet to start; a step of an ensemble
that already runs is never told. The door therefore gives every request a random token, and when
its client leaves it makes an empty file of that name; steps look for the file while they work.
"""

import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from any2caption.serving.private import make_private

FOLDER_VARIABLE = "A2C_CANCEL_FOLDER"
PARAMETER = "a2c_token"  # of the request, as every step of the ensemble sees it
_TOKEN = re.compile(r"[0-9a-f]{32}")
_MOST_FLAGS = 1024


def new_token() -> str:
    """Draw a request's token."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class CancelFlags:
    """The folder of flags; the door writes it, steps only look."""

    folder: Path

    def prepare(self) -> None:
        """Make the folder for its owner alone, and clear what an earlier door left.

        Raises:
            ConfigError: the folder is not our own.
        """
        make_private(self.folder)
        self.sweep(0.0)

    def set(self, token: str) -> None:
        """Flag a request as cancelled."""
        with suppress(OSError):  # the folder is gone, the disk is full: the step works to its end
            self.folder.joinpath(checked(token)).touch(mode=0o600)

    def is_set(self, token: str) -> bool:
        """Whether a request was cancelled."""
        return self.folder.joinpath(checked(token)).exists()

    def sweep(self, seconds: float) -> None:
        """Remove flags older than `seconds`, and the oldest of more than 1,024."""
        ages = []
        for flag in self.folder.iterdir():
            with suppress(FileNotFoundError):
                ages.append((flag.stat().st_mtime, flag))
        ages.sort()
        limit = time.time() - seconds
        for place, (when, flag) in enumerate(ages):
            if when <= limit or len(ages) - place > _MOST_FLAGS:
                flag.unlink(missing_ok=True)


def is_token(text: object) -> bool:
    """Whether this is a token as `new_token` draws them; nothing else becomes a file's name."""
    return isinstance(text, str) and bool(_TOKEN.fullmatch(text))


def checked(token: str) -> str:
    """Return a token that may become a file's name.

    Raises:
        ValueError: it is none.
    """
    if not is_token(token):
        raise ValueError(f"{token[:40]!r} is no request token")
    return token
