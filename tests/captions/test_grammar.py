import llguidance
import numpy as np
import pytest
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from any2caption.captions.grammar import lark
from any2caption.captions.text import parse, render
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.world import sample_scene

END = "<|end|>"


@pytest.fixture(scope="module")
def tokenizer():
    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, special_tokens=[END])
    built.train_from_iterator((gold(i) for i in range(50)), trainer)
    return built


@pytest.fixture(scope="module")
def guide(tokenizer):
    return llguidance.LLTokenizer(tokenizer.to_str(), eos_token=tokenizer.token_to_id(END))


def gold(index):
    return render(caption_of(sample_scene(11, index)))


def matcher_of(guide, **limits):
    matcher = llguidance.LLMatcher(guide, llguidance.LLMatcher.grammar_from_lark(lark(**limits)))
    assert not matcher.get_error()
    return matcher


def accepts(guide, tokenizer, text, **limits):
    matcher = matcher_of(guide, **limits)
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    return matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()


def test_grammar_accepts_every_gold_caption(guide, tokenizer):
    assert all(accepts(guide, tokenizer, gold(i)) for i in range(200))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("4. Camera caption", "4. Camera"),
        lambda text: "\n".join(text.split("\n")[1:]),
        lambda text: "\n".join(text.split("\n")[:5]),
        lambda text: text.replace("\n3.", "\n\n3."),
        lambda text: text.replace("5. Style caption: ", "5. Style caption:  "),
        lambda text: text + "\n7. More: x",
        lambda text: text.replace(" camera ", " camera " + "very " * 200),
    ],
    ids=["label", "first missing", "last missing", "empty line", "blank", "extra", "too long"],
)
def test_grammar_refuses_other_forms(guide, tokenizer, change):
    assert not accepts(guide, tokenizer, change(gold(0)), part_limit=500, dense_limit=700)


@pytest.mark.parametrize("seed", range(5))
def test_any_decoder_under_the_grammar_writes_six_parts(guide, tokenizer, seed):
    """A decoder of random preferences, which never prefers to stop, still ends in six parts."""
    rng = sample_scene(1, seed).random("decoder")
    matcher = matcher_of(guide, dense_limit=60, part_limit=30)
    ids = []
    mask = allocate_token_bitmask(1, guide.vocab_size)
    while not matcher.is_stopped():
        fill_next_token_bitmask(matcher, mask)
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little")[: guide.vocab_size]
        allowed = [int(i) for i in np.flatnonzero(bits)]
        token = rng.choice([i for i in allowed if i != guide.eos_token] or allowed)
        assert matcher.consume_token(token)
        if token != guide.eos_token:
            ids.append(token)
        assert len(ids) < 400
    caption = parse(tokenizer.decode(ids, skip_special_tokens=False))
    assert all(caption.model_dump().values())
