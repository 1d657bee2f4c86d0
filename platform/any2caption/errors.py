"""Every error the platform raises on purpose.

Each class says whether trying again can help (`retryable`), from which Airflow's retry policy is
derived, and how a command ends (`exit_code`): 1 refused, 2 usage or input, 3 infrastructure. So
nothing else has to know the classes.
"""

from typing import ClassVar

EX_TEMPFAIL = 75  # of sysexits.h


class A2CError(Exception):
    """Root of the platform's errors. The message is one line that a person can act on."""

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    @property
    def stage_exit_code(self) -> int:
        """How a stage's process ends with it: 75 asks a scheduler for another try."""
        return EX_TEMPFAIL if self.retryable else self.exit_code


class ConfigError(A2CError):
    """A setting, recipe or argument that cannot work; trying again cannot help."""

    exit_code = 2


class InputError(A2CError):
    """Bad input from a user: names the file, the record (line, frame, …) and the field."""

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        record: str | None = None,
        field: str | None = None,
    ) -> None:
        where = ": ".join(part for part in (file, record, field) if part)
        super().__init__(f"{where}: {message}" if where else message)
        self.reason, self.file, self.record, self.field = message, file, record, field


class NotFoundError(A2CError):
    """A snapshot, model version, release or object that does not exist."""

    exit_code = 2


class IntegrityError(A2CError):
    """Stored bytes that do not match their digest: never served, never trained on."""


class ConflictError(A2CError):
    """Somebody else changed the same thing first (compare-and-swap lost)."""


class GateRefused(A2CError):  # noqa: N818 - a verdict, not a fault
    """A quality gate said no. The message carries the reasons; the champion stays."""


class UngroundedError(A2CError):
    """A caption that contradicts its request or forgets it, where the policy is to refuse one."""

    start: ClassVar[str] = "rejected by the policy: "
    """How a step's message begins, by which the door tells it from others."""


class RolledBackError(GateRefused):
    """A release failed after it was switched to; the former one serves again."""


class UnavailableError(A2CError):
    """A service did not answer: object store, MLflow, Triton, database."""

    retryable = True
    exit_code = 3


class InterruptedTrainingError(A2CError):
    """Training stopped before its end but can resume from a checkpoint."""

    retryable = True
    exit_code = 3


class NonFiniteLossError(A2CError):
    """The loss is NaN or infinite; raised before the optimiser steps, with the records' ids."""


class CancelledError(A2CError):
    """Nobody waits for the answer any more: the caller went away or took the request back."""
