"""Signatures of folders: a bundle or a release is what its maker wrote, to the byte.

`model.sig` inside the folder lists the SHA-256 of every other file, signed with a P-256 key, in the
format of OpenSSF Model Signing; its own tool reads it too:

    model_signing verify key FOLDER --signature FOLDER/model.sig --public_key FILE

A manifest of digests alone can be rewritten together with the files; a signature cannot.
"""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from any2caption.errors import IntegrityError, NotFoundError
from any2caption.storage.atomic import fresh_file
from any2caption.storage.digest import SIGNATURE, file_digest
from any2caption.storage.signing_keys import Keys

if TYPE_CHECKING:
    from model_signing.manifest import Manifest

_SERIALIZATION = {
    "method": "files",
    "hash_type": "sha256",
    "allow_symlinks": False,
    "ignore_paths": [SIGNATURE],
}


def file_digests(folder: Path, *, unread: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return {relative path: SHA-256} of every file but the folder's own signature.

    Files of `unread` that exist are taken at their word.

    Raises:
        IntegrityError: a symbolic link, whose target no signature could cover.
    """
    digests = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise IntegrityError(f"{path}: a symbolic link; bundles and releases hold files")
        if path.is_file() and name != SIGNATURE:
            digests[name] = unread[name] if unread and name in unread else file_digest(path)
    return digests


def sign(
    folder: Path, digests: Mapping[str, str] | None = None, *, keys: Keys | None = None
) -> None:
    """Write the folder's signature; `digests` of its files, if known, are not computed again.

    Raises:
        NotFoundError: no such folder, or it is empty.
        ConfigError: the key cannot be used.
    """
    from model_signing import signing

    if not folder.is_dir() or not any(folder.iterdir()):
        raise NotFoundError(f"{folder}: nothing there to sign")
    listing = _manifest(folder, file_digests(folder) if digests is None else digests)
    private = (keys or Keys.of()).for_signing()
    config = signing.Config().use_elliptic_key_signer(private_key=private)
    # Not inside the folder: what a kill leaves there would be a file that nobody signed.
    with fresh_file(folder / SIGNATURE, within=folder.parent) as fresh:
        config.set_hashing_config(_Known(listing)).sign(folder, fresh)


def signed_digests(folder: Path, *, keys: Keys | None = None) -> dict[str, str]:
    """Return the digests that the folder's signature vouches for; the files are not read.

    Raises:
        IntegrityError: unsigned, signed with another key, or the signature was altered.
        NotFoundError: no public key to check with.
    """
    from cryptography.exceptions import InvalidSignature
    from model_signing import verifying

    public = (keys or Keys.of()).for_verifying()
    file = folder / SIGNATURE
    if not file.is_file():
        raise IntegrityError(
            f"{folder}: not signed; if you know where it comes from, `a2c model sign {folder}`"
        )
    claimed = _claimed(file)
    config = verifying.Config().use_elliptic_key_verifier(public_key=public)
    try:
        config.set_hashing_config(_Known(_manifest(folder, claimed))).verify(folder, file)
    except InvalidSignature:
        raise IntegrityError(f"{file}: altered since it was signed") from None
    except Exception as error:
        # The library raises ValueError, TypeError and Pydantic's errors for what it cannot read.
        raise IntegrityError(f"{file}: not a signature by the key {public}: {error}") from error
    return claimed


def verify(
    folder: Path,
    *,
    keys: Keys | None = None,
    trusting: Callable[[str], bool] = lambda _: False,
) -> dict[str, str]:
    """Check every file of a folder against its signature; return {relative path: SHA-256}.

    Files that `trusting` takes must exist but are not read: for those whose reader checks them.

    Raises:
        IntegrityError: not signed by this key, or a file is missing, added or changed; the message
            names the first.
        NotFoundError: no such folder, or no public key to check with.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: no such folder")
    expected = signed_digests(folder, keys=keys)
    unread = {name: digest for name, digest in expected.items() if trusting(name)}
    actual = file_digests(folder, unread=unread)
    for name in sorted({*expected, *actual}):
        if expected.get(name) != actual.get(name):
            what = (
                "missing"
                if name not in actual
                else "added since it was signed"
                if name not in expected
                else "changed since it was signed"
            )
            raise IntegrityError(f"{folder / name}: {what}")
    return expected


class _Known:
    """Stands in for the library's hashing: the digests are known already."""

    def __init__(self, listing: "Manifest") -> None:
        self._listing = listing

    def hash(self, *_: object, **__: object) -> "Manifest":
        return self._listing

    def add_ignored_paths(self, **_: object) -> None:
        """Nothing is looked up, so nothing is ignored."""


def _manifest(folder: Path, digests: Mapping[str, str]) -> "Manifest":
    from model_signing import manifest
    from model_signing._hashing.hashing import Digest

    kind = manifest.SerializationType.from_args(_SERIALIZATION)
    items = [kind.new_item(n, Digest("sha256", bytes.fromhex(d))) for n, d in digests.items()]
    return manifest.Manifest(folder.name, items, kind)


def _claimed(file: Path) -> dict[str, str]:
    """Read what a signature says it covers, before it is known to be genuine."""
    try:
        document: dict[str, Any] = json.loads(file.read_bytes())
        statement = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
        resources = statement["predicate"]["resources"]
        found = {str(each["name"]): str(each["digest"]) for each in resources}
        for digest in found.values():
            bytes.fromhex(digest)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{file}: not a signature: {error}") from error
    return found
