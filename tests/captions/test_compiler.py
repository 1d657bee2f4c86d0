import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from any2caption.captions.compiler import GENERATORS, compile_for, estimate_tokens
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.world import sample_scene
from any2caption.errors import ConfigError

LONG = StructuredCaption(
    **{
        part: f"The {part} begins here. " + f"More about the {part}, with long detail. " * 12
        for part in PARTS
    }
)


@pytest.mark.parametrize("generator", ["cogvideox", "clip", "wan", "ltx2", "hunyuan15"])
@given(
    st.builds(
        StructuredCaption,
        **dict.fromkeys(PARTS, st.text(min_size=1, max_size=600).filter(lambda t: t.split())),
    )
)
def test_compiled_prompt_never_exceeds_the_budget(generator, caption):
    compiled = compile_for(generator, caption)
    target = GENERATORS[generator]
    assert compiled.tokens <= target.budget
    assert compiled.tokens == estimate_tokens(compiled.text) + target.special


def test_action_and_camera_are_kept_before_decoration():
    text = compile_for("clip", LONG).text
    assert "The action begins here." in text
    assert "The camera begins here." in text
    dropped = {item.part for item in compile_for("clip", LONG).dropped}
    assert "dense" in dropped


def test_gold_captions_keep_action_and_camera_for_every_generator():
    for index in range(100):
        scene = sample_scene(4, index)
        for generator in GENERATORS:
            text = compile_for(generator, caption_of(scene)).text
            assert scene.answer("action") in text
            if generator != "minimax":
                assert scene.answer("camera") in text


def test_naive_text_of_a_long_caption_would_lose_the_action():
    naive = " ".join(getattr(LONG, part) for part in PARTS)
    assert estimate_tokens(naive[: naive.index("The action")]) > 226
    assert "The action begins here." in compile_for("cogvideox", LONG).text


def test_what_was_dropped_is_reported():
    compiled = compile_for("cogvideox", LONG)
    kept = compiled.text.count("More about")
    assert kept + len(compiled.dropped) == 6 * 12
    assert all(item.text for item in compiled.dropped)


def test_nothing_is_dropped_without_a_budget():
    compiled = compile_for("plain", LONG)
    assert compiled.dropped == ()
    assert all(getattr(LONG, part) in compiled.text for part in PARTS)


def test_a_single_long_sentence_is_cut_between_words():
    endless = LONG.model_copy(update={"action": "walking " * 300})
    compiled = compile_for("clip", endless)
    assert "walking walking" in compiled.text
    assert any(item.part == "action" for item in compiled.dropped)
    assert compiled.tokens <= 77


def test_a_sentence_that_does_not_fit_is_cut_where_a_clause_ends_or_left_out():
    camera = "The camera dollies in slowly, then pans left over the roofs while it keeps rising."
    parts = written(dense="A dog runs across a beach at dawn.", camera=camera,
                    style="Light and colour stay consistent throughout.")  # fmt: skip
    for budget in range(8, 70):
        said = compile_for("plain", parts, budget=budget).text
        assert not re.search(r"Light(?! and colour stay consistent throughout\.)", said), said
        assert "camera" not in said or re.search(
            r"camera dollies in slowly(?:\.|, then pans left over the roofs(?:\.| while it keeps))",
            said,
        ), said


def test_a_given_tokenizer_counts():
    compiled = compile_for("clip", LONG, count_tokens=lambda text: len(text.split()))
    assert compiled.tokens == len(compiled.text.split()) + 2 <= 77
    assert len(compiled.text) > len(compile_for("clip", LONG).text)


def test_compiling_is_deterministic():
    assert compile_for("clip", LONG) == compile_for("clip", LONG)


def test_unknown_generator_is_refused_with_the_list():
    with pytest.raises(
        ConfigError, match="cogvideox, wan, ltx2, hunyuan15, cosmos3, minimax, clip, plain"
    ):
        compile_for("sora", LONG)


def written(**parts):
    return StructuredCaption(**{**{part: f"A word of {part}." for part in PARTS}, **parts})


def test_a_sentence_that_two_parts_share_is_said_once_and_not_reported_as_cut():
    shared = "The camera pans left."
    compiled = compile_for("wan", written(dense=f"A quiet street. {shared}", camera=shared))
    assert compiled.text.count(shared) == 1
    assert compiled.dropped == ()


def test_a_camera_sentence_that_the_dense_part_shares_keeps_its_worth():
    camera = "The camera dollies in while trucking left and panning right."
    caption = written(dense=f"{'A long story of a quiet street. ' * 9}{camera}", camera=camera)
    assert camera in compile_for("clip", caption).text


def test_the_requests_own_sentence_is_kept_before_further_detail():
    text = compile_for("clip", written(dense="A quiet street at dawn. " + "And more of it. " * 40))
    assert "A quiet street at dawn." in text.text
    assert {one.part for one in text.dropped} == {"dense"}


def test_minimax_reads_camera_instructions_in_order_and_three_at_a_time():
    camera = "The camera dollies in while trucking left and panning right, then holds still."
    compiled = compile_for("minimax", written(dense=f"A quiet street. {camera}", camera=camera))
    assert "[Push in, Truck left, Pan right] [Static shot]" in compiled.text
    assert "dollies" not in compiled.text
    assert "A quiet street." in compiled.text


def test_movements_without_an_instruction_stay_words():
    compiled = compile_for("minimax", written(camera="The camera pans left, then orbits right."))
    assert "[Pan left] Orbits right." in compiled.text


def test_four_movements_at_once_take_two_pairs_of_brackets():
    camera = "The camera dollies in while trucking left and panning right and tilting up."
    assert (
        "[Push in, Truck left, Pan right] [Tilt up]"
        in compile_for("minimax", written(camera=camera)).text
    )


def test_cosmos_reads_one_json_object_with_every_part():
    caption = written(dense="Ein Schild: „Café“.")
    read = json.loads(compile_for("cosmos3", caption).text)
    assert read["temporal_caption"] == caption.dense
    assert read["cinematography"]["camera_motion"] == caption.camera
    assert read["subjects"] == [{"description": caption.main_object}]
    assert read["actions"] == [{"description": caption.action}]
    assert {read["background_setting"], read["aesthetics"]} == {caption.background, caption.style}


def test_long_quoted_text_is_told_where_glyphs_are_drawn():
    caption = written(dense=f'A sign that says "{"OPEN " * 60}".')
    assert "300 bytes of quoted text" in compile_for("hunyuan15", caption).notes[0]
    assert compile_for("wan", caption).notes == ()


def test_raw_conditions_that_a_generator_takes_are_told_apart():
    kinds = ["image:first_frame", "depth", "camera", "depth"]
    compiled = compile_for("wan", written(), kinds=kinds)
    assert (compiled.takes, compiled.leaves) == (("image:first_frame", "depth"), ("camera",))
    assert compile_for("plain", written(), kinds=kinds).takes == ()


def test_it_says_what_counted_the_tokens():
    assert compile_for("wan", written()).counted == "estimate"
    assert compile_for("wan", written(), count_tokens=len).counted == "tokenizer"
    told = compile_for("wan", written()).as_json()
    assert (told["generator"], told["budget"]) == ("wan", 512)


def test_a_sentence_that_two_parts_share_is_reported_as_cut_once():
    shared = "The person on the right bends forward and raises the right arm, slowly."
    filler = "A long story of a quiet street that goes on and on and on. " * 4
    caption = written(dense=f"{filler}{shared}", action=f"{filler}{shared}")
    assert [one.text for one in compile_for("clip", caption).dropped].count(shared) == 1
