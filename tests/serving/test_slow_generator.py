"""A generator slower than what feeds it: nobody is lost, captions go on, memory stays bounded."""

import threading
import time

import psutil
import pytest
from serving_lab import Server, fake_release

from any2caption.serving.control import TritonControl, bytes_input
from any2caption.serving.releases.rollout import rollout

pytestmark = pytest.mark.server
MB = 1 << 20
CALLERS, PICTURE = 12, 4 * MB


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A server whose clips take half a second each, two at a time."""
    server = Server(tmp_path_factory.mktemp("slow") / "home")
    server.start()
    try:
        with server.control() as control:
            rollout(fake_release(server.home / "workshop", 1, "slow"), control, server.live)
        yield server
    finally:
        server.stop()


def ask(server, model):
    with TritonControl(server.url) as control:
        began = time.monotonic()
        inputs = [bytes_input("TEXT", [b"hello"]), bytes_input("IMAGE", [bytes(PICTURE)])]
        answer = control.infer(model, inputs, timeout=60)
        assert answer.as_numpy("CAPTION") is not None
        return time.monotonic() - began


def flood(server):
    """Ask for many clips at once; return the seconds of captions meanwhile and of the last clip."""
    answered = []
    threads = [
        threading.Thread(target=lambda: answered.append(ask(server, "any2video")))
        for _ in range(CALLERS)
    ]
    for thread in threads:
        thread.start()
    captions = []
    while any(thread.is_alive() for thread in threads):
        captions.append(ask(server, "any2caption"))
    assert len(answered) == CALLERS, "every caller got an answer"
    assert max(answered) > CALLERS / 2 * 0.5 * 0.8, "the generator was the slow part"
    return captions, max(answered)


def memory(server):
    """Memory in MB that the server, its stubs and the door hold for themselves."""
    family = [psutil.Process(server.process.pid), psutil.Process(server.door_process.pid)]
    family += family[0].children(recursive=True)
    return sum(process.memory_full_info().uss for process in family) / MB


@pytest.mark.slow
def test_captions_go_on_and_memory_does_not_grow_with_the_number_of_clips(slow):
    captions, last_clip = flood(slow)
    assert sorted(captions)[len(captions) // 2] < last_clip / 2, "captions do not wait for clips"
    first = memory(slow)
    for _ in range(3):
        flood(slow)
    in_flight = CALLERS * PICTURE / MB
    assert memory(slow) < first + in_flight, "what was asked before is not kept"
