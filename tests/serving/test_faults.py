"""Stubs and servers that are killed: both come back, and nothing stays in shared memory."""

import os
import signal
import time

import pytest
from serving_lab import Server, fake_release, my_regions, wait_until

from any2caption.errors import UnavailableError
from any2caption.serving import shm, smoke
from any2caption.serving.client import CaptionClient
from any2caption.serving.rollout import rollout
from any2caption.serving.watchdog import watch

pytestmark = pytest.mark.server


@pytest.mark.usefixtures("fake")
def test_watchdog_finds_nothing_wrong_with_a_healthy_server(server, control):
    probes = watch(control, server.live)
    assert len(probes) == 6
    assert {probe.state for probe in probes} == {"alive"}


@pytest.mark.parametrize("step", ["preprocess", "vision_encoder", "decoder", "previs"])
def test_killed_stub_is_brought_back(server, fake, control, step):
    model = f"{step}-r{fake.number}"
    mine = shm.mapped_regions()
    time.sleep(2.1)
    os.kill(server.stubs()[model], signal.SIGKILL)
    wait_until(lambda: model not in server.stubs())
    with CaptionClient(server.url) as client, pytest.raises(UnavailableError):
        client.caption("hello", video=True)
    probes = {probe.model: probe for probe in watch(control, server.live)}
    assert probes[model].revived
    assert not [path for path in shm.stale_regions() if path.name in mine], "nothing leaks"
    assert [probe.model for probe in probes.values() if probe.revived] == [model]
    smoke.check(server.url, fake.number)


def test_restart_after_kill_serves_the_current_release_and_leaves_nothing(tmp_path):
    before = {path.name for path in shm.SHM.glob(f"{shm.PREFIX}*")}
    server = Server(tmp_path / "home")
    server.start()
    try:
        with server.control() as control:
            rollout(fake_release(tmp_path / "workshop", 8), control, server.live)
        stubs = server.stubs()
        assert len(stubs) == 6
        server.stop(signal.SIGKILL)
        wait_until(lambda: not server.stubs())
        leaked = shm.SHM / f"{shm.PREFIX}left-by-a-dead-server-{os.getpid()}"
        leaked.write_bytes(bytes(64))
        time.sleep(2.1)
        server.start()
        assert not leaked.exists(), "the next start cleans up"
        smoke.check(server.url, 8)
    finally:
        server.stop()
    wait_until(lambda: not server.stubs())
    assert not my_regions(before)


def test_live_regions_are_never_cleaned(server, fake):
    mine = shm.mapped_regions()
    assert mine
    time.sleep(2.1)
    shm.clean()
    assert mine <= {path.name for path in shm.SHM.glob(f"{shm.PREFIX}*")}
    smoke.check(server.url, fake.number)
