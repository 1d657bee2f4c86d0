"""Release 0: what is served before any model is released, written from facts alone."""

import shutil
from pathlib import Path

from any2caption.errors import ConflictError, IntegrityError, NotFoundError
from any2caption.serving import contract
from any2caption.serving.releases.live_repository import LiveRepository, Pointer
from any2caption.serving.releases.release_folder import Release, build, verify
from any2caption.storage.signing_keys import Keys


def install(live: LiveRepository, *, keys: Keys | None = None) -> str:
    """Let a server that is yet to start serve release 0, unless a model's release can serve.

    A release 0 that another version of the platform left, or somebody altered, is made anew.
    Returns what a person should know: "" where a release serves as before.

    Raises:
        ConfigError: there is no key to sign it with.
        ConflictError: a rollout or a repair is running.
        UnavailableError: the disk has no room for it.
    """
    with live.exclusive():
        pointer = live.current()
        model = pointer if pointer and pointer.release != contract.NO_MODEL else None
        if model and _complete(model):
            return ""
        try:
            release = verify(_built(live, keys).folder, keys=keys)
        except (ConflictError, IntegrityError, NotFoundError):
            shutil.rmtree(live.releases / str(contract.NO_MODEL), ignore_errors=True)
            release = _built(live, keys)
        live.set_current(release, model)
        if model:
            return (
                f"release {model.release} was built by another version of the platform: release "
                f"{release.number} serves, without a model, until `a2c lifecycle run` releases anew"
            )
        return f"release {release.number} serves: captions composed from facts, no model yet"


def _complete(pointer: Pointer) -> bool:
    """Whether a release has every step that this version of the platform runs."""
    steps = Path(pointer.folder) / "repository"
    return all((steps / step.name).is_dir() for step in contract.steps(pointer.release))


def _built(live: LiveRepository, keys: Keys | None) -> Release:
    return build(None, live.releases, contract.NO_MODEL, keys=keys)
