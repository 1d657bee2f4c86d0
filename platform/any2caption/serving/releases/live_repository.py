"""The live model repository: the folder that the server reads, and the pointer to its release.

    <root>/                    the server's `--model-repository`
      any2caption/7/           ensembles under public names, version = the release's number
      decoder-r7/1/model.py    steps under release-specific names
    <root>/../CURRENT          JSON: the release served now and the one before

A pointer is replaced by one rename, so a restart serves exactly one release.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from any2caption.errors import ConflictError, IntegrityError
from any2caption.serving import contract
from any2caption.serving.releases.release_folder import Release, verify
from any2caption.storage import digest_of
from any2caption.storage.atomic import write_atomically
from any2caption.storage.locks import file_lock
from any2caption.storage.scratch import sweep
from any2caption.storage.signatures import file_digests
from any2caption.storage.signing_keys import Keys

_RELEASED = re.compile(r".+-r(\d+)$")


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is served: the release's folder and number, and the former one (for a roll back)."""

    release: int
    folder: str
    former_folder: str | None = None


def _step_config(release: Release, step: contract.Step) -> str:
    """The step's configuration as the server reads it: with the place of the bundle."""
    config = (release.repository / step.name / "config.pbtxt").read_text()
    return config.replace(json.dumps(contract.BUNDLE), json.dumps(str(release.bundle)))


@dataclass(frozen=True, slots=True)
class LiveRepository:
    """The folder `root` and its pointer file."""

    root: Path

    @property
    def pointer_file(self) -> Path:
        """Where the current release is written."""
        return self.root.parent / "CURRENT"

    @property
    def releases(self) -> Path:
        """Where the releases of this server are built and kept."""
        return self.root.parent / "releases"

    @contextmanager
    def exclusive(self, *, wait: float = 0.0) -> Iterator[None]:
        """Hold the one lock of everything that changes what is served: rollouts and repairs.

        Raises:
            ConflictError: somebody else still holds it after `wait` seconds.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with file_lock(self.root.parent / "rollout.lock", wait=wait) as held:
            if not held:
                raise ConflictError(
                    f"{self.root}: another rollout or a repair is running; try again"
                )
            yield

    def current(self) -> Pointer | None:
        """Return the pointer; None before the first release.

        Raises:
            IntegrityError: the pointer file is unreadable.
        """
        try:
            text = self.pointer_file.read_text()
        except FileNotFoundError:
            return None
        try:
            return Pointer(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise IntegrityError(f"{self.pointer_file}: not a release pointer") from error

    def current_models(self) -> list[str]:
        """Return what a starting server loads: the current release's ensembles and steps."""
        pointer = self.current()
        if pointer is None:
            return []
        number = pointer.release
        steps = [contract.release_name(step.name, number) for step in contract.steps(number)]
        return [*steps, *contract.PUBLIC]

    def set_current(self, release: Release, former: Pointer | None) -> None:
        """Point at a release; the former one is kept for a roll back."""
        folder = former.folder if former else None
        self.restore_pointer(Pointer(release.number, str(release.folder), folder))

    def restore_pointer(self, pointer: Pointer | None) -> None:
        """Write a pointer that was read before; None: nothing is served."""
        if pointer is None:
            self.pointer_file.unlink(missing_ok=True)
        else:
            write_atomically(self.pointer_file, json.dumps(asdict(pointer), indent=1))

    def install_steps(self, release: Release) -> list[str]:
        """Copy the release's steps under their release-specific names; return the names."""
        return [self.install_step(release, step) for step in contract.steps(release.number)]

    def install_step(self, release: Release, step: contract.Step) -> str:
        """Copy one of the release's steps, in the place of what is there; return its name."""
        name = contract.release_name(step.name, release.number)
        target = self.root / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(release.repository / step.name, target)
        write_atomically(target / "config.pbtxt", _step_config(release, step))
        return name

    def altered(self, release: Release, step: contract.Step) -> list[Path]:
        """Return the files of an installed step that are not the release's, missing ones too.

        Python's own compiled code is not among them: it goes whenever a step is installed.
        """
        installed = self.root / contract.release_name(step.name, release.number)
        wanted = file_digests(release.repository / step.name)
        wanted["config.pbtxt"] = digest_of(_step_config(release, step).encode())
        found = file_digests(installed) if installed.is_dir() else {}
        names = {name for name in (*wanted, *found) if "__pycache__/" not in name}
        return [installed / n for n in sorted(names) if wanted.get(n) != found.get(n)]

    def install_canaries(self, release: Release) -> list[str]:
        """Write the ensembles under canary names such as `any2caption-r7`; return the names."""
        names = []
        for ensemble in contract.PUBLIC:
            name = contract.release_name(ensemble, release.number)
            self._write_ensemble(release, ensemble, name, 1)
            names.append(name)
        return names

    def point_ensembles(self, release: Release) -> list[str]:
        """Let the public ensembles' files mean this release (version = its number)."""
        for ensemble in contract.PUBLIC:
            self._write_ensemble(release, ensemble, ensemble, release.number)
        return list(contract.PUBLIC)

    def _write_ensemble(self, release: Release, ensemble: str, name: str, version: int) -> None:
        config = (release.repository / ensemble / "config.pbtxt").read_text()
        config = config.replace(f'name: "{ensemble}"', f'name: "{name}"', 1)
        folder = self.root / name
        marker = folder / str(version) / "README"
        # An object store has no empty folders, so a version folder always holds a file.
        write_atomically(marker, b"An ensemble has no code of its own.\n")
        write_atomically(folder / "config.pbtxt", config)
        for other in folder.iterdir():
            if other.is_dir() and other.name != str(version):
                shutil.rmtree(other)

    def remove(self, names: list[str]) -> None:
        """Delete models' folders."""
        for name in names:
            shutil.rmtree(self.root / name, ignore_errors=True)

    def installed(self, *, but: int | None = None) -> list[str]:
        """Return the release-specific models that are there, except those of release `but`."""
        found = []
        for folder in sorted(self.root.iterdir()) if self.root.exists() else []:
            match = _RELEASED.match(folder.name)
            if match and int(match.group(1)) != but:
                found.append(folder.name)
        return found

    def verified(
        self, pointer: Pointer, *, keys: Keys | None = None, weights: bool = True
    ) -> Release:
        """Return the release that is pointed at, checked; `weights` as in `release_folder.verify`.

        Raises:
            IntegrityError: it is not what our key signed, or is another one than the pointer says.
            NotFoundError: no such release, or no public key to check with.
        """
        release = verify(Path(pointer.folder), keys=keys, weights=weights)
        if release.number != pointer.release:
            raise IntegrityError(
                f"{pointer.folder}: holds release {release.number}, and {self.pointer_file} means "
                f"release {pointer.release}"
            )
        return release

    def restore(self, keys: Keys | None = None) -> list[Path]:
        """Before a start: make the files mean the current release, whatever a crash left behind.

        Returns the installed code that was not the release's; it is gone then.

        Raises:
            IntegrityError: the release is not what our key signed; the message names the file.
            NotFoundError: no such release, or no public key to check with.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        sweep(self.releases)
        pointer = self.current()
        if pointer is None:
            self.remove([folder.name for folder in self.root.iterdir()])
            return []
        release = self.verified(pointer, keys=keys)
        there = {folder.name for folder in self.root.iterdir()}
        altered = [
            path
            for step in contract.steps(release.number)
            if contract.release_name(step.name, release.number) in there
            for path in self.altered(release, step)
        ]
        self.remove(sorted(there))
        self.install_steps(release)
        self.point_ensembles(release)
        return altered
