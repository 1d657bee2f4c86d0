"""Release 0: served before anything is trained, made anew where it is not ours."""

import json
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tritonclient.grpc as triton
from serving_lab import Server, fake_release, wait_until

from any2caption.captions.camera_reading import read_camera
from any2caption.conditions.io.files import read_parts
from any2caption.errors import NotFoundError, UnavailableError, UngroundedError
from any2caption.playground.asking import Served
from any2caption.playground.request import Item, Request
from any2caption.playground.session import Session
from any2caption.serving import contract
from any2caption.serving.client import CaptionClient
from any2caption.serving.control import bytes_input
from any2caption.serving.releases import first, smoke
from any2caption.serving.releases.live_repository import LiveRepository
from any2caption.serving.releases.release_folder import read_release, verify
from any2caption.serving.releases.rollout import rollout
from any2caption.serving.releases.watchdog import inspect

sys.path.insert(0, str(Path(__file__).parents[1] / "annotation"))
from api_server import KEY, ChatServer

KITE = "A red kite over a lake."
LIES = {
    "dense": "A red kite over a lake, while a burning hospital collapses.",
    "main_object": "Three green kites.",
    "background": "A lake at dusk.",
    "camera": "The camera zooms out.",
    "style": "Soft evening light on cool colours.",
    "action": "The kite burns.",
}

EXAMPLES = Path(__file__).parents[2] / "examples"
CAMERA = Item("camera", tuple(read_parts(EXAMPLES / "camera" / "walk_through_kitchen.txt")))
PICTURE = Item(
    "image", tuple(read_parts(EXAMPLES / "images" / "red_cartoon.jpg")), "identity", "red"
)


@pytest.fixture
def live(tmp_path):
    one = LiveRepository(tmp_path / "triton" / "models")
    one.root.mkdir(parents=True)
    return one


def test_an_empty_server_is_given_release_0(live):
    assert "no model yet" in first.install(live)
    assert live.current().release == contract.NO_MODEL
    live.restore()
    steps = {"preprocess-r0", "endpoint-r0", "check-r0", "previs-r0"}
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
def endpoint():
    """A scripted endpoint that lies."""
    chat = ChatServer()
    chat.answer = lambda _: json.dumps(LIES)
    with chat.serving():
        yield chat


@pytest.fixture(scope="module")
def composing(tmp_path_factory, endpoint):
    """A server that starts with release 0, and may ask the endpoint."""
    server = Server(tmp_path_factory.mktemp("first") / "triton")
    server.environment |= {
        "A2C_WRITER_BASE_URL": endpoint.url,
        "A2C_WRITER_MODEL": "vl",
        "A2C_WRITER_API_KEY": KEY,
        "A2C_WRITER_TIMEOUT": "20",
        "A2C_WRITER_RETRIES": "0",
    }
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
        result = client.caption_files(KITE, {"camera": camera}, video=True, writer="compose")
        assert result.writer == "compose"
        assert result.info["release"] == 0
        assert "kite" in result.caption.dense
        assert result.provenance["camera"][0]["sources"][0]["input"] == "camera 1"
        assert {"read", "facts", "check"} <= set(result.info["milliseconds"])
        with pytest.raises(NotFoundError, match="no model is released yet"):
            client.caption("A red kite.", writer="model")


@pytest.mark.server
def test_the_playground_asks_the_server(composing):
    with Served(composing.url) as served:
        assert served.answers()
        answer = Session(Request("@red waits", (CAMERA, PICTURE))).begin(served).result()
    assert answer.where == composing.url
    assert answer.result.info["release"] == 0
    assert answer.result.caption.dense.startswith("Red of picture 1 waits")
    with Served("127.0.0.1:9") as nobody:
        assert not nobody.answers()


@pytest.mark.server
def test_an_endpoint_that_lies_is_put_right_and_told_no_more_than_it_needs(composing, endpoint):
    endpoint.requests.clear()
    files = smoke.requests()["mixed"][1]
    with CaptionClient(composing.url) as client:
        result = client.caption_files(KITE, files)
    assert result.writer == "endpoint"
    assert result.info["scope"] == {"inside": False, "why": "no model is released yet"}
    assert result.info["endpoint"]["pictures"] == 1
    said = " ".join(result.caption.model_dump().values())
    for wrong in ("hospital", "Three", "green", "zooms", "burns"):
        assert wrong not in said
    facts = client_facts(composing, files)
    assert read_camera(result.caption.camera).keys == facts
    (body,) = endpoint.requests
    content = body["messages"][1]["content"]
    assert [one["type"] for one in content] == ["text", "image_url", "text"]
    assert "endpoint" in result.info["milliseconds"]


def client_facts(composing, files):
    """The movements that the composed caption tells."""
    with CaptionClient(composing.url) as client:
        return read_camera(client.caption_files(KITE, files, writer="compose").caption.camera).keys


@pytest.mark.server
def test_a_rejected_caption_is_a_failed_precondition_with_its_first_finding(composing):
    with CaptionClient(composing.url) as client, pytest.raises(UngroundedError) as caught:
        client.caption(KITE, writer="endpoint", policy="reject")
    said = str(caught.value)
    assert said.startswith("rejected by the policy: the endpoint's caption: Dense caption: “A red")
    assert "\n" not in said
    choices = {"TEXT": KITE, "WRITER": "endpoint", "POLICY": "reject"}
    inputs = [bytes_input(name, [value.encode()]) for name, value in choices.items()]
    with triton.InferenceServerClient(composing.url) as raw:
        with pytest.raises(triton.InferenceServerException) as refused:
            raw.infer("any2caption", inputs)
        assert refused.value.status() == "StatusCode.FAILED_PRECONDITION"
        inputs[0] = bytes_input("MODE", [b"nonsense"])
        with pytest.raises(triton.InferenceServerException) as wrong:
            raw.infer("any2caption", inputs)
        assert wrong.value.status() == "StatusCode.INVALID_ARGUMENT"


@pytest.mark.server
def test_a_slow_endpoint_holds_up_nobody_else(composing, endpoint):
    endpoint.script.extend([("sleep", 6)] * 12)
    with CaptionClient(composing.url) as client, ThreadPoolExecutor(12) as pool:
        slow = [pool.submit(client.caption, KITE, writer="endpoint") for _ in range(12)]
        wait_until(lambda: endpoint.busy >= 4)
        began = time.monotonic()
        assert client.caption(KITE, writer="compose").writer == "compose"
        assert time.monotonic() - began < 4
        assert not any(one.done() for one in slow)
        assert {one.result().writer for one in slow} == {"endpoint"}
    endpoint.script.clear()


@pytest.mark.server
def test_a_client_that_leaves_ends_the_endpoints_work(composing, endpoint):
    endpoint.script.append(("drip", 1, 0.05))
    endpoint.left.clear()
    with CaptionClient(composing.url) as client, pytest.raises(UnavailableError):
        client.caption(KITE, writer="endpoint", timeout=2)
    assert endpoint.left.wait(10)


@pytest.mark.server
def test_only_a_file_of_its_owner_has_the_endpoints_key(composing):
    file = composing.live.root.parent / "writer.key"
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (KEY, 0o600)
    for pid in (composing.process.pid, *composing.stubs().values()):
        assert KEY.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    assert KEY not in composing.log.read_text()


@pytest.mark.server
def test_its_steps_are_alive_to_the_watchdog(composing):
    with composing.control() as control:
        found = inspect(control, composing.live, timeout=20)
    assert {probe.state for probe in found} == {"alive"}
    assert {probe.model for probe in found} >= {"preprocess-r0", "endpoint-r0", "check-r0"}


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
