"""What a release writes, held to what the gate judged, before it serves anybody.

Judged records go to the release's own Triton as a client sends them: the prompt, the stored files
of the conditions, the public ensemble. The model is asked by name and the check only tells
(`writer=model`, `policy=warn`), so what comes back is what the model wrote.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol, Unpack

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import parse, render
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import load_condition, load_snapshot, withdrawal
from any2caption.errors import A2CError, GateRefused, InputError, UnavailableError
from any2caption.evaluation.policies.load import policy_of
from any2caption.evaluation.policies.schema import Served
from any2caption.evaluation.reports.judged import Judged
from any2caption.evaluation.slices import in_turns, pick
from any2caption.serving.client import Asked, CaptionClient, CaptionResult, FileElement
from any2caption.serving.contract import MAX_BATCH
from any2caption.serving.control import TritonControl
from any2caption.storage import ObjectStore, get_content

PLACES = 2 * MAX_BATCH
"""Requests under way: while a batch is decoded the next is read."""
REQUEST_SECONDS = 300.0
_SAY_SECONDS = 10.0
_SHOWN, _BEFORE = 300, 60
"""Characters of a text that a refusal shows, and of them in front of where it is another."""

Say = Callable[[str], None]


class Client(Protocol):
    """What is asked: `CaptionClient`."""

    def caption_files(
        self,
        text: str,
        elements: dict[str, list[FileElement]],
        *,
        timeout: float | None = None,
        **asked: Unpack[Asked],
    ) -> CaptionResult:
        """Caption a text and files."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A judged record, and the caption that the model wrote of it."""

    record: Record
    caption: StructuredCaption


@dataclass(frozen=True, slots=True)
class Difference:
    """A record of which the release writes something else, and in which part."""

    record: str
    part: str
    judged: str
    served: str

    def __str__(self) -> str:
        """Say it in one line."""
        both = zip(self.judged, self.served, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both))
        begin = max(same - _BEFORE, 0)
        judged, served = (_shortened(one, begin) for one in (self.judged, self.served))
        return f"record {self.record}, {self.part}: judged “{judged}”, served “{served}”"


@dataclass(frozen=True, slots=True)
class Compared:
    """How many texts were compared in how many seconds, and those that differ."""

    texts: int
    differences: tuple[Difference, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What a release has to write again: the captions, the rule of their policy, the files."""

    policy: str
    rule: Served
    wanted: tuple[Wanted, ...]
    store: ObjectStore

    def hold(self, control: TritonControl, release: int, *, say: Say) -> None:
        """Ask a release for the captions.

        Raises:
            GateRefused: too many of them are others, or all, or an answer is missing; names the
                record, the part and both texts.
        """
        what = f"the trial of release {release}"
        with CaptionClient(control.url, key=control.key) as client:
            try:
                found = compare(client, self.store, self.wanted, seconds=self.rule.seconds, say=say)
            except GateRefused as error:
                raise GateRefused(f"{what}: {error}") from error
        told = self._told(found)
        if len(found.differences) > min(self.rule.differing, found.texts - 1):
            raise GateRefused(f"{what}: {told}")
        say(told)

    def _told(self, found: Compared) -> str:
        same, rate = found.texts - len(found.differences), found.texts / max(found.seconds, 0.001)
        told = f"{same} of {found.texts} texts are those that were judged, {rate:.1f} a second"
        if not found.differences:
            return told
        first, *others = found.differences
        more = f"; and of {', '.join(one.record for one in others)}" if others else ""
        return (
            f"{told}; policy {self.policy} lets {self.rule.differing} differ: {first}"
            f"{_shortened(more)}"
        )


def expected(judged: Judged | None, store: ObjectStore, *, say: Say) -> Expected | None:
    """Choose what a release has to write again; None where there is nothing, and it says why.

    Raises:
        ConfigError: there is no such policy any more.
        NotFoundError, IntegrityError: the snapshot is not there, or damaged.
    """
    if judged is None:
        say("no texts are compared: no gate has judged the version")
        return None
    rule = policy_of(judged.policy).served
    if not rule.records:
        say(f"no texts are compared: policy {judged.policy} asks for none")
        return None
    if withdrawal(store, judged.snapshot) is not None:
        say(f"no texts are compared: snapshot {judged.snapshot[:12]} was withdrawn")
        return None
    wanted = sample(judged, load_snapshot(store, judged.snapshot).records("test"), rule.records)
    few = f"; policy {judged.policy} asks for {rule.records}" if len(wanted) < rule.records else ""
    say(f"it has to write {len(wanted)} of {len(judged.texts)} judged captions again{few}")
    return Expected(judged.policy, rule, tuple(wanted), store) if wanted else None


def sample(judged: Judged, records: Iterable[Record], most: int) -> list[Wanted]:
    """Choose up to `most` judged records, of every slice as many, by hash: always the same.

    Texts that are no caption are passed over: a server answers with captions only.
    """
    captions = dict(_captions(judged))
    slices = pick((record for record in records if record.id in captions), most)
    return [Wanted(one, captions[one.id]) for one in in_turns(slices.values(), most)]


def _captions(judged: Judged) -> Iterator[tuple[str, StructuredCaption]]:
    for record, text in judged.texts.items():
        try:
            yield record, parse(text)
        except InputError:
            continue


def compare(  # noqa: PLR0913 - who is asked, what, and within which bounds
    client: Client,
    store: ObjectStore,
    wanted: Sequence[Wanted],
    *,
    seconds: float,
    places: int = PLACES,
    say: Say = lambda _: None,
) -> Compared:
    """Ask for each caption, `places` at a time, and return which are others.

    An error instead of a caption is another text.

    Raises:
        GateRefused: nobody answers, or not within `seconds`.
        A2CError: the store lacks a record's file, or does not answer.
    """
    began = said = time.monotonic()
    found: list[Difference] = []
    pool = ThreadPoolExecutor(places, thread_name_prefix="texts")
    try:
        asked = [pool.submit(_difference, client, store, one, began + seconds) for one in wanted]
        for done, future in enumerate(as_completed(asked, timeout=seconds), 1):
            if (other := future.result()) is not None:
                found.append(other)
            if time.monotonic() - said > _SAY_SECONDS:
                said = time.monotonic()
                say(f"{done} of {len(wanted)} texts are compared, {len(found)} differ")
    except TimeoutError:
        done = sum(one.done() for one in asked)
        raise GateRefused(f"{done} of {len(wanted)} texts came within {seconds:g} s") from None
    finally:
        pool.shutdown(cancel_futures=True)
    order = {one.record.id: place for place, one in enumerate(wanted)}
    found.sort(key=lambda one: order[one.record])
    return Compared(len(wanted), tuple(found), time.monotonic() - began)


def _difference(
    client: Client, store: ObjectStore, wanted: Wanted, limit: float
) -> Difference | None:
    text, files = as_asked(store, wanted.record)
    timeout = max(min(REQUEST_SECONDS, limit - time.monotonic()), 0.001)
    try:
        served = client.caption_files(text, files, timeout=timeout, writer="model", policy="warn")
    except UnavailableError as error:
        raise GateRefused(f"record {wanted.record.id}: {error}") from error
    except (A2CError, ValueError) as error:  # a ValueError is an answer without six parts
        return Difference(wanted.record.id, "no caption", render(wanted.caption), str(error))
    if served.text == render(wanted.caption):
        return None
    for part, label in PARTS.items():
        ours, theirs = getattr(wanted.caption, part), getattr(served.caption, part)
        if ours != theirs:
            return Difference(wanted.record.id, label, ours, theirs)
    return Difference(wanted.record.id, "text", render(wanted.caption), served.text)


def as_asked(store: ObjectStore, record: Record) -> tuple[str, dict[str, list[FileElement]]]:
    """Return a record's request as a client sends it: the text, and each kind's files."""
    texts, files = [record.prompt], dict[str, list[FileElement]]()
    for condition in sorted(record.conditions, key=lambda one: one.number):
        if condition.kind == "text":
            texts.append(str(load_condition(store, condition).payload))
            continue
        for part in condition.parts:
            info = {
                "name": part.name,
                "condition": condition.number,
                "role": condition.role,
                "options": condition.options,
            }
            element = FileElement(get_content(store, part.sha256), info)
            files.setdefault(condition.kind, []).append(element)
    return "\n".join(texts).strip(), files


def _shortened(text: str, begin: int = 0) -> str:
    """Return a text as one line; of a long one what stands from `begin` on."""
    if len(text) > _SHOWN:
        cut = text[begin : begin + _SHOWN]
        text = f"{'…' if begin else ''}{cut}{'…' if begin + _SHOWN < len(text) else ''}"
    return " ".join(text.split())
