"""What an annotator may see, and what it may not say: its caption held to geometry."""

import json

import pytest

from any2caption.annotation.held import held
from any2caption.annotation.plan import Plan
from any2caption.annotation.reviews import annotated, queue
from any2caption.annotation.run import run_annotation
from any2caption.captions.camera_reading import read_camera
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import ConfigError
from any2caption.settings import Settings
from any2caption.storage import open_store

from .api_server import kind_of
from .builders import camera_text, write_source

CAMERA = parse_condition("camera", [Part("pan.txt", camera_text())])
SEEN = StructuredCaption(
    dense="A woman in a red coat waits on a bridge. The camera pans right. Fog lies on the river.",
    main_object="A woman in a red coat, at the right of the frame.",
    background="An old stone bridge over a river in fog.",
    camera="A medium shot at eye level. The camera pans right.",
    style="Muted, cold colours.",
    action="She waits and looks down.",
)


def but(**parts):
    return SEEN.model_copy(update=parts)


def keys(text):
    return read_camera(text).keys


def test_what_the_annotator_saw_beside_the_geometry_stays_byte_for_byte():
    assert held(SEEN, [CAMERA]).caption == SEEN
    assert held(SEEN, []).caption == SEEN


def test_a_contradicting_sentence_alone_is_replaced_by_geometry():
    lie = but(camera="A medium shot at eye level. The camera tilts up and zooms out.")
    done = held(lie, [CAMERA])
    assert done.caption.camera == "A medium shot at eye level. The camera pans right."
    assert done.caption.model_copy(update={"camera": SEEN.camera}) == SEEN
    assert (done.repaired, done.doubts) == (("camera",), ())


def test_a_lie_in_the_dense_part_takes_nothing_else_with_it():
    lie = but(dense=SEEN.dense.replace("pans right", "pans left"))
    done = held(lie, [CAMERA])
    assert "pans left" not in done.caption.dense
    assert keys(done.caption.dense) == keys("The camera pans right.")
    for kept in ("A woman in a red coat waits on a bridge.", "Fog lies on the river."):
        assert kept in done.caption.dense


def test_a_dense_part_that_was_all_wrong_is_put_together_from_the_others():
    done = held(but(dense="The camera zooms out over a woman in a red coat."), [CAMERA])
    assert "zooms" not in done.caption.dense
    for part in ("main_object", "background", "camera"):
        assert getattr(SEEN, part) in done.caption.dense


def test_a_camera_part_that_leaves_the_path_out_is_completed():
    done = held(but(camera="A medium shot at eye level."), [CAMERA])
    assert done.caption.camera == "A medium shot at eye level. The camera pans right."


def test_left_to_people_nothing_changes_and_the_doubt_is_said():
    lie = but(camera="The camera zooms out.")
    done = held(lie, [CAMERA], repair=False)
    assert (done.caption, done.repaired) == (lie, ())
    assert any("zoom" in one and "pans right" in one for one in done.doubts)


def test_the_sources_own_words_are_told_of_and_never_changed():
    lie = but(camera="The camera zooms out.")
    done = held(lie, [CAMERA], stated={"camera"})
    assert done.caption == lie
    assert done.doubts


# --- a whole run with an annotator that lies ---


@pytest.fixture
def lying(chat, annotate_settings, tmp_path):
    """A run's settings; the endpoint says of every clip that the camera zooms out."""
    camera = "A wide shot. The camera zooms out and tilts up."
    told = {"camera": camera, "merge": f"A yellow box slides over dark ground. {camera}"}
    chat.answer = lambda body: json.dumps({"text": told.get(kind_of(body), "A yellow box.")})
    home = Settings(
        home=tmp_path / "home",
        object_store=f"memory://held-{tmp_path.name}",
        annotate=annotate_settings,
        catalogue_url=f"sqlite:///{tmp_path / 'catalogue.db'}",
    )
    source = open_store(f"memory://held-source-{tmp_path.name}")
    write_source(source, [{}, {}])
    return home, Plan(source=source.uri, annotator="endpoint", prompts="never")


def test_a_lying_annotator_is_repaired_before_anybody_trains_on_it(lying):
    home, plan = lying
    report = run_annotation(home, plan)
    assert report["repaired"] == {"camera": 2, "dense": 2}
    assert report["doubted"] == 0
    store = open_store(home.object_store)
    for record in annotated(store, report["key"]):
        assert keys(record.caption.camera) == keys("The camera pans right.")
        whole = " ".join(getattr(record.caption, part) for part in PARTS)
        assert "zooms" not in whole
        assert "A wide shot." in record.caption.camera
    assert run_annotation(home, plan)["repaired"] == report["repaired"], "kept with the records"


def test_a_lying_annotator_is_read_by_people_whatever_the_sample(lying):
    home, plan = lying
    report = run_annotation(home, Plan(**{**_plain(plan), "contradictions": "people"}))
    assert (report["repaired"], report["doubted"]) == ({}, 2)
    entries = queue(home, report["key"], share=0.0, second_share=0.0, most=10)
    assert sorted(one["record"] for one in entries) == ["r-0000", "r-0001"]
    assert all("**Against the conditions**: camera: " in one["body"] for one in entries)


def test_an_unknown_way_is_refused():
    with pytest.raises(ConfigError, match="contradictions 'none'; accepted: repair, people"):
        Plan(source="x", contradictions="none")


def _plain(plan):
    return {name: getattr(plan, name) for name in ("source", "annotator", "prompts")}
