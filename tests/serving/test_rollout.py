"""Releases change under load; what fails leaves the former one serving. Real Triton, fake steps."""

import json
import threading
import time

import pytest
from serving_lab import executions_of, fake_release

from any2caption.errors import A2CError, GateRefused, InputError, IntegrityError
from any2caption.serving import contract
from any2caption.serving.control import TritonControl, bytes_input
from any2caption.serving.releases import smoke
from any2caption.serving.releases.release_folder import read_release
from any2caption.serving.releases.rollout import rollout

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("fake")]


def ask(url, text="hello", images=0, cameras=0, model="any2caption"):
    with TritonControl(url) as control:
        inputs = [bytes_input("TEXT", [text.encode()])] if text else []
        inputs += [bytes_input("IMAGE", [b"x"] * images)] if images else []
        inputs += [bytes_input("CAMERA", [b"x"] * cameras)] if cameras else []
        answer = control.infer(model, inputs, timeout=60)
    caption = json.loads(answer.as_numpy("CAPTION").reshape(-1)[0])
    return json.loads(answer.as_numpy("INFO")[0])["release"], caption["dense"]


class Load:
    """Three clients that ask without a pause and remember every answer and error."""

    def __init__(self, url):
        self.url, self.stop = url, threading.Event()
        self.answers, self.errors = [], []
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(3)]

    def run(self, index):
        with TritonControl(self.url) as control:
            while not self.stop.is_set():
                inputs = [bytes_input("TEXT", [b"hello"])]
                inputs += [bytes_input("IMAGE", [b"x"] * index)] if index else []
                began = time.monotonic()
                try:
                    answer = control.infer("any2caption", inputs, timeout=60)
                except A2CError as error:
                    self.errors.append(error)
                    continue
                caption = json.loads(answer.as_numpy("CAPTION").reshape(-1)[0])
                info = json.loads(answer.as_numpy("INFO")[0])
                took = time.monotonic() - began
                self.answers.append((info["release"], caption["dense"], took))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)


def test_empty_server_is_healthy_and_release_serves(server, fake):
    release, dense = ask(server.url, images=2, cameras=1)
    assert release == fake.number
    assert "rows 2/0/8, mixed False" in dense
    assert server.live.current().release == fake.number
    smoke.check(server.url, fake.number)


def test_rollout_under_load_fails_no_request(server, control, workshop):
    second = fake_release(workshop, 2)
    with Load(server.url) as load:
        time.sleep(1.0)
        outcome = rollout(second, control, server.live)
        time.sleep(1.0)
    assert load.errors == []
    releases = [release for release, *_ in load.answers]
    assert {1, 2} == set(releases)
    assert sorted(releases[-3:]) == [2, 2, 2]
    assert all("mixed False" in dense for _, dense, _ in load.answers), "one release a request"
    assert outcome.former == 1
    # Old steps and canaries are gone, from the server and from the disk.
    ready = {model.name for model in control.index() if model.state == "READY"}
    assert ready == {*(f"{s.name}-r2" for s in contract.steps()), "any2caption", "any2video"}
    assert {f.name for f in server.live.root.iterdir()} == ready


def test_release_that_cannot_load_leaves_the_former_serving(server, control, workshop):
    served = server.live.current().release
    broken = fake_release(workshop, 3, "broken")
    with Load(server.url) as load, pytest.raises(A2CError, match="broken on purpose"):
        rollout(broken, control, server.live)
    assert load.errors == []
    assert {release for release, *_ in load.answers} == {served}
    assert server.live.current().release == served
    assert not [name for name in server.live.installed() if name.endswith("-r3")]
    assert control.ready(), "a refused release leaves the server healthy"


def test_release_that_fails_its_smoke_test_is_never_switched_to(server, control, workshop):
    served = server.live.current().release
    sick = fake_release(workshop, 4, "sick")
    with Load(server.url) as load, pytest.raises(GateRefused, match="sick on purpose"):
        rollout(sick, control, server.live)
    assert load.errors == []
    assert {release for release, *_ in load.answers} == {served}
    ready = {model.name for model in control.index() if model.state == "READY"}
    assert not [name for name in ready if "-r4" in name]


def test_changed_release_is_refused(server, control, workshop):
    altered = fake_release(workshop, 5)
    weights = altered.bundle / "weights"
    weights.chmod(0o644)
    weights.write_text("other")
    with pytest.raises(IntegrityError, match="bundle/weights"):
        rollout(altered, control, server.live)


def test_a_former_release_can_be_served_again(server, control, workshop):
    rollout(fake_release(workshop, 6), control, server.live)
    before = server.live.current()
    with Load(server.url) as load:
        outcome = rollout(read_release(before.former_folder), control, server.live)
    assert load.errors == []
    assert before.release == 6
    assert outcome.former == 6
    assert ask(server.url)[0] == outcome.release == server.live.current().release != 6


def test_rollout_of_what_is_served_does_nothing(server, control):
    current = read_release(server.live.current().folder)
    assert rollout(current, control, server.live).seconds == {}


def test_bad_request_in_a_batch_hurts_no_other(server):
    results = {}

    def one(index):
        try:
            results[index] = ask(server.url, text="bad" if index % 3 == 0 else "good")
        except InputError as error:
            results[index] = str(error)

    threads = [threading.Thread(target=one, args=(index,)) for index in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 9
    for index, result in results.items():
        if index % 3 == 0:
            assert result == "a.png: pixels: bad on purpose"
        else:
            assert "mixed False" in result[1]


def test_mixed_conditions_batch_together(server, control):
    number = server.live.current().release
    decoder, vision = f"decoder-r{number}", f"vision_encoder-r{number}"
    before = control.counts()
    mixes = [(0, 0), (1, 0), (0, 1), (3, 2)] * 6
    threads = [
        threading.Thread(target=ask, args=(server.url, "hello", images, cameras))
        for images, cameras in mixes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    executions_of(control, vision, before, len(mixes))
    executions = executions_of(control, decoder, before, len(mixes))
    assert executions <= len(mixes) / 2, f"{len(mixes)} requests in {executions} executions"
