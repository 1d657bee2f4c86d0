"""Releases are immutable, whole or absent, signed, and never started altered."""

import base64
import json
import re
import stat
import subprocess
import sys

import pytest
from serving_lab import fake_release, fake_repository

from any2caption.errors import ConfigError, ConflictError, IntegrityError, NotFoundError
from any2caption.serving import contract
from any2caption.serving.releases import release_folder
from any2caption.serving.releases.live_repository import LiveRepository
from any2caption.storage import signatures
from any2caption.storage.digest import SIGNATURE, file_digest
from any2caption.storage.signing_keys import Keys


@pytest.fixture
def release(tmp_path):
    return fake_release(tmp_path, 7)


def writable(path):
    path.chmod(path.stat().st_mode | stat.S_IWUSR)
    return path


def test_release_holds_bundle_configuration_and_code(release):
    assert release_folder.verify(release.folder) == release
    assert (release.bundle / "weights").read_text() == "weights of 7"
    config = (release.repository / "decoder" / "config.pbtxt").read_text()
    assert 'name: "decoder-r7"' in config
    assert (release.repository / "decoder" / "1" / "model.py").exists()
    assert json.loads((release.folder / "release.json").read_text())["model_version"] == "7"


def test_same_content_again_is_the_same_release(tmp_path, release):
    again = release_folder.build(
        tmp_path / "bundle-7",
        tmp_path / "releases",
        7,
        model_version="7",
        source=tmp_path / "repository",
    )
    assert again == release


def test_other_content_under_a_number_is_refused(tmp_path, release):
    (tmp_path / "bundle-7" / "weights").write_text("other")
    signatures.sign(tmp_path / "bundle-7")
    with pytest.raises(ConflictError, match="holds other content"):
        release_folder.build(
            tmp_path / "bundle-7", tmp_path / "releases", 7, source=tmp_path / "repository"
        )
    assert release_folder.verify(release.folder) == release


@pytest.mark.parametrize("name", ["bundle/weights", "repository/previs/config.pbtxt"])
def test_changed_file_is_found(release, name):
    writable(release.folder / name).write_text("changed")
    with pytest.raises(IntegrityError, match=re.escape(name)):
        release_folder.verify(release.folder)


def test_added_and_missing_files_are_found(release):
    (release.folder / "bundle" / "extra").write_text("x")
    with pytest.raises(IntegrityError, match="bundle/extra"):
        release_folder.verify(release.folder)
    (release.folder / "bundle" / "extra").unlink()
    (release.bundle / "weights").unlink()
    with pytest.raises(IntegrityError, match="bundle/weights"):
        release_folder.verify(release.folder)


def test_files_and_their_digests_rewritten_together_are_refused(release):
    """Also `release.json` and the signature's own list of digests."""
    weights = writable(release.bundle / "weights")
    weights.write_text("changed")
    document = json.loads((release.folder / "release.json").read_text())
    document["digest"] = "0" * 64
    writable(release.folder / "release.json").write_text(json.dumps(document))
    file = writable(release.folder / SIGNATURE)
    signed = json.loads(file.read_text())
    statement = json.loads(base64.b64decode(signed["dsseEnvelope"]["payload"]))
    for resource in statement["predicate"]["resources"]:
        resource["digest"] = file_digest(release.folder / resource["name"])
    payload = json.dumps(statement).encode()
    signed["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    file.write_text(json.dumps(signed))
    with pytest.raises(IntegrityError, match=r"model\.sig"):
        release_folder.verify(release.folder)


def test_an_unsigned_or_altered_bundle_becomes_no_release(tmp_path, release):
    bundle, out, source = (tmp_path / name for name in ("bundle-7", "out", "repository"))
    (bundle / "weights").write_text("altered")
    with pytest.raises(IntegrityError, match="bundle/weights: changed since it was signed"):
        release_folder.build(bundle, out, 1, source=source)
    (bundle / SIGNATURE).unlink()
    for attempt in (
        lambda: release_folder.build(bundle, out, 1, source=source),
        lambda: release_folder.build_digest(bundle, source),
    ):
        with pytest.raises(IntegrityError, match="not signed"):
            attempt()
    assert list(out.iterdir()) == []


def test_a_bundle_is_read_once_in_a_build(tmp_path, release, monkeypatch):
    bundle, read = tmp_path / "bundle-7", []

    def counted(path):
        read.append(path.name)
        return file_digest(path)

    monkeypatch.setattr(signatures, "file_digest", counted)
    release_folder.build_digest(bundle, tmp_path / "repository")
    release_folder.build(bundle, tmp_path / "out", 1, source=tmp_path / "repository")
    assert read.count("weights") == 1


def test_failed_build_leaves_nothing(tmp_path):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "weights").write_text("a")
    signatures.sign(bundle)
    with pytest.raises(ConfigError, match="missing"):
        release_folder.build(bundle, tmp_path / "out", 1, source=tmp_path / "nowhere")
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(NotFoundError, match="no such model bundle"):
        release_folder.build(tmp_path / "none", tmp_path / "out", 1)


def test_files_are_read_only(release):
    assert not (release.bundle / "weights").stat().st_mode & stat.S_IWUSR


def test_build_digest_ignores_the_number_and_sees_the_content(tmp_path):
    source = fake_repository(tmp_path / "source")
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "weights").write_text("a")
    signatures.sign(bundle)
    first = release_folder.build_digest(bundle, source)
    assert first == release_folder.build_digest(bundle, source)
    signatures.sign(bundle)
    assert first == release_folder.build_digest(bundle, source)  # signed again: the same content
    (bundle / "weights").write_text("b")
    signatures.sign(bundle)
    assert release_folder.build_digest(bundle, source) != first


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
    assert names == {*(f"{s.name}-r7" for s in contract.steps()), "any2caption", "any2video"}
    assert (live.root / "any2caption" / "7").is_dir()
    assert not (live.root / "any2caption" / "8").exists()
    assert "decoder-r7" in (live.root / "any2caption" / "config.pbtxt").read_text()
    assert set(live.current_models()) == names
    config = (live.root / "decoder-r7" / "config.pbtxt").read_text()
    assert str(release.bundle) in config


def serve(tmp_path, release):
    live = LiveRepository(tmp_path / "triton" / "models")
    live.install_steps(release)
    live.point_ensembles(release)
    live.set_current(release, None)
    return live


@pytest.mark.parametrize(
    "name",
    ["bundle/weights", "repository/decoder/1/model.py", "release.json", "repository/added.py"],
)
def test_an_altered_release_is_not_started(tmp_path, release, name):
    live = serve(tmp_path, release)
    if (release.folder / name).exists():
        writable(release.folder / name)
    content = '{"number": 7, "model_version": "7", "digest": "0", "created": 0}'
    (release.folder / name).write_text(content)
    with pytest.raises(IntegrityError, match=re.escape(name)):
        live.restore()


def test_a_release_of_a_stranger_is_not_started(tmp_path, release):
    live = serve(tmp_path, release)
    writable(release.repository / "decoder" / "1" / "model.py").write_text("evil()")
    signatures.sign(release.folder, keys=Keys(tmp_path / "s.pem", tmp_path / "v.pem"))
    with pytest.raises(IntegrityError, match="not a signature by the key"):
        live.restore()


def test_another_signed_release_in_its_place_is_not_started(tmp_path, release):
    live = serve(tmp_path, release)
    other = fake_release(tmp_path, 8)
    release.folder.rename(tmp_path / "aside")
    other.folder.rename(release.folder)
    with pytest.raises(IntegrityError, match=r"holds release 8, and .*CURRENT means release 7"):
        live.restore()


def test_altered_installed_code_is_named_and_put_back(tmp_path, release):
    live = serve(tmp_path, release)
    assert live.restore() == []
    code = live.root / "decoder-r7" / "1" / "model.py"
    good = code.read_bytes()
    code.write_text("evil()")
    compiled = code.parent / "__pycache__" / "model.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"evil")
    (live.root / "stranger-r7" / "1").mkdir(parents=True)
    assert live.restore() == [code]
    assert code.read_bytes() == good
    assert not compiled.exists()
    assert not (live.root / "stranger-r7").exists()


def test_a_release_without_its_public_key_is_not_started(tmp_path, release, monkeypatch):
    live = serve(tmp_path, release)
    monkeypatch.setenv("A2C_VERIFY_KEY", str(tmp_path / "none.pem"))
    with pytest.raises(NotFoundError, match="A2C_VERIFY_KEY"):
        live.restore()


def test_a_server_refuses_an_altered_release_in_one_line(tmp_path, release):
    live = serve(tmp_path, release)
    writable(release.repository / "decoder" / "1" / "model.py").write_text("evil()")
    command = (sys.executable, "-m", "any2caption.serving.server", "--repository", str(live.root))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        f"IntegrityError: {release.repository}/decoder/1/model.py: changed since it was signed"
    ]


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
