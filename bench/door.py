"""What the door costs, and what sixty waiting clients with 25 MB each cost the server.

Starts a Triton of its own with fake steps behind a door (tests/serving/serving_lab.py), asks the
smallest request by turns through the door and at Triton's own socket, then lets sixty clients come
at once. All on the loopback address; about a minute.

    python bench/door.py [--requests 600] [--clients 60]
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import psutil
from tritonclient.grpc import service_pb2

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "serving"))

from serving_lab import Server, fake_release

from any2caption.serving.control import key_header
from any2caption.serving.releases.rollout import rollout

METHOD = "/inference.GRPCInferenceService/ModelInfer"
MEGABYTE = 1 << 20


def message(**files: bytes) -> bytes:
    """Return the bytes of a request for a caption."""
    request = service_pb2.ModelInferRequest(model_name="any2caption")
    for name, data in files.items():
        request.inputs.add(name=name, datatype="BYTES", shape=[1])
        request.raw_input_contents.append(len(data).to_bytes(4, "little") + data)
    return request.SerializeToString()


def milliseconds(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {"p50": round(cuts[49] * 1e3, 2), "p99": round(cuts[98] * 1e3, 2)}


def cost(server: Server, count: int, data: bytes) -> dict[str, Any]:
    """Ask by turns through the door and at Triton itself, one request at a time."""
    key = tuple(key_header(server.key).items())
    with grpc.insecure_channel(server.url) as door, grpc.insecure_channel(server.inner) as inner:
        ways = {"door": (door.unary_unary(METHOD), ()), "inner": (inner.unary_unary(METHOD), key)}
        times = {name: [] for name in ways}
        for _ in range(count):
            for name, (call, metadata) in ways.items():
                began = time.perf_counter()
                call(data, metadata=metadata, timeout=60)
                times[name].append(time.perf_counter() - began)
    found = {name: milliseconds(each[count // 10 :]) for name, each in times.items()}
    found["ratio of p50"] = round(found["door"]["p50"] / found["inner"]["p50"], 2)
    return found


class Peaks(threading.Thread):
    """Highest resident memory of some processes, looked at twenty times a second."""

    def __init__(self, **pids: int) -> None:
        super().__init__(daemon=True)
        self.processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self.before = self.now()
        self.peak, self.done = dict(self.before), threading.Event()

    def now(self) -> dict[str, int]:
        return {name: p.memory_info().rss // MEGABYTE for name, p in self.processes.items()}

    def run(self) -> None:
        while not self.done.wait(0.05):
            self.peak = {name: max(self.peak[name], rss) for name, rss in self.now().items()}


def crowd(server: Server, clients: int) -> dict[str, Any]:
    """Let clients come at once with 25 MB each; say who was answered and the memory it took."""
    data = message(TEXT=b"hello", IMAGE=bytes(25_000_000))
    peaks = Peaks(door=server.door_process.pid, triton=server.process.pid)
    peaks.start()
    codes = []
    with grpc.insecure_channel(server.url) as channel:
        calls = [channel.unary_unary(METHOD).future(data, timeout=120) for _ in range(clients)]
        for call in calls:
            error = call.exception()
            codes.append("OK" if error is None else error.code().name)
    peaks.done.set()
    peaks.join()
    counts = {code: codes.count(code) for code in sorted(set(codes))}
    return {"before": peaks.before, "peak": peaks.peak, "after": peaks.now(), "answers": counts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--clients", type=int, default=60)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "server").start()
        try:
            with server.control() as control:
                rollout(fake_release(Path(folder) / "workshop", 1), control, server.live)
            print(
                json.dumps({"one client, text": cost(server, chosen.requests, message(TEXT=b"a"))})
            )
            large = message(TEXT=b"a", IMAGE=bytes(5_000_000))
            print(json.dumps({"one client, 5 MB": cost(server, chosen.requests // 10, large)}))
            print(json.dumps({f"{chosen.clients} × 25 MB": crowd(server, chosen.clients)}))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
