"""Annotate one record: extract what is missing, write caption and prompt, keep the result.

The result lies in the run's folder under the digest of the record and its files, so that a run that
was killed finds what it did, and a record that changed is done again.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from any2caption.annotation.annotators import Annotator
from any2caption.annotation.extractors import Extracted, Extractor
from any2caption.annotation.facts import Item
from any2caption.annotation.held import held
from any2caption.annotation.media import Media
from any2caption.annotation.plan import Plan
from any2caption.annotation.source import AnnotationRecord, Source, item_of, parsed, place
from any2caption.conditions.types import Condition, Part
from any2caption.datasets.records import SourceCondition, SourceRecord
from any2caption.endpoints.usage import Usage
from any2caption.errors import InputError, NotFoundError
from any2caption.storage import ObjectStore

SCHEMA = "a2c.annotation/1"


@dataclass(frozen=True, slots=True)
class Result:
    """An annotated record: what is unknown in it, what was assumed, what its answers cost.

    `repaired` are parts that contradicted geometry; `doubts` say what still does.
    """

    record: SourceRecord
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    usage: Usage
    repaired: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "schema": SCHEMA,
            "record": self.record.model_dump(mode="json"),
            "unknown": list(self.unknown),
            "notes": list(self.notes),
            "repaired": list(self.repaired),
            "doubts": list(self.doubts),
            "usage": asdict(self.usage),
        }


@dataclass(frozen=True, slots=True)
class Bench:
    """What every record of a run is worked on with; results and media go below `prefix`."""

    plan: Plan
    source: Source
    manifest: tuple[ObjectStore, str]
    """Where the records are listed: a store and a key."""
    store: ObjectStore
    prefix: str
    annotator: Annotator
    extractors: Sequence[Extractor]

    def known(self, record: AnnotationRecord) -> Result | None:
        """Return the record's result, if it was annotated before and nothing has changed."""
        try:
            document = json.loads(self.store.get(self._key(record)))
            if document["schema"] != SCHEMA:
                return None
            return Result(
                SourceRecord.model_validate(document["record"]),
                tuple(document["unknown"]),
                tuple(document["notes"]),
                Usage(**document["usage"]),
                tuple(document["repaired"]),
                tuple(document["doubts"]),
            )
        except NotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return None

    def annotate(self, record: AnnotationRecord) -> Result:
        """Annotate the record and keep the result.

        Raises:
            InputError: this record cannot be annotated; others may be.
            ConfigError, UnavailableError: no record can be annotated now.
        """
        parts = [self.source.read(one.paths, record.id) for one in record.conditions]
        item = item_of(self.source, record, parts)
        placed = tuple(map(self._placed, record.conditions, parts))
        item, conditions, notes = self._extracted(item, placed)
        result = self._written(item, conditions, notes)
        document = json.dumps(result.document(), ensure_ascii=False).encode()
        self.store.put(self._key(record), document)
        return result

    def _key(self, record: AnnotationRecord) -> str:
        digest = self.source.digest(record)
        return f"{self.prefix}/records/{digest[:2]}/{digest}.json"

    def _placed(self, one: SourceCondition, parts: Sequence[Part]) -> SourceCondition:
        paths = place(self.store, f"{self.prefix}/source", parts)
        return one.model_copy(update={"paths": paths})

    def _extracted(
        self, item: Item, conditions: tuple[SourceCondition, ...]
    ) -> tuple[Item, tuple[SourceCondition, ...], tuple[str, ...]]:
        """Add what the extractors find; a kind (and role) that is there already is left alone."""
        payloads, media, notes = list(item.conditions), item.media, []
        listed = list(conditions)
        for tool in self.extractors:
            rewritten = _rewritten(tool, payloads)
            if _has(tool, payloads) and rewritten is None:
                continue
            for found in tool.extract(media):
                media = _with_masks(media, found)
                made = SourceCondition(
                    kind=tool.kind,
                    paths=tuple(part.name for part in found.parts),
                    role=found.role,
                    options=dict(found.options),
                    tool=tool.name,
                    tool_version=tool.version,
                )
                number = 1 + sum(one.kind == tool.kind for one in payloads)
                number = number if rewritten is None else payloads[rewritten].number
                payload = parsed(made, found.parts, number, item.record.id)
                made = self._placed(made, found.parts)
                if rewritten is None:
                    listed.append(made)
                    payloads.append(payload)
                else:
                    listed[rewritten], payloads[rewritten] = made, payload
                notes += [f"{tool.name}: {said}" for said in found.assumptions]
        item = replace(item, conditions=tuple(payloads), media=media)
        return item, tuple(listed), tuple(notes)

    def _written(
        self, item: Item, conditions: tuple[SourceCondition, ...], notes: tuple[str, ...]
    ) -> Result:
        record, usage = item.record, Usage()
        unknown: tuple[str, ...] = ()
        repaired: tuple[str, ...] = ()
        doubts: tuple[str, ...] = ()
        caption, prompt = record.caption, record.prompt
        with_caption, with_prompt = self.plan.writes(
            has_caption=caption is not None, has_prompt=bool(prompt.strip())
        )
        if with_caption:
            done = self.annotator.caption(item)
            unknown, usage = done.unknown, done.usage
            notes += done.notes
            repair = self.plan.contradictions == "repair"
            stated = {*record.caption_parts, *unknown}
            kept = held(done.caption, item.conditions, stated=stated, repair=repair)
            caption, repaired, doubts = kept.caption, kept.repaired, kept.doubts
            notes += tuple(f"{part}: repaired, it contradicted geometry" for part in repaired)
        if with_prompt and caption is not None:
            written = self.annotator.prompt(item, caption)
            prompt, usage = written.prompt, usage + written.usage
        if unknown and self.plan.complete_only:
            raise InputError(
                f"not known from the inputs: {', '.join(unknown)}",
                record=record.id,
                field="caption",
            )
        if not prompt.strip() and not conditions:
            raise InputError(
                "there is neither a prompt nor a condition", record=record.id, field="conditions"
            )
        # Stated parts are in the caption once there is one.
        left = record.caption_parts if caption is None else {}
        changes = {
            "conditions": conditions,
            "caption": caption,
            "caption_parts": left,
            "prompt": prompt,
        }
        finished = record.model_copy(update=changes)
        return Result(finished, unknown, notes, usage, repaired, doubts)


def _has(tool: Extractor, payloads: Sequence[Condition]) -> bool:
    """Whether the tool's kind is there, of pictures in the tool's role."""
    role = {"mask-crops": "identity"}.get(tool.name, tool.name.replace("-", "_"))
    return any(
        one.kind == tool.kind and (tool.kind != "image" or one.role == role) for one in payloads
    )


def _rewritten(tool: Extractor, payloads: Sequence[Condition]) -> int | None:
    """The place of the camera that the tool writes in another format, if it has another."""
    if tool.name != "given-geometry":
        return None
    for at, one in enumerate(payloads):
        if one.kind == "camera" and "RealEstate10K" not in one.format:
            return at
    return None


def _with_masks(media: Media, found: Extracted) -> Media:
    return media if found.masks is None else media.with_masks(found.masks)
