"""Data-set records: what a manifest line says, and what a snapshot keeps."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from any2caption.captions.schema import StructuredCaption

Split = Literal["train", "validation", "test"]
CaptionPart = Literal["dense", "main_object", "background", "camera", "style", "action"]
Aspect = Literal["subject", "background", "movement", "camera", "interaction", "style"]


class Strict(BaseModel):
    """Immutable, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QA(Strict):
    """A question about the user's intent.

    `sources` are the inputs that state the answer: "text" or condition kinds.
    """

    aspect: Aspect
    slot: str = Field(description="What is asked for, e.g. colour, count, camera")
    question: str
    answer: str
    sources: tuple[str, ...] = Field(min_length=1)


class SourceCondition(Strict):
    """A condition in a source manifest: paths relative to the manifest, in frame order."""

    kind: str = Field(description="A kind of the condition registry")
    paths: tuple[str, ...] = Field(
        min_length=1, description="Files below the manifest's folder, in frame order"
    )
    role: str | None = Field(default=None, description="A role of the kind, e.g. identity")
    options: dict[str, str | float | int | bool] = Field(
        default={}, description="What the format leaves open, e.g. scale, layout"
    )
    tool: str = Field(default="", description="What made the condition, if a tool did")
    tool_version: str = Field(default="", description="Its version")


class SourceRecord(Strict):
    """One record of a source's manifest (JSONL line, Parquet or CSV row)."""

    id: str = Field(min_length=1, max_length=200, description="Unique in the manifest")
    source: str = Field(
        min_length=1,
        max_length=500,
        pattern=r"\S",
        description="Provenance: where the record comes from (data set, site, repository); "
        "deletion requests name it",
    )
    licence: str = Field(
        min_length=1,
        max_length=500,
        description="SPDX licence expression; it must be on the allow-list",
    )
    prompt: str = Field(default="", description="The short prompt that a user would type")
    conditions: tuple[SourceCondition, ...] = Field(
        default=(), description="What the user gives beside the prompt, in the order of the prompt"
    )
    caption: StructuredCaption | None = Field(
        default=None,
        description="The six parts; a record without waits for annotation, it is not published",
    )
    caption_parts: dict[CaptionPart, str] = Field(
        default={},
        description="Parts of the caption that the source states, where it has no whole one: "
        "annotation keeps them and writes the others",
    )
    qa: tuple[QA, ...] = Field(default=(), description="Questions about the user's intent")
    synthetic: bool = Field(default=False, description="Made by a program, not filmed or drawn")

    @field_validator("caption_parts")
    @classmethod
    def _one_line(cls, value: dict[CaptionPart, str]) -> dict[CaptionPart, str]:
        """Every run of white space becomes one blank, as in captions; a part says something."""
        parts = {part: " ".join(text.split()) for part, text in value.items()}
        if empty := [part for part, text in parts.items() if not text]:
            raise ValueError(f"{', '.join(empty)}: there is no text")
        return parts


class MediaObject(Strict):
    """A stored file: content-addressed, so the same bytes are kept once."""

    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class RecordCondition(Strict):
    """A condition that was parsed and probed at ingest."""

    kind: str
    number: int = Field(ge=1)
    role: str | None = None
    format: str
    parts: tuple[MediaObject, ...]
    frames: int = Field(ge=1)
    height: int | None = None
    width: int | None = None
    seconds: float | None = Field(default=None, ge=0, description="Length, where it is known")
    options: dict[str, str | float | int | bool] = {}
    assumptions: tuple[str, ...] = ()
    movements: tuple[str, ...] = Field(
        default=(),
        description="What a camera path's geometry shows, e.g. truck_left, the largest first",
    )
    tool: str = "a2c"
    tool_version: str = ""


class Record(Strict):
    """One instance of a snapshot."""

    id: str
    source: str
    licence: str
    split: Split
    prompt: str
    conditions: tuple[RecordCondition, ...]
    caption: StructuredCaption
    qa: tuple[QA, ...] = ()
    synthetic: bool = False
