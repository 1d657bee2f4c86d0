"""What is closed at the end of a `with`."""

from typing import Self


class Closing:
    """A context manager that gives itself and closes itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what is held."""
