"""Bring dead Python stubs back: Triton never restarts one, and still calls its model ready.

Every step is probed with an empty request, which it refuses or answers at once. Only an answer that
says "not healthy" counts as dead; a slow answer may be load and is reported, not acted on.
The reload runs the code of the signed release, put there anew; that its files are newer makes it
start a new process. What serves elsewhere is not disturbed.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from any2caption.errors import A2CError, InputError, UnavailableError
from any2caption.serving import contract, shm
from any2caption.serving.control import TritonControl, array_input, bytes_input
from any2caption.serving.errors import is_dead_stub
from any2caption.serving.live import LiveRepository, Pointer
from any2caption.storage.signing_keys import Keys

_DTYPES: dict[str, Any] = {"INT64": np.int64, "FP32": np.float32, "BOOL": np.bool_}


@dataclass(frozen=True, slots=True)
class Probe:
    """How a step answered: `alive`, `dead` or `slow`; `revived` when it was brought back."""

    model: str
    state: str
    message: str = ""
    revived: bool = False


def probe_inputs(step: contract.Step) -> list[Any]:
    """Return an empty request: zero-length tensors, and an empty string for strings."""
    inputs = []
    for tensor in step.inputs:
        if tensor.optional and tensor.name != "TEXT":
            continue
        if tensor.dtype == "STRING":
            text = bytes_input(tensor.name, [b""])
            if len(tensor.dims) > 1:
                text = array_input(tensor.name, np.array([[b""]], dtype=np.object_))
            inputs.append(text)
            continue
        shape = tuple(0 if dim == -1 else dim for dim in tensor.dims)
        if step.max_batch:
            shape = (1, *shape)
        inputs.append(array_input(tensor.name, np.zeros(shape, dtype=_DTYPES[tensor.dtype])))
    return inputs


def probe(control: TritonControl, step: contract.Step, release: int, *, timeout: float) -> Probe:
    """Ask one step of a release whether it lives."""
    name = contract.release_name(step.name, release)
    try:
        control.infer(name, probe_inputs(step), timeout=timeout)
    except InputError:
        return Probe(name, "alive")
    except UnavailableError as error:
        if is_dead_stub(error) or "is not served" in str(error):
            return Probe(name, "dead", str(error))
        return Probe(name, "slow", str(error))
    except A2CError as error:
        return Probe(name, "dead" if is_dead_stub(error) else "alive", str(error))
    return Probe(name, "alive")


def watch(
    control: TritonControl,
    live: LiveRepository,
    *,
    timeout: float = 20.0,
    keys: Keys | None = None,
) -> list[Probe]:
    """Probe every step of the current release and reload the dead ones; [] before any release.

    A step whose release is not what our key signed stays dead, with that as its message.

    Raises:
        UnavailableError: the server itself does not answer.
    """
    pointer = live.current()
    if pointer is None:
        return []
    if not control.ready():
        control.wait_ready(timeout)
    probes = []
    for step in contract.STEPS:
        found = probe(control, step, pointer.release, timeout=timeout)
        if found.state == "dead":
            found = _revive(control, live, step, pointer, found, timeout, keys)
        probes.append(found)
    return probes


def _revive(  # noqa: PLR0913, PLR0917 - what a probe has, and what it found
    control: TritonControl,
    live: LiveRepository,
    step: contract.Step,
    pointer: Pointer,
    dead: Probe,
    timeout: float,
    keys: Keys | None,
) -> Probe:
    try:
        release = live.verified(pointer, keys=keys, weights=False)
        altered = live.altered(release, step)
        if altered:
            dead = replace(dead, message=f"{dead.message}; put back: {altered[0]} was altered")
        live.install_step(release, step)
        (live.root / dead.model / "1" / "model.py").touch()
        control.load(dead.model)
    except A2CError as error:
        return Probe(dead.model, "dead", f"{dead.message}; reload failed: {error}")
    limit = time.monotonic() + timeout
    while True:
        again = probe(control, step, release.number, timeout=timeout)
        if again.state == "alive" or time.monotonic() > limit:
            shm.clean()  # a killed stub's shared memory outlives it
            return Probe(dead.model, again.state, dead.message, again.state == "alive")
        time.sleep(0.2)
