"""Helpers of the condition tests: real files, malformed ones, one-line errors."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from any2caption.conditions.io.files import read_parts
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

DATA = Path(__file__).parents[1] / "data"
EXAMPLES = Path(__file__).parents[2] / "examples"
REAL = Path(os.environ.get("A2C_REAL_DATA", Path(__file__).parents[3] / "shared" / "data" / "real"))


@pytest.fixture
def refused():
    """Parse something that must be refused; returns the one-line message."""

    def refused(kind, *parts, **keywords):
        with pytest.raises(InputError) as caught:
            parse_condition(kind, list(parts), **keywords)
        message = str(caught.value)
        assert "\n" not in message
        assert caught.value.field
        if caught.value.field != "kind":
            assert any(part.name in message for part in parts)
        return message

    return refused


@pytest.fixture
def parse():
    def parse(kind, path, **keywords):
        return parse_condition(kind, read_parts(path), **keywords)

    return parse


def picture(pixels, format_="PNG", name="a.png", **keywords):
    """An array as an encoded picture part."""
    buffer = io.BytesIO()
    PilImage.fromarray(np.asarray(pixels)).save(buffer, format=format_, **keywords)
    return Part(name, buffer.getvalue())
