"""What goes between the steps of a request.

Plain NumPy arrays of fixed rank, possibly of zero length.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TEXT, VISION, MOTION, CAMERA = 0, 1, 2, 3  # values of ModelInputs.token_types

Features = dict[str, NDArray[Any]]
"""One condition, small and model-ready.

Pictures, videos and skeletons: `frames` uint8 T×H×W×3; depth: `frames` uint8 T×H×W (0 = far or
hole); masks, normals, holes as colours, strokes as grey; regions: `regions` n×2 strings (label,
coordinates) and `frames` of the overlay if there is one; camera: `poses` float32 F×16; text:
nothing. Beside it `kind` and `role` (0-d str arrays).
"""


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """One request as the preprocessing step hands it on.

    - input_ids: int64 [L], the whole prompt, ending where the caption begins.
    - position_ids: int64 [3, L], M-RoPE positions (time, height, width).
    - token_types: int64 [L], 0 text, 1 vision, 2 motion, 3 camera: where each encoder's output
      rows go, in order.
    - vision_patches: float32 [N, D], flattened patches of whatever the vision encoder reads, in
      prompt order; D = config.vision.patch_dim.
    - vision_grid: int64 [n, 3], (t, h, w) in patches of each of them; N = sum of t·h·w.
    - motion_patches: float32 [M, D] and motion_grid: int64 [m, 3], the same for skeleton videos.
    - camera_poses: float32 [c·F, 16], per sampled frame fx, fy, cx, cy (fractions), then
      camera-to-world 3×4 by rows; F = config.camera.frames, c cameras.
    - warnings: sentences for the user, for example about a picture left out.
    """

    input_ids: NDArray[np.int64]
    position_ids: NDArray[np.int64]
    token_types: NDArray[np.int64]
    vision_patches: NDArray[np.float32]
    vision_grid: NDArray[np.int64]
    motion_patches: NDArray[np.float32]
    motion_grid: NDArray[np.int64]
    camera_poses: NDArray[np.float32]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DecoderInputs:
    """One request as the decoder step takes it.

    - input_ids, position_ids, token_types: as in ModelInputs.
    - vision_embeds: float32 [N / merge², config.rows].
    - motion_embeds: float32 [M / merge², config.rows].
    - camera_embeds: float32 [c·F, hidden].
    """

    input_ids: NDArray[np.int64]
    position_ids: NDArray[np.int64]
    token_types: NDArray[np.int64]
    vision_embeds: NDArray[np.float32]
    motion_embeds: NDArray[np.float32]
    camera_embeds: NDArray[np.float32]
