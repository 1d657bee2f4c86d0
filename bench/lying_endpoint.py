"""A scripted chat-completions server that lies: the stand-in where no endpoint is configured.

It answers each question with the caption that it was last given, spoiled by a habit that is drawn
from `faithful_writers.HABITS`; one answer in `_BROKEN` is none at all.
"""

import json
import random
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from faithful_writers import HABITS

from any2caption.captions.schema import PARTS, StructuredCaption

_BROKEN = 20
_FAULTS = (
    (200, "Sure! Here is the caption you asked for."),
    (200, '{"dense": "Half of'),
    (500, "internal error"),
    (400, "bad request"),
)


class LyingEndpoint(ThreadingHTTPServer):
    """Listens on a free port of the loopback address; `true` is what it spoils next."""

    daemon_threads = True

    def __init__(self, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.draw = random.Random(seed)  # noqa: S311 - which lie, not a secret
        self.true = self.last = StructuredCaption(**dict.fromkeys(PARTS, "A cat sleeps."))
        self.told: Counter[str] = Counter()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def next(self, true: StructuredCaption) -> None:
        """Say what the next question is about."""
        self.last, self.true = self.true, true

    def answer(self) -> tuple[int, str]:
        """Return a status and a content."""
        if self.draw.randrange(_BROKEN) == 0:
            self.told["broken"] += 1
            return self.draw.choice(_FAULTS)
        habit = self.draw.choice(list(HABITS))
        self.told[habit] += 1
        parts = {part: getattr(self.true, part) for part in PARTS}
        return 200, json.dumps(HABITS[habit](parts, self.draw, self.last))


class _Handler(BaseHTTPRequestHandler):
    server: LyingEndpoint

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, content = self.server.answer()
        message = {"role": "assistant", "content": content}
        document = {"choices": [{"message": message, "finish_reason": "stop"}]}
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Silent."""
