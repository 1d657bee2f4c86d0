"""Change the release under load: no failed request, and the former release back on any failure.

Steps go in under release-specific names and start beside the old ones; canary ensembles answer
smoke requests; then the public ensembles are reloaded with a configuration that points at the new
steps. Triton keeps the former ensemble until its running requests have ended, so every request
sees exactly one release. Last the old steps are unloaded.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from any2caption.errors import A2CError, ConflictError, NotFoundError
from any2caption.serving import contract, smoke
from any2caption.serving.control import TritonControl
from any2caption.serving.live import LiveRepository, Pointer
from any2caption.serving.releases import Release, build, build_digest, read_release, verify
from any2caption.settings import Settings

DRAIN_SECONDS = 120.0
LOADERS = 2
MODEL = "any2caption"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rollout did: seconds by stage, and the release that served before."""

    release: int
    former: int | None
    seconds: dict[str, float]


def _silent(_: str) -> None:
    """Say nothing."""


@contextmanager
def _exclusive(live: LiveRepository) -> Iterator[None]:
    live.root.mkdir(parents=True, exist_ok=True)
    with (live.root.parent / "rollout.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(f"{live.root}: another rollout is running") from error
        yield


def rollout(
    release: Release, control: TritonControl, live: LiveRepository, *, say: Say = _silent
) -> Outcome:
    """Serve a release; idempotent when it is served already.

    Raises:
        GateRefused: the release did not answer its smoke requests; the former one still serves.
        IntegrityError: the release's files were changed.
        ConflictError: another rollout is running.
        UnavailableError: no server.
    """
    release = verify(release.folder)
    with _exclusive(live):
        pointer = live.current()
        if pointer and pointer.release == release.number and _serves(control, release.number):
            return Outcome(release.number, pointer.release, {})
        clock = _Clock()
        former = read_release(Path(pointer.folder)) if pointer else None
        try:
            _start_beside(release, control, live, say)
            clock.lap("start")
            _switch(release, control, live)
            clock.lap("switch")
            say("the public ensembles point at the release; asking them")
            smoke.check(control.url, release.number, key=control.key)
            clock.lap("check")
        except (A2CError, OSError) as error:
            say(f"failed: {error}; back to the former release")
            _restore(release, former, control, live)
            raise
        same = pointer is not None and pointer.release == release.number
        live.set_current(release, _former(pointer) if same else pointer)
        _retire(release, control, live)
        clock.lap("retire")
    return Outcome(release.number, former.number if former else None, clock.seconds)


def roll_back(control: TritonControl, live: LiveRepository, *, say: Say = _silent) -> Outcome:
    """Serve the former release again.

    Raises:
        NotFoundError: there is no former release.
    """
    former = _former(live.current())
    if former is None:
        raise NotFoundError(f"{live.pointer_file}: there is no former release")
    return rollout(read_release(Path(former.folder)), control, live, say=say)


def _former(pointer: Pointer | None) -> Pointer | None:
    if pointer is None or pointer.former_folder is None:
        return None
    return Pointer(read_release(Path(pointer.former_folder)).number, pointer.former_folder)


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name], self._last = round(now - self._last, 3), now


def _serves(control: TritonControl, number: int) -> bool:
    return all(control.model_ready(e.name, str(number)) for e in contract.ENSEMBLES)


def _canaries(number: int) -> list[str]:
    return [contract.release_name(ensemble.name, number) for ensemble in contract.ENSEMBLES]


def _start_beside(release: Release, control: TritonControl, live: LiveRepository, say: Say) -> None:
    """Load the release's steps and canaries beside what serves, and ask the canaries."""
    steps = live.install_steps(release)
    say(f"loading {', '.join(steps)}")
    # Importing torch is what takes time, and each stub does it for itself: two at once.
    with ThreadPoolExecutor(LOADERS) as pool:
        for loaded in [pool.submit(control.load, name) for name in steps]:
            loaded.result()
    for name in live.install_canaries(release):
        control.load(name)
    say("asking the canary")
    canary = partial(contract.release_name, release=release.number)
    smoke.check(control.url, release.number, canary, key=control.key)


def _switch(release: Release, control: TritonControl, live: LiveRepository) -> None:
    for name in live.point_ensembles(release):
        control.load(name)
    for ensemble in contract.ENSEMBLES:
        control.wait_only_version(ensemble.name, str(release.number), DRAIN_SECONDS)


def _restore(
    failed: Release, former: Release | None, control: TritonControl, live: LiveRepository
) -> None:
    """Point back at the former release (if any) and clear the failed one away."""
    if former is not None and former.number != failed.number:
        for name in live.point_ensembles(former):
            control.load(name)
    elif former is None:
        names = [ensemble.name for ensemble in contract.ENSEMBLES]
        _unload(names, control)
        live.remove(names)
    steps = [contract.release_name(step.name, failed.number) for step in contract.STEPS]
    gone = _canaries(failed.number)
    if former is None or former.number != failed.number:
        gone += steps
    with suppress(A2CError):
        _unload(gone, control)
    live.remove(gone)


def _retire(release: Release, control: TritonControl, live: LiveRepository) -> None:
    """Unload the canaries and everything of other releases, once their requests have ended."""
    gone = [*_canaries(release.number), *live.installed(but=release.number)]
    _unload(gone, control)
    live.remove(gone)


def _unload(names: list[str], control: TritonControl) -> None:
    loaded = {model.name for model in control.index() if model.state}
    present = [name for name in names if name in loaded]
    for name in present:
        control.unload(name)
    control.wait_gone(set(present), DRAIN_SECONDS)


def control_of(settings: Settings) -> TritonControl:
    """Return a connection to Triton itself, behind the door."""
    return TritonControl(settings.triton_inner_url, settings.triton_key.get_secret_value())


def live_repository(settings: Settings) -> LiveRepository:
    """Return the local stack's live repository."""
    return LiveRepository(settings.home / "triton" / "models")


def run_release(  # noqa: PLR0913 - the stage's givens
    settings: Settings,
    bundle_dir: Path,
    model_version: int,
    *,
    lifecycle: str = "",
    say: Say = _silent,
    source: Path = contract.REPOSITORY,
) -> dict[str, Any]:
    """Build, verify and roll out a model version, with its rows in the catalogue.

    Returns ids and numbers only: release, former, model_version, digest, folder, seconds.

    Raises:
        What `build`, `verify` and `rollout` raise; the catalogue then holds the reason.
    """
    from any2caption.datasets.catalogue import Catalogue

    catalogue = Catalogue(settings.catalogue_url)
    catalogue.migrate()
    target = settings.triton_url
    out = settings.home / "triton" / "releases"
    try:
        digest = build_digest(bundle_dir, source)
        row = catalogue.record_release(MODEL, model_version, digest=digest, lifecycle=lifecycle)
        number = row.number
        try:
            version = str(model_version)
            release = build(bundle_dir, out, number, model_version=version, source=source)
            verify(release.folder)
        except A2CError:
            catalogue.update_release(number, status="failed")
            raise
        catalogue.update_release(number, status="ready", uri=release.folder.as_uri())
        former_row = catalogue.live_deployment(target)
        deployment = catalogue.record_deployment(
            number, target=target, status="rolling out", lifecycle=lifecycle
        )
        try:
            with control_of(settings) as control:
                control.wait_ready(60.0)
                outcome = rollout(release, control, live_repository(settings), say=say)
        except A2CError as error:
            catalogue.update_deployment(deployment.id, status="failed", message=str(error))
            raise
        if former_row is not None:
            catalogue.update_deployment(former_row.id, status="replaced")
        catalogue.update_deployment(deployment.id, status="live")
    finally:
        catalogue.close()
    return {
        "release": number,
        "former": outcome.former,
        "model_version": model_version,
        "digest": digest,
        "folder": str(release.folder),
        "seconds": outcome.seconds,
    }
