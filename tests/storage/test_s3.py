"""S3 that answers 500, slowly, partially or not at all: retried where that helps."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from any2caption.errors import ConfigError, IntegrityError, NotFoundError, UnavailableError
from any2caption.storage import digest_of, get_content, open_store
from any2caption.storage.s3 import S3Store

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("s3_credentials")]
BODY = b"content of the object" * 1000


class Faulty:
    """A server that answers each request with the next of its `faults`, then as it should."""

    def __init__(self, faults):
        self.faults, self.requests = list(faults), 0
        faulty = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                faulty.requests += 1
                faulty.answer(self, faulty.faults.pop(0) if faulty.faults else "fine")

            def do_PUT(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.released = threading.Event()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, handler, fault):
        if fault == "slow":
            self.released.wait(20)
            handler.close_connection = True
            return
        if fault == "cut":
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(BODY)))
            handler.end_headers()
            handler.wfile.write(BODY[:100])
            handler.close_connection = True
            return
        status, body = (
            fault if isinstance(fault, tuple) else (200, BODY if handler.command == "GET" else b"")
        )
        if isinstance(body, str):
            body = f"<Error><Code>{body}</Code><Message>m</Message></Error>".encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def faulty():
    servers = []

    def start(*faults):
        servers.append(Faulty(faults))
        store = S3Store("bucket", "", servers[-1].url, attempts=3, read_timeout=0.5)
        return servers[-1], store

    yield start
    for server in servers:
        server.close()


ERROR_500 = (500, "InternalError")


@pytest.mark.parametrize("fault", [ERROR_500, (503, "SlowDown"), "slow", "cut"])
def test_a_passing_fault_is_retried_until_the_object_is_whole(faulty, fault):
    server, store = faulty(fault)
    assert store.get("key") == BODY
    assert server.requests == 2


def test_a_put_is_repeated_after_a_500(faulty):
    server, store = faulty(ERROR_500, ERROR_500)
    store.put("key", b"x")
    assert server.requests == 3


@pytest.mark.parametrize("fault", [ERROR_500, "cut"])
def test_a_fault_that_stays_is_unavailable_and_worth_a_later_retry(faulty, fault):
    _, store = faulty(*[fault] * 50)
    with pytest.raises(UnavailableError, match="key") as caught:
        store.get("key")
    assert caught.value.retryable


def test_a_server_that_is_not_there_is_unavailable():
    store = S3Store("bucket", "", "http://127.0.0.1:9", attempts=1)
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:9"):
        store.get("key")


def test_what_cannot_pass_is_not_retried(faulty):
    for fault, error in [
        ((403, "AccessDenied"), ConfigError),
        ((404, "NoSuchBucket"), ConfigError),
        ((404, "NoSuchKey"), NotFoundError),
    ]:
        server, store = faulty(fault)
        with pytest.raises(error):
            store.get("key")
        assert server.requests == 1


def test_wrong_bytes_from_a_server_are_detected(faulty):
    _, store = faulty((200, b"other bytes"))
    with pytest.raises(IntegrityError):
        get_content(store, digest_of(BODY))


def test_a_missing_bucket_is_a_matter_of_configuration(s3_endpoint):
    store = open_store("s3://no-such-bucket/prefix", s3_endpoint)
    with pytest.raises(ConfigError, match="bucket"):
        store.get("key")
    with pytest.raises(ConfigError, match="bucket"):
        store.put("key", b"x")


def test_prefixes_keep_stores_of_one_bucket_apart(s3_store, s3_endpoint):
    other = S3Store(s3_store.bucket, f"{s3_store.prefix}-other", s3_endpoint)
    s3_store.put("key", b"mine")
    other.put("key", b"other")
    assert s3_store.get("key") == b"mine"
    assert [info.key for info in s3_store.list()] == ["key"]
    assert open_store(other.uri, s3_endpoint).get("key") == b"other"
    other.delete("key")


def test_a_store_is_made_with_its_bucket_and_again_without_harm(s3_endpoint):
    store = S3Store("new-bucket", "", s3_endpoint)
    store.ensure_bucket()
    store.ensure_bucket()
    store.put("key", b"x")
    assert [info.key for info in store.list()] == ["key"]
