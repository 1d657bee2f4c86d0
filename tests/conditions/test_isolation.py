"""A hostile file can end its decoder, never the process that asked."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.conditions import isolation, registry
from any2caption.conditions.clips import encode_mp4
from any2caption.conditions.types import (
    Camera,
    Depth,
    Normals,
    Part,
    Region,
    Regions,
    Segmentation,
    Sketch,
)
from any2caption.errors import InputError

from .conftest import DATA, picture


def clip(frames=6, name="a.mp4"):
    ramp = np.arange(64, dtype=np.uint8)[None, None, :, None] * 3
    pixels = np.broadcast_to(ramp, (frames, 48, 64, 3)).copy()
    pixels[..., 0] //= 2
    return Part(name, encode_mp4(pixels, 8))


@pytest.fixture
def worker():
    worker = isolation.Isolated()
    yield worker
    worker.close()


def test_the_worker_gives_what_the_parser_gives():
    parts = [Part("hiker.mp4", (DATA / "video" / "hiker.mp4").read_bytes())]
    here = registry.parse_condition("video", parts)
    there = isolation.parse_condition("video", parts)
    np.testing.assert_array_equal(here.payload.frames, there.payload.frames)
    assert (here.format, here.assumptions, here.payload.fps) == (
        there.format,
        there.assumptions,
        there.payload.fps,
    )


def test_small_pictures_stay_here_and_clips_go_there():
    assert not isolation.needs_isolation("image", [picture(np.zeros((9, 9, 3), np.uint8))])
    assert isolation.needs_isolation("image", [picture(np.zeros((2100, 2100), np.uint8))])
    assert isolation.needs_isolation("depth", [clip()])
    assert not isolation.needs_isolation("text", [Part("a", b"GIF89a")])


def test_refusals_keep_their_place(worker):
    with pytest.raises(InputError) as caught:
        worker.parse("video", [Part("b.mp4", clip().data[:400])], None, 1, {})
    assert str(caught.value).startswith("b.mp4: frames: a damaged or truncated MP4")
    assert worker.pid is not None


def test_a_crash_is_one_refusal_and_the_next_file_is_read(worker):
    worker.parse("video", [clip()], None, 1, {})
    first = worker.pid
    big = np.random.default_rng(0).integers(0, 256, (40, 480, 640, 3), dtype=np.uint8)
    slow = Part("slow.mp4", encode_mp4(big, 8))
    threading.Timer(0.05, lambda: os.kill(first, signal.SIGSEGV)).start()
    with pytest.raises(InputError, match=r"slow\.mp4: video: the file ends its decoder"):
        worker.parse("video", [slow], None, 1, {})
    assert worker.parse("video", [clip()], None, 1, {}).payload.frames.shape[0] == 6
    assert worker.pid != first


def test_a_file_that_takes_too_long_is_refused_in_time(worker):
    worker.parse("video", [clip()], None, 1, {})
    big = np.random.default_rng(0).integers(0, 256, (60, 480, 640, 3), dtype=np.uint8)
    part = Part("endless.mp4", encode_mp4(big, 8))
    began = time.monotonic()
    with pytest.raises(InputError, match=r"endless\.mp4: video: decoding took longer than 0\.05 s"):
        worker.parse("video", [part], None, 1, {}, seconds=0.05)
    assert time.monotonic() - began < 5


def test_more_memory_than_allowed_is_refused():
    small = isolation.Isolated(memory=300_000_000)
    frames = np.zeros((60, 640, 960, 3), np.uint8)
    frames[:, ::2, ::2] = 200
    try:
        with pytest.raises(InputError, match=r"wide\.mp4"):
            small.parse("video", [Part("wide.mp4", encode_mp4(frames, 8))] * 1, None, 1, {})
        assert small.parse("video", [clip()], None, 1, {}).payload.frames.shape[0] == 6
    finally:
        small.close()


def test_many_threads_take_turns():
    results = []

    def ask():
        results.append(isolation.parse_condition("video", [clip()]).payload.frames.shape)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(6, 48, 64, 3)] * 4


PAYLOADS = [
    Depth(np.full((2, 3, 4), np.nan, np.float32)),
    Segmentation(np.ones((1, 2, 2), np.int32), ((1, "cat"),)),
    Sketch(np.zeros((1, 2, 2), np.uint8), np.ones(1, np.bool_)),
    Normals(np.zeros((1, 2, 2, 3), np.float32)),
    Camera(np.zeros((2, 4)), np.zeros((2, 3, 4))),
    Regions(((Region("a", "point", np.zeros((1, 2))),), ()), None),
    "text",
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda one: type(one).__name__)
def test_every_canonical_form_survives_the_pipe(payload):
    blobs = []
    packed = isolation.pack(payload, blobs)
    again = isolation.unpack(packed, [bytearray(bytes(blob)) for blob in blobs])
    assert type(again) is type(payload)
    assert repr(again) == repr(payload)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_a_worker_that_answers_nonsense_is_gone_not_believed(data):
    stream = [data]

    def read(size):
        piece, stream[0] = stream[0][:size], stream[0][size:]
        if len(piece) < size:
            raise isolation._Gone("the end")
        return bytearray(piece)

    with pytest.raises(isolation._Gone):
        isolation.read_frame(read)


def test_only_canonical_classes_are_built():
    with pytest.raises(InputError, match="nonsense"):
        isolation.unpack({"type": "NDArray", "fields": {}}, [])
