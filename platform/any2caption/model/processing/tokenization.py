"""Tokenizers: Qwen2-VL's own from a file, or a small one trained on the corpus.

The small one is byte-level BPE that splits text at punctuation only, so that merges run across
spaces and whole phrases of the corpus become one token: captions are less than half as long and
train twice as fast. That suits template text; wording the corpus never had falls back to short
tokens.
"""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from any2caption.errors import ConfigError
from any2caption.model.config import NEW_TOKENS, QWEN_TOKENS

PUNCTUATION = r"[.,:;!?()\"\n]"


def train_tokenizer(
    texts: Iterable[str],
    vocab_size: int,
    *,
    phrases: Collection[str] = (),
    special: Collection[str] = (),
) -> Tokenizer:
    """Train the small tokenizer; the same texts in the same order give the same tokenizer.

    `phrases` never merge with their neighbours: what combines freely ("two red balls", "trucks left
    while panning left") must stay apart, or each combination becomes a token that the corpus shows
    only a few times and that the model fails to learn. `special`: further special tokens.
    """
    tokenizer = Tokenizer(models.BPE())
    splits = [pre_tokenizers.Split(Regex(PUNCTUATION), "isolated")]
    if phrases:
        longest_first = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
        pattern = rf"(?i) ?\b(?:{'|'.join(map(re.escape, longest_first))})\b(?! caption\b)"
        splits.append(pre_tokenizers.Split(Regex(pattern), "isolated"))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[*QWEN_TOKENS, *NEW_TOKENS, *special],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a `tokenizer.json` (a file, or the folder that holds it).

    The paper's four tokens are added if they are missing.
    """
    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises bare Exception for a bad file
        raise ConfigError(f"{file}: not a tokenizer file: {error}") from error
    missing = [token for token in QWEN_TOKENS if tokenizer.token_to_id(token) is None]
    if missing:
        raise ConfigError(f"{file}: not a Qwen2-VL tokenizer, it has no {', '.join(missing)}")
    tokenizer.add_special_tokens(list(NEW_TOKENS))
    return tokenizer
