"""The four start and end tokens of motion and camera as parameters of their own.

The paper puts `<|motion_start|>` to `<|camera_end|>` round the features and does not say whether
they are trained while the encoders are aligned. A stage that names `tokens` in `train` learns an
update of these four embedding rows and of nothing else of the embedding: by construction, so that
neither weight decay nor the optimizer's moments touch another row. `merge` adds it in.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from any2caption.model.any2caption import widened


class NewTokens(nn.Module):
    """A zero-initialised delta on the embedding rows of `ids`."""

    def __init__(self, ids: Sequence[int], hidden: int) -> None:
        super().__init__()
        self.ids = tuple(ids)
        # ZeRO 3 cannot gather a parameter of no rows.
        self.update = nn.Parameter(torch.zeros(len(self.ids), hidden)) if self.ids else None

    def forward(self, embeds: Tensor, input_ids: Tensor) -> Tensor:
        """Add the update to embeddings (B, L, hidden or more) of tokens (B, L)."""
        if self.update is None or not self.update.requires_grad:  # merged, so zero
            return embeds
        ids = torch.tensor(self.ids, device=input_ids.device)
        places = (input_ids[..., None] == ids).to(self.update.dtype)
        return embeds + widened((places @ self.update).to(embeds.dtype), embeds.shape[-1])

    @torch.no_grad()
    def merge(self, embedding: nn.Embedding) -> None:
        """Add the update into the embedding and start at zero again."""
        if self.update is not None:
            rows = torch.tensor(self.ids, device=embedding.weight.device)
            embedding.weight.index_add_(0, rows, self.update.to(embedding.weight.dtype))
            self.update.zero_()
