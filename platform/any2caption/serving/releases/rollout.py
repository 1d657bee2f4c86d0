"""Change the release under load: no failed request, and the former release back on any failure.

Steps go in under release-specific names and start beside the old ones; canary ensembles answer
smoke requests; then the public ensembles are reloaded with a configuration that points at the new
steps. Triton keeps the former ensemble until its running requests have ended, so every request
sees exactly one release. The new release is watched for a while, the old steps still loaded, so
that going back takes no longer than the switch did; last these are unloaded.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from any2caption.errors import A2CError, ConfigError, RolledBackError
from any2caption.evaluation.reports.judged import Judged
from any2caption.serving import contract
from any2caption.serving.control import TritonControl, connect
from any2caption.serving.releases import probation, smoke, texts, trial
from any2caption.serving.releases.live_repository import LiveRepository, Pointer
from any2caption.serving.releases.release_folder import (
    Release,
    build,
    build_digest,
    read_release,
    verify,
)
from any2caption.settings import Settings
from any2caption.storage import open_store
from any2caption.storage.signing_keys import Keys
from any2caption.storage.space import full_disk_named, require_room

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue

DRAIN_SECONDS = 120.0
REPAIR_SECONDS = 5.0  # a status or a repair holds the lock no longer than that, as a rule
LOADERS = 2
_ROOM = 1 << 20  # bytes for the steps' code and configuration
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


def rollout(  # noqa: PLR0913 - what is served, and how
    release: Release,
    control: TritonControl,
    live: LiveRepository,
    *,
    watch_seconds: float = 0.0,
    say: Say = _silent,
    keys: Keys | None = None,
) -> Outcome:
    """Serve a release and watch it; idempotent when it is served already.

    Raises:
        GateRefused: the release did not answer its smoke requests; the former one still serves.
        RolledBackError: it failed while it was watched; the former one serves again.
        IntegrityError: the release is not what our key signed.
        ConflictError: another rollout or a repair is running.
        UnavailableError: no server, or a full disk; the former release stays.
    """
    release = verify(release.folder, keys=keys)
    what = f"the roll-out of release {release.number}"
    with full_disk_named(live.root, what), live.exclusive(wait=REPAIR_SECONDS):
        pointer = live.current()
        if pointer and pointer.release == release.number and _serves(control, release.number):
            return Outcome(release.number, pointer.release, {})
        require_room(live.root, _ROOM, what)
        clock = _Clock()
        former = read_release(Path(pointer.folder)) if pointer else None
        same = former is not None and former.number == release.number
        try:
            _start_beside(release, control, live, say)
            clock.lap("start")
        except (A2CError, OSError) as error:
            say(f"failed: {error}; the former release was not touched")
            _clear(release, control, live, steps=not same)
            raise
        try:
            _switch(release, control, live)
            clock.lap("switch")
            say("the public ensembles point at the release; asking them")
            smoke.check(control.url, release.number, key=control.key)
            live.set_current(release, _former(pointer) if same else pointer)
            clock.lap("check")
            _watch(release, control, watch_seconds, say)
            clock.lap("watch")
        except (A2CError, OSError) as error:
            say(f"failed: {error}; back to the former release")
            _point_back(former, pointer, control, live)
            _clear(release, control, live, steps=not same)
            raise
        _retire(release, control, live)
        clock.lap("retire")
    return Outcome(release.number, former.number if former else None, clock.seconds)


def _watch(release: Release, control: TritonControl, seconds: float, say: Say) -> None:
    if not seconds:
        return
    say(f"watching it for {seconds:g} s")
    try:
        seen = probation.observe(control, release.number, seconds)
    except A2CError as error:
        raise RolledBackError(f"release {release.number} was rolled back: {error}") from error
    say(f"kept: {seen['rounds']} rounds of smoke requests, {seen['requests']} requests in all")


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
    return all(control.model_ready(name, str(number)) for name in contract.PUBLIC)


def _canaries(number: int) -> list[str]:
    return [contract.release_name(name, number) for name in contract.PUBLIC]


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
    for name in contract.PUBLIC:
        control.wait_only_version(name, str(release.number), DRAIN_SECONDS)


def _point_back(
    former: Release | None, pointer: Pointer | None, control: TritonControl, live: LiveRepository
) -> None:
    """Let the public ensembles mean the former release again, or nothing if there was none.

    The files come first: if the server is gone, its next start must not find the failed release.
    """
    live.restore_pointer(pointer)
    if former is None:
        names = list(contract.PUBLIC)
        _unload(names, control)
        live.remove(names)
        return
    for name in live.point_ensembles(former):
        control.load(name)


def _clear(failed: Release, control: TritonControl, live: LiveRepository, *, steps: bool) -> None:
    """Clear a failed release's canaries away, and its steps unless they are what serves."""
    gone = _canaries(failed.number)
    if steps:
        number = failed.number
        gone += [contract.release_name(step.name, number) for step in contract.steps(number)]
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
    describe: Callable[[int], Mapping[str, str]] | None = None,
    judged: Callable[[], Judged | None] = lambda: None,
) -> dict[str, Any]:
    """Build, sign, try and roll out a model version, with its rows in the catalogue.

    `describe` writes the documents of a release by its number (`release_folder.DOCUMENTS`);
    `judged` returns the captions that its trial has to write again.

    Returns ids and numbers only: release, former, model_version, digest, folder, seconds.

    Raises:
        What `build`, `verify`, `boot` and `rollout` raise; the catalogue then holds the reason.
    """
    from any2caption.datasets.catalogue import Catalogue

    keys = Keys.of(settings)
    catalogue = Catalogue(settings.catalogue_url)
    catalogue.migrate()
    live = live_repository(settings)
    tried: dict[str, float] = {}
    try:
        digest = build_digest(bundle_dir, source, keys=keys)
        row = catalogue.record_release(MODEL, model_version, digest=digest, lifecycle=lifecycle)
        number = row.number
        try:
            version = str(model_version)
            release = build(
                bundle_dir,
                live.releases,
                number,
                model_version=version,
                source=source,
                documents=describe(number) if describe else None,
                keys=keys,
            )
            pointer = live.current()
            if pointer is None or pointer.release != number:
                tried = _try_alone(settings, release, judged, say)
        except A2CError as error:
            catalogue.update_release(number, status="failed")
            _record_failure(settings, catalogue, number, error, lifecycle)
            raise
        catalogue.update_release(number, status="ready", uri=release.folder.as_uri())
        outcome = deploy(
            settings,
            catalogue,
            release,
            watch_seconds=settings.watch_seconds,
            lifecycle=lifecycle,
            say=say,
        )
    finally:
        catalogue.close()
    return {
        "release": number,
        "former": outcome.former,
        "model_version": model_version,
        "digest": digest,
        "folder": str(release.folder),
        "seconds": {**tried, **outcome.seconds},
    }


def _record_failure(
    settings: Settings, catalogue: "Catalogue", number: int, error: A2CError, lifecycle: str
) -> None:
    """Enter that a release did not get as far as a roll-out, and why.

    Without that row its champion would look like one whose release nobody began.
    """
    catalogue.record_deployment(
        number,
        target=settings.triton_url,
        status="failed",
        message=str(error),
        lifecycle=lifecycle,
    )


def _try_alone(
    settings: Settings, release: Release, judged: Callable[[], Judged | None], say: Say
) -> dict[str, float]:
    if not settings.trial_boot:
        say("not tried in a Triton of its own: A2C_TRIAL_BOOT is false")
        return {}
    if not settings.serve_python:
        raise ConfigError(
            "no serving environment here to try the release in: set A2C_SERVE_PYTHON, or "
            "A2C_TRIAL_BOOT=false"
        )
    say(f"booting release {release.number} in a Triton of its own")
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    wanted = texts.expected(judged(), store, say=say)

    def hold(control: TritonControl) -> None:
        if wanted is not None:
            wanted.hold(control, release.number, say=say)

    keys = Keys.of(settings)
    seconds = round(trial.boot(release, settings.serve_python, keys=keys, then=hold), 3)
    say(f"it came up alone and answered in {seconds:.1f} s")
    return {"trial": seconds}


def deploy(  # noqa: PLR0913 - what is served, and what is written down of it
    settings: Settings,
    catalogue: "Catalogue",
    release: Release,
    *,
    watch_seconds: float = 0.0,
    lifecycle: str = "",
    say: Say = _silent,
) -> Outcome:
    """Roll a verified release out to the settings' server, with its deployment row.

    Raises:
        What `rollout` raises; the row then says `failed` or `rolled back`, and why.
    """
    target, number = settings.triton_url, release.number
    former_row = catalogue.live_deployment(target)
    row = catalogue.record_deployment(
        number, target=target, status="rolling out", lifecycle=lifecycle
    )
    try:
        with connect(settings) as control:
            control.wait_ready(60.0)
            outcome = rollout(
                release,
                control,
                live_repository(settings),
                watch_seconds=watch_seconds,
                say=say,
                keys=Keys.of(settings),
            )
    except RolledBackError as error:
        catalogue.update_deployment(row.id, status="rolled back", message=str(error))
        catalogue.update_release(number, status="rolled back")
        raise
    except A2CError as error:
        catalogue.update_deployment(row.id, status="failed", message=str(error))
        raise
    if former_row is not None:
        catalogue.update_deployment(former_row.id, status="replaced")
    catalogue.update_deployment(row.id, status="live")
    catalogue.mark_released(MODEL, int(release.model_version))
    return outcome
