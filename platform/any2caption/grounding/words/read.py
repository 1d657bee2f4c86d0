"""The user's words as facts, without losing one."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from any2caption.captions.sentences import split_sentences
from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.types import Condition
from any2caption.grounding.words.clauses.reading import Reading
from any2caption.grounding.words.clauses.sentence import Sentence
from any2caption.grounding.words.content import content_words, spoken
from any2caption.grounding.words.language import other_language, other_script
from any2caption.grounding.words.tags.references import Given
from any2caption.grounding.words.tags.tagging import tag
from any2caption.grounding.words.tags.tokens import Word, tokenise

NOT_ENGLISH = "the text is not English: its words are kept as they are"
PARTLY_ENGLISH = "part of the text is not English: its words are kept as they are"


def read_text(
    text: str, conditions: Sequence[Condition] = ()
) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """Return what a prompt states, in text order, and what the user should know about it.

    Every fact names its characters; `fact.text` are those words, but for a first capital, and for
    what an aspect leaves out in front ("the camera" of "the camera pans left", "no" of "no
    people"). Facts may lie in each other: "a red figure" is a subject in the action "meets a red
    figure". Every content word stands in a fact. A text in another language is one fact.
    """
    reading = Reading(text, Given.of(conditions))
    sentences = _sentences(text)
    if sentences and other_language(tokenise(text)):
        _keep(reading, sentences[0][0], sentences[-1][1])
        return tuple(reading.facts), (NOT_ENGLISH,)
    foreign = [other_script(text[start:end]) for start, end in sentences]
    if any(foreign):
        reading.note(NOT_ENGLISH if all(foreign) else PARTLY_ENGLISH)
    for (start, end), other in zip(sentences, foreign, strict=True):
        if other:
            _keep(reading, start, end)
        else:
            _read(reading, start, end, whole=len(sentences) == 1)
    found = sorted(reading.facts, key=lambda fact: fact.source.characters or (0, 0))
    return tuple(found), tuple(reading.notes)


def _sentences(text: str) -> list[tuple[int, int]]:
    """Return where each sentence begins and ends, without outer blanks."""
    found, at = [], 0
    for piece in split_sentences(text):
        start = text.index(piece, at)
        at = start + len(piece)
        lead = len(piece) - len(piece.lstrip())
        found.append((start + lead, start + len(piece.rstrip())))
    return found


def _keep(reading: Reading, start: int, end: int) -> None:
    value: dict[str, Any] = {"noun": None, "number": None, "attributes": [], "english": False}
    said = " ".join(reading.text[start:end].split())
    source = Source("text", characters=(start, end))
    reading.facts.append(Fact("subject", said, source, value))


def _read(reading: Reading, start: int, end: int, *, whole: bool) -> None:
    words = tokenise(reading.text, start, end)
    Sentence(reading, tag(list(words)), whole=whole).read()
    _keep_rest(reading, words)


def _keep_rest(reading: Reading, words: list[Word]) -> None:
    """Leave words that no fact holds with the main subject."""
    held = set(content_words(" ".join(map(_said, reading.facts, repeat(reading.text)))))
    run: list[Word] = []
    for word in [*words, None]:
        if word is not None and not set(content_words(word.text)) <= held:
            run.append(word)
            continue
        if run and (word is None or content_words(word.text) or word.tag == "mark"):
            _add_rest(reading, run)
            run = []


def _said(fact: Fact, text: str) -> str:
    """Return what a fact holds; a denial holds all of its wording ("don't show any people")."""
    return (
        text[slice(*fact.source.characters)]
        if fact.negated and fact.source.characters
        else spoken(fact)
    )


def _add_rest(reading: Reading, run: list[Word]) -> None:
    main = next((fact.value["noun"] for fact in reading.facts if fact.aspect == "subject"), None)
    value = {"noun": main, "number": None, "attributes": [word.low for word in run], "rest": True}
    reading.add("subject", (run[0].start, run[-1].end), value)
