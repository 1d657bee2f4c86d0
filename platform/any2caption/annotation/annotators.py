"""What every annotator does: a six-part caption, and a short prompt that fits the conditions."""

from dataclasses import dataclass, field
from typing import Protocol

from any2caption.annotation.facts import Item
from any2caption.captions.schema import StructuredCaption
from any2caption.endpoints.usage import Usage


@dataclass(frozen=True, slots=True)
class Captioned:
    """A caption; `unknown` are parts that the annotator could not know, `notes` what it assumed."""

    caption: StructuredCaption
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Prompted:
    """A short prompt and what it cost."""

    prompt: str
    usage: Usage = field(default_factory=Usage)


class Annotator(Protocol):
    """Fills captions and prompts. Errors: InputError (this record), ConfigError, Unavailable."""

    @property
    def name(self) -> str:
        """The tool's name, as records and reports show it."""

    @property
    def version(self) -> str:
        """Changes when the same record could be annotated differently."""

    def caption(self, item: Item) -> Captioned:
        """Return the record's caption in six parts."""

    def prompt(self, item: Item, caption: StructuredCaption) -> Prompted:
        """Return the short prompt of a user who has the conditions and wants the caption."""

    def requests(self, *, caption: bool, prompt: bool) -> tuple[int, int, int]:
        """Return how many requests, and about how many tokens in and out, a record takes."""
