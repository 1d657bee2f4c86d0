"""Bring what is served back: dead Python stubs, and models that somebody unloaded.

Triton never restarts a stub, and still calls its model ready. Every step is therefore probed with
an empty request, which it refuses or answers at once. Only an answer that says "not healthy" or
"not served" counts as dead; a slow answer may be load and is reported, not acted on. The reload
runs the code of the signed release, put there anew; that its files are newer makes it start a new
process. What serves elsewhere is not disturbed.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from any2caption.errors import A2CError, ConflictError, InputError, UnavailableError
from any2caption.serving import contract, shared_memory
from any2caption.serving.control import TritonControl, array_input, bytes_input
from any2caption.serving.errors import is_dead_stub
from any2caption.serving.releases.live_repository import LiveRepository
from any2caption.serving.releases.release_folder import Release
from any2caption.storage.signing_keys import Keys

_DTYPES: dict[str, Any] = {"INT64": np.int64, "FP32": np.float32, "BOOL": np.bool_}


@dataclass(frozen=True, slots=True)
class Probe:
    """How a model answered: `alive`, `dead` or `slow`; `revived` when it was brought back."""

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


def inspect(control: TritonControl, live: LiveRepository, *, timeout: float) -> list[Probe]:
    """Ask every step of the current release, then its public ensembles; [] before any release.

    Nothing is changed. While a rollout holds the lock, an ensemble of either release will do.

    A step whose release is not what our key signed stays dead, with that as its message.

    Raises:
        UnavailableError: the server itself does not answer.
    """
    pointer = live.current()
    if pointer is None:
        return []
    if not control.ready():
        raise UnavailableError(f"{control.url}: Triton is not ready")
    steps = contract.steps(pointer.release)
    with ThreadPoolExecutor(len(steps)) as pool:
        asked = [
            pool.submit(probe, control, step, pointer.release, timeout=timeout) for step in steps
        ]
        found = [one.result() for one in asked]
    version = "" if _changing(live) else str(pointer.release)
    return [*found, *_ensembles(control, version)]


def repair(
    control: TritonControl,
    live: LiveRepository,
    found: Sequence[Probe],
    *,
    timeout: float,
    keys: Keys | None = None,
) -> list[Probe]:
    """Bring the dead among `found` back: steps first, then the ensembles that stand on them.

    A rollout goes first: while one runs, or when one has changed the release, nothing is done.
    What belongs to a release that our key did not sign stays dead, with that as its message.
    """
    if all(one.state != "dead" for one in found):
        return list(found)
    try:
        with live.exclusive():
            pointer = live.current()
            if pointer is None or not _about(found, pointer.release):
                return list(found)
            try:
                release = live.verified(pointer, keys=keys, weights=False)
            except A2CError as error:
                return [_unsigned(one, error) if one.state == "dead" else one for one in found]
            after = []
            for step, one in zip(contract.steps(release.number), found, strict=False):
                dead = one.state == "dead"
                after.append(_revive(control, live, step, release, one, timeout) if dead else one)
            return [*after, *_reload_ensembles(control, live, release)]
    except ConflictError:
        return list(found)


def watch(
    control: TritonControl,
    live: LiveRepository,
    *,
    timeout: float = 20.0,
    keys: Keys | None = None,
) -> list[Probe]:
    """Ask everything of the current release and bring back what is dead; [] before any release.

    Raises:
        UnavailableError: the server itself does not answer.
    """
    if live.current() is not None and not control.ready():
        control.wait_ready(timeout)
    found = inspect(control, live, timeout=timeout)
    return repair(control, live, found, timeout=timeout, keys=keys)


def _unsigned(dead: Probe, error: A2CError) -> Probe:
    return replace(dead, message=f"{dead.message}; not reloaded: {error}")


def _about(found: Sequence[Probe], release: int) -> bool:
    steps = {contract.release_name(step.name, release) for step in contract.steps(release)}
    return steps <= {one.model for one in found}


def _changing(live: LiveRepository) -> bool:
    try:
        with live.exclusive():
            return False
    except ConflictError:
        return True


def _ensembles(control: TritonControl, version: str) -> list[Probe]:
    return [
        Probe(name, "alive")
        if control.model_ready(name, version)
        else Probe(name, "dead", f"{name} is not served")
        for name in contract.PUBLIC
    ]


def _reload_ensembles(
    control: TritonControl, live: LiveRepository, release: Release
) -> list[Probe]:
    """Load the ensembles that are still not ready: one without its steps returns with them."""
    found = _ensembles(control, str(release.number))
    if all(one.state == "alive" for one in found):
        return found
    live.point_ensembles(release)  # a rollout that was killed may have left the next one's files
    return [
        one if one.state == "alive" else _reloaded(control, one, str(release.number))
        for one in found
    ]


def _reloaded(control: TritonControl, dead: Probe, version: str) -> Probe:
    try:
        control.load(dead.model)
    except A2CError as error:
        return replace(dead, message=f"{dead.message}; reload failed: {error}")
    if control.model_ready(dead.model, version):
        return replace(dead, state="alive", revived=True)
    return replace(dead, message=f"{dead.message}; loaded, and still not ready")


def _revive(  # noqa: PLR0913, PLR0917 - what a probe has, and what it found
    control: TritonControl,
    live: LiveRepository,
    step: contract.Step,
    release: Release,
    dead: Probe,
    timeout: float,
) -> Probe:
    try:
        altered = live.altered(release, step)
        if altered:
            dead = replace(dead, message=f"{dead.message}; put back: {altered[0]} was altered")
        live.install_step(release, step)
        (live.root / dead.model / "1" / "model.py").touch()
        control.load(dead.model)
    except (A2CError, OSError) as error:
        return Probe(dead.model, "dead", f"{dead.message}; reload failed: {error}")
    limit = time.monotonic() + timeout
    while True:
        again = probe(control, step, release.number, timeout=timeout)
        if again.state == "alive" or time.monotonic() > limit:
            shared_memory.clean()  # a killed stub's shared memory outlives it
            return Probe(dead.model, again.state, dead.message, again.state == "alive")
        time.sleep(0.2)
