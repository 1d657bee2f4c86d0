"""A local endpoint that speaks OpenAI's chat completions, and misbehaves on request."""

import json
import threading
import time
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-local"
INPUT_TOKENS, OUTPUT_TOKENS = 100, 10


class ChatServer(ThreadingHTTPServer):
    """Answers by `answer(body)`; `script` holds what the next requests get instead.

    Script entries: ("status", code, headers), ("raw", bytes), ("text", content), ("sleep", s),
    ("finish", reason), ("refusal", text), ("no usage",), ("drop",), ("repeat the key", code),
    ("redirect", url), ("endless",), ("drip", bytes, pause): a good answer, byte after byte.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = deque()
        self.requests = []
        self.headers = []
        self.times = []
        self.left = threading.Event()  # a client broke off
        self.answer = lambda body: json.dumps({"text": f"Answer to {kind_of(body)}."})
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    @contextmanager
    def serving(self):
        """Answer from a thread until the end of the `with`."""
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join(5)

    def handle_error(self, request, client_address):
        """Clients that went away are part of the tests."""


def kind_of(body):
    """Which part a request asks for, by its instruction."""
    user = body["messages"][1]["content"][-1]["text"]
    for words, kind in (
        ("whole clip in time order", "dense"),
        ("only the main subjects", "main_object"),
        ("only the background", "background"),
        ("only the camera", "camera"),
        ("only the style", "style"),
        ("only what the subjects do", "action"),
        ("Merge them", "merge"),
        ("Rules for these conditions", "prompt"),
    ):
        if words in user:
            return kind
    return "other"


def completion(body, content, *, finish="stop", usage=True, refusal=None):
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": f"{body['model']}-2026",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, "refusal": refusal},
            }
        ],
    }
    if usage:
        document["usage"] = {
            "prompt_tokens": INPUT_TOKENS,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        }
    return document


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.requests.append(body)
            server.headers.append(dict(self.headers))
            server.times.append(time.monotonic())
            server.busy += 1
            server.most_busy = max(server.most_busy, server.busy)
            step = server.script.popleft() if server.script else None
        try:
            self._respond(body, step)
        except (BrokenPipeError, ConnectionResetError):
            server.left.set()
        finally:
            with server.lock:
                server.busy -= 1

    def _respond(self, body, step):
        name, *rest = step or ("answer",)
        if name == "drop":
            self.close_connection = True
            return
        if name == "repeat the key":
            told = f"{self.headers['Authorization']} is not known here"
            self._send(rest[0], {"error": {"message": told}})
            return
        if name in {"redirect", "endless", "drip"}:
            getattr(self, f"_{name}")(body, *rest)
            return
        if name == "sleep":
            time.sleep(rest[0])
        if self.path != "/v1/chat/completions":
            self._send(404, {"error": {"message": f"no route {self.path}"}})
        elif self.headers.get("Authorization") != f"Bearer {KEY}":
            self._send(401, {"error": {"message": "Incorrect API key provided"}})
        elif name == "status":
            self._send(rest[0], {"error": {"message": f"scripted {rest[0]}"}}, rest[1])
        elif name == "raw":
            self._send(200, rest[0])
        else:
            self._send(200, self._completion(body, name, rest))

    def _redirect(self, _, url):
        self._send(307, {}, {"Location": url})

    def _endless(self, _):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b" " * 65536)

    def _drip(self, body, size, pause):
        data = json.dumps(completion(body, self.server.answer(body))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for at in range(0, len(data), size):
            self.wfile.write(data[at : at + size])
            time.sleep(pause)

    def _completion(self, body, name, rest):
        if name == "refusal":
            return completion(body, None, refusal=rest[0])
        content = rest[0] if name == "text" else self.server.answer(body)
        if name == "finish":
            return completion(body, content[:5], finish=rest[0])
        return completion(body, content, usage=name != "no usage")

    def _send(self, code, document, headers=()):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for key, value in dict(headers).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Silent."""
