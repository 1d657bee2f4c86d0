"""How many releases and downloaded bundles stay on the disk.

Kept are the newest few, what is served, what a rollback would serve (here, and by the ledger), and
the bundles of all these. Everything else can be built again from the registry.
"""

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from any2caption.errors import ConflictError
from any2caption.serving.releases import release_folder
from any2caption.serving.releases.live_repository import LiveRepository
from any2caption.serving.releases.release_folder import read_release
from any2caption.serving.releases.rollout import MODEL, REPAIR_SECONDS, live_repository
from any2caption.settings import Settings
from any2caption.storage.scratch import scratch

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue

_CHAMPIONS = 2  # the present one and the one that a rollback returns to


def superfluous(
    versions: Mapping[int, int], *, keep: int, served: Collection[int], champions: Collection[int]
) -> list[int]:
    """Return which of the releases (`number: model version`) can go.

    The newest `keep` stay, those that are `served` (now or before), and the newest release of each
    version in `champions`.
    """
    newest = sorted(versions)[-keep:]
    of_champions = [
        max(number for number, version in versions.items() if version == champion)
        for champion in champions
        if champion in versions.values()
    ]
    return sorted(set(versions) - {*newest, *served, *of_champions})


def retire(settings: Settings) -> dict[str, list[int]]:
    """Remove superfluous releases and bundles: `{"releases": numbers, "bundles": versions}`.

    A release's row says `retired` before its folder goes. While a rollout runs nothing is removed.

    Raises:
        UnavailableError: the catalogue does not answer; nothing was removed.
    """
    from any2caption.datasets.catalogue import Catalogue

    live = live_repository(settings)
    catalogue = Catalogue(settings.catalogue_url)
    try:
        with live.exclusive(wait=REPAIR_SECONDS):
            champions = catalogue.champions(MODEL)[-_CHAMPIONS:]
            gone = _retire_releases(live, catalogue, settings.keep_releases, champions)
            kept = {*_versions(live).values(), *champions}
            return {
                "releases": gone,
                "bundles": _remove_bundles(settings.home / "bundles", kept, settings.keep_releases),
            }
    except ConflictError:
        return {"releases": [], "bundles": []}
    finally:
        catalogue.close()


def _retire_releases(
    live: LiveRepository, catalogue: "Catalogue", keep: int, champions: Collection[int]
) -> list[int]:
    known = {row.number for row in catalogue.releases(MODEL)}
    versions = {number: version for number, version in _versions(live).items() if number in known}
    gone = superfluous(versions, keep=keep, served=_served(live), champions=champions)
    for number in gone:
        catalogue.update_release(number, status="retired")
        # Out of sight by one rename: what is half removed is not a release any more.
        with scratch(live.releases, f"{number}-retired") as folder:
            (live.releases / str(number)).rename(folder / "release")
    return gone


def _versions(live: LiveRepository) -> dict[int, int]:
    """The releases on the disk and their model versions."""
    found = {}
    for number in release_folder.numbers(live.releases):
        version = read_release(live.releases / str(number)).model_version
        if version.isdigit():
            found[number] = int(version)
    return found


def _served(live: LiveRepository) -> set[int]:
    pointer = live.current()
    if pointer is None:
        return set()
    folders = [pointer.folder, *([pointer.former_folder] if pointer.former_folder else [])]
    return {int(Path(folder).name) for folder in folders}


def _remove_bundles(folder: Path, kept: Collection[int], keep: int) -> list[int]:
    names = [path.name for path in folder.glob("v*") if path.is_dir()]
    versions = sorted(int(name[1:]) for name in names if name[1:].isdigit())
    gone = [version for version in versions[:-keep] if version not in kept]
    for version in gone:
        shutil.rmtree(folder / f"v{version}", ignore_errors=True)
    return gone
