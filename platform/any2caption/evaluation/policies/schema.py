"""What a gate policy can ask for; the fields of a policy's YAML file."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, with_config

from any2caption.errors import ConfigError
from any2caption.evaluation.scores import Selector

Mode = Literal["enabled", "dry_run", "disabled"]
_STRICT = with_config(ConfigDict(extra="forbid"))


@_STRICT
@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One absolute bound on a rate.

    What is measured is the accuracy of the answers that `select` takes; with `structure` the share
    of captions with six parts; with `check` the share of captions that hold a check of
    `evaluation.whole`. `held: interval` holds the end of the 95 % confidence interval (scenes as
    units) that is nearer to failure against the bound, `value` the rate itself. With fewer than
    `minimum_n` measured there is not enough data to say, which refuses where `required`.
    """

    name: str
    bound: float
    direction: Literal["at_least", "at_most"] = "at_least"
    select: Selector = field(default_factory=Selector)
    structure: bool = False
    check: str = ""
    minimum_n: int = 1
    held: Literal["value", "interval"] = "value"
    required: bool = True


@_STRICT
@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """A bound on the accuracy of every slot, or of every slice, with `minimum_n` answers.

    `closed`: of slots only those with a closed vocabulary; the checks of whole captions hold open
    words.
    """

    bound: float
    minimum_n: int = 30
    closed: bool = False


@_STRICT
@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """A baseline (`compose`, `prompt`) that the model must beat in a group of questions.

    `refuse: false` puts it into the report and decides nothing.
    """

    writer: str
    group: str = "only_condition"
    refuse: bool = True


@_STRICT
@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What people must have said, blind, before a promotion: of the model against the champion.

    At least `votes` of at least `raters` people; the share won, undecided votes as halves, not
    below `bound` at the lower end of its interval; Cohen's κ not below `agreement`, where given.
    """

    votes: int
    raters: int = 2
    bound: float = 0.4
    agreement: float | None = None


@_STRICT
@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """How many of the judged captions a release must write again in its trial, before it serves.

    Up to `records` of them, of every slice as many; at most `differing`, and never all, may be
    other texts than those that were judged; all of them within `seconds`. `records: 0` asks for
    none.
    """

    records: Annotated[int, Field(ge=0)] = 200
    differing: Annotated[int, Field(ge=0)] = 0
    seconds: Annotated[float, Field(gt=0)] = 1800.0


@_STRICT
@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a model must show. `for_release` says whether passing means fit for product traffic.

    Up to `per_slice` records of each slice are captioned, and up to `control` of them once more
    with shuffled conditions (all of them where a threshold is about the control).

    `mode: dry_run` decides and tells, and refuses nobody; `disabled` measures only. Neither can be
    for release. `significance` is the chance of a false alarm over all comparisons with the
    champion; `margin` how far accuracy may lie below the champion's and below the best former
    champion's, at the lower end of the difference's interval. `required` slices refuse where there
    is not enough data to say; the others say so. A promotion asks for `people`, where given; what
    was judged is `served`, or the release is refused.

    Answers decide in slots in which the judge's sensitivity and specificity reach `judge`
    (`judge.card`); in others they are told, and where `each_slot` asks for an answer that refuses.
    """

    name: str
    summary: str
    thresholds: tuple[Threshold, ...]
    for_release: bool
    mode: Mode = "enabled"
    significance: float = 0.05
    margin: float | None = None
    required: tuple[str, ...] = ()
    each_slot: Each | None = None
    each_slice: Each | None = None
    beats: tuple[Beats, ...] = ()
    people: People | None = None
    judge: float = 0.9
    served: Served = field(default_factory=Served)
    per_slice: int = 128
    control: int = 32

    def __post_init__(self) -> None:
        if self.for_release and self.mode != "enabled":
            raise ConfigError(f"policy {self.name}: mode {self.mode} can't be for release")

    def control_of(self, slice_name: str, per_slice: int) -> int:
        """How many records of a slice are captioned with shuffled conditions."""
        asked = any(t.select.shuffled and t.select.slice == slice_name for t in self.thresholds)
        return per_slice if asked else min(self.control, per_slice)
