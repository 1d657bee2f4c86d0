"""Arrays into tensors."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def joined(parts: Sequence[NDArray[np.generic]]) -> Tensor:
    """Arrays end to end, in torch's own memory.

    Its alignment is always the same. NumPy's is not, and then equal products differ in their last
    bits, so that a resumed run would not equal an uninterrupted one.
    """
    return torch.tensor(np.concatenate(parts))
