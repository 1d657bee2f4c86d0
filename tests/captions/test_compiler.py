import pytest
from hypothesis import given
from hypothesis import strategies as st

from any2caption.captions.compiler import TARGETS, compile_for, estimate_tokens
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


@pytest.mark.parametrize("generator", ["cogvideox", "clip"])
@given(
    st.builds(
        StructuredCaption,
        **dict.fromkeys(PARTS, st.text(min_size=1, max_size=600).filter(lambda t: t.split())),
    )
)
def test_compiled_prompt_never_exceeds_the_budget(generator, caption):
    compiled = compile_for(generator, caption)
    target = TARGETS[generator]
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
        for generator in TARGETS:
            text = compile_for(generator, caption_of(scene)).text
            assert scene.answer("action") in text
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


def test_a_given_tokenizer_counts():
    compiled = compile_for("clip", LONG, count_tokens=lambda text: len(text.split()))
    assert compiled.tokens == len(compiled.text.split()) + 2 <= 77
    assert len(compiled.text) > len(compile_for("clip", LONG).text)


def test_compiling_is_deterministic():
    assert compile_for("clip", LONG) == compile_for("clip", LONG)


def test_unknown_generator_is_refused_with_the_list():
    with pytest.raises(ConfigError, match="cogvideox, clip, plain"):
        compile_for("sora", LONG)
