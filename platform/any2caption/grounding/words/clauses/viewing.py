"""Read what shows the scene: the camera's clauses, views, pictures and their look."""

import re

from any2caption.grounding.words.clauses import camera_words
from any2caption.grounding.words.clauses.clause import whole
from any2caption.grounding.words.clauses.labels import Labelled
from any2caption.grounding.words.lists import looks, verbs, words
from any2caption.grounding.words.phrases.attachments import attached_of, list_of
from any2caption.grounding.words.phrases.complements import complements
from any2caption.grounding.words.phrases.noun_phrases import NounPhrase, noun_phrase


class Viewing(Labelled):
    """A clause that reads what shows the scene; methods return the place behind, 0 for no such."""

    def _camera(self, at: int) -> int:
        """Read a clause of the camera; 0 where none begins here."""
        if not self.fresh:
            return 0
        if end := self._framed(at):
            return end
        clause = camera_words.clause(self.words, at, again=self.reading.camera)
        if clause is None and not self.who:
            clause = camera_words.command(self.words, at)
        if clause is None:
            return 0
        start, said, end = clause
        view = self.words[said - 1]
        scene = said > start and (view.low in camera_words.SPOKEN or view.tag == "camera")
        placed = camera_words.placed(self.words, said)
        asked = camera_words.commands(self.words, at) or camera_words.command(self.words, at)
        form = "sentence" if scene else "base" if asked else "verb"
        form = "place" if placed else form
        self._add_camera(start, end, start if scene else said, form=form)
        moves = looks.MOVES | camera_words.THRUSTS
        first = (n for n in range(said, end) if form == "base" and self._low(n) in moves)
        verb = next((n for n in range(said, end) if self._tag(n) not in {"adv", "aux"}), said)
        inside = next(first, verb) + 1
        while self._low(inside) in moves:
            inside += 1
        self._inside(inside, end, role="subject")
        self.who, self.acted, self.fresh = [], True, False
        self.reading.camera = not placed
        return end

    def _framed(self, at: int) -> int:
        """Read "Close on a pair of hands": how near the camera is to what it shows."""
        near = self._low(at) in _NEAR and self._low(at + 1) == "on" and not self.who
        shown = noun_phrase(self.words, at + 2) if near else None
        if shown is None:
            return 0
        self._add_camera(at, shown.end, at, form="preposition")
        self._inside(at + 2, shown.end, role="subject")
        self.who, self.acted = [shown.noun], False
        return shown.end

    def _medium(self, phrase: NounPhrase) -> int:
        """Read what shows the scene: "an aerial view of", "oil painting", "in black and white"."""
        end = phrase.end
        behind = self._low(end)
        shows = self._tag(end) == "verb" and self.words[end].base in verbs.SHOWING | {"follow"}
        walks = phrase.sort == "camera" and self._tag(end) == "verb" and not shows
        lone = walks or self._tag(end) in {"mark", "end", "prep", "style-of", "conj", "layout"}
        if not (shows or behind in {"of", ":"} or (lone and self._tells_look(phrase))):
            return 0
        if shows:
            end = complements(self.words, end + 1, keep_settings=False)
        else:
            refocus = behind == "to" and phrase.head.low.endswith("focus")  # "rack focus to her"
            by = refocus or behind in _SHOT_BY[phrase.head.low == "shot"]
            source = noun_phrase(self.words, end + 1) if by else None
            above = by and self._tag(end + 1) == "particle"  # "drone shot from above"
            end = source.end if source else end + 2 * above
        form = "sentence" if shows else "noun"
        if self._of_camera(phrase):
            self._add_camera(phrase.start, end, phrase.start, form=form)
        else:
            value = {"style": whole(phrase), "form": form}
            self._add("style", (phrase.start, end), value)
        self._styles_in(phrase)
        self.who, self.acted, self.fresh = [], False, True
        if shows:
            shown = noun_phrase(self.words, phrase.end + 1)
            self._inside(phrase.end + 1, end, role="subject")
            self.who = [shown.noun] if shown else []
        return end + 1 if self._low(end) == "of" else end

    def _tells_look(self, phrase: NounPhrase) -> bool:
        """Whether a phrase alone speaks of the look: "cinematic shot", "vibrant colors"."""
        inside = self.words[phrase.start : phrase.end]
        styled = any(
            word.tag in {"style", "camera"}
            or word.low in looks.STYLE_WORDS | _FILMED | looks.GENRES
            or _DECADE.fullmatch(word.low)
            for word in inside
        )
        styled = styled or {"black", "white"} <= {word.low for word in inside}
        return phrase.sort != "picture" or styled or len(inside) == 1

    def _filmed(self, at: int) -> int:
        """Read "drone shot flying over a lagoon", "seen from above"; 0 where no camera is meant."""
        word, last, by = self.words[at], self.last, self._low(at + 1).split(" ")[0]
        if not self.who and word.form == "base" and [by, self._low(at + 2)] == ["the", "camera"]:
            end = complements(self.words, at + 1, keep_settings=True)  # "keep the camera still"
            while self._tag(end) in {"adj", "adv"}:
                end += 1
            self._add_camera(at, end, at, form="base")
            return end
        if word.form == "ed" and self.fresh and word.base in _SHOT | _MADE and self._in_style(at):
            self._add("style", (at, at + 1), {"style": None, "form": "request"})
            return at + 1  # "filmed | in watercolor style"
        flies = word.form == "ing" and word.base in _FLIES and not self.who
        behind = at - (self._low(at - 1) == ",")
        flies = flies and bool(last and last[1] == behind)
        flies = flies and last is not None and self.reading.facts[last[0]].aspect == "camera"
        seen = word.base in {"film", "view", "see"} and word.form == "ed" and by in _FILMED_BY
        shot = word.form == "ed" and self._shot_so(at)
        if not (flies or ((seen or shot) and (self.fresh or at == 0))):
            return 0
        end = complements(self.words, at + 1, keep_settings=True)
        while shot and self._tag(end) == "prep" and (told := list_of(self.words, end + 1)):
            end = attached_of(self.words, told[-1].end)
        while flies and self._tag(end) not in {"mark", "sub", "rel", "conj", "end"}:
            end += 1
        self._add_camera(at, end, at, form="verb" if flies else "noun")
        if flies:
            self._inside(at + 1, end)
        return end

    def _in_style(self, at: int) -> bool:
        """Whether something is made "in black and white", "in pixel art style"."""
        way = noun_phrase(self.words, at + 2) if self._low(at + 1) == "in" else None
        return way is not None and way.sort == "style"

    def _shot_so(self, at: int) -> bool:
        """Whether something is filmed in some way: "captured in slow motion", "at 240 fps"."""
        way = noun_phrase(self.words, at + 2) if self._tag(at + 1) == "prep" else None
        so = way is not None and way.sort in {"camera", "style"}
        return so and self.words[at].base in _SHOT and self._low(at + 1) in _FILMED_BY | {"at"}


_SHOT = frozenset({"capture", "film", "record", "shoot"})
_MADE = frozenset({"animate", "draw", "paint", "render", "sketch"})
_NEAR = frozenset({"close", "tight", "wide"})
_FILMED_BY = frozenset({"from", "through", "with", "on", "in"})
_SHOT_BY = ({"from", "through"}, {"from", "through", "on", "with"})
"""What stands behind a view, and behind "shot" as well."""
_FLIES = words(
    """
    circle climb descend dive drive fly follow glide look move race ride rise speed sweep travel
    walk
    """
)
_FILMED = frozenset({"video", "footage", "clip"})
_DECADE = re.compile(r"(?:early |late )?'?\d{2,4}'?s")
