"""The decoder step: batched greedy decoding with a key-value cache, constrained to six parts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import DynamicCache

from any2caption.errors import InputError
from any2caption.model.any2caption import Any2Caption, place, widened
from any2caption.model.backbones import backbone, run_language, transformers_config
from any2caption.model.bundle import load_config, load_part, load_processor
from any2caption.model.constraint import CaptionGrammar, Free
from any2caption.model.inputs import CAMERA, MOTION, VISION, DecoderInputs
from any2caption.model.processing.processor import Processor


class Decoder:
    """Writes captions. Thread-safe for sequential use only; Triton gives each instance its own."""

    def __init__(self, language: nn.Module, head: nn.Module, processor: Processor) -> None:
        self.language, self.head, self.processor = language.eval(), head.eval(), processor
        config = processor.config
        self.grammar = CaptionGrammar(
            processor.tokenizer,
            config.text.vocab_size,
            processor.end_id,
            config.processor.max_part_tokens,
        )

    @classmethod
    def from_model(cls, model: Any2Caption, processor: Processor) -> "Decoder":
        """Share a loaded model's weights."""
        return cls(model.language, model.mllm.lm_head, processor)

    @classmethod
    def from_bundle(cls, folder: Path) -> "Decoder":
        """Load only the language part of a bundle, in float32."""
        config = load_config(folder)
        language: Any = backbone(config.vision.backbone).language(
            transformers_config(config).text_config
        )
        language.set_attn_implementation("eager")
        state = load_part(folder, "language")
        prefix = "mllm.model.language_model."
        language.load_state_dict(
            {k.removeprefix(prefix): v.float() for k, v in state.items() if k.startswith(prefix)}
        )
        head = nn.Linear(config.text.hidden, config.text.vocab_size, bias=False)
        weight = language.embed_tokens.weight
        if not config.text.tie_embeddings:
            weight = nn.Parameter(state["mllm.lm_head.weight"].float())
        head.weight = weight
        return cls(language, head, load_processor(folder))

    def generate(self, batch: Sequence[DecoderInputs], *, free: bool = False) -> list[str]:
        """Return one caption text (six numbered lines) a request; the batch is decoded together.

        `free` leaves the grammar out, to see what the model writes by itself.
        """
        return [self.processor.decode(ids) for ids in self.generate_ids(batch, free=free)]

    def check(self, item: DecoderInputs) -> None:
        """Hold a request to what the model can decode, whoever made it.

        Raises:
            InputError: more tokens or positions than the model has, tokens it does not know,
                another number of embeddings than places for them, or numbers that are not finite.
        """
        config = self.processor.config
        size, most = len(item.input_ids), config.text.max_positions
        room = most - config.processor.max_new_tokens
        if size > room or np.asarray(item.position_ids).max(initial=0) >= most:
            raise InputError(
                f"{size:,} tokens, positions up to {np.asarray(item.position_ids).max(initial=0):,}"
                f"; the model takes {room:,} tokens and {most:,} positions",
                field="INPUT_IDS",
            )
        if np.asarray(item.position_ids).shape != (3, size) or len(item.token_types) != size:
            raise InputError(f"not of {size:,} tokens, as INPUT_IDS is", field="POSITION_IDS")
        ids = np.asarray(item.input_ids)
        if np.asarray(item.position_ids).min(initial=0) < 0:
            raise InputError("a position below 0", field="POSITION_IDS")
        if ids.min(initial=0) < 0 or ids.max(initial=0) >= config.text.vocab_size:
            raise InputError("a token that the model does not know", field="INPUT_IDS")
        parts = (
            ("VISION_EMBEDS", VISION, item.vision_embeds),
            ("MOTION_EMBEDS", MOTION, item.motion_embeds),
            ("CAMERA_EMBEDS", CAMERA, item.camera_embeds),
        )
        for name, kind, rows in parts:
            places = int((np.asarray(item.token_types) == kind).sum())
            if len(rows) != places:
                raise InputError(f"{len(rows):,} rows for {places:,} places", field=name)
            if not np.isfinite(rows).all():
                raise InputError("numbers that are not finite", field=name)

    @torch.inference_mode()
    def generate_ids(
        self, batch: Sequence[DecoderInputs], *, cached: bool = True, free: bool = False
    ) -> list[list[int]]:
        """The same as token ids.

        `cached=False` runs the whole prefix again for each token (a reference for tests).
        """
        if not batch:
            return []
        for item in batch:
            self.check(item)
        embeds, positions, mask = self._left_padded(batch)
        end = self.grammar.end_id
        constraint = Free(len(batch), end) if free else self.grammar.begin(len(batch))
        cache = DynamicCache(config=self.language.config) if cached else None
        written: list[list[int]] = [[] for _ in batch]
        step, at = embeds, positions
        last = positions[:, :, -1].amax(0)  # a video's time may be counted past the text behind it
        for _ in range(self.processor.config.processor.max_new_tokens):
            hidden = self._forward(step, at, mask, cache)
            scores = self.head(hidden[:, -1]).float().cpu().numpy()
            chosen = constraint.choose(scores)
            for row, token in enumerate(chosen.tolist()):
                if not written[row] or written[row][-1] != self.grammar.end_id:
                    written[row].append(token)
            if constraint.done.all():
                break
            last = last + 1
            new = widened(self._embedded(chosen)[:, None], embeds.shape[-1])
            at_new = last[None, :, None].expand(3, -1, 1)
            mask = torch.cat([mask, mask.new_ones(len(batch), 1)], dim=1)
            if cached:
                step, at = new, at_new
            else:
                step, at = torch.cat([step, new], 1), torch.cat([at, at_new], 2)
        return written

    def _forward(
        self, embeds: Tensor, positions: Tensor, mask: Tensor, cache: DynamicCache | None
    ) -> Tensor:
        """Run `embeds` (B, q, rows), the last q of the `mask` (B, k) positions."""
        q, k = embeds.shape[1], mask.shape[1]
        causal = torch.ones(q, k, dtype=torch.bool, device=mask.device).tril(k - q)
        itself = torch.eye(q, k, dtype=torch.bool, device=mask.device)[None] * (k == q)
        allowed = causal & mask[:, None].bool() | itself
        additive = torch.where(allowed, 0.0, torch.finfo(torch.float32).min)[:, None]
        return run_language(
            self.language,
            embeds,
            position_ids=positions,
            attention_mask=additive,
            past_key_values=cache,
            use_cache=cache is not None,
        )

    def _left_padded(self, batch: Sequence[DecoderInputs]) -> tuple[Tensor, Tensor, Tensor]:
        """Prompt embeddings (B, L, rows), positions (3, B, L) and mask (B, L)."""
        longest = max(len(item.input_ids) for item in batch)
        width, device = self.processor.config.rows, self._device()
        embeds = torch.zeros(len(batch), longest, width, device=device)
        positions = torch.zeros(3, len(batch), longest, dtype=torch.int64, device=device)
        mask = torch.zeros(len(batch), longest, dtype=torch.int64, device=device)
        for row, item in enumerate(batch):
            size = len(item.input_ids)
            tokens = self._embedded(np.array(item.input_ids))
            rows = (
                torch.from_numpy(np.array(part, np.float32)).to(device)
                for part in (item.vision_embeds, item.motion_embeds, item.camera_embeds)
            )
            types = torch.from_numpy(np.array(item.token_types)).to(device)
            embeds[row, longest - size :] = widened(place(tokens, types, *rows), width)
            positions[:, row, longest - size :] = torch.from_numpy(np.array(item.position_ids))
            mask[row, longest - size :] = 1
        return embeds, positions, mask

    def _embedded(self, ids: NDArray[np.int64]) -> Tensor:
        return self.language.embed_tokens(torch.from_numpy(ids).to(self._device()))  # type: ignore[no-any-return, operator]

    def _device(self) -> torch.device:
        """The weights': serving has them on a CPU, training where it trains."""
        return next(self.language.parameters()).device
