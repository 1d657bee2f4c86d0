"""The generators that captions are rendered by, and one of them by its name.

A generator's libraries load when it is made. What a generator reads as a prompt, wherever it runs,
is in `captions.generators`.
"""

from collections.abc import Callable

from any2caption.errors import ConfigError
from any2caption.generation.base import Generator


def _previs() -> Generator:
    from any2caption.generation.previs.generator import Previs

    return Previs()


GENERATORS: dict[str, Callable[[], Generator]] = {"previs": _previs}


def make_generator(name: str) -> Generator:
    """Make the generator of this name.

    Raises:
        ConfigError: there is none; the message lists those there are.
    """
    if name not in GENERATORS:
        raise ConfigError(f"there is no generator {name!r}; there are: {', '.join(GENERATORS)}")
    return GENERATORS[name]()
