"""Nobody gets in: what was once sent to take the service over, sent to a real Triton again."""

import socket
import stat
import threading
from pathlib import Path

import grpc
import psutil
import pytest
import tritonclient.grpc as triton
from serving_lab import Server, fake_release, wait_until
from tritonclient.grpc import service_pb2

from any2caption.errors import (
    A2CError,
    CancelledError,
    GateRefused,
    InputError,
    UnavailableError,
)
from any2caption.serving.client import CaptionClient, FileElement
from any2caption.serving.control import bytes_input
from any2caption.serving.errors import BusyError
from any2caption.serving.releases import smoke
from any2caption.serving.releases.rollout import rollout

pytestmark = pytest.mark.server

METHOD = "/inference.GRPCInferenceService"
CODE = """
class TritonPythonModel:
    def initialize(self, arguments):
        open({mark!r}, "w").close()
"""
CONFIG = '{"backend": "python", "max_batch_size": 0}'


def load_code(client, mark):
    files = {"file:1/model.py": CODE.format(mark=str(mark)).encode()}
    client.load_model("evil", config=CONFIG, files=files)


ATTACKS = {
    "load code": load_code,
    "load": lambda client, _: client.load_model("any2caption"),
    "unload": lambda client, _: client.unload_model("any2caption"),
    "index": lambda client, _: client.get_model_repository_index(),
    "config": lambda client, _: client.get_model_config("any2caption"),
    "statistics": lambda client, _: client.get_inference_statistics(),
    "metadata": lambda client, _: client.get_server_metadata(),
    "inner metadata": lambda client, _: client.get_model_metadata("decoder-r1"),
    "memory": lambda client, _: client.register_system_shared_memory("m", "/a2c", 64),
    "inner memory": lambda client, _: client.register_system_shared_memory(
        "m", "/triton_python_backend_shm_region_1", 64
    ),
    "memory status": lambda client, _: client.get_system_shared_memory_status(),
    "memory gone": lambda client, _: client.unregister_system_shared_memory(),
    "cuda memory": lambda client, _: client.register_cuda_shared_memory("m", b"eHg=", 0, 64),
    "trace": lambda client, mark: client.update_trace_settings(
        settings={"trace_file": str(mark), "trace_level": ["TIMESTAMPS"]}
    ),
    "log": lambda client, mark: client.update_log_settings({"log_file": str(mark)}),
    "inner model": lambda client, _: client.infer("decoder-r1", [bytes_input("TEXT", [b"x"])]),
    "canary": lambda client, _: client.infer("any2caption-r1", [bytes_input("TEXT", [b"x"])]),
}


def healthy(server, fake):
    smoke.check(server.url, fake.number)
    assert server.process.poll() is None
    assert server.door_process.poll() is None


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_public_port_offers_requests_and_health_only(server, fake, attack, tmp_path):
    mark = tmp_path / "mark"
    client = triton.InferenceServerClient(server.url)
    with pytest.raises(triton.InferenceServerException) as caught:
        ATTACKS[attack](client, mark)
    client.close()
    assert caught.value.status() == "StatusCode.PERMISSION_DENIED"
    assert not mark.exists()
    healthy(server, fake)


@pytest.mark.parametrize("attack", [*ATTACKS, "live", "ready"])
def test_triton_itself_answers_nobody_without_the_key(server, fake, attack, tmp_path):
    mark = tmp_path / "mark"
    others = {
        "live": lambda client, _: client.is_server_live(),
        "ready": lambda client, _: client.is_server_ready(),
    }
    for headers in ({}, {"triton-grpc-protocol-a2c-key": "0" * 64}):
        client = triton.InferenceServerClient(server.inner)
        client.register_plugin(Header(headers))
        with pytest.raises(triton.InferenceServerException, match="restricted"):
            (others | ATTACKS)[attack](client, mark)
        client.close()
    assert not mark.exists()
    healthy(server, fake)


class Header(triton.InferenceServerClientPlugin):
    def __init__(self, headers):
        self.headers = headers

    def __call__(self, request):
        request.headers = {**(request.headers or {}), **self.headers}


def test_methods_nobody_knows_are_refused(server):
    with grpc.insecure_channel(server.url) as channel:
        for method in (f"{METHOD}/X", "/x/y", "/grpc.health.v1.Health/X"):
            with pytest.raises(grpc.RpcError) as caught:
                list(channel.stream_stream(method)(iter([b""]), timeout=10))
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert "not offered here" in caught.value.details()


def test_only_its_owner_reaches_tritons_socket(server):
    socket_file = Path(server.inner.removeprefix("unix:"))
    assert stat.S_ISSOCK(socket_file.stat().st_mode)
    assert stat.S_IMODE(socket_file.parent.stat().st_mode) == 0o700


def open_ports(server):
    """TCP ports on which a process of the server's or the door's listens."""
    parents = [psutil.Process(server.process.pid), psutil.Process(server.door_process.pid)]
    family = {child.pid for one in parents for child in [one, *one.children(recursive=True)]}
    listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    return {c.laddr for c in listening if c.pid in family}


def test_two_ports_are_open_both_on_the_loopback_address(server):
    found = open_ports(server)
    assert {address.port for address in found} == {server.door_port, server.metrics_port}
    assert {address.ip.removeprefix("::ffff:") for address in found} == {"127.0.0.1"}


def send_raw(port, *pieces):
    """Send bytes; return what came back until the other side closed or 5 s passed."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
        answer = b""
        try:
            for piece in pieces:
                one.sendall(piece)
            while more := one.recv(65536):
                answer += more
        except OSError:  # closed by the other side, or silent
            pass
        return answer


def test_a_web_page_in_a_browser_loads_nothing(server, fake, tmp_path):
    mark = tmp_path / "mark"
    body = CODE.format(mark=str(mark)).encode()
    head = (
        b"POST /v2/repository/models/evil/load HTTP/1.1\r\nHost: evil.example\r\n"
        b"Origin: http://evil.example\r\nContent-Type: text/plain\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    for address in open_ports(server):
        answer = send_raw(address.port, head, body)
        assert b" 200 " not in answer.partition(b"\r\n")[0]
    assert not mark.exists()
    healthy(server, fake)


def test_a_request_in_tiny_chunks_does_not_end_the_server(server, fake):
    head = (
        b"POST /v2/repository/index HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    chunks = [b"1\r\n \r\n" * 10_000] * 50  # 3 MB
    for address in open_ports(server):
        send_raw(address.port, head, *chunks, b"0\r\n\r\n")
    healthy(server, fake)


def test_compressed_messages_are_refused_before_they_unfold(server, fake):
    with grpc.insecure_channel(server.url) as channel:
        call = channel.unary_unary(f"{METHOD}/ModelInfer")
        with pytest.raises(grpc.RpcError) as caught:
            call(bytes(32 << 20), compression=grpc.Compression.Gzip, timeout=30)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    healthy(server, fake)


def test_health_is_told_to_everybody(server, fake):
    with grpc.insecure_channel(server.url) as channel:
        serving = channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10)
    assert serving == b"\x08\x01"
    client = triton.InferenceServerClient(server.url)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("any2caption")
    assert client.is_model_ready("any2video", str(fake.number))
    assert client.get_model_metadata("any2caption").inputs
    client.close()


# One door with little room, for what follows.


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A server whose door has room for two requests."""
    home = tmp_path_factory.mktemp("narrow")
    one = Server(home / "server", requests=2, message_megabytes=8, megabytes=20, seconds=20)
    one.start()
    with one.control() as control:
        one.release = fake_release(home / "workshop", 3)
        rollout(one.release, control, one.live)
    yield one
    one.stop()


def answers_release(server, number):
    try:
        smoke.check(server.url, number)
    except GateRefused:
        return False
    return True


def begin(channel, words):
    """Send a request without waiting for its answer."""
    message = service_pb2.ModelInferRequest(model_name="any2caption")
    message.inputs.add(name="TEXT", datatype="BYTES", shape=[1])
    message.raw_input_contents.append(len(words).to_bytes(4, "little") + words)
    return channel.unary_unary(f"{METHOD}/ModelInfer").future(message.SerializeToString())


def started(server, words):
    return (server.release.bundle / f"began-{words}").exists()


def left(server, words):
    return (server.release.bundle / f"left-{words}").exists()


def flagged(server):
    return len(list(server.cancelled.iterdir()))


def test_a_client_that_leaves_frees_the_step_that_works_for_it(narrow):
    before = flagged(narrow)
    with grpc.insecure_channel(narrow.url) as channel:
        call = begin(channel, b"slow-alone")
        wait_until(lambda: started(narrow, "slow-alone"), 10)
        call.cancel()
        wait_until(lambda: flagged(narrow) == before + 1, 5)
    wait_until(lambda: left(narrow, "slow-alone"), 5)
    smoke.check(narrow.url, 3)


def test_a_stream_tells_which_step_works_until_its_client_stops_it(narrow):
    told = []

    def follow(running):
        told.append(tuple(running))
        return len(told) < 4

    before = flagged(narrow)
    with CaptionClient(narrow.url) as client:
        with pytest.raises(CancelledError):
            client.caption("slow-followed", follow=follow)
        assert told[-1] == ("preprocess",)
        wait_until(lambda: left(narrow, "slow-followed"), 5)
        assert flagged(narrow) == before + 1, "the flag stays, what the steps said is gone"
        answer = client.caption("hello", follow=lambda _: True)
        assert answer.caption == client.caption("hello").caption
        with pytest.raises(InputError, match="bad on purpose"):
            client.caption("bad", follow=lambda _: True)
        with pytest.raises(A2CError, match="'decoder-r3' is not public"):
            client.caption("hello", model="decoder-r3", follow=lambda _: True)


def test_a_stream_waits_for_room_as_one_request_does(narrow):
    with grpc.insecure_channel(narrow.url) as channel:
        calls = [begin(channel, b"slow-room-%d" % index) for index in range(2)]
        wait_until(lambda: all(started(narrow, f"slow-room-{index}") for index in range(2)), 10)
        timer = threading.Timer(1.0, lambda: [call.cancel() for call in calls])
        with CaptionClient(narrow.url, timeout=0.5) as client, pytest.raises(BusyError):
            client.caption("hello", follow=lambda _: True)
        timer.start()
        with CaptionClient(narrow.url, timeout=30) as client:
            assert client.caption("hello", follow=lambda _: True).info["words"] == "hello"
        timer.join()


def test_one_more_than_there_is_room_for_is_told_when_to_come_back(narrow):
    with grpc.insecure_channel(narrow.url) as channel:
        calls = [begin(channel, b"slow-%d" % index) for index in range(2)]
        wait_until(lambda: all(started(narrow, f"slow-{index}") for index in range(2)), 10)
        refusal = wait_until(lambda: refusal_of(channel), 10)
        trailing = dict(refusal.trailing_metadata())
        assert int(trailing["retry-after-ms"]) >= 100
        assert trailing["grpc-retry-pushback-ms"] == trailing["retry-after-ms"]
        assert "try again in" in refusal.details()
        with CaptionClient(narrow.url, timeout=1.5) as client, pytest.raises(BusyError):
            client.caption("hello")
        timer = threading.Timer(1.0, lambda: [call.cancel() for call in calls])
        timer.start()
        with CaptionClient(narrow.url, timeout=30) as client:
            assert client.caption("hello").info["words"] == "hello", "it came back by itself"
        timer.join()


def refusal_of(channel):
    """Ask quickly; return the error that says the door is full, if it says so."""
    error = begin(channel, b"hello").exception(timeout=20)
    full = error is not None and error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    return error if full else None


def test_no_request_takes_longer_than_the_door_allows(tmp_path):
    server = Server(tmp_path / "server", seconds=2)
    server.start()
    try:
        with server.control() as control:
            server.release = fake_release(tmp_path / "workshop", 4)
            rollout(server.release, control, server.live)
        with (
            CaptionClient(server.url) as client,
            pytest.raises(UnavailableError, match="within 2 s"),
        ):
            client.caption("slow-late")
        wait_until(lambda: left(server, "slow-late"), 5)
        smoke.check(server.url, 4)
    finally:
        server.stop()


def test_a_request_too_large_is_the_callers_fault(narrow):
    elements = {"image": [FileElement(bytes(9 << 20), {"name": "large.png"})]}
    with CaptionClient(narrow.url) as client, pytest.raises(InputError, match="larger than max"):
        client.caption_files("hello", elements)
    smoke.check(narrow.url, 3)


def test_a_door_that_was_killed_comes_back_and_triton_went_on(narrow):
    narrow.door_process.kill()
    narrow.door_process.wait(10)
    with CaptionClient(narrow.url, timeout=5) as client, pytest.raises(UnavailableError):
        client.caption("hello")
    with narrow.control() as control:
        assert control.ready()
    narrow.start_door()
    wait_until(lambda: answers_release(narrow, 3), 20)


def resident(pid):
    """Megabytes of a process's own memory, shared memory apart."""
    return psutil.Process(pid).memory_info().rss >> 20


def test_the_door_keeps_nothing_of_requests_that_triton_refused(narrow):
    before = resident(narrow.door_process.pid)
    elements = {"image": [FileElement(bytes(7 << 20), {"name": "large.png"})]}
    with CaptionClient(narrow.url) as client:
        for _ in range(40):
            with pytest.raises(InputError, match="bad on purpose"):
                client.caption_files("bad", elements)
    assert resident(narrow.door_process.pid) - before < 100


def test_many_large_requests_wait_outside(tmp_path):
    """Sixty at once are bench/door.py's; here a third of that, in the same proportion."""
    server = Server(tmp_path / "server", requests=4, megabytes=128)
    server.start()
    try:
        with server.control() as control:
            rollout(fake_release(tmp_path / "workshop", 5), control, server.live)
        message = service_pb2.ModelInferRequest(model_name="any2caption")
        for name, data in (("TEXT", b"slow-large"), ("IMAGE", bytes(25_000_000))):
            message.inputs.add(name=name, datatype="BYTES", shape=[1])
            message.raw_input_contents.append(len(data).to_bytes(4, "little") + data)
        data = message.SerializeToString()
        with grpc.insecure_channel(server.url) as channel:
            call = channel.unary_unary(f"{METHOD}/ModelInfer")
            calls = [call.future(data) for _ in range(20)]
            wait_until(lambda: sum(one.done() for one in calls) >= 16, 60)
            door, inner = resident(server.door_process.pid), resident(server.process.pid)
            for one in calls:
                one.cancel()
        assert door < 600, f"the door holds {door} MB"
        assert inner < 1000, f"Triton holds {inner} MB"
        wait_until(lambda: answers_release(server, 5), 30)
    finally:
        server.stop()
