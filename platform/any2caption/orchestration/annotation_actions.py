"""What each task of `annotate_conditions` does: a request in, ids out. No Airflow here."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from any2caption.errors import NotFoundError
from any2caption.orchestration.actions import Request, reported
from any2caption.orchestration.jobs.job_spec import Work
from any2caption.orchestration.run_request import require
from any2caption.settings import Settings
from any2caption.storage.digest import json_digest

ACCEPT, EDIT, REJECT, SKIP = "Accept", "Edit", "Reject", "Skip"
OPTIONS = (ACCEPT, EDIT, REJECT, SKIP)
_OUTCOMES = {ACCEPT: "accepted", EDIT: "edited", REJECT: "rejected"}
_WEIGHTS = "="  # an extractor with weights runs in the training environment
_FLAGS = ("annotator", "captions", "prompts", "contradictions", "limit")


def plan(settings: Settings, request: Request) -> Request:
    """Write down the command that annotates the source."""
    with reported(settings, request, "annotate"):
        hint = "give the param `source`: a folder with manifest.jsonl"
        source = str(require(request, "source", hint)).rstrip("/")
        planned = {**request, "source": source}
        return {**planned, "annotate": work(settings, planned).as_dict()}


def work(settings: Settings, request: Mapping[str, Any]) -> Work:
    """Return the command; it is always started, since a finished record costs it nothing."""
    extract = [str(tool) for tool in request.get("extract") or ()]
    arguments = ["-m", "any2caption.annotation", "--source", request["source"]]
    for name in _FLAGS:
        if request.get(name) not in {None, ""}:
            arguments += [f"--{name}", str(request[name])]
    # A share of 0 is not a param that was left empty: the request drops zeros.
    arguments += ["--threshold", str(request.get("threshold") or 0)]
    for tool in extract:
        arguments += ["--extract", tool]
    if request.get("complete_only"):
        arguments.append("--complete-only")
    key = f"annotate-{json_digest(arguments)[:16]}"
    folder = settings.home / "annotate" / key
    arguments += ["--lifecycle", request["lifecycle"], "--out", str(folder / "result.json")]
    heavy = any(_WEIGHTS in tool for tool in extract)
    return Work(
        "annotate",
        key,
        tuple(arguments),
        str(folder),
        "",
        request["lifecycle"],
        environment="train" if heavy else "control",
    )


def annotated(settings: Settings, request: Request) -> Request:
    """Add the run's key and the address of the annotated source."""
    result = Path(request["annotate"]["folder"]) / "result.json"
    with reported(settings, request, "annotate"):
        if not result.exists():
            raise NotFoundError(f"{result}: the annotation left no result")
        found = json.loads(result.read_text())
        return {**request, "annotation": found["key"], "source": found["annotated"]}


def review_queue(settings: Settings, request: Request) -> list[Request]:
    """Return what people are to read."""
    from any2caption.annotation import reviews

    with reported(settings, request, "review") as log:
        entries = reviews.queue(
            settings,
            request["annotation"],
            share=float(request.get("review_share") or 0),
            second_share=float(request.get("second_share") or 0),
            most=int(request.get("review_most") or 0),
        )
        log.emit("review", f"{len(entries)} readings wait for people", readings=len(entries))
        return entries


def record_reviews(
    settings: Settings,
    request: Request,
    entries: Sequence[Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
) -> Request:
    """Enter the answers into the catalogue and let them take effect; return rates and agreement."""
    from any2caption.annotation import reviews
    from any2caption.annotation.verification import Reading

    with reported(settings, request, "review") as log:
        read = [
            Reading(entry["record"], int(entry["reading"]), *said)
            for entry, answer in zip(entries, answers, strict=True)
            if (said := said_in(answer))
        ]
        summary = reviews.record(settings, request["annotation"], read)
        for refusal in summary["refused"]:
            log.emit("review", refusal)
        log.emit(
            "review",
            f"{summary['reviewed']} reviewed: {summary['accepted']} accepted, "
            f"{summary['edited']} edited, {summary['rejected']} rejected",
            done=True,
        )
        return {**request, "reviews": summary}


def said_in(answer: Mapping[str, Any]) -> tuple[str, str, dict[str, str]] | None:
    """Return (reviewer, outcome, changes) of an answer; None when it was skipped.

    New texts count with *Edit* only, and an edit that changes nothing is an acceptance.
    """
    from any2caption.annotation.verification import TEXTS

    choice = (answer.get("chosen_options") or [SKIP])[0]
    if choice not in _OUTCOMES:
        return None
    user = answer.get("responded_by_user") or {}
    given = answer.get("params_input") or {}
    changes = {
        name: " ".join(str(given[name]).split())
        for name in TEXTS
        if choice == EDIT and str(given.get(name) or "").strip()
    }
    outcome = _OUTCOMES[ACCEPT if choice == EDIT and not changes else choice]
    return str(user.get("name") or user.get("id") or "a person"), outcome, changes
