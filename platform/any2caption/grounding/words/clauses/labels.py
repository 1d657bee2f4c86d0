"""Labels in front of parts of a prompt: "Style: watercolor", "Scene 2:", "[0-3s]"."""

from dataclasses import dataclass
from typing import Any, Literal

from any2caption.grounding.words.clauses.clause import STOPS, place_value, whole
from any2caption.grounding.words.clauses.placing import Placing
from any2caption.grounding.words.lists import grammar, looks, phrases, words
from any2caption.grounding.words.phrases.complements import LIKE_SETTINGS, SETTINGS
from any2caption.grounding.words.phrases.noun_phrases import NounPhrase, noun_phrase
from any2caption.grounding.words.tags.tokens import Word

Kind = Literal["part", "style", "look", "place", "camera", "denied", "unseen"]

_KINDS: tuple[tuple[frozenset[str], Kind], ...] = (
    (words("""action actions appearance character characters clothing costume description
            foreground outfit prompt scene story subject subjects video wardrobe"""), "part"),
    (phrases("main subject, main character, video prompt, text prompt"), "part"),
    (words("aesthetic style") | phrases("art style, visual style"), "style"),
    (words("atmosphere colors colours lighting mood palette tone"), "look"),
    (phrases("color palette, colour palette, overall mood"), "look"),
    (words("background environment location place setting time weather"), "place"),
    (phrases("time of day"), "place"),
    (words("angle composition framing lens shot"), "camera"),
    (phrases("""camera, camera angle, camera motion, camera movement, camera work, shot type,
             camera shot"""), "camera"),
    (words("avoid exclude excluded exclusions forbidden negative negatives prohibited"), "denied"),
    (phrases("negative prompt, do not include, must avoid"), "denied"),
    (words("""audio dialogue duration fps length music narration resolution seed sfx sound sounds
            soundtrack voiceover"""), "unseen"),
    (phrases("aspect ratio, frame rate"), "unseen"),
)  # fmt: skip
_AS = frozenset({"as", "for"})
_NUMBERED = frozenset({"act", "clip", "cut", "frame", "part", "scene", "shot", "step"})
_SLUGS = frozenset({"int", "ext", "interior", "exterior"})
"""What a scene of a screenplay begins with."""
_LONGEST = 5
"""Words of a label and its colon at most."""
_SEVERAL = 2
_SAY_SO = frozenset({"scene", "shot", "story", "style", "video"})
"""Last words of names that tell something themselves."""


@dataclass(frozen=True, slots=True)
class Label:
    """`words[start:end]` with its colon or bracket, and what the words behind it tell."""

    kind: Kind
    name: str
    end: int


def label(tagged: list[Word], at: int) -> Label | None:
    """Return the label that begins at a word, or None."""
    at = _behind_stars(tagged, at)
    if end := _timed(tagged, at):
        return Label("part", "", _behind_stars(tagged, end))
    near = range(at, min(at + _LONGEST, len(tagged)))
    colon = next((n for n in near if _ends_name(tagged, n)), 0)
    if colon <= at:
        return None
    name = " ".join(word.low for word in tagged[at:colon])
    end = _behind_stars(tagged, (_timed(tagged, colon) or colon + 1))
    first, _, number = name.partition(" ")
    if first in _NUMBERED and (number.isdecimal() or number in grammar.NUMBERS):
        return Label("part", "", end)
    views = any(word.tag == "camera" or word.low == "," for word in tagged[at:colon])
    kind = _kind(name) or (_kind_of_words(name) if at == 0 and not views else None)
    return Label(kind, name, end) if kind else None


def _kind(name: str) -> Kind | None:
    return next((kind for names, kind in _KINDS if name in names), None)


def _kind_of_words(name: str) -> Kind | None:
    """Return what "camera lens", "prohibited elements" or "background music" is of."""
    kinds = {word: _kind(word) for word in name.split()}
    if len(kinds) < _SEVERAL or set(kinds) & grammar.FUNCTION:
        return None
    *_, name_end = kinds
    if name_end in _SAY_SO:
        return None  # "1950s commercial style", "product shot"
    first, *_, last = kinds.values()
    denied: Kind | None = "denied" if "denied" in kinds.values() else None
    return denied or last or (first if first != "place" else None)


def _ends_name(tagged: list[Word], at: int) -> bool:
    """Whether a name ends: at its colon, or at "(0-2s):" in front of one."""
    end = _timed(tagged, at)
    return tagged[at].low == ":" or bool(end and tagged[end - 1].low == ":")


def _behind_stars(tagged: list[Word], at: int) -> int:
    """Return the place behind marks of emphasis: "**Style:**"."""
    while at < len(tagged) - 1 and tagged[at].low == "*":
        at += 1
    return at


def _timed(tagged: list[Word], at: int) -> int:
    """Return the end of "[0-3s]", "(0:00 - 0:04):"; 0 for anything else."""
    if tagged[at].low not in {"[", "("}:
        return 0
    close = next((n for n in range(at, min(at + 9, len(tagged))) if tagged[n].low in {"]", ")"}), 0)
    inside = "".join(word.low for word in tagged[at + 1 : close])
    timed = inside[:1].isdigit() and not set(inside) - set("0123456789.:-–—sec ")
    if not close or not timed:
        return 0
    return close + 1 + (close + 1 < len(tagged) and tagged[close + 1].low == ":")


class Labelled(Placing):
    """A clause that reads labels and what they name; methods return the place behind."""

    def _label(self, at: int) -> int:
        """Read "Style: watercolor", "Scene 2:"; 0 where no label stands."""
        if at == 0 and self._low(at) in _SLUGS and self._tag(at + 1) in STOPS:
            self._add("style", (at, at + 1), {"style": None, "form": "request"})
            self.fresh, self.last = True, None  # "INT. KITCHEN - NIGHT"
            return at + 1
        found = label(self.words, at) if self.fresh and self._low(at - 1) != ":" else None
        if found is None:
            return 0
        if found.kind == "denied":
            return self._denied_list(at, found.end)
        self._add("style", (at, found.end), {"style": None, "form": "request"})
        self.fresh, self.last, self.who = True, None, []
        end = next((n for n in range(found.end, len(self.words)) if self._ends(n)), len(self.words))
        if found.kind == "part" or end == found.end:
            return found.end
        if found.kind == "unseen":
            self._add("style", (found.end, end), {"style": None, "form": "request"})
        elif found.kind == "camera":
            still = self._low(found.end) in looks.STILLNESS
            moves = self._low(found.end) in looks.MOVES or self._tag(found.end) == "verb"
            form = "noun" if still or not moves else "base"
            self._add_camera(found.end, end, found.end, form=form)
        elif found.kind == "place":
            phrase = noun_phrase(self.words, found.end)
            if phrase is None or phrase.sort in SETTINGS:
                return found.end
            self._add("background", (found.end, end), place_value(phrase))
            self._inside(phrase.end, end)
        else:
            value = {"style": self._low(found.end), "form": "noun"}
            value |= {"label": found.name} if found.kind == "look" else {}
            self._add("style", (found.end, end), value)
        return end

    def _role_given(self, at: int) -> int:
        """Read "use image 1 as the character and image 2 as the style"; 0 for no such."""
        if self._low(at) not in {"take", "use"} or not self.fresh:
            return 0
        end, start, given = 0, at, at + 1
        while True:
            given += self._tag(given) == "det"
            role = noun_phrase(self.words, given + 2) if self._low(given + 1) in _AS else None
            behind = self._tag(given + 1) == "ground" and self._low(given + 1).startswith("as ")
            if self._tag(given) != "ref" or not (role or behind):
                return end
            end = role.end if role else given + 2
            self._role(start, end, self.words[given], role)
            start = given = end
            while self._low(given) in {",", "and"}:
                start = given = given + 1

    def _role(self, start: int, end: int, reference: Word, role: NounPhrase | None) -> None:
        """Let a condition be the setting, the look, or whom the text speaks of."""
        condition = self._condition(reference)
        value: dict[str, Any] = {"form": "sentence", "condition": condition}
        if condition is None:
            self._add("style", (start, end), {"style": None, "form": "request"})
        elif role is None or role.sort in LIKE_SETTINGS:
            place = whole(role) if role else "background"
            self._add("background", (start, end), {"place": place, "kind": "place", **value})
        elif role.sort == "style":
            self._add("style", (start, end), {"style": role.noun, **value})
        else:
            self._subject(role, end)
            self._add("identity", (start, end), {"noun": role.noun, "condition": condition})
        self.fresh, self.last = True, None

    def _ends(self, at: int) -> bool:
        """Whether a mark ends what a label names."""
        return self._low(at) in {".", ";", "!", "?"} or (
            self._low(at) == "," and label(self.words, at + 1) is not None
        )
