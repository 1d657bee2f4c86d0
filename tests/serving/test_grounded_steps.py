"""First step and check: choices are read or refused, facts reach the caption, no answer is lost."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.conditions.fact import Fact, Source
from any2caption.errors import A2CError, InputError, NotFoundError, UngroundedError
from any2caption.grounding import writers
from any2caption.grounding.answer import Finding, Grounded, Sentence
from any2caption.grounding.facts import Facts
from any2caption.grounding.options import Options
from any2caption.model.config import ENCODERS
from any2caption.model.scope import Scope
from any2caption.serving import contract
from any2caption.serving.releases.smoke import camera_text, picture
from any2caption.serving.steps.check import MOST_CHARACTERS, MOST_ENTRIES, CheckStep, bounded
from any2caption.serving.steps.endpoint import EndpointStep
from any2caption.serving.steps.preprocess import Preprocess, read_options
from any2caption.serving.steps.runtime import strings, text

DATA = Path(__file__).parents[1] / "data"
TEXT = b"A dog meets a small red figure in a quiet kitchen."
DRAFT = StructuredCaption(**dict.fromkeys(PARTS, "Two green cones bounce on a city street."))


@pytest.fixture(scope="module")
def first():
    """The first step of release 0."""
    step = Preprocess(None, "0", {})
    yield step
    step.close()


def asked(**inputs):
    """Edge inputs by name."""
    return {name: strings(*values) for name, values in inputs.items()}


def words(outputs, name):
    return json.loads(text(outputs[name])[0])


def run(step, arrays):
    (answer,) = step.run([arrays])
    if isinstance(answer, Exception):
        raise answer
    return answer


def checked(outputs, draft=""):
    drafted = run(EndpointStep(None, "0", {}), outputs)
    return run(
        CheckStep(None, "0", {}), {**outputs, **drafted, "DRAFT": strings(draft, batched=True)}
    )


def test_a_metric_path_is_read_with_the_depth_of_the_request(first):
    path = (DATA / "camera" / "recammaster.json").read_bytes()
    raw = io.BytesIO()
    Image.fromarray(np.linspace(2000, 4000, 4800).astype(np.uint16).reshape(60, 80)).save(
        raw, "PNG"
    )

    def scale_known(**inputs):
        facts = Facts.from_json(words(run(first, asked(TEXT=[TEXT], **inputs)), "FACTS"))
        (fact,) = facts.of("camera", source="camera 1")
        return fact.value["scale_known"]

    assert scale_known(CAMERA=[path], DEPTH=[raw.getvalue()]) is True
    assert scale_known(CAMERA=[path]) is False


def test_without_a_model_the_first_step_gives_what_the_contract_says(first):
    outputs = run(first, asked(TEXT=[TEXT], CAMERA=[camera_text()]))
    assert set(outputs) == {tensor.name for tensor in contract.steps(0)[0].outputs}
    facts = Facts.from_json(words(outputs, "FACTS"))
    assert facts.text == TEXT.decode()
    assert "camera 1" in {fact.source.input for fact in facts.found}
    assert words(outputs, "OPTIONS") == {**Options().as_json(), "draft": ""}


def test_facts_of_pictures_outlive_their_pixels(first):
    outputs = run(first, asked(IMAGE=[picture(), picture()]))
    found = Facts.from_json(words(outputs, "FACTS")).found
    assert {fact.source.input for fact in found} >= {"picture 1", "picture 2"}


def test_a_composed_answer_has_its_papers(first):
    outputs = run(
        first, asked(TEXT=[TEXT], CAMERA=[camera_text()], MODE=[b"off"], LENGTH=[b"short"])
    )
    answer = checked(outputs)
    info = words(answer, "INFO")
    caption = StructuredCaption.model_validate_json(text(answer["CAPTION"])[0])
    assert text(answer["CAPTION_TEXT"])[0].decode() == render(caption)
    assert info["writer"] == "compose"
    assert info["options"] == Options(mode="off", length="short").as_json()
    assert info["release"] == 0
    assert [one["kind"] for one in info["conditions"]] == ["camera"]
    for part in PARTS:
        sentences = info["provenance"][part]
        assert " ".join(one["text"] for one in sentences) == getattr(caption, part)
        for one in sentences:
            assert one["sources"] or one["origin"] == "invented"
    assert set(info["milliseconds"]) >= {"read", "facts", "check"}
    assert all(value >= 0 for value in info["milliseconds"].values())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"WRITER": [b"poet"]},
            "WRITER: 'poet' is not known; choose auto, compose, model, endpoint",
        ),
        ({"MODE": [b"on"]}, "MODE: 'on' is not known; choose off, fill, rewrite"),
        ({"LENGTH": [b""]}, "LENGTH: '' is not known; choose short, medium, long"),
        ({"POLICY": [b"\xff"]}, "is not known; choose repair, warn, reject"),
        ({"POLICY": [b"warn", b"warn"]}, "POLICY: 2 elements; one is expected"),
        ({"WRITER": [b"x" * 10_000]}, f"WRITER: {'x' * 40!r} is not known"),
    ],
)
def test_a_choice_that_there_is_not_is_refused_with_those_there_are(first, given, said):
    with pytest.raises(InputError) as caught:
        run(first, asked(TEXT=[TEXT], **given))
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


def test_what_is_not_chosen_has_its_default():
    assert read_options({"TEXT": [b"x"]}) == Options()
    assert read_options({"POLICY": [b"warn"]}) == Options(policy="warn")


def test_the_model_is_refused_by_name_where_there_is_none(first):
    with pytest.raises(NotFoundError, match="no model is released yet"):
        run(first, asked(TEXT=[TEXT], WRITER=[b"model"]))


# --- a release with a model ---


class Processor:
    """A processor that reads what it is given, or refuses pictures."""

    def __init__(self, config, *, refuses=False):
        self.config, self.refuses = config, refuses

    def features(self, condition):
        if self.refuses:
            raise InputError("too wide", field="pixels")
        pixels = getattr(condition.payload, "pixels", None)
        frames = {} if pixels is None else {"frames": pixels[None]}
        return {"kind": np.asarray(condition.kind), **frames}

    def assemble(self, prompt, features, facts=""):
        from any2caption.model.inputs import ModelInputs

        tokens, grid = np.ones(3 + len(features), np.int64), np.zeros((0, 3), np.int64)
        patches = np.zeros((0, self.config.vision.patch_dim), np.float32)
        poses, positions = np.zeros((0, 16), np.float32), np.ones((3, len(tokens)), np.int64)
        return ModelInputs(tokens, positions, tokens, patches, grid, patches, grid, poses)


@pytest.fixture
def modelled(first):
    """The first step of a release whose model knows dogs, kitchens and cameras."""
    from any2caption.model.presets import TINY
    from any2caption.serving.steps.prompting import Prompting

    prompting = Prompting.__new__(Prompting)
    prompting.processor, prompting.kinds = Processor(TINY), frozenset({"camera", "image"})
    prompting._scope, prompting.facts = Scope.of([TEXT.decode()] * 3, prompting.kinds), "none"
    prompting.shown, prompting.spelled = prompting.kinds, prompting._scope.spelled
    step = Preprocess.__new__(Preprocess)
    step.prompting, step.release, step.pool = prompting, 4, first.pool
    step.has_endpoint, step.most_pictures, step.eyes = False, 12, first.eyes
    return step


def drafts(outputs):
    flag = words(outputs, "OPTIONS")["draft"] == "model"
    assert flag == bool(outputs["INPUT_IDS"].size), "the decoder sees what the check is told"
    return flag


def test_auto_asks_the_model_only_for_what_it_was_trained_on(modelled):
    inside = run(modelled, asked(TEXT=[TEXT], CAMERA=[camera_text()]))
    assert drafts(inside)
    assert words(inside, "READ")["info"]["scope"] == {"inside": True, "why": ""}
    outside = run(modelled, asked(TEXT=[b"Two astronauts repair a solar panel"]))
    assert not drafts(outside)
    assert "astronauts" in words(outside, "READ")["info"]["scope"]["why"]
    assert words(checked(outside), "INFO")["writer"] == "compose"


def test_a_writer_asked_for_by_name_writes(modelled):
    composed = run(modelled, asked(TEXT=[TEXT], WRITER=[b"compose"]))
    assert not drafts(composed)
    assert "scope" not in words(composed, "READ")["info"]
    far = run(modelled, asked(TEXT=[b"Two astronauts"], WRITER=[b"model"]))
    assert drafts(far)
    assert not words(far, "READ")["info"]["scope"]["inside"]


def test_marks_stand_for_words_that_the_model_can_not_spell_and_none_is_answered(modelled):
    read = run(modelled, asked(TEXT=[b"Two astronauts repair a panel"], WRITER=[b"model"]))
    marks = words(read, "READ")["info"]["model"]["stand_ins"]
    assert marks["stated_action"] == "The astronauts repair a panel"
    parts = dict.fromkeys(PARTS, "stated_action.") | {"style": "stated_style."}
    answer = checked(read, render(StructuredCaption(**parts)))
    caption = StructuredCaption.model_validate_json(text(answer["CAPTION"])[0])
    assert caption.action == "The astronauts repair a panel."
    assert "stated_" not in render(caption)
    assert words(answer, "INFO")["model"]["stand_ins"] == marks
    spelled = run(modelled, asked(TEXT=[TEXT], WRITER=[b"model"]))
    assert "stand_ins" not in words(spelled, "READ")["info"]["model"]


def test_a_kind_that_the_model_never_saw_is_not_shown_to_it(modelled):
    seen = {"CAMERA": [camera_text()]}
    modelled.prompting.kinds = modelled.prompting.shown = frozenset({"image"})
    told = run(modelled, asked(TEXT=[TEXT], WRITER=[b"model"], **seen))
    alone = run(modelled, asked(TEXT=[TEXT], WRITER=[b"model"]))
    assert told["INPUT_IDS"].shape == alone["INPUT_IDS"].shape
    assert "not trained on camera conditions: it is not shown them" in str(words(told, "READ"))


def test_auto_asks_an_endpoint_for_what_the_model_was_not_trained_on(modelled):
    modelled.has_endpoint = True
    assert words(run(modelled, asked(TEXT=[TEXT])), "OPTIONS")["draft"] == "model"
    outside = asked(TEXT=[b"Two astronauts repair a solar panel"], IMAGE=[picture()])
    outputs = run(modelled, outside)
    assert words(outputs, "OPTIONS")["draft"] == "endpoint"
    assert not outputs["INPUT_IDS"].size
    ((source, name, _),) = words(outputs, "SHOWN")["pictures"]
    assert (source, name) == ("picture 1", "picture 1 (reference)")
    composed = run(modelled, outside | asked(WRITER=[b"compose"]))
    assert words(composed, "SHOWN")["pictures"] == [], "shown to nobody"


def test_an_endpoint_that_is_not_set_is_named_with_its_setting(first):
    with pytest.raises(NotFoundError, match=r"no endpoint is configured: set A2C_WRITER_BASE_URL"):
        run(first, asked(TEXT=[TEXT], WRITER=[b"endpoint"]))


def test_the_endpoint_is_shown_no_more_pictures_than_are_set(first, monkeypatch):
    monkeypatch.setattr(first, "has_endpoint", True)
    monkeypatch.setattr(first, "most_pictures", 2)
    outputs = run(first, asked(IMAGE=[picture()] * 3, WRITER=[b"endpoint"]))
    assert [one[0] for one in words(outputs, "SHOWN")["pictures"]] == ["picture 1", "picture 2"]


def test_a_bundle_that_does_not_say_its_scope_is_not_asked_by_auto(modelled):
    modelled.prompting._scope = None
    outputs = run(modelled, asked(TEXT=[TEXT]))
    assert not drafts(outputs)
    assert "does not say what it was trained on" in words(outputs, "READ")["info"]["scope"]["why"]


def test_a_picture_unlike_those_of_training_is_not_left_to_the_model(modelled):
    flat = [np.full((1, 56, 56, 3), number % 250, np.uint8) for number in range(200)]
    kind, role = np.asarray("image"), np.asarray("")
    shown = [{"kind": kind, "role": role, "frames": frames} for frames in flat]
    prompts = [TEXT.decode()] * 3
    modelled.prompting._scope = Scope.of(prompts, modelled.prompting.kinds, shown)
    asks = asked(TEXT=[TEXT], IMAGE=[picture()])
    outputs = run(modelled, asks)
    assert not drafts(outputs)
    scope = words(outputs, "READ")["info"]["scope"]
    assert not scope["inside"]
    assert scope["why"].startswith("picture 1 looks unlike the pictures that the model was trained")
    must = run(modelled, asks | asked(WRITER=[b"model"]))
    assert drafts(must)
    assert words(must, "READ")["info"]["scope"]["why"] == scope["why"]
    modelled.has_endpoint = True
    assert words(run(modelled, asks), "OPTIONS")["draft"] == "endpoint"


def test_what_the_model_cannot_read_is_composed_unless_it_must_write(modelled):
    modelled.prompting.processor.refuses = True
    outputs = run(modelled, asked(TEXT=[TEXT], IMAGE=[picture()]))
    assert not drafts(outputs)
    why = words(outputs, "READ")["info"]["scope"]["why"]
    assert why == "the model can't read this request: pixels: too wide"
    with pytest.raises(InputError, match="too wide"):
        run(modelled, asked(TEXT=[TEXT], IMAGE=[picture()], WRITER=[b"model"]))


def test_a_request_for_no_draft_fits_the_contract(modelled):
    outputs = run(modelled, asked(TEXT=[TEXT], WRITER=[b"compose"]))
    for tensor in contract.PREPROCESS.outputs:
        array = outputs[tensor.name]
        assert array.ndim == len(tensor.dims)
        assert all(d in {-1, n} for d, n in zip(tensor.dims, array.shape, strict=True))
    assert not outputs["PRESENT"].any()
    assert len(ENCODERS) == outputs["PRESENT"].size


# --- the check ---


def test_a_draft_that_is_no_caption_is_composed_instead_and_that_is_said(modelled):
    outputs = run(modelled, asked(TEXT=[TEXT]))
    info = words(checked(outputs, "1. Dense caption: half"), "INFO")
    assert info["writer"] == "compose"
    (note,) = [one for one in info["notes"] if "could not be used" in one]
    assert "the caption lacks" in note
    assert "model" in info["milliseconds"]
    must = run(modelled, asked(TEXT=[TEXT], WRITER=[b"model"]))
    with pytest.raises(A2CError, match="the caption lacks") as caught:
        checked(must, "1. Dense caption: half")
    assert not isinstance(caught.value, InputError), "the model's fault, not the caller's"


def test_a_fault_of_the_check_loses_no_answer(modelled, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("on purpose")

    monkeypatch.setattr(writers, "check", broken)
    info = words(checked(run(modelled, asked(TEXT=[TEXT])), render(DRAFT)), "INFO")
    assert info["writer"] == "compose"
    assert any("RuntimeError: on purpose" in note for note in info["notes"])
    with pytest.raises(A2CError, match="on purpose"):
        checked(run(modelled, asked(TEXT=[TEXT], WRITER=[b"model"])), render(DRAFT))


def test_a_rejected_draft_is_a_refusal_whoever_was_asked(modelled, monkeypatch):
    def rejecting(*_, **__):
        raise UngroundedError("contradicted")

    monkeypatch.setattr(writers, "check", rejecting)
    with pytest.raises(UngroundedError):
        checked(run(modelled, asked(TEXT=[TEXT], POLICY=[b"reject"])), render(DRAFT))


@pytest.mark.parametrize("name", ["READ", "FACTS", "OPTIONS"])
def test_a_probe_is_refused_by_name(first, name):
    outputs = run(first, asked(TEXT=[TEXT]))
    for content in (b"", b"[]", b"{", b'{"other": 1}'):
        with pytest.raises(InputError, match=name):
            checked({**outputs, name: strings(content)})


def test_lists_of_info_are_bounded_and_say_what_was_cut():
    sentence = Sentence("It rains.", (Source("text"),))
    finding = Finding("dense", "omitted", "rain")
    grounded = Grounded(
        dict.fromkeys(PARTS, (sentence,)), "model", findings=(finding,) * (MOST_ENTRIES + 5)
    )
    info = bounded(grounded.as_info())
    assert len(info["findings"]) == MOST_ENTRIES
    assert info["notes"] == ["findings: … and 5 more"]
    told = bounded(Grounded(grounded.parts, "model", notes=("x" * 5_000,)).as_info())["notes"]
    assert told == ["x" * MOST_CHARACTERS + "…"]


def test_facts_survive_the_way_between_the_steps():
    fact = Fact("camera", "pans left", Source("camera 1", frames=(0, 5)), {"keys": ["pan_left"]})
    facts = Facts("x", (fact,), notes=("a note",))
    assert Facts.from_json(json.loads(json.dumps(facts.as_json()))) == facts


def test_the_prompt_of_a_named_generator_is_in_info(first):
    given = asked(TEXT=[TEXT], CAMERA=[camera_text()], GENERATOR=[b"wan"])
    prompt = words(checked(run(first, given)), "INFO")["prompt"]
    assert (prompt["generator"], prompt["budget"], prompt["counted"]) == ("wan", 512, "estimate")
    assert "small red figure" in prompt["prompt"]
    assert prompt["leaves"] == ["camera"]
    without = asked(TEXT=[TEXT])
    assert "prompt" not in words(checked(run(first, without)), "INFO")
