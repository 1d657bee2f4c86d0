"""The check: a caption held to the facts of its request, whoever wrote it."""

from any2caption.grounding.check.caption import check

__all__ = ["check"]
