"""A deterministic judge: does the predicted caption alone answer a question rightly?

It stands where the paper (arXiv 2503.24379, section 5.1, IRScore) asks GPT-4V. For a slot with a
closed vocabulary it collects every value that the aspect's part mentions and wants exactly the gold
ones: a caption that mentions several candidates is wrong, however many of them are right. For free
text it wants the gold answer word for word in the aspect's part, and none of the other answers that
were given to the same question elsewhere. The prompt, the conditions and the gold caption are never
looked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from any2caption.captions.lexicon import SLOTS, mentions
from any2caption.datasets.records import QA, Aspect
from any2caption.evaluation.metrics import Prediction, words

# Aspect of a question → the caption's part that has to answer it, where the slot does not say so
# itself.
PART_OF_ASPECT: Mapping[Aspect, str] = {
    "subject": "main_object",
    "background": "background",
    "movement": "action",
    "camera": "camera",
    "interaction": "action",
    "style": "style",
}


class Judge:
    """Judges questions; `alternatives` are the free-text answers known for each slot."""

    def __init__(self, alternatives: Mapping[str, frozenset[str]] | None = None) -> None:
        self._alternatives = dict(alternatives or {})

    @classmethod
    def knowing(cls, questions: Iterable[QA]) -> "Judge":
        """Build a judge that knows the answers of these questions as alternatives."""
        answers: defaultdict[str, set[str]] = defaultdict(set)
        for qa in questions:
            answers[qa.slot].add(_normal(qa.answer))
        return cls({slot: frozenset(found) for slot, found in answers.items()})

    def correct(self, qa: QA, prediction: Prediction) -> bool:
        """Whether the caption answers rightly; a broken structure answers nothing."""
        slot = SLOTS.get(qa.slot)
        part = slot.part if slot else PART_OF_ASPECT[qa.aspect]
        said = prediction.part(part)
        if slot:
            wanted = {mention.key for mention in mentions(qa.slot, qa.answer)}
            if wanted:
                return {mention.key for mention in mentions(qa.slot, said)} == wanted
        return self._states_only(qa, said)

    def _states_only(self, qa: QA, said: str) -> bool:
        gold, text = _normal(qa.answer), _normal(said)
        if not gold.strip() or gold not in text:
            return False
        rest = text.replace(gold, " | ")
        return not any(
            other in rest for other in self._alternatives.get(qa.slot, ()) if other != gold
        )


def _normal(text: str) -> str:
    """Lower-case words between blanks, one before and behind: `in` then means whole words."""
    return f" {' '.join(words(text))} "
