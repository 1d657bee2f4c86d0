"""Post JSON with a hard deadline: bounded answers, no redirects, retries, cancellation.

The time-outs of HTTP libraries bound single reads; a server that sends a byte a second outlasts
them. Requests therefore run on an event loop in a thread of its own. One whose time is over, or
whose caller has left, is cancelled there as a whole; that closes its connection, so that the server
can stop its work too.
"""

import asyncio
import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from dataclasses import dataclass
from math import inf
from typing import Any

import httpx2

from any2caption.closing import Closing
from any2caption.endpoints.faults import RefusedError, SilentError
from any2caption.errors import CancelledError

MOST_BYTES = 4 << 20
"""Of an answer; a caption has some kilobytes."""
_POLL = 0.05
_FIRST_WAIT, _LONGEST_WAIT, _LONGEST_ASKED = 0.5, 8.0, 60.0
_READ, _TOLD = 4_000, 300
_AGAIN = frozenset({408, 409, 429})
_SERVER_FAULT = 500
_TOO_MANY = 429


def never() -> bool:
    """Whether a caller that nobody asks has left."""
    return False


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take: `until` (monotonic seconds), `tokens` of all its tries together.

    `cancelled` says whether its caller has left.
    """

    until: float = inf
    tokens: float = inf
    cancelled: Callable[[], bool] = never


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Posted:
    """An answer: any status but those that are tried again, and how often it was tried again."""

    status: int
    body: bytes
    retries: int


class Transport(Closing):
    """Posts to `address`, with `key` as a bearer token; safe to use from several threads.

    `where` names the server in messages, which never show the key. A try may take `timeout`
    seconds; after 429, 5xx, broken connections and time-outs there are up to `retries` more
    (Retry-After is honoured). At most `places` requests are under way, and `most` are sent in all;
    `sent` counts them.
    """

    def __init__(  # noqa: PLR0913 - an address and its limits
        self,
        address: str,
        key: str,
        *,
        where: str,
        timeout: float,
        retries: int,
        places: int = 64,
        most: float = inf,
    ) -> None:
        self.sent, self._most = 0, most
        self._address, self._where = address, where
        self._secrets = [one for one in (key, address.partition("?")[2]) if one]
        self._timeout, self._retries = timeout, retries
        self._client = httpx2.AsyncClient(
            # Not decoded: what a server compresses unasked could unfold to any size.
            headers={
                **({"Authorization": f"Bearer {key}"} if key else {}),
                "Accept-Encoding": "identity",
            },
            timeout=None,
            follow_redirects=False,
            verify=ssl.create_default_context(),
            limits=httpx2.Limits(max_connections=places),
        )
        self._places = asyncio.Semaphore(places)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the connections and end the thread."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result(_LONGEST_WAIT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_LONGEST_WAIT)
        self._loop.close()

    def post(self, document: Mapping[str, Any], limits: Limits = NO_LIMITS) -> Posted:
        """Post a JSON document and return what came back.

        Raises:
            SilentError: no answer in time, or none but 429 and 5xx to every try.
            RefusedError: the server answers with a redirect: nothing is sent elsewhere; or all
                requests that are allowed were sent.
            CancelledError: the caller has left.
        """
        data = json.dumps(document).encode()
        work = asyncio.run_coroutine_threadsafe(self._patiently(data, limits.until), self._loop)
        try:
            while not wait([work], timeout=_POLL).done:
                if limits.cancelled():
                    raise CancelledError("the caller has left")
        finally:
            work.cancel()
        return work.result()

    def told(self, said: str) -> str:
        """Return the beginning of what a server or library said, on one line, without the key."""
        line = " ".join(said[:_READ].split())
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line[:_TOLD]

    async def _patiently(self, data: bytes, until: float) -> Posted:
        tries = 0
        while True:
            if self.sent >= self._most:
                told = f"all {self._most:,.0f} requests that are allowed were sent"
                raise RefusedError("budget", told)
            self.sent += 1
            pause = min(_LONGEST_WAIT, _FIRST_WAIT * 2**tries) * random.uniform(0.75, 1)  # noqa: S311
            try:
                seconds = min(self._timeout, until - time.monotonic())
                async with asyncio.timeout(seconds):
                    status, body, asked = await self._once(data)
                if status < _SERVER_FAULT and status not in _AGAIN:
                    return Posted(status, body, tries)
                word = "busy" if status == _TOO_MANY else "failed"
                said = self.told(body.decode(errors="replace"))
                failed = SilentError(
                    word, f"{self._where} answered HTTP {status} to every try: {said}"
                )
                pause = pause if asked is None else asked
            except TimeoutError:
                said = f"no answer within {max(seconds, 0):.3g} s"
                failed = SilentError("slow", f"{self._where} does not answer: {said}")
            except httpx2.TransportError as error:
                said = self.told(str(error) or type(error).__name__)
                failed = SilentError("unreachable", f"{self._where} does not answer: {said}")
            if tries >= self._retries or time.monotonic() + pause >= until:
                raise failed
            tries += 1
            await asyncio.sleep(pause)

    async def _once(self, data: bytes) -> tuple[int, bytes, float | None]:
        """Return status, body, and the seconds after which the server wants to be asked again."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        asking = self._client.stream("POST", self._address, content=data, headers=headers)
        async with self._places, asking as response:
            if response.is_redirect:
                raise RefusedError(
                    "redirected",
                    f"{self._where} answers with a redirect (HTTP {response.status_code}), and "
                    "nothing is sent elsewhere",
                )
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise SilentError(
                        "long", f"{self._where} answered more than {MOST_BYTES >> 20} MB"
                    )
            return response.status_code, bytes(body), _asked(response.headers)


def _asked(headers: httpx2.Headers) -> float | None:
    """Return what Retry-After says in seconds; a date, or nonsense, counts as nothing."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(seconds, _LONGEST_ASKED) if seconds >= 0 else None
