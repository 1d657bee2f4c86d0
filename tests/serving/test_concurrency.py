"""In a real server a slow request holds up nobody, and ends when its client leaves."""

import threading
import time

import pytest

from any2caption.errors import A2CError
from any2caption.serving.client import CaptionClient

pytestmark = pytest.mark.server


def test_a_slow_request_does_not_delay_good_ones(server, fake):
    def ask():
        with CaptionClient(server.url, timeout=10) as client, pytest.raises(A2CError):
            client.caption("slow-beside")

    slow = threading.Thread(target=ask)
    with CaptionClient(server.url) as client:
        client.caption("warm")
        slow.start()
        latencies = []
        for _ in range(10):
            began = time.monotonic()
            client.caption("hello")
            latencies.append(time.monotonic() - began)
    assert slow.is_alive()
    assert max(latencies) < 3
    slow.join()
