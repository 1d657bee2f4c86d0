"""A hostile file can end its decoder, never the process that asked, and holds up nobody else."""

import io
import json
import math
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage

from any2caption.conditions import registry
from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.io.clips import encode_mp4
from any2caption.conditions.isolation import frames, wire
from any2caption.conditions.isolation import parse as isolation
from any2caption.conditions.isolation.frames import NonsenseError
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
from any2caption.errors import CancelledError, InputError, UnavailableError

from ..conftest import DATA, picture

BAD = Part("bad.x", b"x")


def clip(frames=6, name="a.mp4"):
    ramp = np.arange(64, dtype=np.uint8)[None, None, :, None] * 3
    pixels = np.broadcast_to(ramp, (frames, 48, 64, 3)).copy()
    pixels[..., 0] //= 2
    return Part(name, encode_mp4(pixels, 8))


SPINS = 10.0
"""Seconds that a file may take."""


def parse(pool, kind, parts, seconds=SPINS, cancelled=isolation.never):
    with pool.lease(time.monotonic() + 20, cancelled) as lease:
        return lease.parse(kind, parts, seconds=seconds)


def wait_until(said, seconds=30):
    limit = time.monotonic() + seconds
    while not (value := said()):
        assert time.monotonic() < limit, f"not within {seconds} s"
        time.sleep(0.02)
    return value


@pytest.fixture
def pool():
    pool = isolation.Pool()
    yield pool
    pool.close()


@pytest.fixture
def hostile(monkeypatch):
    """Two places whose workers also know the kinds of `hostile_server`."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    pool = isolation.Pool(2, memory=900_000_000, server="hostile_server")
    pool.warm()
    yield pool
    pool.close()


SAMPLES = sorted(path for path in DATA.glob("*/**/*") if path.is_file())
SAMPLES = [path for path in SAMPLES if path.relative_to(DATA).parts[0] in registry.KINDS]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_worker_gives_what_the_parser_gives(path):
    kind = path.relative_to(DATA).parts[0]
    parts = [Part(path.name, path.read_bytes())]
    assert_same(
        answered(registry.parse_condition, kind, parts),
        answered(isolation.parse_condition, kind, parts),
    )


def answered(parse, kind, parts):
    """The condition, or the words that refuse it (a part of a set, alone)."""
    try:
        return parse(kind, parts)
    except InputError as error:
        return str(error)


def assert_same(here, there):
    assert type(here) is type(there)
    if isinstance(here, np.ndarray):
        np.testing.assert_allclose(there, here, rtol=1e-9, atol=1e-12)
    elif isinstance(here, tuple):
        assert len(here) == len(there)
        for one, other in zip(here, there, strict=True):
            assert_same(one, other)
    elif hasattr(here, "__dataclass_fields__"):
        for name in here.__dataclass_fields__:
            assert_same(getattr(here, name), getattr(there, name))
    else:
        assert here == there


@pytest.mark.parametrize("kind", [kind for kind in registry.KINDS if kind != "text"])
def test_no_file_is_parsed_in_the_process_that_asks(kind, monkeypatch):
    def here(*_arguments, **_options):
        raise AssertionError("parsed here")

    monkeypatch.setattr(registry, "parse_condition", here)
    with pytest.raises(InputError):
        isolation.parse_condition(kind, [Part("a.x", b"\0\1")])


def test_limits_on_bytes_hold_before_a_worker_is_asked(monkeypatch):
    monkeypatch.setattr(isolation, "own_pool", lambda: pytest.fail("a worker was asked"))
    with pytest.raises(InputError, match="at most 16,000,000 are taken"):
        isolation.parse_condition("camera", [Part("a.txt", b"0" * 16_000_001)])


def test_refusals_keep_their_place(pool):
    with pytest.raises(InputError) as caught:
        parse(pool, "video", [Part("b.mp4", clip().data[:400])])
    assert str(caught.value).startswith("b.mp4: frames: a damaged or truncated MP4")


def test_a_photograph_whose_exif_alone_tells_its_resolution_is_read(pool):
    """Pillow loads a module of its own for that, as it opens the file."""
    exif = PilImage.Exif()
    exif[0x011A], exif[0x0128] = 72.0, 2  # XResolution, ResolutionUnit
    raw = io.BytesIO()
    PilImage.new("RGB", (40, 30), (200, 30, 30)).save(raw, "JPEG", exif=exif)
    plain = raw.getvalue()
    start = plain.index(b"\xff\xe0")  # JFIF, which tells a density too
    size = int.from_bytes(plain[start + 2 : start + 4])
    photo = plain[:start] + plain[start + 2 + size :]
    with pool.lease(time.monotonic() + 20) as lease:
        condition = lease.parse("image", [Part("photo.jpg", photo)])
    assert condition.payload.pixels.shape == (30, 40, 3)


def test_a_crash_is_one_refusal_and_the_next_file_is_read(hostile):
    with hostile.lease(time.monotonic() + 20) as lease:
        with pytest.raises(InputError, match=r"bad\.x: crash: the file ends its decoder"):
            lease.parse("crash", [BAD])
        assert lease.parse("video", [clip()]).payload.frames.shape[0] == 6


def test_a_parsers_bug_is_a_refusal_that_names_the_file_and_is_logged(hostile, caplog):
    with pytest.raises(InputError, match=r"bad\.x: fail: could not be read \(ZeroDivisionError"):
        parse(hostile, "fail", [BAD])
    assert "in fail" in caplog.text


def test_a_worker_that_was_taken_over_is_not_believed(hostile):
    with pytest.raises(InputError, match=r"bad\.x: lie: .*nonsense"):
        parse(hostile, "lie", [BAD])


def test_a_file_that_takes_too_long_is_refused_in_time(hostile):
    began = time.monotonic()
    with pytest.raises(InputError, match=r"bad\.x: spin: decoding took longer than 0\.5 s"):
        parse(hostile, "spin", [BAD], seconds=0.5)
    assert time.monotonic() - began < SPINS  # not after the seconds of any file


def test_a_request_that_takes_too_long_is_refused_in_time(hostile):
    with (
        hostile.lease(time.monotonic() + 1) as lease,
        pytest.raises(InputError, match=r"bad\.x: spin: the request took longer than it may"),
    ):
        lease.parse("spin", [BAD])


def test_more_memory_than_allowed_is_refused(hostile):
    with pytest.raises(InputError, match=r"bad\.x: hoard: decoding takes more memory than"):
        parse(hostile, "hoard", [BAD])
    assert parse(hostile, "video", [clip()]).payload.frames.shape[0] == 6


def test_a_spinning_file_does_not_delay_a_good_one(hostile):
    parse(hostile, "image", [picture(np.zeros((9, 9, 3), np.uint8))])
    refused = []

    def spin():
        with pytest.raises(InputError) as caught:
            parse(hostile, "spin", [BAD], seconds=SPINS)
        refused.append(str(caught.value))

    bad = threading.Thread(target=spin)
    bad.start()
    latencies = []
    for _ in range(5):
        began = time.monotonic()
        parse(hostile, "image", [picture(np.zeros((9, 9, 3), np.uint8))])
        latencies.append(time.monotonic() - began)
    assert bad.is_alive()
    assert max(latencies) < SPINS / 2
    bad.join()
    assert refused == ["bad.x: spin: decoding took longer than 10 s"]


@pytest.fixture
def spinning(hostile):
    """More files that never end than the pool has places, all of them past their quick time."""
    gone = threading.Event()

    def spin():
        with pytest.raises((CancelledError, InputError, UnavailableError)):
            parse(hostile, "spin", [BAD], cancelled=gone.is_set)

    threads = [threading.Thread(target=spin) for _ in range(5)]
    for thread in threads:
        thread.start()
    time.sleep(2 * isolation.QUICK + 1)
    yield hostile
    gone.set()
    for thread in threads:
        thread.join()


def test_files_that_take_all_their_time_hold_up_each_other_only(spinning):
    for _ in range(5):
        began = time.monotonic()
        parse(spinning, "image", [picture(np.zeros((9, 9, 3), np.uint8))])
        assert time.monotonic() - began < SPINS / 2
    workers = psutil.Process(spinning.server_pid).children()
    assert sum(one.nice() > psutil.Process().nice() for one in workers) == 1


def test_a_slow_file_that_finds_no_place_is_read_when_one_is_free(hostile, monkeypatch):
    """A pool whose quick time is over at once: every file starts anew among the slow ones."""
    monkeypatch.setattr(hostile, "_seconds", -1.0)
    with hostile.lease(time.monotonic() + 20) as first:
        shape = first.parse("video", [clip()]).payload.frames.shape
        got = []
        second = threading.Thread(target=lambda: got.append(parse(hostile, "video", [clip()])))
        second.start()
        time.sleep(0.5)
        waited = not got
    second.join()
    assert got[0].payload.frames.shape == shape
    assert waited


def test_what_a_condition_states_is_found_beside_its_file(pool):
    first = {path.parent: path for path in reversed(SAMPLES)}
    with pool.lease(time.monotonic() + 120) as lease:
        for path in first.values():
            kind = path.relative_to(DATA).parts[0]
            parts = [Part(path.name, path.read_bytes())]
            try:
                here = registry.parse_condition(kind, parts)
            except InputError:
                continue
            there, facts = lease.read(isolation.Asked(kind, parts, payload=False), 60)
            assert there.payload == ""
            wanted = [fact.as_json() for fact in registry.condition_facts(here)]
            assert [fact.as_json() for fact in facts] == json.loads(json.dumps(wanted))


@pytest.mark.parametrize(
    "facts",
    [
        7,
        [{}],
        [{**Fact("style", "grey", Source("picture 2")).as_json()}],
        [{**Fact("style", "grey", Source("picture 1")).as_json(), "aspect": "trust me"}],
        [{**Fact("style", "grey", Source("picture 1")).as_json(), "text": ["grey"]}],
        [Fact("style", "grey", Source("picture 1")).as_json()] * 13,
    ],
)
def test_facts_of_another_sort_or_input_are_not_believed(facts):
    with pytest.raises(NonsenseError):
        wire.unpack_facts(facts, "picture 1")


def test_a_cancelled_request_frees_its_worker_within_a_second(hostile):
    took = []
    while len(took) < 3 and min(took, default=1) >= 1:  # a busy machine may keep it once
        gone = threading.Event()

        def ask(gone=gone):
            with pytest.raises(CancelledError):
                parse(hostile, "spin", [BAD], cancelled=gone.is_set)

        asking = threading.Thread(target=ask)
        asking.start()
        worker = wait_until(lambda: busiest(hostile))
        cancelled = time.monotonic()
        gone.set()
        asking.join()
        took.append(time.monotonic() - cancelled)
        assert not psutil.pid_exists(worker)
    assert min(took) < 1


def busiest(pool):
    """The process id of a worker that computes, else None."""
    server = psutil.Process(pool.server_pid)
    running = [one for one in server.children() if sum(one.cpu_times()[:2]) > 0.05]
    return running[0].pid if running else None


def test_who_waits_for_a_place_can_leave_and_does_not_wait_for_ever(hostile):
    until = time.monotonic() + 20
    with hostile.lease(until), hostile.lease(until):
        with pytest.raises(UnavailableError, match="every parse worker is busy"):
            hostile.lease(time.monotonic() + 0.1).__enter__()
        with pytest.raises(CancelledError):
            hostile.lease(until, lambda: True).__enter__()
    assert parse(hostile, "video", [clip()]).payload.frames.shape[0] == 6


def test_no_worker_outlives_its_lease(pool):
    with pool.lease(time.monotonic() + 20) as lease:
        lease.parse("video", [clip()])
        worker = lease.worker.pid
    assert not psutil.pid_exists(worker)


def test_a_pool_for_one_caller_keeps_its_worker():
    pool = isolation.Pool(1, uses=3, quick=math.inf)
    workers = []
    try:
        for _ in range(4):
            with pool.lease(time.monotonic() + 20) as lease:
                lease.parse("video", [clip()])
                workers.append(lease.worker.pid)
    finally:
        pool.close()
    assert len(set(workers[:3])) == 1
    assert workers[3] != workers[0]


def test_a_killed_server_is_replaced(pool):
    parse(pool, "video", [clip()])
    os.kill(pool.server_pid, signal.SIGKILL)
    wait_until(lambda: psutil.Process(pool.server_pid).status() == psutil.STATUS_ZOMBIE)
    assert parse(pool, "video", [clip()]).payload.frames.shape[0] == 6


def test_nothing_is_left_when_the_parent_is_killed():
    parent, child = os.pipe()
    pid = os.fork()
    if not pid:
        pool = isolation.Pool(2)
        lease = pool.lease(time.monotonic() + 20).__enter__()
        lease.parse("video", [clip()])
        os.write(child, f"{pool.server_pid} {lease.worker.pid}".encode())
        signal.pause()
    family = [psutil.Process(int(one)) for one in os.read(parent, 100).split()]
    assert len(family) == 2
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    gone, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    assert len(gone) == 2


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
    packed = wire.pack(payload, blobs)
    again = wire.unpack(packed, [bytearray(bytes(blob)) for blob in blobs])
    assert type(again) is type(payload)
    assert repr(again) == repr(payload)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_a_worker_that_answers_nonsense_is_gone_not_believed(data):
    stream = [data]

    def read(size):
        piece, stream[0] = stream[0][:size], stream[0][size:]
        if len(piece) < size:
            raise NonsenseError("the end")
        return bytearray(piece)

    with pytest.raises(NonsenseError):
        frames.read_frame(read)


def test_only_canonical_classes_are_built():
    with pytest.raises(NonsenseError, match="not a canonical class"):
        wire.unpack({"type": "NDArray", "fields": {}}, [])
