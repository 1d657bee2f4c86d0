"""Grammar-constrained choice of tokens.

The six parts are always there, whatever the model would say.

The grammar bounds a part in characters; beside it, a part that has used up its tokens is ended at
the next place where the grammar allows a line break (or the end), so a caption always fits the
token budget.
"""

from functools import cached_property

import llguidance
import llguidance.numpy as masks
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from any2caption.captions.grammar import lark

PARTS = 6


class CaptionGrammar:
    """The caption grammar compiled for one tokenizer."""

    def __init__(
        self, tokenizer: Tokenizer, vocab_size: int, end_id: int, part_tokens: int
    ) -> None:
        self.tokenizer, self.vocab_size, self.end_id = tokenizer, vocab_size, end_id
        self.part_tokens = part_tokens
        self.ll = llguidance.LLTokenizer(tokenizer.to_str(), n_vocab=vocab_size, eos_token=end_id)
        self.grammar = llguidance.LLMatcher.grammar_from_lark(lark())
        if problem := llguidance.LLMatcher.validate_grammar(self.grammar, self.ll):
            raise ValueError(f"caption grammar: {problem}")
        self._matcher = llguidance.LLMatcher(self.ll, self.grammar)

    @cached_property
    def line_breaks(self) -> NDArray[np.bool_]:
        """Which tokens begin with a line break, and the end token."""
        breaks = np.zeros(self.vocab_size, bool)
        for token, index in self.tokenizer.get_vocab(with_added_tokens=True).items():
            breaks[index] = token.startswith("Ċ")  # byte-level BPE writes "\n" so
        breaks[self.end_id] = True
        return breaks

    def begin(self, count: int) -> "Constraint":
        """Start `count` captions."""
        return Constraint(self, [self._matcher.deep_copy() for _ in range(count)])


class Free:
    """No constraint: the best token of each row, until it is the end."""

    def __init__(self, count: int, end_id: int) -> None:
        self.done, self._end = np.zeros(count, bool), end_id

    def choose(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Take the best token of each row; finished rows give the end token."""
        chosen = np.where(self.done, self._end, scores.argmax(axis=1)).astype(np.int64)
        self.done |= chosen == self._end
        return chosen


class Constraint:
    """The state of a batch of captions under construction."""

    def __init__(self, grammar: CaptionGrammar, matchers: "list[llguidance.LLMatcher]") -> None:
        self.grammar, self.matchers = grammar, matchers
        self.done = np.zeros(len(matchers), bool)
        self._used = np.zeros(len(matchers), np.int64)
        self._bits = masks.allocate_token_bitmask(len(matchers), grammar.vocab_size)

    def choose(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Take the best allowed token of each row of scores (B, vocabulary).

        Finished rows give the end token.
        """
        chosen = np.full(len(self.matchers), self.grammar.end_id, np.int64)
        for row in np.flatnonzero(~self.done):
            chosen[row] = self._choose_one(int(row), scores[row])
        return chosen

    def _choose_one(self, row: int, scores: NDArray[np.float32]) -> int:
        matcher, grammar = self.matchers[row], self.grammar
        best = int(scores.argmax())
        over = self._used[row] >= grammar.part_tokens
        # Asking about one token is much cheaper than the whole mask, and a trained model is nearly
        # always allowed.
        if over or not matcher.try_consume_tokens([best]):
            masks.fill_next_token_bitmask(matcher, self._bits, row)
            allowed = np.unpackbits(self._bits[row].view(np.uint8), bitorder="little").astype(bool)
            allowed = allowed[: grammar.vocab_size]
            if over and (allowed & grammar.line_breaks).any():
                allowed &= grammar.line_breaks
            best = int(np.where(allowed, scores[: grammar.vocab_size], -np.inf).argmax())
            if not matcher.consume_token(best):
                raise RuntimeError(f"caption grammar: {matcher.get_error()}")
        self._used[row] = 0 if grammar.line_breaks[best] else self._used[row] + 1
        self.done[row] = best == grammar.end_id or matcher.is_stopped()
        return best
