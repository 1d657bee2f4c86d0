"""A proxy in front of an S3 server that breaks chosen answers: the rest is real."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_ERROR = b"<Error><Code>InternalError</Code><Message>on purpose</Message></Error>"
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class FaultProxy:
    """Forwards to `endpoint`. `fail(method, words, fault, times)` breaks matching requests.

    `words` must all be in the request's target. Faults: `500` (not forwarded), `lost` (forwarded,
    then answered 500), `cut` (half of the answer's body), `garbled` (half of it, its length
    adjusted), `stall` (no answer until `close`), or a function of the answer's body.
    """

    def __init__(self, endpoint):
        self.target, self.faults, self.seen = urlsplit(endpoint).netloc, [], []
        self.broken = 0
        self.released, self.lock = threading.Event(), threading.Lock()
        methods = ("GET", "PUT", "POST", "DELETE", "HEAD")

        def answer(handler):  # a function, so that the handler's class binds it
            self.handle(handler)

        members = {f"do_{method}": answer for method in methods}
        quiet = {"protocol_version": "HTTP/1.1", "log_message": lambda *_: None}
        kind = type("Handler", (BaseHTTPRequestHandler,), members | quiet)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def fail(self, method, words, fault, times=1):
        self.faults.append([method, words, fault, times])

    def count(self, method, *words):
        return sum(m == method and all(w in t for w in words) for m, t in self.seen)

    def handle(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        fault = self._fault(handler)
        if fault == "stall":
            self.released.wait(30)
            handler.close_connection = True
            return
        if fault == "500":
            self._answer(handler, 500, [], _ERROR)
            return
        status, headers, answer = self._forward(handler, body)
        if fault == "lost":
            self._answer(handler, 500, [], _ERROR)
        elif fault == "cut":
            self._answer(handler, status, headers, answer[: len(answer) // 2], len(answer))
        elif fault == "garbled":
            self._answer(handler, status, headers, answer[: len(answer) // 2])
        elif callable(fault):
            self._answer(handler, status, headers, fault(answer))
        else:
            self._answer(handler, status, headers, answer)

    def _fault(self, handler):
        with self.lock:
            self.seen.append((handler.command, handler.path))
            for fault in self.faults:  # the first that matches and is not used up
                method, words, kind, times = fault
                if method == handler.command and times and all(w in handler.path for w in words):
                    fault[3] -= 1
                    self.broken += 1
                    return kind
        return None

    def _forward(self, handler, body):
        connection = http.client.HTTPConnection(self.target, timeout=30)
        try:
            connection.request(handler.command, handler.path, body, dict(handler.headers))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        if handler.command == "HEAD":
            headers.append(("Content-Length", answer.getheader("Content-Length", "0")))
        return answer.status, headers, content

    @staticmethod
    def _answer(handler, status, headers, body, length=None):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        if handler.command != "HEAD":
            handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
        if length is not None:
            handler.close_connection = True

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
