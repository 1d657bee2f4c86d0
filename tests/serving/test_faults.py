"""Stubs and servers that are killed: both come back, and nothing stays in shared memory."""

import os
import signal
import time

import pytest
from serving_lab import Server, fake_release, wait_until

from any2caption.errors import UnavailableError
from any2caption.serving import contract, shared_memory
from any2caption.serving.client import CaptionClient
from any2caption.serving.releases import smoke
from any2caption.serving.releases.rollout import rollout
from any2caption.serving.releases.watchdog import watch

pytestmark = pytest.mark.server


@pytest.mark.usefixtures("fake")
def test_watchdog_finds_nothing_wrong_with_a_healthy_server(server, control):
    probes = watch(control, server.live)
    assert len(probes) == len(contract.steps()) + len(contract.PUBLIC)
    assert {probe.state for probe in probes} == {"alive"}


@pytest.mark.parametrize(
    "step", ["preprocess", "vision_encoder", "decoder", "endpoint", "check", "previs"]
)
def test_killed_stub_is_brought_back(server, fake, control, step):
    model = f"{step}-r{fake.number}"
    mine = shared_memory.mapped_regions()
    time.sleep(2.1)
    os.kill(server.stubs()[model], signal.SIGKILL)
    wait_until(lambda: model not in server.stubs())
    with CaptionClient(server.url) as client, pytest.raises(UnavailableError):
        client.caption("hello", video=True)
    probes = {probe.model: probe for probe in watch(control, server.live)}
    assert probes[model].revived
    assert not [path for path in shared_memory.stale_regions() if path.name in mine], (
        "nothing leaks"
    )
    assert [probe.model for probe in probes.values() if probe.revived] == [model]
    smoke.check(server.url, fake.number)


def test_a_dead_step_is_revived_from_signed_code_only(server, fake, control):
    model = f"decoder-r{fake.number}"
    time.sleep(2.1)
    os.kill(server.stubs()[model], signal.SIGKILL)
    wait_until(lambda: model not in server.stubs())
    code = fake.repository / "decoder" / "1" / "model.py"
    installed = server.live.root / model / "1" / "model.py"
    good = code.read_bytes()
    installed.write_bytes(b"raise SystemExit('evil')")
    code.chmod(0o644)
    code.write_bytes(b"raise SystemExit('evil')")
    try:
        found = {probe.model: probe for probe in watch(control, server.live)}[model]
        assert (found.state, found.revived) == ("dead", False)
        assert f"{code}: changed since it was signed" in found.message
        assert model not in server.stubs()
    finally:
        code.write_bytes(good)
    found = {probe.model: probe for probe in watch(control, server.live)}[model]
    assert found.revived
    assert f"put back: {installed} was altered" in found.message
    assert installed.read_bytes() == good
    smoke.check(server.url, fake.number)


def test_restart_after_kill_serves_the_current_release_and_leaves_nothing(tmp_path):
    server = Server(tmp_path / "home")
    server.start()
    try:
        with server.control() as control:
            rollout(fake_release(tmp_path / "workshop", 8), control, server.live)
        stubs = server.stubs()
        assert len(stubs) == len(contract.steps())
        mine = shared_memory.mapped_regions(pids=stubs.values())
        assert len(mine) >= len(stubs)
        server.stop(signal.SIGKILL)
        wait_until(lambda: not server.stubs())
        leaked = shared_memory.SHM / f"{shared_memory.PREFIX}left-by-a-dead-server-{os.getpid()}"
        leaked.write_bytes(bytes(64))
        time.sleep(2.1)
        server.start()
        assert not leaked.exists(), "the next start cleans up"
        smoke.check(server.url, 8)
        mine |= shared_memory.mapped_regions(pids=server.stubs().values())
    finally:
        server.stop()
    wait_until(lambda: not server.stubs())
    assert not [name for name in mine if (shared_memory.SHM / name).exists()]


def test_live_regions_are_never_cleaned(server, fake):
    mine = shared_memory.mapped_regions(pids=server.stubs().values())  # others' servers may end
    assert mine
    time.sleep(2.1)
    shared_memory.clean()
    assert mine <= {path.name for path in shared_memory.SHM.glob(f"{shared_memory.PREFIX}*")}
    smoke.check(server.url, fake.number)
