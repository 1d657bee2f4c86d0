"""Words that are to be read in the picture: a sign that says 'OPEN'."""

from any2caption.grounding.words.lists import looks
from any2caption.grounding.words.tags.tokens import Word


def written_texts(words: list[Word]) -> list[tuple[int, int]]:
    """Return the places of quoted (or capital) words that a cue says are written."""
    cued = [at for at, word in enumerate(words) if word.low.rsplit(" ", 1)[-1] in looks.WRITING]
    if not cued:
        return []
    quoted = [(word.start + 1, word.end - 1) for word in words if word.tag == "quote"]
    return quoted or _capitals(words[cued[0] + 1 :])


def _capitals(words: list[Word]) -> list[tuple[int, int]]:
    shouted = [word for word in words if len(word.text) > 1 and word.text.isupper()]
    return [(shouted[0].start, shouted[-1].end)] if shouted else []
