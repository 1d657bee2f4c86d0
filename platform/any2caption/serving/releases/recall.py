"""Serve a version again that was served before: from the release that is still on this disk."""

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from any2caption.errors import A2CError
from any2caption.serving.releases.release_folder import Release, verify
from any2caption.serving.releases.rollout import MODEL, deploy, live_repository
from any2caption.settings import Settings
from any2caption.storage.signing_keys import Keys

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue


def find_release(settings: Settings, catalogue: "Catalogue", version: int) -> Release | None:
    """Return the newest release of a version that this machine still has, as it was signed.

    What a signed release says of itself must be what the catalogue says of it.
    """
    out, keys = live_repository(settings).releases, Keys.of(settings)
    for row in catalogue.releases(MODEL, version):
        if row.status != "ready":
            continue
        try:
            release = verify(out / str(row.number), keys=keys)
        except A2CError:
            continue  # gone or damaged: an older build of the version may still be whole
        if (release.number, release.model_version) == (row.number, str(version)):
            return release
    return None


def serve_again(
    settings: Settings,
    catalogue: "Catalogue",
    release: Release,
    *,
    lifecycle: str = "",
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Roll out a release that is on this disk: `{"release", "former", "seconds"}`.

    It was tried and watched when it was new, so this takes only as long as its models load.

    Raises:
        What `rollout` raises; the release that served before still serves then.
    """
    outcome = deploy(settings, catalogue, release, lifecycle=lifecycle, say=say)
    return {"release": outcome.release, "former": outcome.former, "seconds": outcome.seconds}


def taken_back(settings: Settings) -> str:
    """Return why the last roll-out to the settings' server was taken back; "" if it was not."""
    from any2caption.datasets.catalogue import Catalogue

    with closing(Catalogue(settings.catalogue_url)) as catalogue:
        try:
            last = catalogue.latest_deployment(settings.triton_url)
        except A2CError:
            return ""  # no catalogue yet, or away: that is another line's news
    return last.message if last and last.status == "rolled back" else ""
