"""The user's words as facts: a shallow parser over word lists and a lexicon, without a model."""

from any2caption.grounding.words.content import content_words, denied, missing_words, spoken
from any2caption.grounding.words.forms import same_word
from any2caption.grounding.words.read import read_text

__all__ = ["content_words", "denied", "missing_words", "read_text", "same_word", "spoken"]
