import pytest

from any2caption.datasets.records import QA
from any2caption.errors import InputError
from any2caption.evaluation.slices import SLICES, donors, group_of, pick, slice_of


def kinds(record):
    return {c.kind for c in record.conditions}


def test_each_record_is_in_exactly_one_slice_named_after_its_conditions(records):
    for record in records:
        name = slice_of(record)
        assert name in SLICES
        if name.endswith("_only"):
            assert len(kinds(record)) == (name != "text_only")
        else:
            assert len(kinds(record)) > 1
    assert {"mix", "text_only", "camera_only", "pose_only", "frame_only", "depth_only"} <= {
        slice_of(record) for record in records
    }


def test_an_identity_picture_alone_is_no_first_frame(records):
    alone = [r for r in records if kinds(r) == {"image"}]
    for record in alone:
        identity = all(c.role == "identity" for c in record.conditions)
        assert slice_of(record) == ("identity_only" if identity else "frame_only")


@pytest.mark.parametrize(
    ("sources", "group"),
    [
        (("camera",), "only_condition"),
        (("image", "depth"), "only_condition"),
        (("text",), "only_text"),
        (("text", "image"), "both"),
    ],
)
def test_an_answer_belongs_to_whoever_states_it(sources, group):
    qa = QA(aspect="subject", slot="colour", question="?", answer="red", sources=sources)
    assert group_of(qa) == group


def test_the_same_records_are_picked_whatever_their_order(records):
    forward, backward = pick(records, 5), pick(reversed(records), 5)
    assert forward == backward
    assert all(1 <= len(group) <= 5 for group in forward.values())
    assert list(forward) == [name for name in SLICES if name in forward]


def test_no_training_record_is_ever_evaluated(records):
    leaked = records[0].model_copy(update={"split": "train"})
    with pytest.raises(InputError, match="split"):
        pick([*records[1:], leaked], 5)


def test_records_without_questions_are_evaluated_too(records):
    silent = [record.model_copy(update={"qa": ()}) for record in records]
    ids = {name: [r.id for r in group] for name, group in pick(silent, 5).items()}
    assert ids == {name: [r.id for r in group] for name, group in pick(records, 5).items()}


def test_donors_bring_the_same_kinds_from_another_scene(records):
    by_id = {record.id: record for record in records}
    pairs = donors(records)
    assert pairs
    for identifier, donor in pairs.items():
        record = by_id[identifier]
        assert record.conditions
        assert donor.caption != record.caption
        assert sorted((c.kind, c.role or "") for c in donor.conditions) == sorted(
            (c.kind, c.role or "") for c in record.conditions
        )


def test_records_of_one_scene_have_no_donor_among_themselves(records):
    pictured = [r for r in records if r.conditions]
    same = [pictured[0].model_copy(update={"id": f"copy-{n}"}) for n in range(3)]
    assert donors(same) == {}
    assert donors([r for r in records if not r.conditions]) == {}
