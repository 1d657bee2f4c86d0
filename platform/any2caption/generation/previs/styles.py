"""Visual styles as picture filters, deterministic for a seed."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageFilter

Frame = NDArray[np.uint8]
_LUMA = np.array([0.299, 0.587, 0.114])


def apply(style: str, frame: Frame, index: int, seed: int) -> Frame:
    """Return the frame H×W×3 in a style; an unknown style leaves it as it is."""
    filters = {
        "cartoon": _cartoon,
        "cinematic": _cinematic,
        "vintage": _vintage,
        "watercolour": _watercolour,
        "documentary": _documentary,
        "monochrome": _monochrome,
    }
    return filters[style](frame, index, seed) if style in filters else frame


def _back(values: NDArray[Any]) -> Frame:
    frame: Frame = np.clip(values, 0, 255).astype(np.uint8)
    return frame


def _saturate(values: NDArray[Any], share: float) -> NDArray[Any]:
    grey = (values @ _LUMA)[..., None]
    mixed: NDArray[Any] = grey + share * (values - grey)
    return mixed


def _cartoon(frame: Frame, _: int, __: int) -> Frame:
    values = _saturate(frame.astype(float), 1.35)
    flat = np.round(values / 36) * 36 + 8
    grey = frame.astype(float) @ _LUMA
    down = np.abs(np.diff(grey, axis=0, append=grey[-1:]))
    across = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
    edges = np.clip((np.maximum(down, across) - 26) / 30, 0, 1)[..., None]
    return _back(flat * (1 - 0.85 * edges))


def _cinematic(frame: Frame, _: int, __: int) -> Frame:
    values = frame.astype(float)
    light = (values @ _LUMA / 255)[..., None]
    graded = (values - 128) * 1.1 + 122 + (light - 0.5) * np.array([26, 4, -22])
    bar = len(frame) // 8
    graded[:bar] = graded[-bar:] = 8
    return _back(graded)


@lru_cache(maxsize=4)
def _vignette(height: int, width: int) -> NDArray[Any]:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shade: NDArray[Any] = (1 - 0.5 * np.clip((x * x + y * y) - 0.35, 0, 1.4))[..., None]
    return shade


def _vintage(frame: Frame, index: int, seed: int) -> Frame:
    values = _saturate(frame.astype(float), 0.35) * np.array([1.1, 0.97, 0.74]) + 6
    rng = np.random.default_rng((seed, index))
    flicker = 1 + 0.02 * rng.standard_normal()
    grain = 5 * rng.standard_normal((*frame.shape[:2], 1))
    return _back(values * _vignette(*frame.shape[:2]) * flicker + grain)


def _watercolour(frame: Frame, _: int, seed: int) -> Frame:
    picture = Pictures.fromarray(frame).filter(ImageFilter.MedianFilter(3))
    values = np.asarray(picture).astype(float)
    paper = np.random.default_rng(seed).standard_normal((*frame.shape[:2], 1))
    height, width = frame.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    edge = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    wobble = 5 * np.sin(x / 9.0) + 5 * np.sin(y / 7.0)
    inside = np.clip((edge + wobble - 6) / 16, 0, 1)[..., None]
    pale = values * 0.78 + 60 + 3 * paper
    return _back(inside * pale + (1 - inside) * np.array([248, 244, 234]))


def _documentary(frame: Frame, index: int, seed: int) -> Frame:
    grain = np.random.default_rng((seed, index)).standard_normal((*frame.shape[:2], 1))
    return _back(_saturate(frame.astype(float), 0.62) * 0.96 + 13 * grain)


def _monochrome(frame: Frame, _: int, __: int) -> Frame:
    return _back((_saturate(frame.astype(float), 0.0) - 128) * 1.15 + 126)
