"""The stack that is attacked: a running one, or one of its own with an untrained tiny model."""

import dataclasses
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from any2caption import processes
from any2caption.serving.control import connect
from any2caption.settings import Settings
from any2caption.stack import environment, local
from any2caption.stack.secrets import load

_PORTS = ("AIRFLOW", "MLFLOW", "TRITON_GRPC", "TRITON_METRICS", "S3")
_SENTENCES = ("One person in a red shirt walks in a grassy meadow.", "The camera pans left.")


@contextmanager
def existing(home: Path) -> Iterator[Settings]:
    """Use the stack that runs under `home`."""
    yield environment.load_settings(home)


@contextmanager
def own(folder: Path) -> Iterator[Settings]:
    """Start a stack on free ports under `folder`, serve an untrained model, stop it at the end."""
    os.environ["A2C_HOME"] = str(folder / "home")
    os.environ["A2C_SIGNING_KEY"] = str(folder / "signing" / "key.pem")
    os.environ["A2C_VERIFY_KEY"] = str(folder / "signing" / "key.pub")
    for name, port in zip(_PORTS, _free(len(_PORTS) + 3), strict=False):
        os.environ[f"A2C_PORT_{name}"] = str(port)
    settings = environment.load_settings(folder / "home")
    try:
        local.up(settings, with_swift=local.choose_store(settings, "file"), say=print)
        settings = environment.load_settings(folder / "home")  # with the keys of what was started
        _release(settings, folder)
        yield settings
    finally:
        local.down(settings, say=print)


def _free(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _release(settings: Settings, folder: Path) -> None:
    """Make a bundle of untrained weights and roll it out."""
    import torch

    from any2caption.model.any2caption import Any2Caption
    from any2caption.model.bundle import save_bundle
    from any2caption.model.presets import TINY
    from any2caption.model.processing.processor import Processor, prompt_phrases
    from any2caption.model.processing.tokenization import train_tokenizer
    from any2caption.serving.releases.rollout import run_release

    torch.manual_seed(0)
    short = dataclasses.replace(TINY.processor, max_part_tokens=10, max_new_tokens=240)
    config = dataclasses.replace(TINY, processor=short)
    tokenizer = train_tokenizer([*prompt_phrases(config), *_SENTENCES], 600)
    config = config.with_vocab(tokenizer.get_vocab_size())
    processor = Processor(config, tokenizer)
    bundle = save_bundle(folder / "bundle", Any2Caption(config), processor, {"untrained": 1})
    run_release(settings, bundle, 1, say=print)


def server_pids(settings: Settings) -> dict[str, int]:
    """Process ids of Triton, its steps and the door: another one later means a crash."""
    found = {}
    for process in processes.marked(local.MARK, load(settings.home).stack_id):
        words = process.cmdline()
        first = Path(words[0]).name if words else ""
        if first == "tritonserver":
            found["tritonserver"] = process.pid
        elif "triton_python_backend_stub" in first:
            found[f"step {Path(words[1]).parents[1].name}"] = process.pid
        elif "any2caption.serving.door" in words:
            found["door"] = process.pid
    return found


def harms(settings: Settings) -> dict[str, Callable[[], None]]:
    """What is done to each part: kill -9, stopping for good, unloading."""
    made: dict[str, Callable[[], None]] = {}
    for name in server_pids(settings):
        made[f"kill {name}"] = lambda name=name: _signal(settings, name, signal.SIGKILL)
    made["stop tritonserver"] = lambda: _signal(settings, "tritonserver", signal.SIGSTOP)
    made["unload any2caption"] = lambda: _unload(settings, "any2caption")
    for row in local.status(settings):
        if row.pid and row.name.startswith(("mlflow", "airflow-scheduler", "airflow-api")):
            pid = row.pid
            made[f"kill {row.name}"] = lambda pid=pid: psutil.Process(pid).kill()
    return made


def _signal(settings: Settings, name: str, number: signal.Signals) -> None:
    os.kill(server_pids(settings)[name], number)


def _unload(settings: Settings, name: str) -> None:
    with connect(settings) as control:
        control.unload(name)
