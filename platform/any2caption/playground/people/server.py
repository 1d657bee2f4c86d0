"""The page where one person votes on a version's captions, on this machine only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from any2caption.captions.schema import PARTS
from any2caption.captions.text import parse
from any2caption.datasets.catalogue import PREFERENCES, Catalogue
from any2caption.datasets.snapshots import load_condition, load_snapshot
from any2caption.errors import ConfigError, InputError, NotFoundError
from any2caption.evaluation.people import DATA, Pair, in_order, model_left, pairs, study_of
from any2caption.evaluation.reports.judged import read_report
from any2caption.evaluation.reports.thumbnails import picture_of
from any2caption.pages import render
from any2caption.settings import Settings
from any2caption.storage import open_store

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response


KEYS = dict(zip("1234", PREFERENCES, strict=True))
_MOST = 4096  # bytes of an answer


@dataclass(frozen=True)
class Study:
    """What one person is asked: pairs in their order, and how a record's request is shown.

    `asked` returns the prompt and the drawn conditions of a record.
    """

    name: str
    bundle: str
    other: str
    rater: str
    pairs: tuple[Pair, ...]
    asked: Callable[[str], tuple[str, list[tuple[str, str]]]]


def study(settings: Settings, catalogue: Catalogue, version: int, rater: str) -> Study:
    """Open the study of a version's last verdict for one person.

    Raises:
        NotFoundError: it was never evaluated, or its report is gone.
        IntegrityError: the report is not the one that was judged.
        InputError: nobody is named.
    """
    if not rater.strip():
        raise InputError("say who votes", field="rater")
    verdict = catalogue.verdict_on(version)
    if verdict is None:
        raise NotFoundError(f"version {version} was never evaluated")
    report = read_report(verdict)
    name = study_of(verdict.digest, verdict.champion_digest, verdict.captions_digest)
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    chosen = {one.record for one in pairs(report)}
    found = load_snapshot(store, verdict.snapshot_id).records("test")
    records = {record.id: record for record in found if record.id in chosen}

    def asked(record: str) -> tuple[str, list[tuple[str, str]]]:
        one = records[record]
        drawn = [
            (f"{c.kind} {c.number}", picture_of(load_condition(store, c))) for c in one.conditions
        ]
        return one.prompt, drawn

    return Study(
        name,
        verdict.digest,
        verdict.champion_digest or DATA,
        rater.strip(),
        tuple(in_order(pairs(report), name, rater.strip())),
        asked,
    )


def app(asked: Study, catalogue: Catalogue) -> "Starlette":
    """Return the page as an ASGI application: `GET /` asks, `POST /` answers."""
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
    from starlette.routing import Route

    def show(_: "Request") -> "Response":
        return HTMLResponse(_page(asked, catalogue))

    async def answer(request: "Request") -> "Response":
        body = await request.body()
        given = {name: found[-1] for name, found in parse_qs(body[:_MOST].decode()).items()}
        pair = next((one for one in asked.pairs if one.record == given.get("item")), None)
        if pair is None:
            return PlainTextResponse("no such question", 404)
        left = model_left(asked.name, asked.rater, pair.record)
        names = (asked.bundle, asked.other) if left else (asked.other, asked.bundle)
        try:
            catalogue.record_preference(
                pair.record,
                given.get("verdict", ""),
                left_by=names[0],
                right_by=names[1],
                rater=asked.rater,
                blind=True,
                study=asked.name,
                reason=given.get("reason", "").strip(),
            )
        except InputError as error:
            return PlainTextResponse(str(error), 400)
        return RedirectResponse("/", 303)

    return Starlette(
        routes=[Route("/", show, methods=["GET"]), Route("/", answer, methods=["POST"])]
    )


def _page(asked: Study, catalogue: Catalogue) -> str:
    voted = {row.item for row in catalogue.preferences(asked.name) if row.rater == asked.rater}
    left = [one for one in asked.pairs if one.record not in voted]
    pair = left[0] if left else None
    prompt, conditions = asked.asked(pair.record) if pair else ("", [])
    return render(
        "any2caption.playground.people",
        "pair.html",
        pair=pair,
        done=len(asked.pairs) - len(left),
        total=len(asked.pairs),
        prompt=prompt,
        conditions=conditions,
        sides=_sides(asked, pair) if pair else (),
        keys=KEYS,
    )


def _sides(asked: Study, pair: Pair) -> list[tuple[str, list[tuple[str, str]]]]:
    texts = [_parts(pair.model), _parts(pair.other)]
    if not model_left(asked.name, asked.rater, pair.record):
        texts.reverse()
    return list(zip(("Left", "Right"), texts, strict=True))


def _parts(text: str) -> list[tuple[str, str]]:
    try:
        caption = parse(text)
    except InputError:
        return [("No six parts", text)]
    return [(title, getattr(caption, part)) for part, title in PARTS.items()]


def serve(asked: Study, catalogue: Catalogue, *, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page on the loopback until interrupted; `ready` gets its address.

    Raises:
        ConfigError: the port is taken.
    """
    import socket

    import uvicorn

    from any2caption.playground.server import Guard

    try:
        bound = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise ConfigError(f"port {port}: {error.strerror}") from error
    with bound:
        ready(f"http://127.0.0.1:{bound.getsockname()[1]}/")
        guarded = Guard(app(asked, catalogue), token="", loopback=True)
        uvicorn.Server(uvicorn.Config(guarded, log_level="warning")).run(sockets=[bound])
