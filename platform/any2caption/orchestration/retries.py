"""Airflow's retry policy, derived from `errors.retryable` and from a job's exit code."""

import functools
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

from any2caption.errors import EX_TEMPFAIL, A2CError

P = ParamSpec("P")
R = TypeVar("R")

# For every task; a task that cannot gain from another try says so itself (AirflowFailException).
DEFAULT_ARGS: dict[str, Any] = {
    "owner": "any2caption",
    "retries": 3,
    "retry_delay": timedelta(seconds=5),
}


def exit_is_retryable(code: int | None) -> bool:
    """Whether a job that ended so may succeed next time.

    75 asks for it (sysexits.h); a signal (negative, or 128 + number as shells say it) or an unknown
    end means that somebody killed the process. Every other code is the job's own verdict.
    """
    if code is None or code < 0 or code == EX_TEMPFAIL:
        return True
    return code in {128 + signal.SIGKILL, 128 + signal.SIGTERM, 128 + signal.SIGINT}


def for_airflow(error: A2CError) -> Exception:
    """Translate one of the platform's errors into Airflow's: try again, or fail at once."""
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    message = f"{type(error).__name__}: {error}"
    translated: Exception = (
        AirflowException(message) if error.retryable else AirflowFailException(message)
    )
    return translated


def by_policy(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a task's function so that its A2CErrors follow the policy."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except A2CError as error:
            raise for_airflow(error) from error

    return wrapped
