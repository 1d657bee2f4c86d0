"""What a request may ask of its caption: its writer, freedom, length, check and generator."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, Self, get_args

from any2caption.captions.generators import GENERATORS
from any2caption.errors import InputError
from any2caption.grounding.answer import Length, Mode, Policy

Writer = Literal["auto", "compose", "model", "endpoint"]
"""`compose`: the facts, merged into six parts; `model`: the trained bundle, held to the facts;
`endpoint`: the server of `A2C_WRITER_BASE_URL`, held to them too; `auto`: the model where the
request lies within what it was trained on, else the endpoint if there is one, else the facts."""

NO_GENERATOR = "none"

CHOICES: Mapping[str, tuple[str, ...]] = {
    "writer": get_args(Writer),
    "mode": get_args(Mode),
    "length": get_args(Length),
    "policy": get_args(Policy),
    "generator": (NO_GENERATOR, *GENERATORS),
}
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of one request."""

    writer: Writer = "auto"
    mode: Mode = "fill"
    length: Length = "medium"
    policy: Policy = "repair"
    generator: str = NO_GENERATOR
    """Whose prompt to add: a key of `captions.generators.GENERATORS`."""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        """Return the options; what is not given has its default.

        Raises:
            InputError: an unknown option or choice; the message lists those there are.
        """
        for name, value in given.items():
            if name not in CHOICES:
                raise InputError(f"unknown option; there are {', '.join(CHOICES)}", field=name)
            if value not in CHOICES[name]:
                said = f"{value[:_SHOWN]!r} is not known; choose {', '.join(CHOICES[name])}"
                raise InputError(said, field=name)
        return cls(**given)  # type: ignore[arg-type]  # each value is one of its choices

    def as_json(self) -> dict[str, str]:
        """Return a JSON-ready object."""
        return asdict(self)
