"""Data-set records: what a manifest line says, and what a snapshot keeps."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from any2caption.captions.schema import StructuredCaption

Split = Literal["train", "validation", "test"]
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

    kind: str
    paths: tuple[str, ...] = Field(min_length=1)
    role: str | None = None
    options: dict[str, str | float | int | bool] = {}
    tool: str = Field(default="", description="What made the condition, if a tool did")
    tool_version: str = ""


class SourceRecord(Strict):
    """One line of a source's `manifest.jsonl`."""

    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, description="Where the record comes from")
    licence: str = Field(min_length=1, description="SPDX identifier or a licence's name")
    prompt: str = Field(default="", description="The short prompt a user would type")
    conditions: tuple[SourceCondition, ...] = ()
    caption: StructuredCaption | None = None
    qa: tuple[QA, ...] = ()
    synthetic: bool = False


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
    options: dict[str, str | float | int | bool] = {}
    assumptions: tuple[str, ...] = ()
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
