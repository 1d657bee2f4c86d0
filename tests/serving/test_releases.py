"""Releases are immutable, whole or absent, and checked by digest."""

import json
import re
import stat

import pytest
from serving_lab import fake_release, fake_repository

from any2caption.errors import ConfigError, ConflictError, IntegrityError, NotFoundError
from any2caption.serving import contract, releases
from any2caption.serving.live import LiveRepository


@pytest.fixture
def release(tmp_path):
    return fake_release(tmp_path, 7)


def writable(path):
    path.chmod(path.stat().st_mode | stat.S_IWUSR)
    return path


def test_release_holds_bundle_configuration_and_code(release):
    assert releases.verify(release.folder) == release
    assert (release.bundle / "weights").read_text() == "weights of 7"
    config = (release.repository / "decoder" / "config.pbtxt").read_text()
    assert 'name: "decoder-r7"' in config
    assert (release.repository / "decoder" / "1" / "model.py").exists()
    assert json.loads((release.folder / "release.json").read_text())["model_version"] == "7"


def test_same_content_again_is_the_same_release(tmp_path, release):
    again = releases.build(
        tmp_path / "bundle-7",
        tmp_path / "releases",
        7,
        model_version="7",
        source=tmp_path / "repository",
    )
    assert again == release


def test_other_content_under_a_number_is_refused(tmp_path, release):
    (tmp_path / "bundle-7" / "weights").write_text("other")
    with pytest.raises(ConflictError, match="holds other content"):
        releases.build(
            tmp_path / "bundle-7", tmp_path / "releases", 7, source=tmp_path / "repository"
        )
    assert releases.verify(release.folder) == release


@pytest.mark.parametrize("name", ["bundle/weights", "repository/previs/config.pbtxt"])
def test_changed_file_is_found(release, name):
    writable(release.folder / name).write_text("changed")
    with pytest.raises(IntegrityError, match=re.escape(name)):
        releases.verify(release.folder)


def test_added_and_missing_files_are_found(release):
    (release.folder / "bundle" / "extra").write_text("x")
    with pytest.raises(IntegrityError, match="bundle/extra"):
        releases.verify(release.folder)
    (release.folder / "bundle" / "extra").unlink()
    (release.bundle / "weights").unlink()
    with pytest.raises(IntegrityError, match="bundle/weights"):
        releases.verify(release.folder)


def test_manifest_cannot_be_rewritten_along_with_a_file(release):
    weights = writable(release.bundle / "weights")
    weights.write_text("changed")
    manifest = writable(release.folder / "manifest.json")
    digests = json.loads(manifest.read_text())
    digests["bundle/weights"] = releases.sha256_of(weights)
    manifest.write_text(json.dumps(digests))
    with pytest.raises(IntegrityError, match=r"manifest\.json"):
        releases.verify(release.folder)


def test_failed_build_leaves_nothing(tmp_path):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    with pytest.raises(ConfigError, match="missing"):
        releases.build(bundle, tmp_path / "out", 1, source=tmp_path / "nowhere")
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(NotFoundError, match="no such model bundle"):
        releases.build(tmp_path / "none", tmp_path / "out", 1)


def test_files_are_read_only(release):
    assert not (release.bundle / "weights").stat().st_mode & stat.S_IWUSR


def test_build_digest_ignores_the_number_and_sees_the_content(tmp_path):
    source = fake_repository(tmp_path / "source")
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "weights").write_text("a")
    first = releases.build_digest(bundle, source)
    assert first == releases.build_digest(bundle, source)
    (bundle / "weights").write_text("b")
    assert releases.build_digest(bundle, source) != first


def test_live_repository_is_restored_to_the_pointer(tmp_path, release):
    live = LiveRepository(tmp_path / "triton" / "models")
    live.install_steps(release)
    live.point_ensembles(release)
    live.set_current(release, None)
    later = fake_release(tmp_path, 8)
    # A crash in the middle of the next rollout: steps installed, ensembles pointing at them.
    live.install_steps(later)
    live.install_canaries(later)
    live.point_ensembles(later)
    live.restore()
    names = {folder.name for folder in live.root.iterdir()}
    assert names == {*(f"{s.name}-r7" for s in contract.STEPS), "any2caption", "any2video"}
    assert (live.root / "any2caption" / "7").is_dir()
    assert not (live.root / "any2caption" / "8").exists()
    assert "decoder-r7" in (live.root / "any2caption" / "config.pbtxt").read_text()
    assert set(live.current_models()) == names
    config = (live.root / "decoder-r7" / "config.pbtxt").read_text()
    assert str(release.bundle) in config


def test_before_the_first_release_nothing_is_served(tmp_path):
    live = LiveRepository(tmp_path / "models")
    live.restore()
    assert live.current() is None
    assert live.current_models() == []


def test_damaged_pointer_is_named(tmp_path):
    live = LiveRepository(tmp_path / "models")
    live.pointer_file.write_text("{")
    with pytest.raises(IntegrityError, match="CURRENT"):
        live.current()
