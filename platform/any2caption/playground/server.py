"""The page's web server: its address, who may come in, and what a browser may load."""

import hmac
import ipaddress
import logging
import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from any2caption.errors import ConfigError
from any2caption.playground.asking import Answerer
from any2caption.playground.compare import Keep
from any2caption.playground.shelf import Example

COOKIE = "a2c_play"
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; worker-src 'self' blob:; connect-src 'self' data: blob:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
"""What a browser may load: this server's own, so that nothing leaves the machine."""
Scope = dict[str, Any]
_GOODBYE_SECONDS = 2  # for answers under way when the page is ended


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def checked_token(host: str, token: str) -> str:
    """Return the token that visitors need; one is made where others can reach the page."""
    if token or is_loopback(host):
        return token
    return secrets.token_urlsafe(18)


class Guard:
    """Lets in who has the token, and only pages of this very address; tells browsers the policy."""

    def __init__(self, app: Any, *, token: str, loopback: bool) -> None:
        self._app, self._token, self._loopback = app, token, loopback

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        host = headers.get("host", "")
        origin = headers.get("origin")
        if self._loopback and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            await _refused(send, 403, "this page is for this machine only")
        elif origin and origin != "null" and urlsplit(origin).netloc != host:
            await _refused(send, 403, "another page asked")
        elif self._token and not self._known(headers):
            await self._let_in(scope, send)
        else:
            await self._app(scope, receive, _with_policy(send))

    def _known(self, headers: dict[str, str]) -> bool:
        cookie = SimpleCookie(headers.get("cookie", ""))
        return COOKIE in cookie and self._right(cookie[COOKIE].value)

    def _right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    async def _let_in(self, scope: Scope, send: Any) -> None:
        given = parse_qs(scope["query_string"].decode()).get("token", [""])[0]
        if not self._right(given):
            said = "open the address that `a2c play` printed: it ends with ?token=…"
            await _refused(send, 401, said)
            return
        cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
        start = [(b"location", b"/"), (b"set-cookie", cookie.encode())]
        await send({"type": "http.response.start", "status": 303, "headers": start})
        await send({"type": "http.response.body", "body": b""})


async def _refused(send: Any, status: int, why: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"a2c play: {why}\n".encode()})


def _with_policy(send: Any) -> Any:
    added = [
        (b"content-security-policy", _POLICY.encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    ]

    async def sending(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sending


def serve(  # noqa: PLR0913 - what a page is served with
    answerers: Sequence[Answerer],
    *,
    host: str,
    port: int,
    token: str,
    shelf: Sequence[Example],
    keep: Keep,
    ready: Callable[[str], None],
) -> None:
    """Serve the page until interrupted; `ready` gets its address once it answers.

    `keep` keeps the verdicts of comparisons.

    Raises:
        ConfigError: the extra `play` is not installed, or the port is taken.
    """
    # Read when Gradio is imported: nothing is counted, checked or fetched elsewhere.
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="a2c-play-")))
        os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
        try:
            import uvicorn

            from any2caption.playground.mounted import mounted
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"a2c play needs the extra play (pip install '.[play]'): {error}"
            ) from error
        app = Guard(
            mounted(answerers, shelf, folder / "files", keep),
            token=token,
            loopback=is_loopback(host),
        )
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            lifespan="on",
            # A browser with the page open listens for ever: Ctrl-C does not wait for it.
            timeout_graceful_shutdown=_GOODBYE_SECONDS,
        )
        try:
            bound = config.bind_socket()
        except (OSError, SystemExit) as error:
            raise ConfigError(f"--port {port}: {host}:{port} is taken") from error
        with bound:
            bound.listen(config.backlog)  # who opens the address at once waits, and is not refused
            named = f"[{host}]" if ":" in host else host
            address = f"http://{named}:{bound.getsockname()[1]}/"
            ready(f"{address}?token={token}" if token else address)
            server = uvicorn.Server(config)
            # Of pages that were open at the end there is nothing to tell.
            logging.getLogger("uvicorn.error").addFilter(lambda _: not server.should_exit)
            server.run(sockets=[bound])
