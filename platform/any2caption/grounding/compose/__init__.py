"""A caption from facts alone: deterministic, without weights."""

from any2caption.grounding.compose.composer import compose

__all__ = ["compose"]
