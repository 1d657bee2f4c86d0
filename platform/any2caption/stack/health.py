"""Ask the services themselves whether they are healthy; a running process is not a proof."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

Check = Callable[[], str]
"""Returns "" when healthy, else a short reason."""

_TIMEOUT = 3.0


def http_ok(url: str) -> str:
    """Healthy when the URL answers with a status below 400."""
    answer = _answer(url)
    if isinstance(answer, str):
        return answer
    return f"HTTP {answer.status_code}" if answer.is_error else ""


@cache
def _client() -> "httpx2.Client":
    """For this stack's own addresses: no proxy, and a new connection each time."""
    import httpx2

    once = httpx2.Limits(max_keepalive_connections=0)
    return httpx2.Client(timeout=_TIMEOUT, follow_redirects=True, trust_env=False, limits=once)


def _answer(url: str) -> "httpx2.Response | str":
    """Ask; return why there is no answer, else."""
    import httpx2

    try:
        return _client().get(url)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return f"no answer ({str(error) or type(error).__name__})"


def http_answers(url: str) -> str:
    """Healthy when the URL answers at all, also with a refusal (S3 without credentials)."""
    reason = http_ok(url)
    return "" if reason.startswith("HTTP 4") else reason


def airflow_component(url: str, component: str, started: float = 0.0) -> str:
    """Healthy when Airflow's monitor saw a recent heartbeat of the component since its start."""
    answer = _answer(f"{url}/api/v2/monitor/health")
    if isinstance(answer, str):
        return answer
    if answer.is_error:
        return f"no answer (HTTP {answer.status_code})"
    try:
        told = answer.json().get(component, {})
    except ValueError as error:
        return f"no answer ({error})"
    state, beat = told.get("status"), told.get(f"latest_{component}_heartbeat")
    if state != "healthy":
        return f"{component}: {state}"
    if beat and datetime.fromisoformat(beat).timestamp() < started:
        return f"{component}: no heartbeat since its start"
    return ""


def recent(file: Path, seconds: float) -> str:
    """Healthy when the file was written in the last `seconds`."""
    try:
        age = time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return "no round finished yet"
    return "" if age < seconds else f"no round finished for {age:.0f} s"


def triton_ready(address: str, key: Callable[[], str] = str) -> str:
    """Healthy when Triton says it is live and ready: itself (with its key), or through the door."""
    import tritonclient.grpc as triton

    from any2caption.serving.control import key_header

    client = triton.InferenceServerClient(address)
    headers = key_header(key())
    try:
        live = client.is_server_live(headers, client_timeout=_TIMEOUT)
        ready = client.is_server_ready(headers, client_timeout=_TIMEOUT)
    except triton.InferenceServerException:
        return "no answer on gRPC"
    finally:
        client.close()
    return "" if live and ready else "live, not ready"
