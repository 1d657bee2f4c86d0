"""Ask the services themselves whether they are healthy; a running process is not a proof."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

Check = Callable[[], str]
"""Returns "" when healthy, else a short reason."""

_TIMEOUT = 3.0


def http_ok(url: str) -> str:
    """Healthy when the URL answers with a status below 400."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT):  # noqa: S310 - our own loopback URL
            return ""
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except OSError as error:
        return f"no answer ({getattr(error, 'reason', error)})"


def http_answers(url: str) -> str:
    """Healthy when the URL answers at all, also with a refusal (S3 without credentials)."""
    reason = http_ok(url)
    return "" if reason.startswith("HTTP 4") else reason


def airflow_component(url: str, component: str, started: float = 0.0) -> str:
    """Healthy when Airflow's monitor saw a recent heartbeat of the component since its start."""
    try:
        with urllib.request.urlopen(  # noqa: S310 - our own loopback URL
            f"{url}/api/v2/monitor/health", timeout=_TIMEOUT
        ) as answer:
            told = json.load(answer).get(component, {})
    except (OSError, ValueError) as error:
        return f"no answer ({getattr(error, 'reason', error)})"
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
