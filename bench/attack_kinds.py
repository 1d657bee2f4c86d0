"""What a hostile client sends: each kind of attack sends one thing and says what became of it."""

import io
import json
import os
import random
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import fuzz_conditions
import grpc
import hostile_files
import tritonclient.grpc as triton
from tritonclient.grpc import service_pb2

from any2caption.errors import A2CError, InputError, UnavailableError
from any2caption.serving.client import CaptionClient, FileElement
from any2caption.serving.control import bytes_input
from any2caption.settings import Settings

DONE = "DONE"
"""The outcome of something forbidden that was done."""
LONGEST = 20.0
"""Seconds in which each request is refused or answered."""
_SECONDS = 60.0
_WAITING, _WAITING_BYTES = 60, 25_000_000
_METHOD = "/inference.GRPCInferenceService/ModelInfer"
_MARK = Path(gettempdir()) / "a2c-attack-mark"
_CODE = f"open({str(_MARK)!r}, 'w').close()\nclass TritonPythonModel: pass\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of attack: `send(url)` sends one and returns its outcome in a word or two."""

    name: str
    send: Callable[[str], str]


def kinds(settings: Settings) -> list[Kind]:
    """Return all kinds, for a running stack."""
    rng = random.Random(7)  # noqa: S311 - the same attack every time
    samples = fuzz_conditions.sources(fuzz_conditions.SAMPLES)
    made = [Kind(f"file: {name}", _hostile(name)) for name in hostile_files.MAKERS]
    made += [Kind(f"server: {name}", _forbidden(call)) for name, call in _CALLS.items()]
    made += [
        Kind("mutated file", lambda url: _mutated(url, samples, rng)),
        Kind("cancelled request", _cancelled),
        Kind("33 conditions", _many),
        Kind("absurd option", _absurd),
        Kind("shared memory in a request", _region),
    ]
    made += [Kind(f"HTTP to {name}", _http(port)) for name, port in settings.ports if port]
    return made


def give_way() -> None:
    """Give this thread's time to others: an attacker elsewhere would not use the server's cores."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def flood(url: str) -> dict[str, int]:
    """Send 60 requests of 25 MB at once; return the outcomes."""
    found: dict[str, int] = {}
    lock = threading.Lock()

    def one() -> None:
        give_way()
        said = _ask(url, {"image": [FileElement(bytes(_WAITING_BYTES), {"name": "big.png"})]}, 5.0)
        with lock:
            found[said] = found.get(said, 0) + 1

    threads = [threading.Thread(target=one) for _ in range(_WAITING)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _ask(url: str, files: dict[str, list[FileElement]], seconds: float = _SECONDS) -> str:
    """Send a request; say `answered`, `refused` (bad input), or what else came back."""
    try:
        with CaptionClient(url, timeout=seconds) as client:
            client.caption_files("A dog.", files)
    except InputError:
        return "refused"
    except UnavailableError as error:
        busy = "busy" in str(error).lower() or "at once" in str(error)
        return "told to wait" if busy else f"unavailable: {str(error)[:60]}"
    except A2CError as error:
        return f"error: {str(error)[:60]}"
    return "answered"


def _hostile(name: str) -> Callable[[str], str]:
    made = hostile_files.hostile(name)  # now: making it costs seconds, which are no attack
    parts = [
        FileElement(part.data, {"name": part.name, "options": dict(made.options)})
        for part in made.parts
    ]

    def send(url: str) -> str:
        return _ask(url, {made.kind: parts})

    return send


def _mutated(url: str, samples: list[fuzz_conditions.Sample], rng: random.Random) -> str:
    _, parts = rng.choice(samples)
    kind = rng.choice(("image", "video", "depth", "pose", "camera", "segmentation", "region"))
    files = [FileElement(fuzz_conditions.mutate(p.data, rng), {"name": p.name}) for p in parts[:8]]
    return _ask(url, {kind: files})


def _cancelled(url: str) -> str:
    """Begin a slow request and hang up."""
    made = hostile_files.hostile(next(iter(hostile_files.MAKERS)))
    client = triton.InferenceServerClient(url)
    inputs = [bytes_input(made.kind.upper(), [part.data for part in made.parts])]
    future = client.async_infer("any2caption", inputs, callback=_ignored)
    future.cancel()
    client.close()
    return "hung up"


def _ignored(result: object, error: object) -> None:
    """Take whatever comes for a request that was given up."""
    del result, error


def _many(url: str) -> str:
    data = fuzz_conditions.made()["holes"][0].data
    files = [FileElement(data, {"name": f"{at}.png", "condition": at}) for at in range(33)]
    return _ask(url, {"image": files})


def _absurd(url: str) -> str:
    path = Path(__file__).parents[1] / "examples" / "camera" / "walk_through_kitchen.txt"
    info = {"name": "path.txt", "options": {"scale": 1e-25}}
    return _ask(url, {"camera": [FileElement(path.read_bytes(), info)]})


def _region(url: str) -> str:
    request = service_pb2.ModelInferRequest(model_name="any2caption")
    one = request.inputs.add(name="TEXT", datatype="BYTES", shape=[1])
    one.parameters["shared_memory_region"].string_param = "triton_python_backend_shm_region_1"
    with grpc.insecure_channel(url) as channel:
        call = channel.unary_unary(
            _METHOD,
            request_serializer=service_pb2.ModelInferRequest.SerializeToString,
            response_deserializer=service_pb2.ModelInferResponse.FromString,
        )
        try:
            call(request, timeout=_SECONDS)
        except grpc.RpcError as error:
            return f"refused: {error.code().name}"  # type: ignore[attr-defined]
    return DONE


def _load_code(client: triton.InferenceServerClient) -> None:
    config = json.dumps({"backend": "python", "max_batch_size": 0})
    client.load_model("evil", config=config, files={"file:1/model.py": _CODE.encode()})


_CALLS: dict[str, Callable[[triton.InferenceServerClient], object]] = {
    "load code": _load_code,
    "unload": lambda client: client.unload_model("any2caption"),
    "read a model's configuration": lambda client: client.get_model_config("any2caption"),
    "list the repository": lambda client: client.get_model_repository_index(),
    "register memory": lambda client: client.register_system_shared_memory("m", "/a2c", 64),
    "write a trace": lambda client: client.update_trace_settings(
        settings={"trace_file": str(_MARK), "trace_level": ["TIMESTAMPS"]}
    ),
    "write a log": lambda client: client.update_log_settings({"log_file": str(_MARK)}),
    "ask an inner step": lambda client: client.infer("decoder-r1", [bytes_input("X", [b"x"])]),
}


def _forbidden(call: Callable[[triton.InferenceServerClient], object]) -> Callable[[str], str]:
    def send(url: str) -> str:
        client = triton.InferenceServerClient(url)
        try:
            call(client)
        except triton.InferenceServerException as error:
            return DONE if _MARK.exists() else f"refused: {str(error.status()).split('.')[-1]}"
        finally:
            client.close()
        return DONE

    return send


def _http(port: int) -> Callable[[str], str]:
    """A web page's POST, with a body in chunks of 3 MB in all, to any port."""

    def send(_: str) -> str:
        head = (
            "POST /v2/repository/models/evil/load HTTP/1.1\r\nHost: attacker.example\r\n"
            "Origin: http://attacker.example\r\nContent-Type: text/plain\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
        )
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
                wire.sendall(head.encode())
                for chunk in _chunks(3_000_000):
                    wire.sendall(chunk)
                line = wire.recv(200).split(b"\r\n")[0].decode(errors="replace")
        except OSError as error:
            return f"closed: {type(error).__name__}"
        status = line.split(" ")[1] if line.startswith("HTTP/") and " " in line else "no HTTP"
        return DONE if status == "200" or _MARK.exists() else f"answered {status}"

    return send


def _chunks(total: int, size: int = 100_000) -> Iterator[bytes]:
    body = io.BytesIO(b"x" * total)
    while piece := body.read(size):
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"
