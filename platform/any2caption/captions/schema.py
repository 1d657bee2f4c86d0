"""The six-part structured caption (`a2c.caption/1`)."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

SCHEMA_VERSION = "a2c.caption/1"

# Field name → label, in the paper's order (arXiv 2503.24379, section 3).
PARTS: dict[str, str] = {
    "dense": "Dense caption",
    "main_object": "Main object caption",
    "background": "Background caption",
    "camera": "Camera caption",
    "style": "Style caption",
    "action": "Action caption",
}


class StructuredCaption(BaseModel):
    """One caption in six parts; each part is one line of prose."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    schema_version: ClassVar[str] = SCHEMA_VERSION

    dense: str = Field(min_length=1, description="The whole clip, in time order")
    main_object: str = Field(
        min_length=1, description="The subjects: look, number, place in the frame"
    )
    background: str = Field(min_length=1, description="Place, props, light, weather")
    camera: str = Field(min_length=1, description="Shot size, angle, movement and its order")
    style: str = Field(min_length=1, description="Look, palette, mood, genre")
    action: str = Field(min_length=1, description="What the subjects do over time")

    @field_validator("*", mode="before")
    @classmethod
    def _one_line(cls, value: object) -> object:
        """Every run of white space, line breaks included, becomes one blank: a part is one line."""
        return " ".join(value.split()) if isinstance(value, str) else value
