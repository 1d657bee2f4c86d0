"""Ask the services themselves whether they are healthy; a running process is no proof."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable

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


def airflow_component(url: str, component: str) -> str:
    """Healthy when Airflow's monitor saw a recent heartbeat of the component."""
    try:
        with urllib.request.urlopen(  # noqa: S310 - our own loopback URL
            f"{url}/api/v2/monitor/health", timeout=_TIMEOUT
        ) as answer:
            state = json.load(answer).get(component, {}).get("status")
    except (OSError, ValueError) as error:
        return f"no answer ({getattr(error, 'reason', error)})"
    return "" if state == "healthy" else f"{component}: {state}"


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
