"""The colours that stand for ids."""

import numpy as np
from numpy.typing import NDArray


def _palette() -> NDArray[np.uint8]:
    """PASCAL VOC's 256 colours: the bits of the index, spread over the three channels."""
    index = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (((index >> channel) & 1) << (7 - bit)).astype(np.uint8)
        index >>= 3
    return colours


PALETTE = _palette()
"""256×3, uint8; 0 is black."""
