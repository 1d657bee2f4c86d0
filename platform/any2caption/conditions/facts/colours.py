"""What colours and light a picture has, in plain words: measured, nobody looks at what it shows."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.facts.words import joined

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

_SIDE = 96
_SURE = 0.8
_GREY_TOLERANCE = 14
_DARK, _BRIGHT = 0.22, 0.72
_FLAT, _HARD = 0.09, 0.3
_WARM, _COOL = 0.1, -0.07
_SHARE, _SECOND = 0.2, 0.12
# Hues in degrees, up to and without the bound; red closes the circle.
_HUES = (
    (14.0, "red"),
    (42.0, "orange"),
    (68.0, "yellow"),
    (165.0, "green"),
    (195.0, "turquoise"),
    (255.0, "blue"),
    (290.0, "purple"),
    (345.0, "pink"),
    (361.0, "red"),
)
NAMES = (
    *("black", "white", "grey", "red", "orange", "yellow", "green", "turquoise", "blue"),
    *("purple", "pink", "brown", "beige"),
)


def colour_facts(pixels: Pixels, source: Source) -> Iterable[Fact]:
    """Yield the style of a picture H×W×3 (or of frames T×H×W×3): its colours, and marked light.

    Values: `colours`, the names that cover most with their shares; `light`, any of dark, bright,
    high contrast, soft contrast, warm, cool.
    """
    seen = _thinned(pixels)
    shares = colour_shares(seen)
    told = named_colours(shares)
    grey = is_grey(seen)
    yield _style(
        "black and white" if grey else f"{'mostly ' if len(told) == 1 else ''}{joined(told)} tones",
        source,
        {"colours": {name: round(shares[name], 3) for name in told}, "grey": grey},
    )
    if light := _light(seen, grey=grey):
        yield _style(_light_words(light), source, {"light": list(light)})


def colour_shares(pixels: Pixels) -> dict[str, float]:
    """Return which share of the pixels N×3 has which of `NAMES`, the largest first."""
    names = _named(np.asarray(pixels, np.float32) / np.float32(255))
    counts = np.bincount(names, minlength=len(NAMES)) / max(len(names), 1)
    order = np.argsort(-counts, kind="stable")
    return {NAMES[at]: float(counts[at]) for at in order.tolist() if counts[at] > 0}


def named_colours(shares: dict[str, float]) -> list[str]:
    """Return the one to three names that a person would give: what covers a good part."""
    told = [name for name, share in shares.items() if share >= _SHARE][:2]
    told = told or list(shares)[:1]
    # A vivid colour tells more than the greys that it stands among.
    vivid = [name for name, share in shares.items() if share >= _SECOND and name not in told]
    vivid = [name for name in vivid if name not in {"black", "white", "grey"}]
    return [*told, *vivid[:1]]


def is_grey(pixels: Pixels) -> bool:
    """Whether pixels N×3 have no colours to speak of."""
    if not len(pixels):
        return False
    spread = pixels.max(axis=1).astype(np.int16) - pixels.min(axis=1)
    return bool((spread <= _GREY_TOLERANCE).mean() > 0.99)  # noqa: PLR2004


def _thinned(pixels: Pixels) -> Pixels:
    """Some 9,000 evenly spaced pixels, N×3."""
    frames = pixels[None] if pixels.ndim == 3 else pixels  # noqa: PLR2004
    picked = frames[:: max(1, len(frames) // 8)]
    step = max(1, int(np.sqrt(picked[..., 0].size)) // _SIDE)
    return picked[:, ::step, ::step].reshape(-1, 3)


def _named(rgb: Floats) -> NDArray[np.intp]:
    """The index into `NAMES` of each colour N×3 in 0…1."""
    high, low = rgb.max(axis=1), rgb.min(axis=1)
    chroma = high - low
    saturation = chroma / np.maximum(high, 1e-6)
    hue = _hue(rgb, high, chroma)
    names = np.full(len(rgb), NAMES.index("grey"))
    bounds = np.array([bound for bound, _ in _HUES])
    of_hue = np.array([NAMES.index(name) for _, name in _HUES])
    coloured = (saturation >= 0.18) & (chroma >= 0.07)  # noqa: PLR2004
    names[coloured] = of_hue[np.searchsorted(bounds, hue[coloured], side="right")]
    brownish = coloured & (hue >= 8) & (hue < 50)  # noqa: PLR2004
    names[brownish & ((high < 0.62) | (saturation < 0.5))] = NAMES.index("brown")  # noqa: PLR2004
    names[brownish & (high >= 0.62) & (saturation < 0.4)] = NAMES.index("beige")  # noqa: PLR2004
    rosy = coloured & ((hue < 8) | (hue >= 345)) & (high > 0.75) & (saturation < 0.5)  # noqa: PLR2004
    names[rosy] = NAMES.index("pink")
    names[~coloured & (high > 0.82)] = NAMES.index("white")  # noqa: PLR2004
    names[high < 0.17] = NAMES.index("black")  # noqa: PLR2004
    return names


def _hue(rgb: Floats, high: Floats, chroma: Floats) -> Floats:
    red, green, blue = rgb.T
    safe = np.maximum(chroma, 1e-6)
    hue = np.where(
        high == red,
        (green - blue) / safe % 6,
        np.where(high == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    return np.asarray(60 * hue, np.float32)


def _light(pixels: Pixels, *, grey: bool) -> tuple[str, ...]:
    """What is marked about the light of pixels N×3."""
    rgb = pixels.astype(np.float32) / 255
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    mean, spread = float(luma.mean()), float(luma.std())
    warmth = float((rgb[:, 0] - rgb[:, 2]).mean())
    found = {
        "dark": mean < _DARK,
        "bright": mean > _BRIGHT,
        "high contrast": spread > _HARD,
        "soft contrast": spread < _FLAT,
        "warm": warmth > _WARM and not grey,
        "cool": warmth < _COOL and not grey,
    }
    return tuple(word for word, there in found.items() if there)


def _light_words(light: Sequence[str]) -> str:
    """`dark, warm light with high contrast`."""
    kinds = [word for word in light if "contrast" not in word]
    contrasts = [word for word in light if "contrast" in word]
    words = f"{', '.join(kinds)} light" if kinds else ""
    return " with ".join(part for part in (words, *contrasts) if part)


def _style(text: str, source: Source, value: dict[str, Any]) -> Fact:
    return Fact("style", text, source, value, certainty="measured", confidence=_SURE)
