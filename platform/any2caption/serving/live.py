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
from dataclasses import asdict, dataclass
from pathlib import Path

from any2caption.errors import IntegrityError
from any2caption.serving import contract
from any2caption.serving.releases import Release, read_release
from any2caption.storage.folder import write_atomically
from any2caption.storage.scratch import sweep

_RELEASED = re.compile(r".+-r(\d+)$")


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is served: the release's folder and number, and the former one (for a roll back)."""

    release: int
    folder: str
    former_folder: str | None = None


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
        steps = [contract.release_name(step.name, pointer.release) for step in contract.STEPS]
        return [*steps, *(ensemble.name for ensemble in contract.ENSEMBLES)]

    def set_current(self, release: Release, former: Pointer | None) -> None:
        """Point at a release; the former one is kept for a roll back."""
        folder = former.folder if former else None
        self.restore_pointer(Pointer(release.number, str(release.folder), folder))

    def restore_pointer(self, pointer: Pointer | None) -> None:
        """Write a pointer that was read before; None: nothing is served."""
        if pointer is None:
            self.pointer_file.unlink(missing_ok=True)
        else:
            write_atomically(self.pointer_file, json.dumps(asdict(pointer), indent=1).encode())

    def install_steps(self, release: Release) -> list[str]:
        """Copy the release's steps under their release-specific names; return the names."""
        names = []
        for step in contract.STEPS:
            name = contract.release_name(step.name, release.number)
            config = (release.repository / step.name / "config.pbtxt").read_text()
            config = config.replace(json.dumps(contract.BUNDLE), json.dumps(str(release.bundle)))
            target = self.root / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(release.repository / step.name, target)
            write_atomically(target / "config.pbtxt", config.encode())
            names.append(name)
        return names

    def install_canaries(self, release: Release) -> list[str]:
        """Write the ensembles under canary names such as `any2caption-r7`; return the names."""
        names = []
        for ensemble in contract.ENSEMBLES:
            name = contract.release_name(ensemble.name, release.number)
            self._write_ensemble(release, ensemble.name, name, 1)
            names.append(name)
        return names

    def point_ensembles(self, release: Release) -> list[str]:
        """Let the public ensembles' files mean this release (version = its number)."""
        for ensemble in contract.ENSEMBLES:
            self._write_ensemble(release, ensemble.name, ensemble.name, release.number)
        return [ensemble.name for ensemble in contract.ENSEMBLES]

    def _write_ensemble(self, release: Release, ensemble: str, name: str, version: int) -> None:
        config = (release.repository / ensemble / "config.pbtxt").read_text()
        config = config.replace(f'name: "{ensemble}"', f'name: "{name}"', 1)
        folder = self.root / name
        marker = folder / str(version) / "README"
        # An object store has no empty folders, so a version folder always holds a file.
        write_atomically(marker, b"An ensemble has no code of its own.\n")
        write_atomically(folder / "config.pbtxt", config.encode())
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

    def restore(self) -> None:
        """Before a start: make the files mean the current release, whatever a crash left behind."""
        self.root.mkdir(parents=True, exist_ok=True)
        sweep(self.releases)
        pointer = self.current()
        if pointer is None:
            self.remove([folder.name for folder in self.root.iterdir()])
            return
        release = read_release(Path(pointer.folder))
        self.remove(self.installed(but=release.number))
        self.install_steps(release)
        self.remove([contract.release_name(e.name, release.number) for e in contract.ENSEMBLES])
        self.point_ensembles(release)
