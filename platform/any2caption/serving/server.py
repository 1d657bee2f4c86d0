"""Start Triton from the wheel: `python -m any2caption.serving.server --repository DIR …`.

The command prepares what the wheel leaves undone (the Python stub's place, library paths), removes
the shared memory of dead servers, checks the current release's signature, installs its steps anew
and then *becomes* `tritonserver` (exec), so that a supervisor sees one process. With nothing
released yet the server starts empty and healthy; a release that was altered is never started.

Clients never come here: whoever calls Triton can make it run code. Its HTTP endpoint is off, its
gRPC endpoint asks for a key on every call and listens on a Unix socket that only its owner can
open. Triton takes the key on its command line alone, where `ps` shows it: the socket's folder is
what keeps others out, the key keeps out what runs as the same user without knowing it.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from any2caption.errors import A2CError, ConfigError
from any2caption.serving import server_version, shared_memory
from any2caption.serving.control import KEY_NAME
from any2caption.serving.private import make_private
from any2caption.storage.atomic import write_atomically

KEY_VARIABLE = "A2C_TRITON_KEY"
ROOT_VARIABLE = "A2C_TRITON_ROOT"
WRITER_KEY = "A2C_WRITER_API_KEY"
_KEY = re.compile(r"[0-9A-Za-z]{32,}")
_STUB = "triton_python_backend_stub"
_PROBE = (
    "import json,sys,sysconfig as s;"
    "print(json.dumps([s.get_config_var('LIBDIR'),s.get_path('purelib'),"
    "'%d.%d'%sys.version_info[:2],s.get_config_var('LDLIBRARY')]))"
)
# Page faults of glibc's allocator cost elementwise operations a factor of 4.7 (measured on two
# cores).
_MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
}


_PROTOCOLS = (
    "health,metadata,inference,shared-memory,model-config,model-repository,statistics,trace,logging"
)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where Triton listens: gRPC at `inner` (`host:port` or `unix:PATH:NUMBER`), and metrics.

    `key` is what every call to `inner` must bring.
    """

    inner: str
    key: str = field(repr=False)
    metrics: int = 8002
    metrics_address: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Launch:
    """What to execute: `argv`, and the whole environment `env`."""

    argv: list[str]
    env: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where a serving environment keeps Triton."""

    python: Path
    libdir: Path
    packages: Path
    version: str
    installed: Path | None = None

    @property
    def root(self) -> Path:
        """Folder of an installed server (NVIDIA's container), or of the wheel's."""
        return self.installed or self.packages / "pytriton" / "tritonserver"


def find_runtime(serve_python: str | Path) -> Runtime:
    """Ask the serving environment's interpreter where it lives.

    Raises:
        ConfigError: the interpreter does not run, or its environment has no Triton.
    """
    python = Path(serve_python)
    try:
        output = subprocess.run(
            [str(python), "-c", _PROBE], capture_output=True, text=True, check=True, timeout=60
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(f"{python}: the serving interpreter does not run: {error}") from error
    libdir, packages, version, _ = json.loads(output)
    root = os.environ.get(ROOT_VARIABLE)
    installed = Path(root) if root else None
    runtime = Runtime(python.absolute(), Path(libdir), Path(packages), version, installed)
    if not (runtime.root / "bin" / "tritonserver").exists():
        where = f"{ROOT_VARIABLE}={root}" if root else str(packages)
        raise ConfigError(f"{python}: no tritonserver in {where}; install nvidia-pytriton there")
    return runtime


def link_stub(runtime: Runtime) -> Path:
    """Put the Python stub where the backend looks for it; safe with several launchers at once."""
    if runtime.installed:
        return runtime.root / "backends" / "python" / _STUB  # made for the container's own Python
    source = runtime.root / "python_backend_stubs" / runtime.version / _STUB
    if not source.exists():
        raise ConfigError(f"{source}: no Python stub for Python {runtime.version} in this wheel")
    target = runtime.root / "backends" / "python" / _STUB
    if target.is_symlink() and target.readlink() == source:
        return target
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".stub-") as folder:
        fresh = Path(folder) / _STUB
        fresh.symlink_to(source)
        fresh.replace(target)
    return target


def command(
    serve_python: str | Path,
    repository: Path,
    endpoints: Endpoints,
    *,
    load: Sequence[str] = (),
    exit_timeout: int = 5,
) -> Launch:
    """Build the command line and environment of a server that loads the models `load` at start.

    Side effect: links the stub inside the serving environment once.
    """
    if not _KEY.fullmatch(endpoints.key):
        raise ConfigError(f"{KEY_VARIABLE}: expected the key to Triton, 32 or more letters, digits")
    runtime = find_runtime(serve_python)
    link_stub(runtime)
    root = runtime.root
    address, _, port = endpoints.inner.rpartition(":")
    argv = [
        str(root / "bin" / "tritonserver"),
        f"--model-repository={repository.absolute()}",
        f"--backend-directory={root / 'backends'}",
        f"--cache-directory={root / 'caches'}",
        "--model-control-mode=explicit",
        *(f"--load-model={name}" for name in load),
        "--exit-on-error=false",
        # Strictly, one refused release would leave the server "not ready" until it restarts.
        "--strict-readiness=false",
        "--disable-auto-complete-config",
        "--pinned-memory-pool-byte-size=0",
        "--allow-gpu-metrics=false",
        f"--exit-timeout-secs={exit_timeout}",
        "--allow-http=false",
        f"--grpc-address={address}",
        f"--grpc-port={port}",
        f"--grpc-restricted-protocol={_PROTOCOLS}:{KEY_NAME}={endpoints.key}",
        # Kept request objects would hold the memory of the largest requests for ever.
        "--grpc-infer-allocation-pool-size=0",
        f"--metrics-address={endpoints.metrics_address}",
        f"--metrics-port={endpoints.metrics}",
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env.pop(KEY_VARIABLE, None)  # the steps' processes have no business with it
    # The stub finds its interpreter as `python3` on PATH and must load that interpreter's own
    # libpython.
    env["PATH"] = f"{runtime.python.parent}:{env.get('PATH', os.defpath)}"
    if not runtime.installed:
        libraries = [str(runtime.libdir), str(runtime.packages / "nvidia_pytriton.libs")]
        env["LD_LIBRARY_PATH"] = ":".join(libraries)
        env[server_version.VARIABLE] = server_version.WHEEL
    env["VIRTUAL_ENV"] = str(runtime.python.parent.parent)
    env.setdefault("OMP_NUM_THREADS", "1")
    env["TOKENIZERS_PARALLELISM"] = "false"
    return Launch(argv, {**_MALLOC, **env})


def hide_writer_key(file: Path) -> None:
    """Take the writing endpoint's key out of the environment, which every step would inherit.

    The step `endpoint` reads it from a file that only its owner can.
    """
    key = os.environ.pop(WRITER_KEY, "")
    file.unlink(missing_ok=True)
    if key:
        write_atomically(file, key, mode=0o600)
        os.environ[f"{WRITER_KEY}_FILE"] = str(file.absolute())


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare and become `tritonserver`."""
    parser = argparse.ArgumentParser(
        prog="python -m any2caption.serving.server", description=__doc__
    )
    parser.add_argument("--repository", type=Path, required=True, help="live model repository")
    parser.add_argument("--serve-python", default=sys.executable, help="serving interpreter")
    parser.add_argument(
        "--inner",
        default="127.0.0.1:8003",
        help="address of gRPC, for the door and the roll-out alone: host:port or unix:PATH:NUMBER",
    )
    parser.add_argument("--metrics-port", type=int, default=8002)
    parser.add_argument("--metrics-address", default="127.0.0.1")
    parser.add_argument("--exit-timeout", type=int, default=5, help="seconds to finish requests")
    chosen = parser.parse_args(arguments)
    from any2caption.serving.releases.live_repository import LiveRepository

    live = LiveRepository(chosen.repository)
    for path in live.restore():
        sys.stderr.write(f"{path}: not the release's; put back as it was signed\n")
    shared_memory.clean()
    if chosen.inner.startswith("unix:"):
        make_private(Path(chosen.inner.removeprefix("unix:")).parent)
    hide_writer_key(chosen.repository.parent / "writer.key")
    launch = command(
        chosen.serve_python,
        chosen.repository,
        Endpoints(
            chosen.inner,
            os.environ.get(KEY_VARIABLE, ""),
            chosen.metrics_port,
            chosen.metrics_address,
        ),
        load=live.current_models(),
        exit_timeout=chosen.exit_timeout,
    )
    sys.stdout.flush()
    os.execve(launch.argv[0], launch.argv, launch.env)  # noqa: S606 - the supervisor's process


if __name__ == "__main__":
    try:
        main()
    except A2CError as error:
        sys.exit(f"{type(error).__name__}: {error}")
