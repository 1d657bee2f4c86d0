"""Release 0: served before anything is trained, made anew where it is not ours."""

import stat

import pytest
from serving_lab import Server, fake_release

from any2caption.errors import NotFoundError
from any2caption.serving import contract
from any2caption.serving.client import CaptionClient
from any2caption.serving.releases import first, smoke
from any2caption.serving.releases.live_repository import LiveRepository
from any2caption.serving.releases.release_folder import read_release, verify
from any2caption.serving.releases.rollout import rollout
from any2caption.serving.releases.watchdog import inspect


@pytest.fixture
def live(tmp_path):
    one = LiveRepository(tmp_path / "triton" / "models")
    one.root.mkdir(parents=True)
    return one


def test_an_empty_server_is_given_release_0(live):
    assert "no model yet" in first.install(live)
    assert live.current().release == contract.NO_MODEL
    live.restore()
    steps = {"preprocess-r0", "check-r0", "previs-r0"}
    assert {folder.name for folder in live.root.iterdir()} == {*steps, *contract.PUBLIC}
    assert set(live.current_models()) == {*steps, *contract.PUBLIC}
    assert not verify(live.releases / "0").bundle.exists()


def test_again_it_stays_the_same_and_an_altered_one_is_made_anew(live):
    first.install(live)
    before = read_release(live.releases / "0")
    first.install(live)
    assert read_release(live.releases / "0") == before
    code = live.releases / "0" / "repository" / "check" / "1" / "model.py"
    code.chmod(code.stat().st_mode | stat.S_IWUSR)
    code.write_text("evil()")
    first.install(live)
    assert verify(live.releases / "0").digest == before.digest
    assert "evil" not in code.read_text()


def test_one_of_another_version_is_made_anew(live, monkeypatch):
    compiled = contract.compile_repository

    def older(release=None):
        return {name: f"# older\n{text}" for name, text in compiled(release).items()}

    with monkeypatch.context() as patch:
        patch.setattr(contract, "compile_repository", older)
        first.install(live)
    config = live.releases / "0" / "repository" / "check" / "config.pbtxt"
    assert config.read_text().startswith("# older")
    first.install(live)
    assert config.read_text() == compiled(0)["check/config.pbtxt"]


def test_a_models_release_keeps_its_place(live, tmp_path):
    release = fake_release(tmp_path, 3)
    live.set_current(release, None)
    assert first.install(live) == ""
    assert live.current().release == 3


def test_a_release_of_another_version_gives_way_and_that_is_said(live, tmp_path):
    release = fake_release(tmp_path, 3)
    (release.repository / "check").rename(tmp_path / "aside")
    live.set_current(release, None)
    said = first.install(live)
    assert "release 3 was built by another version" in said
    assert "a2c lifecycle run" in said
    pointer = live.current()
    assert (pointer.release, pointer.former_folder) == (0, str(release.folder))


@pytest.fixture(scope="module")
def composing(tmp_path_factory):
    """A server that starts with release 0."""
    server = Server(tmp_path_factory.mktemp("first") / "triton")
    server.live.root.mkdir(parents=True)
    first.install(server.live)
    server.start()
    yield server
    server.stop()


@pytest.mark.server
def test_before_any_model_captions_and_videos_are_answered_from_facts(composing):
    smoke.check(composing.url, 0)
    with CaptionClient(composing.url) as client:
        camera = [smoke.requests()["camera"][1]["camera"][0]]
        result = client.caption_files("A red kite over a lake.", {"camera": camera}, video=True)
        assert result.writer == "compose"
        assert result.info["release"] == 0
        assert "kite" in result.caption.dense
        assert result.provenance["camera"][0]["sources"][0]["input"] == "camera 1"
        assert result.info["scope"] == {"inside": False, "why": "no model is released yet"}
        assert {"read", "facts", "check"} <= set(result.info["milliseconds"])
        with pytest.raises(NotFoundError, match="no model is released yet"):
            client.caption("A red kite.", writer="model")


@pytest.mark.server
def test_its_steps_are_alive_to_the_watchdog(composing):
    with composing.control() as control:
        found = inspect(control, composing.live, timeout=20)
    assert {probe.state for probe in found} == {"alive"}
    assert {probe.model for probe in found} >= {"preprocess-r0", "check-r0", "previs-r0"}


@pytest.mark.server
def test_a_models_release_replaces_it_and_it_can_come_back(composing, tmp_path):
    with composing.control() as control:
        outcome = rollout(fake_release(tmp_path, 1), control, composing.live)
        assert outcome.former == 0
        ready = {model.name for model in control.index() if model.state == "READY"}
        assert not [name for name in ready if name.endswith("-r0")]
        with CaptionClient(composing.url) as client:
            assert client.caption("hello").info["release"] == 1
            rollout(read_release(composing.live.releases / "0"), control, composing.live)
            assert client.caption("hello").info["release"] == 0
