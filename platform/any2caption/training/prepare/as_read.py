"""Training records as the model reads them: marks for words that it won't learn to spell."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from any2caption.captions.text import parse, render
from any2caption.datasets.records import Record
from any2caption.grounding.gather import gather
from any2caption.grounding.stand_ins import Spelled, StandIns, stand_ins
from any2caption.model.presets import preset
from any2caption.training.prepare.preparation import Preparation


def as_read(records: Iterable[Record], preparation: Preparation) -> Iterable[Record]:
    """Return the records as the preparation's model reads them, to be looped over many times."""
    config = preset(preparation.preset).with_facts(preparation.recipe.facts)
    if not config.processor.stand_ins:
        return records
    training = (record.prompt for record in records if record.split == "train")
    return _WithStandIns(records, Spelled.commonest(training))


@dataclass(frozen=True, slots=True)
class _WithStandIns:
    records: Iterable[Record]
    spelled: Spelled

    def __iter__(self) -> Iterator[Record]:
        for record in self.records:
            read = self._read(record.prompt)
            if not read.words:
                yield record.model_copy(update={"prompt": read.text})
                continue
            caption = parse(read.taken_out(render(record.caption)), name=record.id)
            yield record.model_copy(update={"prompt": read.text, "caption": caption})

    def _read(self, prompt: str) -> StandIns:
        if self.spelled.all_of(prompt):
            return StandIns(prompt)
        return stand_ins(gather(prompt, []), self.spelled)
