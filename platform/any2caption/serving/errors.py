"""Triton's gRPC errors as the platform's own, with one line that a person can act on."""

import re

from any2caption.errors import (
    A2CError,
    ConflictError,
    InputError,
    NotFoundError,
    UnavailableError,
    UngroundedError,
)

RETRY_HEADER = "retry-after-ms"
_CHAIN = re.compile(r"^(?:in ensemble '[^']*', )+")
_NOT_SERVED = ("is not found", "unknown model", "is not ready", "no version is available")
_DEAD = "is not healthy"


class BusyError(UnavailableError):
    """The door is full; `retry_after` seconds later there may be room."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def plain_message(message: str) -> str:
    """Drop Triton's chain of ensembles in front of a step's own message."""
    return _CHAIN.sub("", message.strip())


def is_rejection(message: str) -> bool:
    """Whether a step refused a caption because the request's policy says so."""
    return plain_message(message).startswith(UngroundedError.start)


def translated(  # noqa: PLR0911 - one return an outcome
    status: str, message: str, *, model: str = ""
) -> A2CError:
    """Return the platform's error for a gRPC status such as `StatusCode.INVALID_ARGUMENT`."""
    code = status.removeprefix("StatusCode.").upper()
    line = plain_message(message)
    lower = line.lower()
    if any(sign in lower for sign in _NOT_SERVED):
        return UnavailableError(f"{model or 'the model'} is not served: {line}")
    if code in {"INVALID_ARGUMENT", "OUT_OF_RANGE"} or "larger than max" in lower:
        return InputError(line)
    if code == "FAILED_PRECONDITION":
        return UngroundedError(line)
    if code == "NOT_FOUND":
        return NotFoundError(line)
    if code == "ALREADY_EXISTS":
        return ConflictError(line)
    if code == "DEADLINE_EXCEEDED":
        return UnavailableError(f"no answer in time from {model or 'Triton'}: {line}")
    if code in {"UNAVAILABLE", "CANCELLED", "RESOURCE_EXHAUSTED"} or _DEAD in lower:
        return UnavailableError(f"Triton did not answer: {line}")
    return A2CError(line)


def is_dead_stub(error: A2CError) -> bool:
    """Whether the error says that a model's Python process has died."""
    return _DEAD in str(error).lower()
