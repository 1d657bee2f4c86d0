"""The queue of annotations that people look at, and their answers applied to the manifest."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from any2caption.annotation.run import DOUBTS, UNREVIEWED
from any2caption.annotation.source import MANIFEST
from any2caption.annotation.verification import (
    FIRST,
    SECOND,
    Reading,
    agreement,
    draw,
    of_two_people,
    rates,
    second_readings,
    settle,
)
from any2caption.captions.schema import PARTS
from any2caption.datasets.catalogue import Catalogue
from any2caption.datasets.records import SourceRecord
from any2caption.errors import InputError, NotFoundError
from any2caption.settings import Settings
from any2caption.storage import ObjectStore, open_store

_LONGEST = 4000


def queue(
    settings: Settings, key: str, *, share: float, second_share: float, most: int
) -> list[dict[str, Any]]:
    """Return what people are to read of a run: entries with record, reading, subject and body.

    Records whose captions contradict geometry are read in any case. What the catalogue has an
    answer to is not asked again.
    """
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    # Twice through the manifest: ids alone for the draw, then the drawn records.
    sample = draw((record.id for record in annotated(store, key)), key, share, most)
    twice = set(second_readings(sample, key, second_share))
    doubted = doubts(store, key)
    done = {(one.record_id, one.reading) for one in readings(settings, key)}
    wanted = {*sample, *doubted}
    entries = []
    for record in annotated(store, key):
        if record.id in wanted:
            times = (FIRST, SECOND) if record.id in twice else (FIRST,)
            told = doubted.get(record.id, [])
            entries += [_entry(record, n, told) for n in times if (record.id, n) not in done]
    return entries


def doubts(store: ObjectStore, key: str) -> dict[str, list[str]]:
    """Return what is against geometry, by the id of its record."""
    try:
        found: dict[str, list[str]] = json.loads(store.get(f"annotations/{key}/{DOUBTS}"))
    except NotFoundError:  # a run of an earlier version
        return {}
    return found


def annotated(store: ObjectStore, key: str) -> Iterator[SourceRecord]:
    """Yield a run's records as the annotator left them."""
    try:
        lines = store.get(f"annotations/{key}/{UNREVIEWED}").splitlines()
    except NotFoundError:
        raise NotFoundError(f"{store.uri}: there is no annotation run {key!r}") from None
    for line in lines:
        yield SourceRecord.model_validate_json(line)


def _entry(record: SourceRecord, reading: int, told: Sequence[str]) -> dict[str, Any]:
    kinds = ", ".join(
        f"{one.kind}{f' ({one.role})' if one.role else ''}"
        + (f" by {one.tool} {one.tool_version}" if one.tool else "")
        for one in record.conditions
    )
    caption = record.caption
    parts = [(label, getattr(caption, part)) for part, label in PARTS.items()] if caption else []
    body = [f"**Conditions**: {kinds or 'none'}", f"**Short prompt**: {record.prompt or '—'}"]
    body += [f"**Against the conditions**: {doubt}" for doubt in told]
    body += [f"**{label}**: {text}" for label, text in parts]
    again = " (second reading: not entered if by the first reader)" if reading == SECOND else ""
    return {
        "record": record.id,
        "reading": reading,
        "subject": plain(f"Annotation of {record.id}{again}"),
        "body": plain("\n\n".join(body)),
    }


def plain(text: str) -> str:
    """Return text that no template engine acts on, and no longer than a form can show."""
    safe = text.replace("{", "(").replace("}", ")")
    return safe if len(safe) <= _LONGEST else f"{safe[:_LONGEST]} …"


def record(settings: Settings, key: str, given: Sequence[Reading]) -> dict[str, Any]:
    """Enter people's answers, apply all that are known to the manifest, and sum them up.

    Safe to run again: the manifest is made from the annotator's own each time. A second reading by
    the first reader is not entered: `refused` of the summary names it, and the next queue asks for
    it again.

    Raises:
        InputError: an edit leaves no valid caption.
    """
    counted, refused = of_two_people(readings(settings, key), given)
    catalogue = Catalogue(settings.catalogue_url)
    try:
        catalogue.migrate()
        catalogue.record_reviews(key, [one.document() for one in counted])
    finally:
        catalogue.close()
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    by_record: dict[str, list[Reading]] = defaultdict(list)
    for one in readings(settings, key):
        by_record[one.record_id].append(one)
    lines, rejected = [], 0
    for line in annotated(store, key):
        try:
            settled = settle(line, by_record.get(line.id, []))
        except ValueError as error:
            raise InputError(f"the edited caption is not valid: {error}", record=line.id) from error
        rejected += settled is None
        if settled is not None:
            lines.append(settled.model_dump_json())
    text = "\n".join([*lines, ""])
    store.put(f"annotations/{key}/source/{MANIFEST}", text.encode())
    summary = {
        **report(settings, key),
        "records": len(lines),
        "dropped": rejected,
        "refused": [_refusal(one) for one in refused],
    }
    store.put(f"annotations/{key}/reviews.json", json.dumps(summary, indent=1).encode())
    return summary


def _refusal(one: Reading) -> str:
    return (
        f"{one.record_id}: reading {one.reading} by {one.reviewer} is not entered, because "
        f"{one.reviewer} gave the other reading; someone else must give it, the next run asks again"
    )


def readings(settings: Settings, key: str) -> list[Reading]:
    """Return all answers that the catalogue has for a run."""
    catalogue = Catalogue(settings.catalogue_url)
    try:
        catalogue.migrate()
        return [
            Reading(row.record_id, row.reading, row.reviewer, row.outcome, row.changes)
            for row in catalogue.reviews(key)
        ]
    finally:
        catalogue.close()


def report(settings: Settings, key: str) -> dict[str, Any]:
    """Return the rates of a run's outcomes and how far people agree."""
    known = readings(settings, key)
    both = agreement(known)
    return {
        "key": key,
        **rates(known),
        "agreement": {"pairs": both.pairs, "observed": both.observed, "kappa": both.kappa},
        "reviewers": sorted({one.reviewer for one in known}),
    }
