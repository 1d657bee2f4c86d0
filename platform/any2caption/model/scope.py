"""What a model was trained on, and whether a request lies within it.

A model asked for what it never saw does not say so: it answers in the words that it has. A bundle
therefore carries its scope, the kinds of conditions, the content words of its training prompts and
what its pictures look like, and a request is measured against it before the model writes.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from any2caption.errors import IntegrityError
from any2caption.grounding.stand_ins import Spelled
from any2caption.grounding.words.content import content_words
from any2caption.model.appearance import KINDS, MOST, Appearance, measured
from any2caption.model.inputs import Features

FORMAT = "a2c.scope/1"
MOST_WORDS = 50_000
LEAST_PROMPTS = 3
"""Prompts that must hold a word for the model to count as having seen it."""
UNKNOWN_SHARE = 0.1
"""The largest share of a prompt's content words that may be unknown."""
_NAMED = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request lies within a scope; `why` says what does not, or what is not known."""

    inside: bool
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what `INFO.scope` says."""
        return {"inside": self.inside, "why": self.why}


UNKNOWN = Verdict(False, "the model's bundle does not say what it was trained on")


@dataclass(frozen=True)
class Scope:
    """Kinds of conditions of the training records, and in how many prompts each word stood.

    `appearance` is, by kind, what their pictures look like; of few pictures nothing is known.
    """

    kinds: frozenset[str]
    words: Mapping[str, int]
    appearance: Mapping[str, Appearance] = field(default_factory=dict)

    @classmethod
    def of(
        cls, prompts: Iterable[str], kinds: Iterable[str], pictures: Iterable[Features] = ()
    ) -> Self:
        """Return the scope of training prompts; of very many words the commonest are kept."""
        counts = Counter(word for prompt in prompts for word in set(content_words(prompt)))
        ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        rows: dict[str, list[Any]] = {}
        for features in pictures:
            if (row := measured(features)) is not None:
                rows.setdefault(str(features["kind"]), []).append(row)
        appearance = {kind: found for kind, some in rows.items() if (found := Appearance.of(some))}
        return cls(frozenset(kinds), dict(ordered[:MOST_WORDS]), appearance)

    def unlike(self, features: Features, name: str) -> str:
        """Say that a picture or a clip looks like none of training; nothing where it does."""
        appearance, row = self.appearance.get(str(features["kind"])), measured(features)
        if appearance is None or row is None:
            return ""
        distance = appearance.distance(row)
        if distance <= appearance.limit:
            return ""
        return (
            f"{name} looks unlike the pictures that the model was trained on "
            f"(distance {distance:.1f}, limit {appearance.limit:.1f})"
        )

    def judge(self, text: str, kinds: Collection[str]) -> Verdict:
        """Hold a request's prompt and kinds of conditions to what training showed."""
        reasons = []
        if unseen := sorted(set(kinds) - self.kinds - {"text"}):
            reasons.append(f"the model was not trained on {' or '.join(unseen)} conditions")
        words = list(dict.fromkeys(content_words(text)))
        unknown = [word for word in words if not self.spelled.all_of(word)]
        if len(unknown) > UNKNOWN_SHARE * len(words):
            named = ", ".join(unknown[:_NAMED]) + (", …" if len(unknown) > _NAMED else "")
            reasons.append(
                f"{len(unknown)} of {len(words)} content words are not in the model's training "
                f"prompts: {named}"
            )
        return Verdict(not reasons, "; ".join(reasons))

    @cached_property
    def spelled(self) -> Spelled:
        """The words that enough prompts held: "pans" is known where "panning" is."""
        return Spelled.of(word for word, count in self.words.items() if count >= LEAST_PROMPTS)

    def to_json(self) -> str:
        """Return the content of a bundle's `scope.json`."""
        content = {
            "format": FORMAT,
            "kinds": sorted(self.kinds),
            "words": dict(self.words),
            "appearance": {
                kind: appearance.as_json() for kind, appearance in sorted(self.appearance.items())
            },
        }
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, name: str) -> Self:
        """Read what `to_json` wrote; `name` is the file named in errors.

        Raises:
            IntegrityError: it is not a scope of this version.
        """
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                raise IntegrityError(
                    f"{name}: format {data['format']!r}; this version reads {FORMAT}"
                )
            words = {str(word): int(count) for word, count in data["words"].items()}
            appearance = {
                str(k): Appearance.from_json(one) for k, one in data.get("appearance", {}).items()
            }
            return cls(frozenset(map(str, data["kinds"])), words, appearance)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(f"{name}: damaged: {error}") from error


def sampled(numbers: Iterable[int], kind_of: Mapping[int, str] | list[str]) -> list[int]:
    """Return up to `MOST` items of each kind that is looked at, evenly over all."""
    out: list[int] = []
    groups: dict[str, list[int]] = {}
    for number in sorted(set(numbers)):
        if kind_of[number] in KINDS:
            groups.setdefault(kind_of[number], []).append(number)
    for group in groups.values():
        out += group[:: -(-len(group) // MOST)]
    return out
