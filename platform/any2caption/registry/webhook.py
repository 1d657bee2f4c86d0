"""MLflow's webhook on aliases: who is told, and what proves that MLflow said it.

MLflow signs "id.timestamp.body" with HMAC-SHA256 and the webhook's secret, in base64 after `v1,`
(Standard Webhooks); it tries again for some seconds, with the same id and time.
"""

import base64
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from any2caption.errors import ConfigError, UnavailableError
from any2caption.registry.client import mlflow_client
from any2caption.settings import Settings

SIGNATURE, TIME, DELIVERY = "x-mlflow-signature", "x-mlflow-timestamp", "x-mlflow-delivery-id"
OLDEST = 300.0
"""Seconds after which what is signed is no longer believed."""
NAME = "any2caption-alias"
PREFIX, ROUTE = "/a2c", "/alias"
PATH = PREFIX + ROUTE
"""Where Airflow's API server listens for it."""
SECRET, SECRET_FILE = "A2C_ALIAS_SECRET", "A2C_ALIAS_SECRET_FILE"
_SHORTEST = 32  # letters of a secret
EVENTS = ("model_version_alias.created", "model_version_alias.deleted")


def secret() -> str:
    """Return what MLflow signs with, of `A2C_ALIAS_SECRET` or the file that is named; else "".

    Raises:
        ConfigError: it is too short to be one.
    """
    file = os.environ.get(SECRET_FILE)
    given = os.environ.get(SECRET, "")
    if not given and file and Path(file).is_file():
        given = Path(file).read_text(encoding="utf-8").strip()
    if given and len(given) < _SHORTEST:
        raise ConfigError(f"{SECRET}: shorter than {_SHORTEST} letters; `openssl rand -hex 32`")
    return given


def subscribe(settings: Settings, url: str, secret: str) -> None:
    """Have MLflow post every change of an alias to `url`; once, however often it is called.

    Raises:
        UnavailableError: MLflow does not answer, or keeps no webhooks.
    """
    wanted = {"url": url, "events": list(EVENTS), "secret": secret, "status": "ACTIVE"}
    with mlflow_client(settings) as client:
        from mlflow.exceptions import MlflowException

        try:
            known = [one for one in client.list_webhooks() if one.name == NAME]
            if known:
                client.update_webhook(known[0].webhook_id, **wanted)
            else:
                client.create_webhook(NAME, **wanted)
        except MlflowException as error:
            raise UnavailableError(f"MLflow takes no webhook to {url}: {error.message}") from error


def refuse_unsigned(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str:
    """Return the delivery's id if it was signed with `secret` within the last `OLDEST` seconds.

    Raises:
        PermissionError: it was not.
    """
    delivery, sent = headers.get(DELIVERY, ""), headers.get(TIME, "")
    signed = f"{delivery}.{sent}.".encode() + body
    digest = hmac.digest(secret.encode(), signed, "sha256")
    expected = f"v1,{base64.b64encode(digest).decode()}"
    if not hmac.compare_digest(expected.encode(), headers.get(SIGNATURE, "").encode()):
        raise PermissionError("not signed with the webhook's secret")
    if abs(now - int(sent)) > OLDEST:
        raise PermissionError(f"signed more than {OLDEST:g} seconds ago")
    return delivery
