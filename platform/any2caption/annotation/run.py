"""A whole run: every record of a source, in parallel, resumable; the result is a source itself.

`annotations/<key>/source/manifest.jsonl` lists the annotated records with copies of their media, so
`ingest_conditions` reads it like any source. Records are held one window at a time.
"""

import json
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from any2caption.annotation.annotators import Annotator
from any2caption.annotation.by_rules import RuleAnnotator
from any2caption.annotation.endpoint.annotator import EndpointAnnotator
from any2caption.annotation.endpoint.opening import open_endpoint
from any2caption.annotation.extractors import make_extractors
from any2caption.annotation.plan import Plan, run_key
from any2caption.annotation.record import Bench, Result
from any2caption.annotation.source import MANIFEST, AnnotationRecord, Line, open_source, read_lines
from any2caption.conditions.registry import KINDS
from any2caption.endpoints.usage import Meter, Prices, Usage
from any2caption.errors import ConfigError, GateRefused, InputError
from any2caption.progress import ProgressLog
from any2caption.settings import Settings
from any2caption.storage import open_store

STAGE = "annotate"
UNREVIEWED = "unreviewed.jsonl"
"""The manifest before people's changes, so that they can be applied again."""
DOUBTS = "doubts.json"
"""Records whose captions contradict geometry, with what does: people read them in any case."""
_NAMED = 20  # left-out records that the report names; all are in left_out.jsonl
_WINDOW = 4  # records in flight per thread
_REPORT_EVERY = 1.0


@dataclass(slots=True)
class _Tally:
    records: int = 0
    reused: int = 0
    left_out: int = 0
    told: float = 0.0
    named: list[str] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    doubts: dict[str, list[str]] = field(default_factory=dict)
    answers: Usage = field(default_factory=Usage)

    def take(self, result: Result, *, reused: bool) -> None:
        self.records += 1
        self.reused += reused
        self.unknown.update(result.unknown)
        self.repaired.update(result.repaired)
        if result.doubts:
            self.doubts[result.record.id] = list(result.doubts)
        self.answers += result.usage

    def leave_out(self, line: Line, reason: str, file: TextIO) -> None:
        self.left_out += 1
        entry = {"line": line.number, "id": line.id, "reason": reason}
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        if len(self.named) < _NAMED:
            self.named.append(f"line {line.number}: {reason}")


def run_annotation(
    settings: Settings,
    plan: Plan,
    *,
    lifecycle: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Annotate a source; run it again to go on where a former run stopped, at no cost for the rest.

    Returns:
        key, source, annotated (URI of the new source), records, reused, left_out, reasons, unknown
        and repaired (records per part), doubted (records that people have to read), spent
        (requests, tokens, cost of this run), answers (what the kept answers cost when they were
        given), seconds.

    Raises:
        InputError: there is no manifest.
        ConfigError: extractor, annotator or endpoint cannot work so.
        GateRefused: too many records could not be annotated; nothing is published.
        UnavailableError: the endpoint or a store does not answer; run it again later.
    """
    began = time.monotonic()
    log = ProgressLog(settings.progress_log, lifecycle)
    with _bench(settings, plan) as (bench, meter), tempfile.TemporaryDirectory() as scratch:
        log.emit(STAGE, f"annotating {plan.source} with {bench.annotator.name}")
        folder, tally = Path(scratch), _Tally()
        paths = (folder / MANIFEST, folder / "left_out.jsonl")
        with paths[0].open("w") as manifest, paths[1].open("w") as left_out:
            for line, outcome, reused in _outcomes(bench, plan, folder / "input.jsonl"):
                if isinstance(outcome, Result):
                    tally.take(outcome, reused=reused)
                    manifest.write(outcome.record.model_dump_json() + "\n")
                else:
                    tally.leave_out(line, outcome, left_out)
                _tick(log, tally)
        bench.store.upload(f"{bench.prefix}/left_out.jsonl", paths[1])
        report = _report(settings, plan, bench, tally, meter.total)
        report["seconds"] = round(time.monotonic() - began, 2)
        _check(tally, plan)
        bench.store.put(f"{bench.prefix}/{DOUBTS}", json.dumps(tally.doubts).encode())
        for name in (UNREVIEWED, f"source/{MANIFEST}"):
            bench.store.upload(f"{bench.prefix}/{name}", paths[0])
        bench.store.flush()
    bench.store.put(f"{bench.prefix}/report.json", json.dumps(report, indent=1).encode())
    _enter(settings, plan, bench, report, lifecycle)
    said = f"{tally.records} records annotated, {tally.left_out} left out"
    log.emit(STAGE, said, done=True, annotated=report["annotated"])
    say(said)
    return report


def estimate(settings: Settings, plan: Plan) -> dict[str, Any]:
    """Return how much a run would ask, without asking: requests, tokens, cost at most.

    Counts no answer that is asked again and takes no response out of the cache, except those of
    records that were finished before.
    """
    counts: Counter[str] = Counter()
    usage = Usage()
    with _bench(settings, plan) as (bench, _), tempfile.TemporaryDirectory() as scratch:
        for line in _lines(bench, Path(scratch) / "input.jsonl"):
            counts["records"] += line.record is not None
            counts["unreadable"] += line.record is None
            if line.record is None:
                continue
            if bench.known(line.record) is not None:
                counts["finished"] += 1
                continue
            caption, prompt = plan.writes(
                has_caption=line.record.caption is not None,
                has_prompt=bool(line.record.prompt.strip()),
            )
            counts["captions"] += caption
            counts["prompts"] += prompt
            requests, tokens_in, tokens_out = bench.annotator.requests(
                caption=caption, prompt=prompt
            )
            usage += Usage(requests=requests, input_tokens=tokens_in, output_tokens=tokens_out)
        key = bench.prefix.rpartition("/")[2]
        name = bench.annotator.name
    prices = Prices(settings.annotate.input_price, settings.annotate.output_price)
    told = ("records", "unreadable", "finished", "captions", "prompts")
    return {
        "key": key,
        "source": plan.source,
        "annotator": name,
        **{one: counts[one] for one in told},
        "requests": usage.requests,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost": prices.cost(usage),
    }


@contextmanager
def _bench(settings: Settings, plan: Plan) -> Iterator[tuple[Bench, Meter]]:
    extractors = make_extractors(plan.extract)
    for tool in extractors:
        if tool.kind not in KINDS:
            raise ConfigError(
                f"extractor {tool.name}: condition kind {tool.kind!r} is not supported; "
                f"supported: {', '.join(KINDS)}"
            )
    source = open_source(open_store(plan.source, settings.s3_endpoint_url))
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    folder, _, name = plan.manifest.rpartition("/")
    listing = open_store(folder, settings.s3_endpoint_url) if folder else source.store
    manifest = (listing, name or MANIFEST)

    def bench(annotator: Annotator) -> Bench:
        key = run_key(plan, annotator, extractors, settings.annotate)
        return Bench(plan, source, manifest, store, f"annotations/{key}", annotator, extractors)

    if plan.annotator == "rules":
        yield bench(RuleAnnotator()), Meter()
        return
    with closing(open_endpoint(settings.annotate, store)) as endpoint:
        yield bench(EndpointAnnotator(endpoint, plan.frames)), endpoint.meter


def _lines(bench: Bench, scratch: Path) -> Iterator[Line]:
    for count, line in enumerate(read_lines(*bench.manifest, scratch), 1):
        yield line
        if count == bench.plan.limit:
            return


def _outcomes(bench: Bench, plan: Plan, scratch: Path) -> Iterator[tuple[Line, Result | str, bool]]:
    """Yield each line's result or reason, and whether it was done before, in the source's order.

    An error that concerns all records stops the run once what is in flight has been kept.
    """
    lines = _lines(bench, scratch)
    waiting: deque[tuple[Line, Future[tuple[Result | str, bool]]]] = deque()
    pool = ThreadPoolExecutor(plan.workers, thread_name_prefix="annotate")
    try:
        for line in lines:
            waiting.append((line, pool.submit(_one, bench, line)))
            if len(waiting) >= plan.workers * _WINDOW:
                first, future = waiting.popleft()
                yield first, *future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, *future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _one(bench: Bench, line: Line) -> tuple[Result | str, bool]:
    record: AnnotationRecord | None = line.record
    if record is None:
        return line.reason, False
    known = bench.known(record)
    if known is not None:
        return known, True
    try:
        return bench.annotate(record), False
    except InputError as error:
        return " ".join(str(error).split()), False


def _tick(log: ProgressLog, tally: _Tally) -> None:
    now = time.monotonic()
    if now - tally.told >= _REPORT_EVERY:
        tally.told = now
        log.emit(STAGE, "records", step=tally.records + tally.left_out)


def _check(tally: _Tally, plan: Plan) -> None:
    total = tally.records + tally.left_out
    if not tally.records or tally.left_out > plan.threshold * total:
        first = f"; first: {tally.named[0]}" if tally.named else ""
        raise GateRefused(
            f"{tally.left_out} of {total} records could not be annotated (at most "
            f"{plan.threshold:.0%} may); nothing is published{first}"
        )


def _report(
    settings: Settings, plan: Plan, bench: Bench, tally: _Tally, spent: Usage
) -> dict[str, Any]:
    prices = Prices(settings.annotate.input_price, settings.annotate.output_price)
    return {
        "key": bench.prefix.rpartition("/")[2],
        "source": plan.source,
        "annotated": f"{bench.store.uri.rstrip('/')}/{bench.prefix}/source",
        "annotator": bench.annotator.name,
        "extractors": {tool.name: tool.version for tool in bench.extractors},
        "records": tally.records,
        "reused": tally.reused,
        "left_out": tally.left_out,
        "reasons": tally.named,
        "unknown": dict(tally.unknown),
        "repaired": dict(tally.repaired),
        "doubted": len(tally.doubts),
        "spent": prices.bill(spent),
        "answers": prices.bill(tally.answers),
    }


def _enter(
    settings: Settings, plan: Plan, bench: Bench, report: dict[str, Any], lifecycle: str
) -> None:
    """Enter the run into the catalogue."""
    from any2caption.datasets.catalogue import Catalogue

    catalogue = Catalogue(settings.catalogue_url)
    try:
        catalogue.migrate()
        catalogue.record_annotation_run(
            report["key"],
            source=plan.source,
            annotator=bench.annotator.name,
            report=report,
            lifecycle=lifecycle,
        )
    finally:
        catalogue.close()
