import re
from dataclasses import replace
from random import Random

import pytest

from any2caption.errors import ConfigError
from any2caption.evaluation.gates import SMOKE, TINY, decide
from any2caption.evaluation.policies import (
    POLICIES,
    Beats,
    Policy,
    Threshold,
    policy_digest,
    policy_of,
    read_policy,
)
from any2caption.evaluation.scores import Outcome, Rate, Scores, Selector, Whole
from any2caption.evaluation.statistics.chance import by_scene, interval
from any2caption.evaluation.statistics.paired import compare, sign_flip_p, smallest_effect
from any2caption.training.recipes.builtin import RECIPES

SLICES = ("mix", "camera_only", "pose_only")


def outcomes(  # noqa: PLR0913
    slice_name, slot, group, n, hits, *, shuffled=False, start=0
):
    return [
        Outcome(
            f"{slice_name}{start + i}",
            number_of(slot),
            slice_name,
            "x",
            slot,
            group,
            i < hits,
            shuffled,
        )
        for i in range(n)
    ]


def number_of(slot):
    return ["camera", "action", "colour", "style"].index(slot)


def model(  # noqa: PLR0913
    *, camera=126, action=126, mixed=120, text=127, shuffled=8, parsed=128, n=128
):
    """A model's scores; by default one that is fit for release."""
    return Scores(
        structure={name: Rate(parsed, n) for name in SLICES},
        wholes=tuple(Whole(f"{s}{i}", s, frozenset()) for s in SLICES for i in range(n)),
        outcomes=(
            *outcomes("camera_only", "camera", "only_condition", n, camera),
            *outcomes("pose_only", "action", "only_condition", n, action),
            *outcomes("mix", "colour", "only_condition", n, mixed),
            *outcomes("mix", "style", "only_text", n, text),
            *outcomes("camera_only", "camera", "only_condition", 64, shuffled, shuffled=True),
            *outcomes("pose_only", "action", "only_condition", 64, shuffled, shuffled=True),
        ),
    )


def failed(verdict):
    return [check.name for check in verdict.checks if not check.passed]


def test_a_finished_model_passes_and_the_verdict_says_so():
    verdict = decide(model(), None, TINY)
    assert verdict.passed
    assert verdict.for_release
    assert verdict.reasons == (
        "all 22 checks of policy tiny hold; of 1 there is not enough data to say",
    )


def test_an_unfinished_model_is_refused_with_numbers_in_its_reasons():
    # The 120-second checkpoint of the prototype: only-condition .66, camera .88, pose .78.
    verdict = decide(model(mixed=84, camera=113, action=100), None, TINY)
    assert not verdict.passed
    assert failed(verdict) == [
        "slots stated by a condition only",
        "camera movement from the camera alone",
        "action from the pose alone",
        "slot colour",
    ]
    assert any(
        re.search(r"0\.883 \(113 of 128; .*\), wanted ≥ 0\.93", reason)
        for reason in verdict.reasons
    )


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"parsed": 127}, "six parts in every caption"),
        ({"text": 110}, "slots stated by the prompt only"),
        ({"shuffled": 30}, "camera movement with conditions shuffled"),
    ],
)
def test_each_threshold_refuses_on_its_own(change, check):
    verdict = decide(model(**change), None, TINY)
    assert not verdict.passed
    assert check in failed(verdict)


def test_what_was_not_measured_does_not_pass():
    verdict = decide(Scores(structure={}, outcomes=()), None, TINY)
    assert not verdict.passed
    assert len(failed(verdict)) == len(TINY.thresholds)
    assert all("only 0 measured" in reason for reason in verdict.reasons)


def test_too_few_questions_do_not_pass_however_right_they_are():
    few = model(camera=20, action=20, mixed=20, text=20, n=20, parsed=20, shuffled=0)
    assert not decide(few, None, TINY).passed


def test_a_policy_without_checks_passes_nothing():
    empty = Policy(name="none", summary="", thresholds=(), for_release=True)
    assert not decide(model(), None, empty).passed


def test_a_tie_with_the_champion_passes():
    verdict = decide(model(), model(), TINY)
    assert verdict.passed
    assert {c.difference for c in verdict.comparisons} == {0.0}
    assert {c.p_worse for c in verdict.comparisons} == {1.0}


def test_a_significant_regression_is_refused_though_every_floor_holds():
    champion, challenger = model(camera=128), model(camera=120)
    assert decide(challenger, None, TINY).passed
    verdict = decide(challenger, champion, TINY)
    assert failed(verdict) == [
        "no regression in all",
        "no more than 0.02 below the champion",
    ]
    assert "0.979 → 0.963 (-0.016" in verdict.reasons[0]


def test_a_drop_within_chance_passes_and_its_size_is_shown():
    verdict = decide(model(camera=126), model(camera=128), TINY)
    assert verdict.passed
    comparison = next(c for c in verdict.comparisons if c.slice == "camera_only")
    assert comparison.p_worse == 0.25
    # Three slices, four slots and whole captions share 0.01875: nine scenes must fall, of 128.
    assert comparison.smallest == pytest.approx(9 / 128)
    shown = next(c for c in verdict.checks if c.name == "no regression in camera_only")
    assert "smallest drop that 128 scenes could have shown is 0.070" in shown.reason


def test_a_slot_that_is_lost_in_one_slice_is_found_though_others_make_up_for_it():
    def answers(in_mix, in_pose, colour):
        lists = (
            outcomes("mix", "action", "only_condition", 128, in_mix),
            outcomes("pose_only", "action", "only_condition", 128, in_pose),
            outcomes("mix", "colour", "only_condition", 128, colour),
        )
        structure = {name: Rate(128, 128) for name in ("mix", "pose_only")}
        return Scores(structure=structure, outcomes=tuple(one for group in lists for one in group))

    policy = replace(TINY, thresholds=(), each_slice=None, beats=(), margin=1.0)
    champion, challenger = answers(128, 100, 100), answers(100, 128, 128)
    verdict = decide(challenger, champion, policy)
    assert failed(verdict) == ["no regression in slot action in mix"]
    assert decide(champion, champion, policy).passed


def test_an_improvement_passes():
    assert decide(model(camera=128), model(camera=60), TINY).passed


def test_models_judged_on_different_records_are_not_compared():
    other = Scores(
        model().structure, tuple(outcomes("mix", "colour", "only_condition", 128, 128, start=500))
    )
    verdict = decide(model(), other, TINY)
    assert not verdict.passed
    assert any("same records" in reason for reason in verdict.reasons)


def test_a_sample_too_small_to_show_a_drop_says_so():
    policy = Policy(
        name="p", summary="", for_release=False,
        thresholds=(Threshold(name="t", bound=0.0, select=Selector()),),
    )  # fmt: skip
    tiny = Scores({"mix": Rate(3, 3)}, tuple(outcomes("mix", "colour", "only_condition", 3, 0)))
    best = Scores({"mix": Rate(3, 3)}, tuple(outcomes("mix", "colour", "only_condition", 3, 3)))
    verdict = decide(tiny, best, policy)
    assert verdict.comparisons[0].smallest is None
    assert "could not have shown any drop" in verdict.checks[-1].reason


def test_smoke_passes_a_one_minute_model_but_is_not_for_release():
    verdict = decide(model(camera=5, action=5, mixed=5, text=40), None, SMOKE)
    assert verdict.passed
    assert not verdict.for_release
    assert not decide(model(parsed=100), None, SMOKE).passed
    assert "Not for release" in SMOKE.summary


def test_the_sign_flip_test_equals_the_binomial_and_an_enumeration():
    assert sign_flip_p([-1] * 5) == pytest.approx(0.5**5)
    assert sign_flip_p([-1, -1, -1, 1]) == pytest.approx(5 / 16)  # McNemar: P(≤ 1 of 4)
    # |3|, |1|: sums −4, −2, 2, 4; observed −2.
    assert sign_flip_p([-3, 1]) == pytest.approx(0.5)
    assert sign_flip_p([0, 0]) == 1.0
    assert sign_flip_p([2, 2]) == 1.0


def test_questions_of_one_record_do_not_count_as_independent():
    # Eight answers lost in one record are one unlucky record, not eight.
    assert sign_flip_p([-8]) == 0.5
    assert sign_flip_p([-1] * 8) == pytest.approx(0.5**8)


def test_the_smallest_effect_needs_enough_records():
    assert smallest_effect(100, 200, 0.05) == pytest.approx(5 / 200)
    assert smallest_effect(4, 40, 0.05) is None


def test_an_unknown_policy_is_refused_with_the_known_ones():
    assert policy_of("tiny") is TINY
    with pytest.raises(ConfigError, match=r"known: data, .*smoke, .*tiny"):
        policy_of("lenient")


def test_the_control_covers_a_whole_slice_where_a_threshold_is_about_it():
    assert TINY.control_of("camera_only", 128) == 128
    assert TINY.control_of("pose_only", 128) == 128
    assert TINY.control_of("mix", 128) == TINY.control
    assert SMOKE.control_of("camera_only", 4) == SMOKE.control
    assert replace(SMOKE, control=8).control_of("camera_only", 4) == 4


def test_too_little_data_is_a_verdict_of_its_own():
    few = model(camera=20, action=20, mixed=20, text=20, parsed=20, n=20)
    state = {check.name: (check.state, check.passed) for check in decide(few, None, TINY).checks}
    assert state["camera movement from the camera alone"] == ("unknown", False)
    assert state["slot camera"] == ("unknown", True)
    alone = decide(few, few, replace(TINY, required=()))
    assert "not enough data to say" in alone.reasons[0]


def test_a_slice_that_is_required_refuses_where_no_drop_could_show():
    three = model(camera=3, action=3, mixed=3, text=3, parsed=3, n=3)
    policy = Policy(name="p", summary="s", for_release=True, thresholds=TINY.thresholds[:0])
    found = decide(three, three, replace(policy, required=("mix",)))
    assert [c.name for c in found.checks if not c.passed] == ["no regression in mix"]
    assert "not enough data to say" in found.reasons[0]
    assert decide(three, three, policy).passed


def test_a_caption_level_check_refuses_by_its_name():
    sound = model()
    broken = replace(
        sound, wholes=tuple(replace(one, failed=frozenset({"invents"})) for one in sound.wholes)
    )
    assert failed(decide(broken, None, TINY)) == ["nothing out of nowhere"]


def test_answers_about_one_scene_are_one_unit_of_chance():
    """Two records of a scene that fall together are one loss, not two."""

    def pair(right):
        return [
            Outcome(f"r{i}", 0, "mix", "x", "colour", "both", right or i > 11, scene=f"s{i // 2}")
            for i in range(40)
        ]

    found = compare("mix", pair(right=False), pair(right=True), 0.05)
    assert found.records == 20
    assert found.p_worse == pytest.approx(0.5**6)
    assert interval(by_scene(pair(right=False))).scenes == 20
    assert -1 < found.lowest < found.difference < found.highest < 0.05
    assert found.highest - found.difference == pytest.approx(found.difference - found.lowest)


def test_a_bound_can_be_held_against_the_interval():
    floor = Threshold(name="floor", bound=0.9, select=Selector(slot="camera"))
    policy = Policy(name="p", summary="s", for_release=True, thresholds=(floor,))
    scores = model(camera=119)  # 0.930 of 128
    assert decide(scores, None, policy).passed
    strict = replace(policy, thresholds=(replace(floor, held="interval"),))
    assert "at the interval's lower end" in decide(scores, None, strict).reasons[0]
    assert decide(model(camera=128), None, strict).passed


def test_a_dry_run_tells_and_refuses_nobody():
    policy = replace(TINY, name="trial", mode="dry_run", for_release=False)
    verdict = decide(model(camera=20), None, policy)
    assert verdict.passed
    assert not verdict.for_release
    assert verdict.reasons[0].startswith("dry run, would be refused: ")
    with pytest.raises(ConfigError, match="can't be for release"):
        replace(policy, for_release=True)


def test_what_does_not_beat_its_baseline_is_refused_where_the_policy_says_so():
    told = replace(TINY, beats=(Beats(writer="compose", refuse=False),))
    firm = replace(TINY, beats=(Beats(writer="compose"),))
    better = {"compose": model(camera=128, action=128, mixed=128)}
    assert decide(model(), None, told, baselines=better).passed
    assert failed(decide(model(), None, firm, baselines=better)) == ["beats compose"]
    assert decide(model(), None, firm, baselines={"compose": model(mixed=20)}).passed


def test_a_row_of_slightly_worse_candidates_is_stopped_by_the_best_former_champion():
    """Fifty-two candidates, each a point worse than the last: two points are lost at most."""
    rng = Random(4)  # noqa: S311 - a simulation
    truth, promoted = [0.99], 0

    def scores(accuracy):
        return Scores(
            structure={"mix": Rate(400, 400)},
            outcomes=tuple(
                Outcome(f"r{i}", 0, "mix", "x", "colour", "both", rng.random() < accuracy)
                for i in range(400)
            ),
        )

    policy = Policy(name="p", summary="s", for_release=True, thresholds=(), margin=0.02)
    champion = best = scores(truth[0])
    for _ in range(52):
        candidate = scores(truth[-1] - 0.01)
        if decide(candidate, champion, policy, best=best).passed:
            champion = candidate
            truth.append(truth[-1] - 0.01)
            promoted += 1
    assert promoted <= 2
    assert truth[0] - truth[-1] <= 0.02 + 1e-9


def shaken(outcomes, lost, rng):
    """Outcomes of a model that loses answers by chance."""
    return [replace(one, correct=rng.random() >= lost and one.correct) for one in outcomes]


def test_equal_models_are_told_apart_in_one_case_of_twenty_at_most():
    """False alarms of all comparisons together, on a selection like the demo's."""
    rng = Random(11)  # noqa: S311 - a simulation
    slots = ("camera", "action", "colour", "style")
    truth = [
        Outcome(f"r{i}", k, SLICES[i % 3], "x", slot, "only_condition", True, scene=f"s{i // 2}")
        for i in range(600)
        for k, slot in enumerate(slots)
    ]
    policy = replace(TINY, thresholds=(), each_slice=None, beats=())

    def seed():
        structure = {name: Rate(200, 200) for name in SLICES}
        return Scores(structure=structure, outcomes=tuple(shaken(truth, 0.02, rng)))

    alarms = sum(not decide(seed(), seed(), policy).passed for _ in range(100))
    assert alarms <= 5
    worse = [replace(o, correct=o.slot != "camera" or rng.random() > 0.05) for o in truth]
    found = sum(
        not decide(
            Scores({name: Rate(200, 200) for name in SLICES}, tuple(shaken(worse, 0.01, rng))),
            seed(),
            policy,
        ).passed
        for _ in range(40)
    )
    assert found >= 32, "five points lost in one slot are found in four cases of five"


def test_policies_come_from_files_that_are_read_strictly(tmp_path, monkeypatch):
    own = tmp_path / "house.yaml"
    text = "schema: a2c.gate-policy/1\nbase: data\nname: house\nmargin: 0.01\n"
    own.write_text(text)
    assert read_policy(own).thresholds == policy_of("data").thresholds
    assert policy_digest(read_policy(own)) != policy_digest(policy_of("data"))
    monkeypatch.setenv("A2C_POLICIES", str(tmp_path))
    assert policy_of("house").margin == 0.01
    for line, message in (
        ("margins: 1\n", "house.yaml: margins: Unexpected"),
        ("significance: soon\n", "house.yaml: significance: "),
        ("base: nobody\n", "no built-in policy nobody"),
        ("name: other\n", "holds the policy other"),
        ("schema: v2\n", "schema must be a2c.gate-policy/1"),
        ("thresholds: [{name: a, bound: 1, chekc: x}]\n", "thresholds.0.chekc"),
        ("served: {records: -1}\n", "house.yaml: served.records: "),
        ("served: {texts: 5}\n", "house.yaml: served.texts: Unexpected"),
    ):
        own.write_text(text + line)
        with pytest.raises(ConfigError, match=re.escape(message)):
            read_policy(own)


def test_every_policy_for_release_has_200_texts_served_as_they_were_judged():
    served = {name: one.served for name, one in POLICIES.items() if one.for_release}
    assert {"tiny", "data"} <= set(served)
    assert {(one.records, one.differing) for one in served.values()} == {(200, 0)}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_has_a_policy(name):
    assert policy_of(name).thresholds


def in_other_words(scores, slot):
    """The same model, its captions in words in one slot that the data do not have."""
    strange = (replace(o, familiar=o.slot != slot) for o in scores.outcomes)
    return replace(scores, outcomes=tuple(strange))


def test_a_slot_in_which_the_judge_can_t_be_trusted_decides_nothing():
    lenient = replace(TINY, each_slot=None)
    verdict = decide(in_other_words(model(mixed=20), "colour"), None, lenient)
    told = next(check for check in verdict.checks if check.name == "slot colour")
    assert told.state == "told"
    assert told.value == pytest.approx(20 / 128)
    assert "informative only: 0.00 of the captions are in the data's words" in told.reason
    stated = next(c for c in verdict.checks if c.name == "slots stated by a condition only")
    assert stated.value == pytest.approx((126 + 126) / 256)  # without the colours


def test_captions_in_strange_words_do_not_get_a_model_past_a_policy_that_holds_every_slot():
    verdict = decide(in_other_words(model(), "colour"), None, TINY)
    assert failed(verdict) == ["slot colour"]
    strange = decide(in_other_words(model(), "camera"), None, TINY)
    assert "camera movement from the camera alone" in failed(strange)  # nothing left to measure


def test_a_policy_may_believe_the_judge_everywhere():
    verdict = decide(in_other_words(model(), "colour"), None, replace(TINY, judge=0.0))
    assert verdict.passed


def test_models_whose_words_differ_are_compared_only_where_both_are_read():
    champion = in_other_words(model(mixed=128), "colour")
    verdict = decide(model(mixed=110), champion, replace(TINY, thresholds=(), each_slot=None))
    compared = {one.slice: one for one in verdict.comparisons}
    assert compared["mix"].questions == 128  # the styles; the colours are not compared


def test_whole_captions_are_compared_with_the_champion_s():
    sound = model()
    broken = frozenset({"invents"})
    wholes = list(sound.wholes)
    wholes[::8] = [replace(one, failed=broken) for one in wholes[::8]]
    worse = replace(sound, wholes=tuple(wholes))
    policy = replace(TINY, thresholds=(), each_slot=None, each_slice=None)
    assert decide(sound, worse, policy).passed
    assert failed(decide(worse, sound, policy)) == ["no regression in whole captions"]


def test_a_model_without_answers_that_decide_is_held_by_its_whole_captions():
    policy = policy_of("data")
    silent = replace(model(), outcomes=())
    assert decide(silent, silent, replace(policy, thresholds=(), beats=())).passed
    nothing = replace(silent, wholes=())
    verdict = decide(nothing, nothing, replace(policy, thresholds=(), beats=()))
    assert failed(verdict) == ["no regression in whole captions"]
