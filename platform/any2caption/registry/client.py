"""The thin edge to MLflow: a client that fails fast and in the platform's own errors."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from any2caption.errors import ConfigError, NotFoundError, UnavailableError
from any2caption.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL = "any2caption"
EXPERIMENT = "any2caption"
_HEALTH_SECONDS = 10.0
_REFUSED = (401, 403)


class ModelVersion(Protocol):
    """What is used of MLflow's model version."""

    version: str
    run_id: str
    tags: dict[str, str]
    aliases: list[str]


@contextmanager
def mlflow_client(settings: Settings) -> Iterator["MlflowClient"]:
    """Yield a client of the settings' MLflow server.

    Raises: UnavailableError: the server does not answer; raised within seconds, not after MLflow's
    own minutes of retries; or there is none. NotFoundError: the registry says that what was asked
    for does not exist. ConfigError: the server does not accept the user and password.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # ours may be JSON
    if not settings.mlflow_url:
        raise UnavailableError(
            f"no stack was started under {settings.home}: run `a2c up`, or set A2C_MLFLOW_URL"
        )
    _check_health(settings.mlflow_url)
    import requests
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        yield MlflowClient(tracking_uri=settings.mlflow_url, registry_uri=settings.mlflow_url)
    except requests.RequestException as error:
        raise _unavailable(settings.mlflow_url, error) from error
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise NotFoundError(f"MLflow: {error.message}") from error
        status = error.get_http_status_code()
        if status in _REFUSED or "error code 401" in str(error):
            raise ConfigError(
                f"MLflow at {settings.mlflow_url} refuses the login: it is another stack's, or "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD are wrong"
            ) from error
        if isinstance(error.__cause__, requests.RequestException) or _is_transient(error, status):
            raise _unavailable(settings.mlflow_url, error) from error
        raise


def _is_transient(error: Exception, status: int) -> bool:
    return "API request to" in str(error) or status in (502, 503, 504)


def _check_health(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        return
    import httpx2

    try:
        health = f"{url.rstrip('/')}/health"
        httpx2.get(health, timeout=_HEALTH_SECONDS, follow_redirects=True).raise_for_status()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _unavailable(url, error) from error


def _unavailable(url: str, error: Exception) -> UnavailableError:
    return UnavailableError(f"MLflow at {url} does not answer: {error}")
