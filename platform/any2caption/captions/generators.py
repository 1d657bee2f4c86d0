"""Video generators as a prompt meets them: text encoder, form of the prompt, raw conditions.

Budgets are the text lengths of the generators' pipelines in diffusers; the forms of `cosmos3` and
`minimax` are those of NVIDIA's prompt upsampler and of MiniMax's camera instructions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from any2caption.errors import ConfigError

Form = Literal["prose", "json", "tags"]


@dataclass(frozen=True, slots=True)
class Generator:
    """What a generator reads.

    `budget` are the tokens of its text encoder, `special` of them the encoder's own (None: no limit
    is known). `quoted_bytes`: UTF-8 bytes of quoted text that an encoder of glyphs reads. `takes`:
    raw conditions that it has an input for, as `kind` or `kind:role`.
    """

    name: str
    encoder: str
    budget: int | None = None
    special: int = 0
    form: Form = "prose"
    quoted_bytes: int | None = None
    takes: frozenset[str] = frozenset()

    def taken(self, given: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Split the kinds of a request (`image:first_frame`, `depth` …) into (taken, not taken)."""
        kinds = tuple(dict.fromkeys(given))
        return (
            tuple(kind for kind in kinds if kind in self.takes),
            tuple(kind for kind in kinds if kind not in self.takes),
        )


_FIRST = "image:first_frame"
GENERATORS: Mapping[str, Generator] = {
    generator.name: generator
    for generator in (
        Generator("cogvideox", "T5", 226, 1, takes=frozenset({_FIRST, "video"})),
        Generator(
            "wan",
            "UMT5",
            512,
            1,
            # The last line is VACE's.
            takes=frozenset({_FIRST, "image:last_frame"})
            | {"image:identity", "image:reference", "masked_image", "video"}
            | {"depth", "pose", "sketch"},
        ),
        Generator(
            "ltx2",
            "Gemma 3",
            1024,
            1,
            takes=frozenset({_FIRST, "image:last_frame", "image:key_frame", "video"}),
        ),
        Generator("hunyuan15", "Qwen2.5-VL", 1000, quoted_bytes=256, takes=frozenset({_FIRST})),
        Generator("cosmos3", "Qwen3-VL", form="json", takes=frozenset({_FIRST, "video"})),
        Generator(
            "minimax",
            "not published",
            form="tags",
            takes=frozenset({_FIRST, "image:last_frame", "image:identity"}),
        ),
        Generator("clip", "CLIP", 77, 2),
        Generator("plain", "none"),
    )
}


def generator_named(name: str) -> Generator:
    """Return the generator of this name.

    Raises:
        ConfigError: there is none; the message lists those known.
    """
    if name not in GENERATORS:
        raise ConfigError(f"unknown generator {name!r}; known: {', '.join(GENERATORS)}")
    return GENERATORS[name]
