"""The model's own part of preprocessing: whether it should write, and what it reads."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from any2caption.conditions.registry import input_name
from any2caption.conditions.types import Condition
from any2caption.errors import InputError
from any2caption.grounding.fact_lines import fact_lines
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather
from any2caption.grounding.stand_ins import names_nothing, stand_ins
from any2caption.model.bundle import (
    load_processor,
    load_scope,
    load_spelled,
    shown_kinds,
    trained_kinds,
    unseen_warnings,
)
from any2caption.model.inputs import Features, ModelInputs
from any2caption.model.scope import UNKNOWN, Verdict
from any2caption.serving.steps.runtime import Arrays


class Prompting:
    """A bundle's processor and scope; no weights."""

    def __init__(self, bundle: Path) -> None:
        self.processor = load_processor(bundle)
        self.facts = self.processor.config.processor.facts
        self.kinds, self.shown = trained_kinds(bundle), shown_kinds(bundle)
        self._scope = load_scope(bundle)
        self.spelled = load_spelled(bundle)

    def judge(self, text: str, kinds: Collection[str]) -> Verdict:
        """Say whether a request lies within what the model was trained on."""
        if self._scope is None:
            return UNKNOWN
        asks = self.spelled is not None and names_nothing(gather(text, []))
        return self._scope.judge("" if asks else text, kinds)

    def unlike(self, features: Features, condition: Condition) -> str:
        """Say that a picture looks like none that the model was trained on."""
        return "" if self._scope is None else self._scope.unlike(features, input_name(condition))

    def nothing(self) -> Arrays:
        """Return the request that asks for no draft: one without a prompt."""
        width = self.processor.config.vision.patch_dim
        tokens, positions = np.zeros(0, np.int64), np.zeros((3, 0), np.int64)
        patches, grid = np.zeros((0, width), np.float32), np.zeros((0, 3), np.int64)
        poses = np.zeros((0, 16), np.float32)
        return _arrays(ModelInputs(tokens, positions, tokens, patches, grid, patches, grid, poses))


class Reading:
    """One request on its way to the model.

    What the model can't read is an error where it `must` write; else `refused` says it. What looks
    unlike its training is written all the same where it must, and `unlike` says so.
    """

    def __init__(self, prompting: Prompting, *, must: bool) -> None:
        self._prompting, self._must = prompting, must
        self._features: list[Features] = []
        self.refused = ""
        self.unlike = ""
        self.stand_ins: Mapping[str, str] = {}
        """The words that marks stand for in what the model reads, and in what it writes."""

    def take(self, condition: Condition) -> None:
        """Keep the little of a condition that the model reads."""
        shown = self._prompting.shown
        if shown is not None and condition.kind not in shown:
            return
        with self._tolerant():
            features = self._prompting.processor.features(condition)
            self._features.append(features)
            self.unlike = self.unlike or self._prompting.unlike(features, condition)
            if not self._must:
                self.refused = self.refused or self.unlike

    def inputs(
        self, text: str, conditions: Sequence[Condition], facts: Facts
    ) -> tuple[Arrays, list[str]]:
        """Return the request as the inner steps take it, and what its user should know."""
        with self._tolerant():
            stated = fact_lines(facts) if self._prompting.facts != "none" else ""
            if self._prompting.spelled is not None:
                read = stand_ins(facts, self._prompting.spelled)
                text, self.stand_ins = read.text, read.words
            inputs = self._prompting.processor.assemble(text, self._features, facts=stated)
        if self.refused:
            return self._prompting.nothing(), []
        unseen = unseen_warnings(self._prompting.kinds, conditions, self._prompting.shown)
        return _arrays(inputs), [*unseen, *inputs.warnings]

    @contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            if self._must:
                raise
            self.refused = self.refused or f"the model can't read this request: {error}"


def _arrays(inputs: ModelInputs) -> Arrays:
    present = [len(inputs.vision_patches), len(inputs.motion_patches), len(inputs.camera_poses)]
    outputs: Arrays = {
        "INPUT_IDS": inputs.input_ids,
        "POSITION_IDS": inputs.position_ids,
        "TOKEN_TYPES": inputs.token_types,
        "VISION_PATCHES": inputs.vision_patches,
        "VISION_GRID": inputs.vision_grid,
        "MOTION_PATCHES": inputs.motion_patches,
        "MOTION_GRID": inputs.motion_grid,
        "CAMERA_POSES": inputs.camera_poses,
        "PRESENT": np.array(present) > 0,
    }
    return {name: np.ascontiguousarray(array[None]) for name, array in outputs.items()}
