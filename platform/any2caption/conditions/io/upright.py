"""Pictures and frames as they are shown: turned and mirrored upright, with square pixels.

How a picture is to be turned is told by EXIF (pictures) or by a display matrix (clips). Both know
eight positions: four turns, and the same mirrored. Selfie cameras and editors write the mirrored
ones.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

_SKEW = 0.05
_MOST_STRETCH = 8.0
_SQUARE = 0.01
_EXIF = {
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Turn:
    """One of eight positions: rows and columns change places first, then sides are mirrored."""

    transposed: bool = False
    left_right: bool = False
    up_down: bool = False

    @classmethod
    def of_exif(cls, orientation: int) -> "Turn":
        """Return the turn that EXIF's orientation (1…8) asks for; others ask for none."""
        return cls(*_EXIF.get(orientation, (False, False, False)))

    @classmethod
    def of_matrix(cls, matrix: bytes) -> tuple["Turn", bool]:
        """Return the turn nearest to a display matrix, and whether it is one exactly.

        The matrix is nine 32-bit integers: x' = a x + c y, y' = b x + d y (ISO/IEC 14496-12).
        """
        (a, b, _), (c, d, _), _ = np.frombuffer(matrix, np.int32, 9).reshape(3, 3).tolist()
        straight, crossed = abs(a) + abs(d), abs(b) + abs(c)
        exact = min(straight, crossed) <= _SKEW * max(straight, crossed)
        if straight >= crossed:
            return cls(left_right=a < 0, up_down=d < 0), exact
        return cls(transposed=True, left_right=c < 0, up_down=b < 0), exact

    def apply(self, picture: NDArray[Scalar]) -> NDArray[Scalar]:
        """Return a picture H×W or H×W×C as it is shown."""
        if self.transposed:
            picture = picture.swapaxes(0, 1)
        if self.left_right:
            picture = picture[:, ::-1]
        if self.up_down:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)


def display_turn(frame: Any) -> tuple[Turn, bool]:
    """Return how a decoded frame of PyAV is shown, and whether that is exact."""
    matrix = next((one for one in frame.side_data if one.type.name == "DISPLAYMATRIX"), None)
    return Turn.of_matrix(bytes(matrix)) if matrix is not None else (Turn(), True)


def square_size(width: int, height: int, aspect: float) -> tuple[int, int]:
    """Return (width, height) with square pixels, for pixels `aspect` times as wide as high.

    The shorter side of a pixel is stretched, so nothing is lost. Aspects that no camera has are
    not believed.
    """
    if abs(aspect - 1) <= _SQUARE or not 1 / _MOST_STRETCH <= aspect <= _MOST_STRETCH:
        return width, height
    if aspect > 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def over_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay uint8 H×W×4 over white: uint8 H×W×3."""
    rgb, alpha = rgba[:, :, :3], rgba[:, :, 3:].astype(np.uint16)
    if alpha.min() == 255:  # noqa: PLR2004 - opaque frames are the rule
        return rgb
    return ((rgb * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)
