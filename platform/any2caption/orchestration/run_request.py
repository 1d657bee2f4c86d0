"""From a DAG run to a request: which source, snapshot or version a stage works on. All pure."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from any2caption.errors import ConfigError
from any2caption.settings import Settings


def resolve(
    params: Mapping[str, Any],
    extra: Mapping[str, Any] | None,
    run_id: str,
    settings: Settings,
    *,
    user: str = "",
) -> dict[str, Any]:
    """Merge what triggered the run into one request.

    An asset event's `extra` says what the former stage left; params count where it says nothing.
    The result always has a lifecycle, a decided `auto_approve` and the `requester`: the `user` who
    started the run, or the run that this one follows; nobody chooses that by a param.
    """
    request = {key: value for key, value in params.items() if value not in (None, "", 0)}
    request.pop("requester", None)
    request.update({"requester": user} if user else {})
    request.update(extra or {})
    if "auto_approve" in params and params["auto_approve"] is not None and not extra:
        request["auto_approve"] = params["auto_approve"]
    request.setdefault("auto_approve", settings.auto_approve)
    request.setdefault("lifecycle", lifecycle_of(run_id))
    return request


def needs_no_person(request: Mapping[str, Any], settings: Settings) -> bool:
    """Whether a promotion is approved by itself: asked for by the run, allowed by the server."""
    allowed = (settings.auto_approve or settings.auto_approve_by_run) and not settings.two_people
    return bool(request["auto_approve"]) and allowed


def lifecycle_of(run_id: str) -> str:
    """A short, readable id for a run that nobody gave one."""
    kind = re.match(r"[a-z]+", run_id)
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:8]
    return f"{kind.group() if kind else 'run'}-{digest}"


def require(request: Mapping[str, Any], key: str, hint: str) -> Any:
    """Return a field of the request, or raise ConfigError saying how to give it."""
    value = request.get(key)
    if not value:
        raise ConfigError(f"nothing to work on: no {key}; {hint}")
    return value
