"""Camera movements in a caption: which, in what order, at once or after each other."""

import pytest

from any2caption.grounding.check.camera import Wanted, against, has_all

AFTER = Wanted((("truck_right",), ("tilt_up",)), "trucks right, then tilts up", "camera 1")
ONCE = Wanted((("truck_right", "tilt_up"),), "trucks right while tilting up", "camera 1")
BOTH = Wanted(
    (("truck_right", "tilt_up"), ("tilt_up",), ("dolly_in",)),
    "trucks right while tilting up, then tilts up, then dollies in",
    "camera 1",
)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (AFTER, "The camera trucks right, then tilts up."),
        (AFTER, "The camera trucks right and tilts up."),
        (AFTER, "The camera trucks right while the dog runs, then tilts up."),
        (AFTER, "While the dog runs, the camera trucks right, followed by a tilt up."),
        (ONCE, "The camera trucks right while tilting up."),
        (ONCE, "The camera trucks right as it tilts up."),
        (ONCE, "The camera trucks right and tilts up at the same time."),
        (ONCE, "The camera trucks right, tilting up."),
        (BOTH, "The camera trucks right while tilting up, then tilts up, then dollies in."),
        (BOTH, "The camera trucks right, then tilts up, then dollies in."),
    ],
)
def test_what_the_path_has_stands(wanted, text):
    assert against(text, wanted) == ""


@pytest.mark.parametrize(
    ("wanted", "text", "why"),
    [
        (AFTER, "The camera trucks right while tilting up.", "at once"),
        (AFTER, "The camera trucks right as it tilts up.", "at once"),
        (AFTER, "The camera trucks right and tilts up simultaneously.", "at once"),
        (ONCE, "The camera trucks right, then tilts up.", "after each other"),
        (ONCE, "The camera trucks right, followed by a tilt up.", "after each other"),
        (BOTH, "The camera trucks right, then tilts up while dollying in.", "at once"),
        (AFTER, "The camera tilts up, then trucks right.", "in another order"),
    ],
)
def test_what_it_has_not_is_told_with_its_words(wanted, text, why):
    assert why in against(text, wanted)
    assert wanted.shown in against(text, wanted)
    assert not has_all(text, wanted)
