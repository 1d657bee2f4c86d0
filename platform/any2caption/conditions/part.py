"""A file of a condition, before anything knows what it is; needs nothing but Python."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One untrusted file of a condition; the name is for messages and frame order."""

    name: str
    data: bytes
