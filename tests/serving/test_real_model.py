"""The real steps in the real Triton with a small untrained bundle: any mix, bad files, choices.

What the bundle writes is nonsense, which the check has to hold to the facts.
"""

import dataclasses
import io
import itertools
import json
import threading

import numpy as np
import pytest
import samples
import torch
from PIL import Image
from serving_lab import Server, executions_of

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import parse
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.datasets.records import MediaObject, Record, RecordCondition
from any2caption.errors import A2CError, GateRefused, InputError, UnavailableError
from any2caption.evaluation.captioning import Item
from any2caption.evaluation.policies.schema import Served
from any2caption.evaluation.reports.judged import Judged
from any2caption.evaluation.run import texter_of
from any2caption.model.any2caption import Any2Caption
from any2caption.model.bundle import load_config, save_bundle
from any2caption.model.inference import Captioner, Request
from any2caption.model.presets import TINY
from any2caption.model.processing.processor import Processor, prompt_phrases
from any2caption.model.processing.tokenization import train_tokenizer
from any2caption.model.scope import Scope
from any2caption.serving.client import CaptionClient, ConditionInput, FileElement
from any2caption.serving.control import TritonControl, array_input, bytes_input
from any2caption.serving.in_process import InProcess
from any2caption.serving.releases import release_folder, texts
from any2caption.serving.releases.rollout import rollout
from any2caption.serving.releases.watchdog import watch
from any2caption.serving.steps.request_parsing import read_request
from any2caption.storage import open_store, put_content

pytestmark = pytest.mark.server

TEXT = "A person walks."
SENTENCES = (
    "The clip shows one person in a red shirt, walking along, in a grassy meadow.",
    "Over the whole clip the camera pans left, keeping an even pace.",
)


def untrained(folder, seed):
    torch.manual_seed(seed)
    short = dataclasses.replace(TINY.processor, max_part_tokens=10, max_new_tokens=240)
    config = dataclasses.replace(TINY, processor=short)
    tokenizer = train_tokenizer([*prompt_phrases(config), *SENTENCES], 600)
    config = config.with_vocab(tokenizer.get_vocab_size())
    scope = Scope.of([TEXT] * 3, ["image", "video", "depth", "pose", "camera"])
    model, processor = Any2Caption(config), Processor(config, tokenizer)
    return save_bundle(folder, model, processor, {"untrained": 1}, scope=scope)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return untrained(tmp_path_factory.mktemp("model") / "bundle", 0)


@pytest.fixture(scope="module")
def served(bundle, tmp_path_factory):
    """A server of its own with the real release 1."""
    home = tmp_path_factory.mktemp("real")
    server = Server(home)
    server.start()
    try:
        with server.control() as control:
            release = release_folder.build(bundle, home / "releases", 1, model_version="1")
            rollout(release, control, server.live)
            yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def client(served):
    with CaptionClient(served.url) as one:
        yield one


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return samples.write(tmp_path_factory.mktemp("files"))


def test_mixed_conditions_are_answered_with_six_parts(client, files):
    result = client.caption(TEXT, files)
    assert parse(result.text) == result.caption
    assert result.info["release"] == 1
    assert {c["kind"] for c in result.info["conditions"]} == set(files)
    assert result.video is None


@pytest.mark.slow
def test_every_combination_of_inputs_is_answered(client, files):
    results = {}

    def ask(chosen):
        text = TEXT if "text" in chosen else ""
        given = {kind: files[kind] for kind in chosen if kind != "text"}
        results[chosen] = client.caption(text, given)

    names = ("text", *files)
    mixes = [m for n in range(1, 7) for m in itertools.combinations(names, n)]
    for start in range(0, len(mixes), 8):
        threads = [threading.Thread(target=ask, args=(m,)) for m in mixes[start : start + 8]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert set(results) == set(mixes)
    for mix, result in results.items():
        assert {c["kind"] for c in result.info["conditions"]} == set(mix) - {"text"}
        assert parse(result.text) == result.caption


def test_served_caption_is_the_in_process_caption(client, files, bundle):
    captioner = Captioner(bundle)
    for kind, paths in files.items():
        elements = {
            "TEXT": [TEXT.encode()],
            kind.upper(): [p.read_bytes() for p in sorted(paths[0].iterdir())]
            if paths[0].is_dir()
            else [paths[0].read_bytes()],
        }
        request = read_request(elements)
        expected = captioner.caption([Request(request.text, request.conditions)])[0]
        served = client.caption(TEXT, {kind: paths}, writer="model", policy="warn")
        assert served.text == expected.text


def held_out(store, files):
    """Records of each kind of condition alone, of none and of all, each with three prompts."""

    def condition(kind, paths):
        (path,) = paths
        parts = tuple(
            MediaObject(name=one.name, sha256=put_content(store, one.read_bytes()), size=1)
            for one in (sorted(path.iterdir()) if path.is_dir() else [path])
        )
        return RecordCondition(kind=kind, number=1, format="x", parts=parts, frames=1)

    each = {kind: condition(kind, paths) for kind, paths in files.items()}
    mixes = [(), *((one,) for one in each.values()), tuple(reversed(each.values()))]
    prompts = ("", TEXT, "A person\r\nin a red shirt.")
    return [
        Record(
            id=f"{place}-{number}",
            source="unit",
            licence="CC0-1.0",
            split="test",
            prompt=prompt or ("" if mix else "A meadow."),
            conditions=mix,
            caption=StructuredCaption(**dict.fromkeys(PARTS, f"caption {place}")),
        )
        for place, mix in enumerate(mixes)
        for number, prompt in enumerate(prompts)
    ]


@pytest.mark.slow
def test_a_release_is_held_to_the_texts_of_the_evaluation(served, bundle, files, tmp_path):
    """Batches of the evaluation beside batches of the server, to the byte; another model differs.

    The other model's texts stand for those that were judged.
    """
    store = open_store((tmp_path / "store").as_uri())
    records = held_out(store, files)
    said = []
    for model in (bundle, untrained(tmp_path / "other", 1)):
        written = texter_of(model, store)([Item(one) for one in records])
        judged = Judged("tiny", "", dict(zip((r.id for r in records), written, strict=True)))
        wanted = tuple(texts.sample(judged, records, 200))
        assert len(wanted) == len(records) == 21
        expected = texts.Expected("tiny", Served(), wanted, store)
        with served.control() as control:
            if model == bundle:
                expected.hold(control, 1, say=said.append)
                continue
            with pytest.raises(GateRefused, match=r"record \d-\d, Dense caption: judged “"):
                expected.hold(control, 1, say=[].append)
    assert said[-1].startswith("21 of 21 texts are those that were judged, ")


def test_the_same_steps_in_this_process_answer_the_same(client, files, bundle):
    here = InProcess(bundle)
    try:
        for asked in ({"writer": "model"}, {"writer": "compose"}, {}):
            served = client.caption(TEXT, files, **asked)
            own = here.caption(TEXT, files, **asked)
            assert own.text == served.text
            assert own.provenance == served.provenance
            assert own.writer == served.writer
    finally:
        here.close()


def test_the_models_nonsense_leaves_as_what_was_stated(client, files):
    result = client.caption(TEXT, {"camera": files["camera"]})
    composed = client.caption(TEXT, {"camera": files["camera"]}, writer="compose")
    assert (result.writer, composed.writer) == ("model", "compose")
    assert result.info["scope"] == {"inside": True, "why": ""}
    assert result.findings
    assert any(one["origin"] == "repaired" for one in result.provenance["camera"])
    assert result.caption.camera == composed.caption.camera
    assert "walks" in result.caption.dense
    assert {"read", "facts", "model", "check"} <= set(result.info["milliseconds"])


def test_the_policy_decides_what_happens_to_it(client, files):
    given = {"camera": files["camera"]}
    warned = client.caption(TEXT, given, writer="model", policy="warn")
    assert warned.findings
    assert not any(
        one["origin"] == "repaired" for part in warned.provenance.values() for one in part
    )
    with pytest.raises(A2CError) as caught:
        client.caption(TEXT, given, writer="model", policy="reject")
    assert not isinstance(caught.value, UnavailableError)
    assert "\n" not in str(caught.value)
    assert client.caption(TEXT, given).info["release"] == 1


def test_a_prompt_of_other_words_is_composed_and_info_says_why(client, files):
    result = client.caption("Two astronauts repair a solar panel.", {"image": files["image"]})
    assert result.writer == "compose"
    assert "astronauts" in result.info["scope"]["why"]
    assert "solar panel" in result.caption.dense
    assert "model" not in result.info["milliseconds"]


def test_a_composed_answer_does_not_wait_for_the_decoder(served, client, files):
    """The decoder answers a request without a prompt at once, in a batch with others too."""
    composed = []
    threads = [
        threading.Thread(target=client.caption, args=(TEXT, files), kwargs={"writer": "model"}),
        *(
            threading.Thread(
                target=lambda: composed.append(client.caption(TEXT, files, writer="compose"))
            )
            for _ in range(3)
        ),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [one.writer for one in composed] == ["compose"] * 3
    assert len({one.text for one in composed}) == 1


@pytest.mark.parametrize(
    ("name", "choices"),
    [("WRITER", "auto, compose, model, endpoint"), ("MODE", "off, fill, rewrite"),
     ("LENGTH", "short, medium, long"), ("POLICY", "repair, warn, reject")],
)  # fmt: skip
def test_an_unknown_choice_is_refused_with_those_there_are(served, name, choices):
    with TritonControl(served.url) as control, pytest.raises(InputError) as caught:
        control.infer("any2caption", [bytes_input("TEXT", [b"x"]), bytes_input(name, [b"poet"])])
    assert str(caught.value) == f"{name}: 'poet' is not known; choose {choices}"


def test_facts_and_drafts_cannot_be_asked_for(served):
    import tritonclient.grpc as triton

    with TritonControl(served.url) as control:
        for name in ("FACTS", "OPTIONS", "READ", "DRAFT"):
            asked = [triton.InferRequestedOutput(name)]
            with pytest.raises(triton.InferenceServerException, match="unknown or repeated output"):
                control._client.infer("any2caption", [bytes_input("TEXT", [b"x"])], outputs=asked)
            with pytest.raises(InputError, match="unknown or repeated input"):
                control.infer("any2caption", [bytes_input(name, [b"x"])])


def test_mixed_requests_share_executions(served, client, files):
    with served.control() as control:
        before = control.counts()
        mixes = [{}, {"image": files["image"]}, {"camera": files["camera"]}, files] * 3
        asked = {"writer": "model"}
        threads = [
            threading.Thread(target=client.caption, args=(TEXT, mix), kwargs=asked) for mix in mixes
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert executions_of(control, "decoder-r1", before, len(mixes)) < len(mixes)


def test_any2video_answers_with_a_playable_clip(client, files):
    result = client.caption(TEXT, {"camera": files["camera"]}, video=True)
    video = parse_condition("video", [Part("clip.mp4", result.video)]).payload
    assert video.frames.shape[0] >= 20
    assert video.frames.shape[1:] == (256, 256, 3)
    assert result.report["generator"] == "previs"
    assert len(result.report["w2c"]) == result.report["frames"]


def test_roles_and_options_reach_the_parsers(client, files):
    image = ConditionInput(files["image"][0], "style")
    result = client.caption("", {"image": [image, files["image"][0]]})
    assert result.info["conditions"][0]["role"] == "style"


def mirrored():
    poses = ("1 0 0 0 0 1 0 0 0 0 1 0", "-1 0 0 0 0 1 0 0 0 0 1 0")
    lines = [f"{i} .5 .5 .5 .5 0 0 {pose}" for i, pose in enumerate(poses)]
    return "\n".join(["x", *lines, ""]).encode()


def huge():
    stream = io.BytesIO()
    Image.new("1", (10_000, 5_000)).save(stream, "PNG")
    return stream.getvalue()


def empty_pose():
    return json.dumps({"people": [{"pose_keypoints_2d": [0.0] * 54}]}).encode()


BAD = {
    "truncated picture": ("image", "ref.png", lambda: samples.picture()[:200]),
    "wrong type": ("image", "notes.png", lambda: b"just text, no picture"),
    "empty file": ("image", "empty.png", lambda: b""),
    "50 megapixels": ("image", "huge.png", huge),
    "no rotation": ("camera", "path.txt", mirrored),
    "not a camera": ("camera", "path.txt", lambda: b"\x00\x01\x02"),
    "truncated clip": ("video", "clip.mp4", lambda: samples.clip()[:300]),
    "every point missing": ("pose", "walk.json", empty_pose),
    "broken JSON": ("pose", "walk.json", lambda: b'{"people": ['),
    "NaN depth": ("depth", "d.npy", lambda: npy(np.full((8, 8), np.nan, np.float32))),
}


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_file_gets_one_clear_line_and_the_next_request_works(client, files, case):
    kind, name, make = BAD[case]
    element = FileElement(make(), {"name": name})
    with pytest.raises(InputError) as caught:
        client.caption_files(TEXT, {kind: [element]})
    message = str(caught.value)
    assert message.startswith(name)
    assert "\n" not in message
    assert "ensemble" not in message
    assert client.caption(TEXT, {"camera": files["camera"]}).info["release"] == 1


def test_bad_request_does_not_hurt_those_beside_it(client, files):
    results = []

    def good():
        results.append(client.caption(TEXT, {"image": files["image"]}).info["release"])

    def bad():
        element = FileElement(b"nonsense", {"name": "bad.png"})
        with pytest.raises(InputError, match=r"bad\.png"):
            client.caption_files(TEXT, {"image": [element]})
        results.append("refused")

    threads = [threading.Thread(target=bad if i % 2 else good) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(map(str, results)) == ["1"] * 4 + ["refused"] * 4


def test_watchdog_probes_the_real_steps(served):
    with served.control() as control:
        assert {probe.state for probe in watch(control, served.live)} == {"alive"}


def test_crafted_calls_to_an_encoder_shift_nobody(served, bundle):
    """Two calls whose rows make up for each other, beside good ones in the same batches."""
    config = load_config(bundle)
    rng = np.random.default_rng(0)
    rows = rng.random((1, 16, config.vision.patch_dim), np.float32)
    grid = np.array([[[1, 4, 4]]])

    def ask(control, rows, grid):
        inputs = [array_input("VISION_PATCHES", rows), array_input("VISION_GRID", grid)]
        return control.infer("vision_encoder-r1", inputs, timeout=60).as_numpy("VISION_EMBEDS")

    with served.control() as control:
        alone = ask(control, rows, grid)
        results = {"good": [], "refused": []}

        def good():
            results["good"] += [ask(control, rows, grid) for _ in range(20)]

        def crafted(count):
            for _ in range(20):
                with pytest.raises(InputError, match=f"{count} rows, VISION_GRID says 16"):
                    ask(control, np.ones((1, count, config.vision.patch_dim), np.float32), grid)
                results["refused"].append(count)

        before = control.counts()
        work = [good] * 3 + [lambda: crafted(12), lambda: crafted(20), lambda: crafted(28)]
        threads = [threading.Thread(target=one) for one in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert executions_of(control, "vision_encoder-r1", before, 120) < 120
    assert len(results["good"]) == len(results["refused"]) == 60
    for embeds in results["good"]:
        np.testing.assert_allclose(embeds, alone, atol=1e-5)
