"""The client needs no torch, and tells a missing server from a bad request."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from tritonclient.grpc import service_pb2

from any2caption.captions.schema import PARTS
from any2caption.errors import InputError, UnavailableError
from any2caption.serving.client import CaptionClient, FileElement, encoded
from loopback import free_port


def test_client_imports_no_heavy_library():
    code = (
        "import sys, any2caption.serving.client, any2caption.serving.releases.rollout;"
        "heavy = {'torch', 'transformers', 'mlflow', 'airflow'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_server_is_unavailable_not_a_traceback():
    with (
        CaptionClient(f"127.0.0.1:{free_port()}", timeout=2) as client,
        pytest.raises(UnavailableError, match="Triton did not answer"),
    ):
        client.caption("hello")


def test_empty_request_is_refused_before_it_is_sent():
    with CaptionClient("127.0.0.1:1") as client, pytest.raises(InputError, match="give a text"):
        client.caption("")


def test_an_unknown_choice_is_refused_before_it_is_sent():
    with CaptionClient("127.0.0.1:1") as client:
        with pytest.raises(InputError, match="writer: 'poet' is not known; choose auto, compose"):
            client.caption("a dog", writer="poet")
        with pytest.raises(InputError, match="tone: unknown option; there are writer, mode"):
            client.caption("a dog", tone="warm")


def test_choices_travel_as_inputs_of_their_own():
    inputs = encoded("a dog", {"camera": [FileElement(b"path", {"name": "p"})]}, {"mode": "off"})
    assert inputs["MODE"] == [b"off"]
    assert set(inputs) == {"TEXT", "CAMERA", "CAMERA_INFO", "MODE"}


class OlderDoor(grpc.GenericRpcHandler):
    """A door that streams nothing."""

    def service(self, details):
        def refuse(_requests, context):
            said = f"{details.method}: not offered here; clients reach ModelInfer and health"
            context.abort(grpc.StatusCode.PERMISSION_DENIED, said)

        def answer(_request, _context):
            parts = dict.fromkeys(PARTS, "A dog.")
            outputs = {"CAPTION": parts, "INFO": {"words": "old"}, "CAPTION_TEXT": ""}
            message = service_pb2.ModelInferResponse()
            for name, value in outputs.items():
                data = json.dumps(value).encode()
                message.outputs.add(name=name, datatype="BYTES", shape=[1])
                message.raw_output_contents.append(len(data).to_bytes(4, "little") + data)
            return message.SerializeToString()

        if details.method.endswith("/ModelInfer"):
            return grpc.unary_unary_rpc_method_handler(answer)
        return grpc.stream_stream_rpc_method_handler(refuse)


def test_an_older_door_answers_without_progress():
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((OlderDoor(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    told = []
    try:
        with CaptionClient(f"127.0.0.1:{port}") as client:
            answer = client.caption("a dog", follow=lambda running: told.append(running) or True)
    finally:
        server.stop(None)
    assert answer.info == {"words": "old"}
    assert told == []


@pytest.mark.server
def test_nothing_released_yet_is_said(server):
    with CaptionClient(server.url) as client, pytest.raises(UnavailableError, match="not served"):
        client.caption("hello")


@pytest.mark.server
def test_deadline_is_kept(server, fake):
    with CaptionClient(server.url) as client, pytest.raises(UnavailableError, match="in time"):
        client.caption("hello", timeout=0.001)
