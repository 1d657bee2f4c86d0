"""Names from outside that become parts of paths: run keys, policies, evaluations."""

import re

from any2caption.errors import ConfigError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def safe_name(value: object, what: str) -> str:
    """Return `value` if it can only be a name inside a folder, never a way out of it.

    Letters, digits, dots, dashes and underscores, at most 128, no dot in front.

    Raises:
        ConfigError: it is something else; `what` says of what.
    """
    if not isinstance(value, str) or not _SAFE.fullmatch(value):
        shown = repr(value)[:80]
        raise ConfigError(
            f"{shown} is not a name of a {what}: letters, digits, '.', '_' and '-' only"
        )
    return value
