"""A release: one immutable, signed folder that holds all that is served.

    <out>/7/
      bundle/            the model bundle (safetensors + JSON, with its own manifest and signature);
                         release 0 has none
      repository/        steps and ensembles with this release's names in their configuration
      release.json       what it is
      README.md          its model card, as page and facts too: model_card.html, model_card.json
      model.sig          SHA-256 of every file above, signed; written last

The folder appears by one rename: a crash leaves at most a temporary folder, never half a release,
and the next build or the next start of the server removes it.
"""

import json
import shutil
import stat
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from any2caption.errors import ConfigError, ConflictError, IntegrityError, NotFoundError
from any2caption.serving import contract
from any2caption.storage import digest_of, signatures
from any2caption.storage.atomic import sync_tree
from any2caption.storage.digest import SIGNATURE, file_digest, json_digest
from any2caption.storage.scratch import scratch
from any2caption.storage.signing_keys import Keys
from any2caption.storage.space import full_disk_named, is_full, require_room

RELEASE = "release.json"
DOCUMENTS = frozenset({"README.md", "model_card.html", "model_card.json"})
"""Signed with the rest, but no part of what a release is: facts come after it was built."""
_ROOM = 1 << 20  # bytes for configuration, code and signature


@dataclass(frozen=True, slots=True)
class Release:
    """A release: `number` is its name, `model_version` the version in the model registry."""

    number: int
    folder: Path
    model_version: str
    digest: str
    created: float

    @property
    def bundle(self) -> Path:
        """The model bundle inside the release; release 0 has none."""
        return self.folder / "bundle"

    @property
    def repository(self) -> Path:
        """The compiled model repository inside the release."""
        return self.folder / "repository"


def _content_digest(digests: dict[str, str]) -> str:
    """Identify content: who signed the bundle, and when, is not part of it, nor its card."""
    content = {
        name: digest
        for name, digest in digests.items()
        if not name.endswith(SIGNATURE) and name not in DOCUMENTS
    }
    return json_digest(content)


def build_digest(
    bundle_dir: Path, source: Path = contract.REPOSITORY, *, keys: Keys | None = None
) -> str:
    """Return the digest of what a release would hold, whatever its number.

    The bundle is taken at its signature's word: `build` reads it.

    Raises:
        NotFoundError: no bundle there.
        IntegrityError: it is not signed by our key.
    """
    if not Path(bundle_dir).is_dir():
        raise NotFoundError(f"{bundle_dir}: no such model bundle")
    signed = signatures.signed_digests(Path(bundle_dir), keys=keys)
    files = {f"bundle/{name}": digest for name, digest in signed.items()}
    for code in sorted(source.rglob("*.py")):
        files[f"repository/{code.relative_to(source).as_posix()}"] = file_digest(code)
    for name, config in contract.compile_repository().items():
        files[f"repository/{name}"] = digest_of(config.encode())
    return _content_digest(files)


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _copy_repository(source: Path, target: Path, number: int) -> None:
    for name, config in contract.compile_repository(number).items():
        folder = target / Path(name).parent
        code = source / Path(name).parent
        if not code.is_dir():
            raise ConfigError(f"{code}: this step of the model repository is missing")
        shutil.copytree(code, folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        (folder / "config.pbtxt").write_text(config)


def _size_of_bundle(folder: Path) -> int:
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: no such model bundle")
    return size_of(folder)


def _copy_bundle(source: Path, target: Path, keys: Keys | None) -> dict[str, str]:
    """Copy a bundle and check the copy, since that is signed then; return its files' digests."""
    shutil.copytree(source, target)
    found = signatures.verify(target, keys=keys)
    return {f"bundle/{name}": digest for name, digest in found.items()}


def build(  # noqa: PLR0913 - a release's parts
    bundle_dir: Path | None,
    out: Path,
    number: int,
    *,
    model_version: str = "",
    source: Path = contract.REPOSITORY,
    documents: Mapping[str, str] | None = None,
    keys: Keys | None = None,
) -> Release:
    """Build and sign release `number` from a signed bundle and the model repository as code.

    `documents` are texts by file name, of `DOCUMENTS`, that are signed with it.
    The same content under the same number is returned as it is. Release 0 alone has no bundle.

    Raises:
        NotFoundError: no bundle there.
        IntegrityError: the bundle is not what our key signed.
        ConfigError: the model repository lacks a step.
        ConflictError: this number holds other content.
        UnavailableError: the disk has no room for it; nothing of it stays.
    """
    if (bundle_dir is None) != (number == contract.NO_MODEL):
        raise ConfigError(f"release {number}: release {contract.NO_MODEL} alone has no bundle")
    out = Path(out).absolute()
    what, target = f"release {number}", out / str(number)
    size = 0 if bundle_dir is None else _size_of_bundle(Path(bundle_dir))
    with full_disk_named(out, what), scratch(out, str(number)) as temporary:
        require_room(out, size + _ROOM, what)
        fresh = temporary / "release"
        _copy_repository(source, fresh / "repository", number)
        for name, text in (documents or {}).items():
            if name not in DOCUMENTS:
                raise ConfigError(f"{what}: {name!r} is no document of a release")
            (fresh / name).write_text(text, encoding="utf-8")
        known = {} if bundle_dir is None else _copy_bundle(Path(bundle_dir), fresh / "bundle", keys)
        digests = signatures.file_digests(fresh, unread=known)
        digest = _content_digest(digests)
        if target.exists():
            existing = read_release(target)
            if existing.digest != digest:
                raise ConflictError(f"{target}: this release number holds other content")
            return existing
        release = Release(number, target, model_version, digest, time.time())
        document = {**asdict(release), "folder": None}
        (fresh / RELEASE).write_text(json.dumps(document, indent=1))
        signatures.sign(fresh, {**digests, RELEASE: file_digest(fresh / RELEASE)}, keys=keys)
        sync_tree(fresh)
        _put(fresh, target)
    return release


def _put(fresh: Path, target: Path) -> None:
    """Give a whole release its place and name; its files are written no more."""
    try:
        fresh.rename(target)
    except OSError as error:
        if is_full(error):
            raise
        raise ConflictError(f"{target}: somebody built this release meanwhile") from error
    for path in target.rglob("*"):
        if path.is_file():
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def read_release(folder: Path) -> Release:
    """Read what a release says of itself, without checking its files.

    Raises:
        NotFoundError: no release there.
        IntegrityError: its description is unreadable.
    """
    folder = Path(folder).absolute()
    try:
        document = json.loads((folder / RELEASE).read_text())
    except FileNotFoundError as error:
        raise NotFoundError(f"{folder}: no release here") from error
    except ValueError as error:
        raise IntegrityError(f"{folder / RELEASE}: unreadable") from error
    try:
        return Release(**{**document, "folder": folder})
    except TypeError as error:
        raise IntegrityError(f"{folder / RELEASE}: not a release") from error


def verify(folder: Path, *, keys: Keys | None = None, weights: bool = True) -> Release:
    """Check a release against its signature, every file of it.

    Without `weights` those are not read: a step that loads them holds them to the bundle's
    manifest, and that is checked here.

    Raises:
        IntegrityError: not signed by our key, or a file is missing, added or changed; the message
            names the first.
        NotFoundError: no release there.
    """
    release = read_release(folder)
    signatures.verify(
        release.folder, keys=keys, trusting=lambda name: not weights and _is_weights(name)
    )
    return release


def _is_weights(name: str) -> bool:
    return name.startswith("bundle/") and name.endswith(".safetensors")


def numbers(out: Path) -> list[int]:
    """Return the release numbers that exist under `out`, ascending."""
    folders = out.iterdir() if out.exists() else ()
    return sorted(
        int(folder.name)
        for folder in folders
        if folder.name.isdigit() and (folder / RELEASE).exists()
    )
