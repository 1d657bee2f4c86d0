"""A snapshot's data card, made from what was counted when it was published: Markdown and HTML.

The Markdown begins with the metadata that Hugging Face's hub reads of a data set's README.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from any2caption.datasets.snapshots import read_metadata, withdrawal
from any2caption.errors import NotFoundError
from any2caption.pages import markdown, page_of
from any2caption.storage import ObjectStore

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue

SCHEMA = "a2c.data-card/1"
README, PAGE = "README.md", "data_card.html"
_INGEST = ("format", "rejected", "quarantine", "pending", "leaks", "notes")
_FEW = 20  # records below which a kind is called rare
_HUB_LICENCES = frozenset({
    "apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc-by-3.0", "cc-by-4.0", "cc0-1.0",
    "cdla-permissive-1.0", "cdla-permissive-2.0", "isc", "mit", "odc-by", "pddl", "unlicense",
})  # fmt: skip
_HUB_NAMES = {"odc-by-1.0": "odc-by", "pddl-1.0": "pddl"}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))


def keep_ingest(store: ObjectStore, identity: str, result: Mapping[str, Any]) -> None:
    """Keep beside a snapshot what its last ingest left out, for cards made later."""
    kept = {name: result[name] for name in _INGEST}
    store.put(_ingest_key(identity), json.dumps(kept, ensure_ascii=False).encode())


def facts(store: ObjectStore, catalogue: "Catalogue", identity: str) -> dict[str, Any]:
    """Return what is known of a snapshot; what is not known is None.

    Raises:
        NotFoundError: there is no such snapshot.
        IntegrityError: its description is damaged.
    """
    from any2caption.datasets.duplicates.groups import load_report
    from any2caption.datasets.statistics import describe_documents

    metadata = read_metadata(store, identity)
    statistics = metadata["statistics"]
    if "kinds" not in statistics:  # published by an earlier version
        from any2caption.datasets.snapshots import load_snapshot

        snapshot = load_snapshot(store, identity, withdrawn=True)
        statistics = describe_documents(snapshot.manifest.documents())
    try:
        ingest = json.loads(store.get(_ingest_key(identity)))
    except NotFoundError:
        ingest = None
    try:
        duplicates = load_report(store, identity)
    except NotFoundError:
        duplicates = None
    checks = [
        {"passed": row.passed, "expectations": row.expectations, "failures": row.failures}
        for row in catalogue.validations(identity)
    ]
    return {
        "schema": SCHEMA,
        "snapshot": identity,
        "created": metadata.get("created", ""),
        "source": metadata.get("source", ""),
        "withdrawn": withdrawal(store, identity),
        "statistics": statistics,
        "contract": checks[0] if checks else None,
        "ingest": ingest,
        "quarantine": _quarantine(store, ingest),
        "duplicates": duplicates,
        "gaps": list(gaps(statistics)),
    }


def gaps(statistics: Mapping[str, Any]) -> Iterator[str]:
    """Say what a model or an evaluation will lack here."""
    from any2caption.conditions.registry import KINDS

    records, kinds = statistics["records"], statistics["kinds"]
    if absent := [kind for kind in KINDS if kind != "text" and kind not in kinds]:
        yield f"No record has a condition of these kinds: {', '.join(absent)}."
    for kind, row in kinds.items():
        if row["instances"] < _FEW:
            yield f"Only {row['instances']} of {records:,} records have {kind} conditions."
    alone = {name for name in statistics["combinations"] if "+" not in name}
    if mixed := [kind for kind in kinds if kind not in alone]:
        yield f"Never the only condition of a record: {', '.join(mixed)}."
    if empty := [
        name for name in ("train", "validation", "test") if not statistics["splits"].get(name)
    ]:
        yield f"No record is in the split {' or '.join(empty)}."
    if not statistics["questions"]:
        yield "No record has questions of its own: the gate asks by rules alone."
    if 0 < statistics["synthetic"] < records:
        yield f"Synthetic and real records are mixed: {statistics['synthetic']:,} are synthetic."
    camera = statistics["camera_language"]
    if wrong := camera["compared"] - camera["agree"]:
        yield f"{wrong:,} texts name camera movements that their path does not show."
    conditions = sum(row["conditions"] for name, row in kinds.items() if name == "video")
    if conditions and not statistics["hours"]:
        yield "The length of its clips is not known."


def documents(known: Mapping[str, Any]) -> dict[str, str]:
    """Return the card as `{file name: content}`: Markdown and a page."""
    title = f"Data card: snapshot {known['snapshot'][:12]}"
    text = markdown(
        "any2caption.datasets", "data_card.md", title=title, meta=_front(known), **known
    )
    return {README: text, PAGE: page_of(title, text)}


def write(folder: Path, known: Mapping[str, Any]) -> Path:
    """Write the card's files into a folder, which is made; return its page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in documents(known).items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder / PAGE


def _front(known: Mapping[str, Any]) -> str:
    import yaml

    statistics = known["statistics"]
    licences = dict.fromkeys(map(hub_licence, statistics["licences"]))
    named = next((name for most, name in _SIZES if statistics["records"] < most), "1M<n<10M")
    synthetic = ["synthetic"] if statistics["synthetic"] == statistics["records"] else []
    content = {
        "pretty_name": f"Any2Caption snapshot {known['snapshot'][:12]}",
        "license": list(licences) if len(licences) > 1 else next(iter(licences), "other"),
        "language": ["en"],
        "task_categories": ["video-text-to-text"],
        "size_categories": [named],
        "tags": ["any2caption", "video-captioning", *statistics["kinds"], *synthetic],
    }
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def hub_licence(licence: str) -> str:
    """Return a licence as Hugging Face's hub names it; `other` where it has no name for it."""
    name = licence.lower()
    name = _HUB_NAMES.get(name, name)
    return name if name in _HUB_LICENCES else "other"


def _quarantine(store: ObjectStore, ingest: Mapping[str, Any] | None) -> dict[str, Any] | None:
    from any2caption.datasets.ingest.quarantine import load_quarantine

    if not ingest or not ingest["quarantine"]:
        return None
    try:
        return load_quarantine(store, ingest["quarantine"])
    except NotFoundError:
        return None


def _ingest_key(identity: str) -> str:
    return f"snapshots/{identity}/ingest.json"
