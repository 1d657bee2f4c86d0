"""Captions and prompts: by rules without inventing, by a model under the paper's rules."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage

from any2caption.annotation.by_rules import UNKNOWN, RuleAnnotator
from any2caption.annotation.endpoint.annotator import EndpointAnnotator, prompt_ask
from any2caption.annotation.endpoint.opening import open_endpoint
from any2caption.annotation.facts import Item, facts_of
from any2caption.annotation.media import Media
from any2caption.annotation.prompt_rules import MAX_WORDS, left_out, violations, word_count
from any2caption.captions.schema import PARTS as LABELS
from any2caption.captions.schema import StructuredCaption
from any2caption.conditions.body.movements import PoseMovement
from any2caption.conditions.inspect.seen import seen
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Condition, Depth, Image, Part, Pose
from any2caption.datasets.records import SourceRecord
from any2caption.endpoints.pictures import (
    MAX_DEPTH,
    condition_pictures,
    encode,
    identity_groups,
    stitch,
)
from any2caption.errors import InputError
from any2caption.storage.memory import MemoryStore

from .api_server import kind_of
from .builders import PARTS, camera_text
from .conftest import moving_box

CAPTION = StructuredCaption(**PARTS)


def camera(turn=0.1):
    return parse_condition("camera", [Part("pan.txt", camera_text(turn))])


def depth(count):
    maps = np.linspace(0, 1, count)[:, None, None] * np.ones((1, 8, 10))
    return Condition("depth", Depth(maps.astype(np.float32)), "8-bit relative PNG")


def identity(number=1, colour=200):
    pixels = np.full((30, 20, 3), colour, dtype=np.uint8)
    return Condition("image", Image(pixels), "PNG", role="identity", number=number)


def pose(people=2):
    points = np.full((6, people, 18, 3), 0.5, dtype=np.float32)
    return Condition("pose", Pose(points, "COCO_18"), "OpenPose JSON")


def item(*conditions, prompt="", frames=True, parts=None):
    record = SourceRecord(
        id="r1", source="unit", licence="CC0-1.0", prompt=prompt, caption_parts=parts or {}
    )
    media = Media("r1", moving_box()[0] if frames else None, 8.0)
    return Item(record, conditions, media)


def picture(data):
    return np.asarray(PilImage.open(io.BytesIO(data)))


@pytest.fixture
def annotator(annotate_settings):
    endpoint = open_endpoint(annotate_settings, MemoryStore("a"))
    yield EndpointAnnotator(endpoint, frames=4)
    endpoint.close()


def test_rules_put_the_camera_into_words_and_say_what_they_cannot_know():
    done = RuleAnnotator().caption(item(camera()))
    assert done.caption.camera in {"The camera pans left.", "The camera pans right."}
    assert done.unknown == ("main_object", "background", "style", "action")
    for part in done.unknown:
        assert getattr(done.caption, part) == UNKNOWN[part]
    assert done.caption.dense == done.caption.camera  # nothing unknown gets into the dense part


def test_left_and_right_differ():
    words = {facts_of([camera(turn)]).camera for turn in (0.1, -0.1)}
    assert words == {"The camera pans left.", "The camera pans right."}


def test_rules_read_the_prompts_closed_vocabulary_and_quote_the_rest():
    done = RuleAnnotator().caption(
        item(camera(), prompt="two red balls bouncing up and down on a beach, watercolour")
    )
    assert "two red ball" in done.caption.main_object
    assert "sandy beach" in done.caption.background
    assert "watercolour" in done.caption.style
    assert "bouncing up and down" in done.caption.action
    assert done.unknown == ()
    assert done.caption.dense.startswith("The request is: two red balls")


def test_rules_keep_the_parts_that_the_source_states():
    stated = {"camera": "It moves right while yawing left.", "dense": "A long text."}
    done = RuleAnnotator().caption(item(camera(), prompt="a red ball", parts=stated))
    assert (done.caption.camera, done.caption.dense) == (stated["camera"], stated["dense"])
    assert "red ball" in done.caption.main_object
    assert done.unknown == ("background", "style", "action")


def test_a_poses_sure_movements_are_told_and_the_unsure_ones_are_not(monkeypatch):
    walks = PoseMovement(1, "walk", "body", "left", 0.0, 1.0, 0.9)
    waves = PoseMovement(1, "wave", "right arm", None, 0.0, 1.0, 0.2)
    monkeypatch.setattr(
        "any2caption.conditions.facts.pose.pose_movements", lambda _: [walks, waves]
    )
    assert facts_of([pose(1)]).action == "The person walks left."


def test_rules_count_people_and_identities():
    facts = facts_of([pose(2), identity(1), identity(2)])
    assert facts.subjects == "Two people in pose 1; 2 identity pictures."


def test_rules_refuse_a_record_they_can_say_nothing_about():
    with pytest.raises(InputError, match="r1: caption: neither the prompt nor a condition"):
        RuleAnnotator().caption(item(depth(3)))


def test_a_rule_based_prompt_leaves_out_what_the_conditions_say():
    written = RuleAnnotator()
    assert "pans" not in written.prompt(item(camera()), CAPTION).prompt
    assert "slides" not in written.prompt(item(pose()), CAPTION).prompt
    assert "One yellow box" not in written.prompt(item(identity()), CAPTION).prompt
    full = written.prompt(item(), CAPTION).prompt
    assert "One yellow box. The box slides. Dark ground." in full


def test_a_rule_based_prompt_says_nothing_unknown():
    known = StructuredCaption(**{**PARTS, **{p: UNKNOWN[p] for p in ("style", "background")}})
    assert "do not tell" not in RuleAnnotator().prompt(item(), known).prompt
    nothing = StructuredCaption(**{**PARTS, **UNKNOWN})
    with pytest.raises(InputError, match="nothing is left to say"):
        RuleAnnotator().prompt(item(), nothing)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["A box slides.", "It rains all day long!", "Why?"]), max_size=80))
def test_a_rule_based_prompt_never_passes_a_hundred_words(sentences):
    caption = StructuredCaption(**{**PARTS, "action": " ".join(["It moves.", *sentences])})
    assert word_count(RuleAnnotator().prompt(item(), caption).prompt) <= MAX_WORDS


@pytest.mark.parametrize(
    ("prompt", "kinds", "reason"),
    [
        ("word " * 101, set(), "101 words; at most 100"),
        ("- a dog\n- a cat", set(), "it is a list"),
        ("1. a dog\n2. a cat", set(), "it is a list"),
        ("A room while the camera slowly pans to the left.", {"camera"}, "how the camera moves"),
        ("A room; then zoom in on the cup.", {"camera"}, "how the camera moves"),
        ("The depth maps show a room.", {"depth:sparse"}, "the depth map itself"),
        ("The view moves in on a hall.", {"depth:dense"}, "how the camera moves"),
    ],
)
def test_a_broken_rule_is_named(prompt, kinds, reason):
    assert any(reason in one for one in violations(prompt, kinds))


@pytest.mark.parametrize(
    ("prompt", "kinds"),
    [
        ("word " * 100, set()),
        ("A frying pan on the stove of a camera shop.", {"camera"}),
        ("A boy tilts his head.", {"camera"}),
        ("The camera pans to the left.", {"pose"}),  # only a given camera is left out
        ("A dense forest, deep and dark.", {"depth:dense"}),
    ],
)
def test_a_prompt_that_keeps_the_rules_passes(prompt, kinds):
    assert violations(prompt, kinds) == []


def test_what_is_left_out_adds_up_over_the_kinds():
    assert left_out({"camera", "pose"}) == {"camera", "action"}
    assert left_out({"depth:dense"}) == {"camera", "action"}
    assert left_out({"depth:sparse"}) == frozenset()
    assert item(depth(5), depth(6)).kinds == {"depth:sparse", "depth:dense"}


@pytest.mark.parametrize(
    ("count", "groups"),
    [(0, []), (1, [1]), (2, [2]), (3, [3]), (4, [2, 2]), (5, [3, 2]), (7, [3, 2, 2])],
)
def test_identities_are_stitched_two_or_three_at_a_time(count, groups):
    assert identity_groups(count) == groups
    shown = condition_pictures([identity(n + 1) for n in range(count)])
    assert len(shown) == len(groups)


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (3, 3), (5, 5), (40, 5)])
def test_depth_maps_are_three_to_five_in_time_order(count, shown):
    maps = seen(depth(count).payload, MAX_DEPTH)
    assert len(maps) == shown
    levels = [int(one[0, 0, 0]) for one in maps]
    assert levels == sorted(levels)
    strip = picture(condition_pictures([depth(count)])[0])
    assert strip.shape[1] <= 1024
    if count > 1:
        assert strip[5, 5, 0] < 10  # the first map is left,
        assert strip[5, -5, 0] > 245  # the last one right


def test_holes_in_depth_are_black():
    maps = np.full((1, 4, 4), np.nan, dtype=np.float32)
    assert not seen(Depth(maps), MAX_DEPTH)[0].any()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900)), min_size=1, max_size=5))
def test_a_strip_fits_its_box_whatever_the_sizes(sizes):
    pixels = [np.full((height, width, 3), 9, dtype=np.uint8) for height, width in sizes]
    shape = picture(stitch(pixels)).shape
    assert shape[0] <= 256
    assert shape[1] <= 1024 + 4 * len(sizes)
    assert max(picture(encode(pixels[0])).shape[:2]) <= 512


def test_six_parts_are_asked_for_apart_and_then_merged(annotator, chat):
    done = annotator.caption(item(camera()))
    asked = [kind_of(body) for body in chat.requests]
    assert asked == [*LABELS, "merge"]
    assert done.caption.dense == "Answer to merge."
    assert done.caption.action == "Answer to action."
    assert done.usage.requests == 7
    parts, merge = chat.requests[:6], chat.requests[6]
    for body in parts:
        urls = [one for one in body["messages"][1]["content"] if one["type"] == "image_url"]
        assert len(urls) == 4
    merge_text = merge["messages"][1]["content"]
    assert [one["type"] for one in merge_text] == ["text"]
    assert "Answer to dense." in merge_text[0]["text"]


def test_geometry_is_told_to_the_parts_that_it_concerns(annotator, chat):
    annotator.caption(item(camera()))
    told = {
        kind_of(body): "Measured from geometry: The camera pans"
        in body["messages"][1]["content"][-1]["text"]
        for body in chat.requests
    }
    assert {kind for kind, there in told.items() if there} == {"dense", "camera", "merge"}


def test_a_record_without_a_clip_is_captioned_from_its_conditions_and_says_so(annotator, chat):
    done = annotator.caption(item(depth(3), frames=False))
    assert done.notes == ("captioned from its conditions: the record has no clip",)
    assert chat.requests[0]["messages"][1]["content"][0]["type"] == "image_url"
    with pytest.raises(InputError, match="nothing to look at"):
        annotator.caption(item(camera(), frames=False))


def test_parts_that_the_source_states_are_not_asked_for_but_shown(annotator, chat):
    done = annotator.caption(item(camera(), parts={"camera": "It moves right."}))
    assert [kind_of(body) for body in chat.requests] == [
        *(part for part in LABELS if part != "camera"), "merge"
    ]  # fmt: skip
    assert done.caption.camera == "It moves right."
    for body in chat.requests[:-1]:
        text = body["messages"][1]["content"][-1]["text"]
        assert "The source says (Camera caption): It moves right." in text


def test_a_text_with_a_stated_dense_caption_needs_no_pictures(annotator, chat):
    done = annotator.caption(item(prompt="a fox", frames=False, parts={"dense": "A red fox runs."}))
    assert done.caption.dense == "A red fox runs."
    assert done.caption.style == "Answer to style."
    assert [kind_of(body) for body in chat.requests] == list(LABELS)[1:]
    assert done.notes == ("captioned from the source's own dense caption: there are no pictures",)


def test_a_prompt_that_breaks_a_rule_is_asked_again_with_the_reason(annotator, chat):
    chat.script.append(("text", json.dumps({"text": "The camera pans left over a box."})))
    done = annotator.prompt(item(camera()), CAPTION)
    assert done.prompt == "Answer to prompt."
    assert (done.usage.requests, done.usage.invalid) == (2, 1)
    assert "how the camera moves" in chat.requests[1]["messages"][-1]["content"]


def test_the_prompts_question_holds_the_rules_the_caption_and_the_pictures():
    ask = prompt_ask(item(identity(1), identity(2), depth(4), camera()), CAPTION)
    assert "stitched side by side" in ask.user
    assert "They are few and give outlines only" in ask.user
    assert "Never use a camera verb" in ask.user
    assert "Main object caption: One yellow box." in ask.user
    assert len(ask.pictures) == 2  # one strip of identities, one of depth maps; none of a camera
    assert ask.context == {"kinds": ["camera", "depth:sparse", "image:identity"]}


def test_the_estimate_counts_what_is_asked(annotator, chat):
    requests, _, _ = annotator.requests(caption=True, prompt=True)
    done = annotator.caption(item(depth(4)))
    annotator.prompt(item(depth(4)), done.caption)
    assert requests == len(chat.requests) == 8
    assert annotator.requests(caption=False, prompt=False) == (0, 0, 0)
    assert RuleAnnotator().requests(caption=True, prompt=True) == (0, 0, 0)


def test_metres_of_depth_are_told():
    far = Depth(np.zeros((1, 4, 4), np.float32), nearest=1.24, farthest=6.0)
    known = Condition("depth", far, "16-bit metric PNG")
    assert facts_of([known]).distances == (
        "The scene has surfaces from about one metre to about six metres away."
    )
    assert not facts_of([depth(1)]).distances
    caption = RuleAnnotator().caption(item(known, prompt="a red ball")).caption
    assert "about six metres away" in caption.background
