import pytest
from tokenizers import Tokenizer

from any2caption.errors import ConfigError
from any2caption.model.config import NEW_TOKENS, QWEN_TOKENS
from any2caption.model.processing.tokenization import load_tokenizer, train_tokenizer
from any2caption.training.data.slot_labels import slot_phrases

TEXTS = ["two red balls, the camera trucks left while panning left, on a sandy beach."] * 50


def pieces(tokenizer, text):
    return [tokenizer.decode([i]) for i in tokenizer.encode(text).ids]


def test_phrases_become_tokens_and_slot_phrases_stay_apart():
    free = train_tokenizer(TEXTS, 600)
    assert pieces(free, "two red balls,") == ["two red balls", ","]
    kept = train_tokenizer(TEXTS, 600, phrases=slot_phrases())
    assert pieces(kept, "two red balls,") == ["two", " red", " balls", ","]
    found = pieces(kept, " the camera trucks left while panning left,")
    assert found == [" the camera", " trucks left", " while", " panning left", ","]


@pytest.mark.parametrize(
    "text", ["two  red\nballs", "Ünïcode — 日本 🎈", "someone", " RED Balls! "]
)
def test_any_text_survives(text):
    tokenizer = train_tokenizer(TEXTS, 600, phrases=slot_phrases())
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_training_repeats_itself_and_knows_the_special_tokens():
    one, two = (train_tokenizer(TEXTS, 600, phrases=slot_phrases()) for _ in range(2))
    assert one.to_str() == two.to_str()
    assert [one.id_to_token(i) for i in range(11)] == [*QWEN_TOKENS, *NEW_TOKENS]


def test_a_file_that_is_no_qwen_tokenizer_is_refused(tmp_path):
    file = tmp_path / "tokenizer.json"
    file.write_text("{}")
    with pytest.raises(ConfigError, match="not a tokenizer file"):
        load_tokenizer(tmp_path)
    Tokenizer.from_str(
        '{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}'
    ).save(str(file))
    with pytest.raises(ConfigError, match=r"it has no <\|endoftext\|>"):
        load_tokenizer(file)
