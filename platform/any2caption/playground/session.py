"""What the page keeps for one visitor: the request, what was understood of it, the last answer."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from any2caption.captions.schema import StructuredCaption
from any2caption.conditions.types import Part
from any2caption.errors import A2CError, InputError
from any2caption.grounding.facts import Facts
from any2caption.playground.asking import Answerer
from any2caption.playground.compare import Pair
from any2caption.playground.edits import asking_again, kept
from any2caption.playground.look import Seen, gathered, guess_kind, look
from any2caption.playground.pending import Pending
from any2caption.playground.request import Item, Request, grouped
from any2caption.serving.client import CaptionResult
from any2caption.serving.following import Follow

MOST_ITEMS = 32
_Key = tuple[int, str, str | None, tuple[tuple[str, Any], ...], int]


@dataclass(frozen=True, slots=True)
class Answer:
    """A caption with what was asked, who answered, and how long it took.

    `written` is the caption as it was answered: `result` has the user's edits.
    """

    request: Request
    result: CaptionResult
    written: StructuredCaption
    where: str
    seconds: float


@dataclass
class Session:
    """One visitor's work. What was looked at once is not looked at again."""

    request: Request = field(default_factory=Request)
    answer: Answer | None = None
    pair: Pair | None = None
    pending: Pending[Answer] | None = None
    _looks: dict[_Key, Seen] = field(default_factory=dict)

    def add(self, files: Sequence[Part], kind: str = "") -> list[str]:
        """Add files as conditions, of a kind or of that which their content says.

        Return what is wrong with those that could not be added, a line each.
        """
        wrong = []
        for parts in grouped(files):
            if len(self.request.items) >= MOST_ITEMS:
                wrong.append(f"{parts[0].name}: at most {MOST_ITEMS} conditions are taken")
                continue
            try:
                self.request = self.request.added([Item(kind or guess_kind(parts), parts)])
            except A2CError as error:
                wrong.append(str(error).replace("; give --kind", ": choose its kind"))
        return wrong

    def seen(self) -> list[Seen]:
        """Return what was read of each condition, in the order in which they were added."""
        found = {
            self._key(number, item): (number, item) for number, item in self.request.numbered()
        }
        # What was seen keeps its item: a name may be new, and no other files get its identity.
        self._looks = {
            key: replace(self._looks.get(key) or look(item, number), item=item)
            for key, (number, item) in found.items()
        }
        return list(self._looks.values())

    def facts(self) -> Facts:
        """Return all that the request states.

        Raises:
            InputError: the prompt mentions a name that nothing has.
        """
        return gathered(self.request, self.seen())

    def begin(self, answerer: Answerer) -> Pending[Answer]:
        """Begin to ask for the caption; a request that is still under way is taken back."""
        self.stop()
        self.pending = Pending(lambda follow: self._ask(answerer, follow))
        return self.pending

    def stop(self) -> None:
        """Take back the request that is under way, if there is one."""
        if self.pending is not None:
            self.pending.leave()

    def _ask(self, answerer: Answerer, follow: Follow) -> Answer:
        """Ask for the caption; locked parts stay.

        Raises:
            A2CError: what is wrong with the request, or that nobody answers.
        """
        for one in self.seen():
            if one.error:
                raise InputError(f"{one.word} can't be read: {one.error}")
        asked = self.request
        if asked.locked and self.answer is not None:
            asked = asking_again(asked, self.answer.written)
        began = time.monotonic()
        result = answerer.ask(asked, follow=follow)
        seconds = time.monotonic() - began
        kept_ = kept(result, self.request.locked)
        self.answer = Answer(asked, kept_, result.caption, answerer.name, seconds)
        return self.answer

    def edit(self, caption: StructuredCaption, locked: Mapping[str, str]) -> None:
        """Keep an edited caption and the parts that stay."""
        self.request = replace(self.request, locked=dict(locked))
        if self.answer is not None and caption != self.answer.result.caption:
            changed = {
                part: text
                for part, text in caption.model_dump().items()
                if text != getattr(self.answer.result.caption, part)
            }
            self.answer = replace(self.answer, result=kept(self.answer.result, changed))

    @staticmethod
    def _key(number: int, item: Item) -> _Key:
        return id(item.parts), item.kind, item.role, tuple(sorted(item.options.items())), number
