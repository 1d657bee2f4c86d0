"""Boot a release in a Triton of its own before the serving one hears of it.

A release that hangs, crashes its server or fills its memory while it loads does so here: on a Unix
socket of its own that only its owner can open, with a key and a repository of its own that are gone
afterwards, and without the keys that the caller's environment holds.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir

import psutil

from any2caption import processes
from any2caption.errors import A2CError, GateRefused
from any2caption.serving import shared_memory
from any2caption.serving.control import TritonControl
from any2caption.serving.private import make_private
from any2caption.serving.releases import smoke
from any2caption.serving.releases.live_repository import LiveRepository
from any2caption.serving.releases.release_folder import Release, verify
from any2caption.serving.server import Endpoints, command
from any2caption.storage.scratch import scratch
from any2caption.storage.signing_keys import Keys
from any2caption.storage.space import full_disk_named

BOOT_SECONDS = 300.0
_STOP_SECONDS = 15.0
_PAUSE = 0.1
_MARK, _OWNER = "A2C_TRIAL", "A2C_TRIAL_OWNER"
_ENVIRONMENT = {
    *("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "HOME", "LANG", "TMPDIR"),
    *("A2C_STACK", "A2C_PARSE_WORKERS"),
}
_PREFIXES = ("OMP_", "MALLOC_", "TOKENIZERS_", "CUDA_", "NVIDIA_", "LC_", "TRITON_")


def boot(
    release: Release,
    serve_python: str | Path,
    *,
    seconds: float = BOOT_SECONDS,
    keys: Keys | None = None,
    then: Callable[[TritonControl], None] = lambda _: None,
) -> float:
    """Start the release alone, ask it the smoke requests, take it down; return the seconds taken.

    What else it is asked while it is there is done by `then`, whose errors refuse it too.

    Raises:
        IntegrityError: its code is not what our key signed. The steps hold weights to their digests
            as they load them.
        GateRefused: it did not come up within `seconds`, or an answer was wrong or missing.
        ConfigError: the serving environment has no Triton.
        UnavailableError: the disk is full.
    """
    began = time.monotonic()
    release = verify(release.folder, keys=keys, weights=False)
    stop_orphans(release.folder.parent)
    what = f"the trial of release {release.number}"
    parent = release.folder.parent
    with full_disk_named(parent, what), scratch(parent, f"{release.number}-trial") as folder:
        live = LiveRepository(folder / "models")
        live.install_steps(release)
        live.point_ensembles(release)
        live.set_current(release, None)
        with _server(live, serve_python, seconds) as control:
            _refuse_unloaded(control, release)
            smoke.check(control.url, release.number, key=control.key)
            then(control)
    return time.monotonic() - began


def stop_orphans(releases: Path) -> int:
    """Stop what is left of trials under `releases` whose caller was killed; return how many.

    A stub that lost its server while the two were getting to know each other waits for ever.
    """
    orphans = []
    for process in processes.marked(_MARK, str(releases)):
        with suppress(psutil.Error, KeyError):
            pid, started = process.environ()[_OWNER].split(":")
            if not processes.is_same_process(int(pid), float(started)):
                orphans.append(process)
    return processes.stop(orphans, grace=1.0)


@contextmanager
def _server(
    live: LiveRepository, serve_python: str | Path, seconds: float
) -> Iterator[TritonControl]:
    log = live.root.parent / "triton.log"
    with _socket_folder() as sockets:
        endpoints = Endpoints(f"unix:{sockets}/grpc:0", secrets.token_hex(32), _free_port())
        launch = command(serve_python, live.root, endpoints, load=live.current_models())
        with log.open("wb") as output:
            # Should the caller be killed, the kernel takes its server down with it.
            setpriv = shutil.which("setpriv")
            wrapper = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
            process = subprocess.Popen(
                [*wrapper, *launch.argv],
                env={
                    **_without_keys(launch.env),
                    _MARK: str(live.root.parents[1]),
                    _OWNER: f"{os.getpid()}:{psutil.Process().create_time()}",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=live.root.parent,
                start_new_session=True,
            )
        try:
            with TritonControl(endpoints.inner, endpoints.key) as control:
                _await_ready(control, process, log, time.monotonic() + seconds)
                yield control
        finally:
            _stop(process)
            shared_memory.clean()


@contextmanager
def _socket_folder() -> Iterator[Path]:
    """Yield a private folder whose path is short: a Unix socket's may have 107 bytes."""
    parent = Path(gettempdir()) / f"a2c-{os.getuid()}-trials"
    make_private(parent)
    with scratch(parent, "trial") as folder:
        yield folder


def _await_ready(
    control: TritonControl, process: "subprocess.Popen[bytes]", log: Path, limit: float
) -> None:
    while not control.ready(timeout=1.0):
        if process.poll() is not None:
            lines = log.read_text(errors="replace").split("\n")
            last = next((line for line in reversed(lines) if line.strip()), "no output")
            raise GateRefused(f"the trial's Triton ended with {process.returncode}: {last.strip()}")
        if time.monotonic() > limit:
            raise GateRefused("the release did not come up in time in a Triton of its own")
        time.sleep(_PAUSE)


def _refuse_unloaded(control: TritonControl, release: Release) -> None:
    """Say why a model did not load; what depends on it would only say that it is not there."""
    try:
        failed = [model for model in control.index() if model.state == "UNAVAILABLE"]
    except A2CError as error:
        raise GateRefused(f"the trial of release {release.number}: {error}") from error
    reasons = [f"{model.name}: {' '.join(model.reason.split())}" for model in failed]
    if reasons:
        own = [reason for reason in reasons if f"-r{release.number}: " in reason]
        raise GateRefused(f"release {release.number} does not load: {(own or reasons)[0]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End the server and its stubs: their memory is needed for the roll-out.

    At once, for the verdict is known and nothing of theirs is kept; an orderly end takes seconds.
    """
    family = [process.pid]
    stubs: list[psutil.Process] = []
    with suppress(psutil.Error):
        stubs = psutil.Process(process.pid).children(recursive=True)
        family += [stub.pid for stub in stubs]
    regions = shared_memory.mapped_regions(pids=family)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(stubs, timeout=_STOP_SECONDS)
    shared_memory.remove(regions)


def _without_keys(env: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in env.items()
        if name in _ENVIRONMENT or name.startswith(_PREFIXES)
    }


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
