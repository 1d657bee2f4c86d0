"""What a word is, by convention: each metric names its own."""

import re

from any2caption.captions.sentences import split_sentences

_HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Chinese characters and Japanese kana, each a word of its own."""
_ONE = re.compile(f"[{_HAN}]")
_LETTER = rf"[^\W{_HAN}]"
_WORD = re.compile(rf"[{_HAN}]|{_LETTER}+(?:['’-]{_LETTER}+)*")
_ROUGE = re.compile(rf"[{_HAN}]|[a-z0-9]+")
_PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": " -- ", "–": " -- "})
_COCO_PUNCTUATION = frozenset(
    ["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"]
)


def words(text: str) -> list[str]:
    """Lower-case words of a text; punctuation and list numbers' dots are dropped."""
    return _WORD.findall(text.lower())


def has_han(text: str) -> bool:
    """Whether a text has Chinese characters or kana."""
    return bool(_ONE.search(text))


class RougeTokens:
    """rouge-score's own tokens (letters a to z and digits, no stems), and each Han character."""

    @staticmethod
    def tokenize(text: str) -> list[str]:
        """Cut a text into words."""
        return _ROUGE.findall(text.lower())


def coco_tokens(text: str) -> list[str]:
    """coco-caption's tokens: Penn Treebank's, lower-case, without its list of punctuation.

    NLTK's Treebank rules, sentence by sentence, stand in for Stanford's Java; the parity test holds
    them to it. They differ in rare things: `f/1.8`, a stop after `3.5 m`.
    """
    from nltk.tokenize import TreebankWordTokenizer

    cut = TreebankWordTokenizer()
    plain = _ONE.sub(r" \g<0> ", text.translate(_PLAIN).replace("…", " ... "))
    return [
        token
        for sentence in split_sentences(plain)
        for token in map(str.lower, cut.tokenize(sentence, convert_parentheses=True))
        if token not in _COCO_PUNCTUATION
    ]
