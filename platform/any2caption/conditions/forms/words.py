"""Words as a form."""

from typing import Any

from any2caption.conditions.form import Extent, Form


def _extent(_: str) -> Extent:
    return 1, None, None


def _describe(text: str) -> dict[str, Any]:
    return {"characters": len(text)}


WORDS = Form(payload=str, extent=_extent, describe=_describe)
