"""WordNet 3.0 from Debian's `wordnet-base` (or NLTK's own data), for METEOR's synonyms."""

import warnings
from functools import cache, lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

_DEBIAN = Path("/usr/share/wordnet")
_LEXICOGRAPHER_FILES = 45


def wordnet_folder() -> Path | None:
    """Where WordNet's files lie on this machine, or None."""
    if (_DEBIAN / "data.noun").is_file():
        return _DEBIAN
    from nltk import data

    try:
        return Path(str(data.find("corpora/wordnet")))
    except LookupError:
        return None


@cache
def wordnet() -> Any:
    """Return what NLTK's METEOR asks for synonyms, each word's remembered.

    Debian leaves out the names of the lexicographers' files, which NLTK wants when it opens the
    data; METEOR asks for none of them, so that numbers stand for them.

    Raises:
        LookupError: WordNet is not on this machine.
    """
    from nltk import data
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    class _Reader(WordNetCorpusReader):  # type: ignore[misc]
        def open(self, file: str) -> Any:
            if file == "lexnames":
                return StringIO("".join(f"{i:02d}\t{i}\t1\n" for i in range(_LEXICOGRAPHER_FILES)))
            return super().open(file)

        def map_wn(self, version: str = "") -> None:
            """Map nothing: it is another WordNet's numbers that would have to be."""

    folder = wordnet_folder()
    if folder is None:
        raise LookupError("WordNet is not here: apt-get install wordnet-base")
    data.path.append(str(folder))  # NLTK reads from folders that are listed there only
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "multilingual functions are not available"
        reader = _Reader(str(folder), None)
    reader.synsets = lru_cache(maxsize=50_000)(reader.synsets)
    return reader
