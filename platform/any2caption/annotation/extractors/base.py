"""The one interface of all condition extractors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from any2caption.annotation.media import Media
from any2caption.conditions.types import Part

MAX_FRAMES = 128
"""Most files that one extracted condition has."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """One condition's files, in frame order, as the kind's parser takes them with `options`.

    `masks` int32 T×H×W are object ids that later extractors of the same record may use.
    """

    parts: tuple[Part, ...]
    role: str | None = None
    options: Mapping[str, str | float | int | bool] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    masks: NDArray[np.int32] | None = None


@runtime_checkable
class Extractor(Protocol):
    """Makes conditions of `kind`; `name` and `version` go into every condition it makes."""

    @property
    def kind(self) -> str:
        """The condition kind, a key of the registry."""

    @property
    def name(self) -> str:
        """The tool's name."""

    @property
    def version(self) -> str:
        """The tool's version; of a model, the digest of its weights too."""

    def extract(self, media: Media) -> list[Extracted]:
        """Return the conditions found in a record's media, none when there is nothing to find.

        Raises:
            InputError: the media lack what the tool needs; names the record and what is missing.
        """
