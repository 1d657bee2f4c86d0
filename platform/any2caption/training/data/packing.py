"""Packing: rows of several samples, filled to a number of tokens within a budget of vision patches.

Samples come in a shuffled stream, epoch after epoch. Of each window of the stream, packs are made
by best fit, longest samples first; the packs that are not full are undone and their samples begin
the next window, once, so that none waits longer. All of it is a pure function of (lengths, seed):
every rank makes the same plan and takes its share of each step's packs, and a resumed run, on any
number of ranks, makes the plan again up to its step.

Which conditions dropout leaves out is drawn by epoch here, not by step, since the plan must know
how long a sample will be.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from any2caption.errors import ConfigError
from any2caption.model.fused.packed_attention import lay_out
from any2caption.training.data.collate import Batch, Collator, Row
from any2caption.training.data.mixing import MIX
from any2caption.training.data.types import Sample

WINDOW = 1024
"""Samples that packs are made of at a time."""
FULL = 0.99
"""Share of a pack's tokens or patches from which it is full."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a sample takes of a pack: tokens, and patches for the vision and motion encoders."""

    tokens: int
    patches: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """Sample `number` as `epoch` shows it."""

    number: int
    epoch: int


Pack = tuple[Turn, ...]


def best_fit(sizes: Sequence[Size], limit: Size) -> list[list[int]]:
    """Put sizes into as few packs as best fit finds, longest first; returns their indices.

    A `limit.patches` of 0 is none. Every size must be within the limit.
    """
    packs: list[list[int]] = []
    room: list[Size] = []
    free: list[tuple[int, int]] = []  # (tokens left, pack), sorted
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i].tokens, i))
    for i in order:
        size = sizes[i]
        at = bisect_left(free, (size.tokens, -1))
        while at < len(free) and limit.patches and room[free[at][1]].patches < size.patches:
            at += 1
        if at < len(free):
            _, pack = free.pop(at)
        else:
            pack = len(packs)
            packs.append([])
            room.append(limit)
        packs[pack].append(i)
        left = room[pack]
        room[pack] = Size(left.tokens - size.tokens, left.patches - size.patches)
        insort(free, (room[pack].tokens, pack))
    return packs


class PackOrder:
    """The packs of every step, planned a window at a time as steps are asked for."""

    def __init__(  # noqa: PLR0913 - what the plan depends on
        self,
        samples: int,
        size: Callable[[Turn], Size],
        limit: Size,
        *,
        packs: int,
        seed: int,
        general: int = 0,
        general_share: float = 0.0,
        window: int = WINDOW,
    ) -> None:
        """`packs` a step of `samples` samples; `size` says how large a sample is in an epoch.

        The `general` samples are numbered after them and take `general_share` of the stream.
        """
        self.samples, self.size, self.limit = samples, size, limit
        self.packs, self.seed, self.window = packs, seed, window
        self.general, self.general_share = general, general_share
        self._plan = self._planned()
        self._ready: list[Pack] = []
        self._first = 0  # step of the first ready pack

    def __call__(self, step: int) -> list[Pack]:
        """Return a step's packs over all ranks."""
        if step < self._first:
            self._plan, self._ready, self._first = self._planned(), [], 0
        while step > self._first:
            self._need()
            del self._ready[: self.packs]
            self._first += 1
        self._need()
        return self._ready[: self.packs]

    def _need(self) -> None:
        while len(self._ready) < self.packs:
            self._ready += next(self._plan)

    def _stream(self) -> Iterator[Turn]:
        """The stage's own samples epoch after epoch, and general ones in some places."""
        own = _epochs(0, self.samples, self.seed)
        if not self.general:
            yield from own
        general = _epochs(self.samples, self.general, self.seed + MIX)
        draw = np.random.default_rng([self.seed, MIX])
        while True:
            yield next(general if draw.random() < self.general_share else own)

    def _planned(self) -> Iterator[list[Pack]]:
        """Packs of one window after the other, in shuffled order."""
        stream = self._stream()
        rng = np.random.default_rng([self.seed, self.window, self.packs])
        carried: list[Turn] = []
        while True:
            turns = [*carried, *(next(stream) for _ in range(self.window))]
            sizes = [self.size(turn) for turn in turns]
            packs = best_fit(sizes, self.limit)
            old, kept, carried = len(carried), [], []
            for pack in packs:
                chosen = [turns[i] for i in sorted(pack)]
                if min(pack) < old or self._full([sizes[i] for i in pack]):
                    kept.append(tuple(chosen))
                else:
                    carried += chosen
            order = rng.permutation(len(kept))
            yield [kept[i] for i in order]

    def _full(self, sizes: Sequence[Size]) -> bool:
        tokens, patches = sum(s.tokens for s in sizes), sum(s.patches for s in sizes)
        if tokens >= FULL * self.limit.tokens:
            return True
        return bool(self.limit.patches) and patches >= FULL * self.limit.patches


def _epochs(first: int, count: int, seed: int) -> Iterator[Turn]:
    """Samples `first` and up, `count` of them, shuffled anew each epoch."""
    epoch = 0
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(count)
        yield from (Turn(first + int(number), epoch) for number in order)
        epoch += 1


class PackCollator(Collator):
    """Makes batches whose rows are packs."""

    def size(self, sample: Sample, epoch: int) -> Size:
        """How large a sample is in an epoch.

        Raises:
            ConfigError: it does not fit into a pack of the stage.
        """
        row = self._row(sample, epoch, media=False)
        patches = int(row.vision_grid.prod(1).sum() + row.motion_grid.prod(1).sum())
        found, stage = Size(len(row.input_ids), patches), self.stage
        for name, has, most in (
            ("tokens", found.tokens, stage.pack_tokens),
            ("patches", patches, stage.pack_vision or patches),
        ):
            if has > most:
                raise ConfigError(
                    f"stage {stage.name}: record {sample.id} has {has} {name}, a pack holds {most}:"
                    " leave it out of the snapshot, or make packs larger"
                )
        return found

    def packed(self, packs: Sequence[Sequence[tuple[Sample, int]]]) -> Batch:
        """Return the tensors of these packs of (sample, epoch), one a row."""
        found = [[self._row(sample, epoch) for sample, epoch in pack] for pack in packs]
        ids = tuple(sample.id for pack in packs for sample, _ in pack)
        batch = self._batch(ids, [_end_to_end(rows) for rows in found])
        lengths = [[len(row.input_ids) for row in rows] for rows in found]
        return replace(batch, packed=lay_out(lengths, batch.input_ids.shape[1]))


def _end_to_end(rows: Sequence[Row]) -> Row:
    """One row of several: arrays one after the other, answers moved to where their tokens are."""
    values: dict[str, Any] = {}
    for field in fields(Row):
        parts = [getattr(row, field.name) for row in rows]
        if isinstance(parts[0], np.ndarray):
            values[field.name] = np.concatenate(parts, axis=1 if field.name == "positions" else 0)
    answers = []
    counts = dict.fromkeys(rows[0].counts, 0)
    for row in rows:
        for answer, (tower, start, end) in row.answers:
            base = counts[tower]
            moved = (tower, base + start, base + end)
            answers.append((replace(answer, rows=moved[1:]), moved))
        for tower, count in row.counts.items():
            counts[tower] += count
    return Row(**values, answers=answers, counts=counts)
