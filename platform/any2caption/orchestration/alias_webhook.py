"""What MLflow posts when an alias changes, as an event of Airflow's asset `alias`.

A small application inside Airflow's API server (`plugins`). It believes what is signed and recent,
each delivery once, and only says that the champion's alias changed: `housekeeping` then looks for
itself, as it does every quarter of an hour anyway.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from any2caption.errors import A2CError, UnavailableError
from any2caption.registry.client import MODEL
from any2caption.registry.promotion import CHAMPION
from any2caption.registry.webhook import PREFIX, ROUTE, refuse_unsigned, secret
from any2caption.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

_LONGEST = 64_000  # bytes of a body
_REMEMBERED = 1000  # deliveries

Publish = Callable[[Mapping[str, Any]], None]


def application(key: str, publish: Publish) -> "FastAPI":
    """Return the application: `key` is what MLflow signs with, `publish` makes the event."""
    from fastapi import FastAPI, HTTPException, Request
    from starlette.concurrency import run_in_threadpool

    seen: deque[str] = deque(maxlen=_REMEMBERED)
    app = FastAPI(title="Any2Caption", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post(ROUTE)
    async def alias(request: Request) -> dict[str, str]:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST:
                raise HTTPException(413, f"more than {_LONGEST:,} bytes")
        try:
            delivery = refuse_unsigned(request.headers, body, key, time.time())
        except PermissionError as error:
            raise HTTPException(401, str(error)) from error
        told = changed(body)
        if told is None or delivery in seen:
            return {"did": "nothing"}
        try:
            await run_in_threadpool(publish, {**told, "delivery": delivery})
        except A2CError as error:  # MLflow tries again
            raise HTTPException(503, str(error)) from error
        seen.append(delivery)
        return {"did": "made an event"}

    return app


def changed(body: bytes) -> dict[str, Any] | None:
    """Return what happened to the champion's alias; None: what is signed is of something else."""
    sent = json.loads(body)
    data = sent.get("data", {})
    if (data.get("name"), data.get("alias")) != (MODEL, CHAMPION):
        return None
    return {"alias": CHAMPION, "action": sent.get("action"), "version": data.get("version")}


def plugin_apps() -> list[dict[str, Any]]:
    """Return the applications of this process of Airflow's: none where it has no secret."""
    if not (key := secret()):
        return []
    return [{"app": application(key, _publish), "url_prefix": PREFIX, "name": "any2caption"}]


def _publish(extra: Mapping[str, Any]) -> None:
    """Make the event by Airflow's own API, as its administrator."""
    from airflow.configuration import conf

    from any2caption.orchestration.assets import ALIAS
    from any2caption.orchestration.client import AirflowClient

    path = Path(conf.get("core", "simple_auth_manager_passwords_file"))
    try:
        password = json.loads(path.read_text())["admin"]
    except (OSError, KeyError) as error:
        raise UnavailableError(f"{path}: no password of Airflow's user admin") from error
    AirflowClient(Settings().airflow_url, "admin", password).publish(ALIAS.name, extra)
