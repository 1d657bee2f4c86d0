"""Hold a written caption to its request's facts: repair it, tell what is wrong, or refuse it."""

from collections import Counter
from collections.abc import Iterator, Mapping

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.sentences import split_sentences
from any2caption.errors import UngroundedError
from any2caption.grounding.answer import Finding, Grounded, Length, Mode, Policy
from any2caption.grounding.check.judge import Judged, judged
from any2caption.grounding.check.known import Known
from any2caption.grounding.check.repair import as_sentence, limit_of, mended, missing, shown
from any2caption.grounding.compose import compose
from any2caption.grounding.facts import Facts
from any2caption.grounding.words.content import content_words, missing_words

_OFTEN = 3
_LONGEST = 4
"""A part that is so many times too long is not read."""
_FORGOTTEN = 0.5
_BELIEVED = 1 / 3
"""A writer of whose sentences more are wrong or doubtful is not believed in what nobody stated."""


def check(  # noqa: PLR0913 - a request has so many choices
    caption: StructuredCaption,
    facts: Facts,
    *,
    writer: str,
    policy: Policy = "repair",
    length: Length = "medium",
    mode: Mode = "fill",
) -> Grounded:
    """Return a caption that says what its request states, with the sources of every sentence.

    Args:
        caption: six parts from any writer.
        facts: what the request states.
        writer: its name, for the answer.
        policy: `repair` replaces what is wrong by the composer's sentences and leaves the others
            byte for byte; `warn` changes nothing and tells; `reject` refuses.
        length: of the sentences that are put in.
        mode: in `off` a sentence that says more than the facts is replaced as well; else it is
            kept, and marked as invented, as long as it leaves the facts as they are.

    Raises:
        UngroundedError: policy `reject` and something is wrong; names the part and the reason.
    """
    known = Known(facts, compose(facts, length=length, mode=mode))
    found = _judged(caption, known, mode)
    conflicts = tuple(one.text for one in facts.conflicts)
    if policy == "repair":
        results = {part: mended(part, found[part], known) for part in PARTS}
        parts = {part: result.sentences for part, result in results.items()}
        findings = tuple(one for result in results.values() for one in result.findings)
    else:
        parts = {part: tuple(map(as_sentence, found[part])) for part in PARTS}
        findings = tuple(_told(found, known))
        if policy == "reject" and findings:
            raise UngroundedError(_refusal(findings))
    return Grounded(parts, writer, findings, conflicts, facts.notes)


def _judged(caption: StructuredCaption, known: Known, mode: Mode) -> dict[str, list[Judged]]:
    """Judge every sentence, then what shows only in the whole: repetition, lack of all facts."""
    found: dict[str, list[Judged]] = {}
    for part in PARTS:
        before, found[part], whole = "", [], getattr(caption, part)
        if len(whole) > _LONGEST * limit_of(part):
            why = f"has {len(whole):,} characters; a part has at most {limit_of(part):,}"
            found[part] = [Judged(whole, faults=[("unsupported", why)])]
            continue
        for text in _sentences(whole, known):
            found[part].append(judged(text, part, known, before))
            before = text
    _mark_repeated(found, known)
    for part in PARTS:
        _mark_beside(part, found[part], known)
    if _forgets(caption, known) or _errs(found):
        _mark_disbelieved(found)
    if mode == "off":
        for one in (one for part in PARTS for one in found[part]):
            if (one.own or not one.facts) and not one.composed:
                one.faults.append(("unsupported", "says what nobody stated"))
    return found


def _sentences(text: str, known: Known) -> Iterator[str]:
    """Cut a part into sentences; composed ones are known by their words, whatever ends them."""
    every = (one.text for part in PARTS for one in known.reference.parts[part])
    composed = sorted(every, key=len, reverse=True)
    for piece in split_sentences(text):
        left = piece.strip()
        while left:
            head = next((one for one in composed if f"{left} ".startswith(f"{one} ")), left)
            yield head
            left = left[len(head) :].lstrip()


def _mark_repeated(found: Mapping[str, list[Judged]], known: Known) -> None:
    """Mark what a part says more often than the user does, and what stands in many parts."""
    times = Counter(text for part in PARTS for text in {one.text for one in found[part]})
    for part in PARTS:
        own = Counter(one.text for one in known.reference.parts[part])
        seen = Counter[str]()
        for one in found[part]:
            if seen[one.text] >= max(1, own[one.text]):
                one.faults.append(("unsupported", "is said twice"))
            elif times[one.text] >= _OFTEN and not one.composed:
                one.faults.append(("unsupported", f"stands in {times[one.text]} parts"))
            seen[one.text] += 1


def _mark_beside(part: str, found: list[Judged], known: Known) -> None:
    """Mark sentences of a part that says none of the facts that it is there for."""
    wanted = known.stated(part)
    good = [one for one in found if not one.faults]
    if not wanted or any(
        one.composed or set(map(id, one.facts)) & set(map(id, wanted)) for one in good
    ):
        return
    for one in good:
        one.faults.append(("unsupported", "says nothing of what is stated"))


def _errs(found: Mapping[str, list[Judged]]) -> bool:
    """Whether so much is wrong or doubtful that the caption is of something else."""
    every = [one for part in PARTS for one in found[part]]
    return sum(bool(one.faults or one.doubts) for one in every) > _BELIEVED * len(every)


def _forgets(caption: StructuredCaption, known: Known) -> bool:
    """Whether most of the user's words are in no part."""
    asked = content_words(known.facts.text)
    whole = " ".join(getattr(caption, part) for part in PARTS)
    return len(missing_words(known.facts.text, whole)) > _FORGOTTEN * len(asked)


def _mark_disbelieved(found: Mapping[str, list[Judged]]) -> None:
    """Mark all that nobody stated."""
    every = [one for part in PARTS for one in found[part]]
    for one in every:
        if one.faults or one.composed is not None:
            continue
        if one.doubts:
            one.faults += [("unsupported", why) for why in one.doubts]
        elif not one.facts or len(one.own) * 2 >= len(set(content_words(one.text))):
            one.faults.append(("unsupported", "nobody stated it, and much of the caption is wrong"))


def _told(found: Mapping[str, list[Judged]], known: Known) -> list[Finding]:
    """What is wrong in a caption that stays as it is."""
    out = [
        Finding(part, one.faults[0][0], "; ".join(why for _, why in one.faults), shown(one.text))
        for part in PARTS
        for one in found[part]
        if one.faults
    ]
    for part in PARTS:
        text = " ".join(one.text for one in found[part])
        out += [Finding(part, "omitted", why) for _, why in missing(part, text, known)]
    return out


def _refusal(findings: tuple[Finding, ...]) -> str:
    first = findings[0]
    what = f"“{first.before}” {first.why}" if first.before else first.why
    rest = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{PARTS[first.part]}: {what}{rest}"
