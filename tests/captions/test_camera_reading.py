"""Camera descriptions as people write them, and the movements they name."""

import pytest

from any2caption.captions.camera_reading import read_camera
from any2caption.conditions.camera.vocabulary import PHRASES


def keys_of(text):
    return read_camera(text).keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (
            "The camera moves right while yawing left, then shifts right and forward, and stops.",
            ("truck_right", "pan_left", "truck_right", "dolly_in", "static"),
        ),
        ("The camera steadily moves forward throughout the entire sequence.", ("dolly_in",)),
        (
            "The camera starts static, moves down to reveal clouds, pitches up.",
            ("static", "pedestal_down", "tilt_up"),
        ),
        ("The camera rolls right and then moves forward.", ("roll_clockwise", "dolly_in")),
        ("A dog on the left of a table.", ()),
    ],
)
def test_plain_captions_are_read_in_order(text, keys):
    assert keys_of(text) == keys


@pytest.mark.parametrize("key", PHRASES)
def test_the_vocabulary_is_read_back(key):
    third, gerund = PHRASES[key]
    assert keys_of(f"The camera {third}, keeping an even pace and all of it in view.") == (key,)
    assert keys_of(f"The camera trucks left while {gerund}.") == tuple(
        dict.fromkeys(("truck_left", key))
    )


def test_in_and_out_are_directions_beside_their_verb_only():
    assert keys_of("the camera pushes slowly in") == ("dolly_in",)
    assert keys_of("it pulls out, zooming in") == ("dolly_out", "zoom_in")
    assert keys_of("it pushes right in a hall, then rolls counterclockwise out of it") == (
        "truck_right",
        "roll_anticlockwise",
    )


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("A locked-off tripod shot.", ("static",)),
        ("The camera remains completely fixed, exhibiting no movement or shaking.", ("static",)),
        ("There is no camera movement.", ("static",)),
        ("The camera is steady.", ()),
        ("The camera remains fixed but slightly unsteady.", ()),
        ("The camera stays fixed on the dog while trucking left.", ("truck_left",)),
        ("Slow pan right across a stationary car.", ("pan_right",)),
    ],
)
def test_still_is_what_does_not_move(text, keys):
    assert keys_of(text) == keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("The camera arcs smoothly in a clockwise direction.", ("orbit_left",)),
        ("It executes a counterclockwise arc around the church.", ("orbit_right",)),
        ("The camera moves around the table clockwise.", ("orbit_left",)),
        ("The camera glides left around the statue.", ("orbit_left",)),
        ("The camera orbits the statue to the right.", ("orbit_right",)),
    ],
)
def test_an_arc_is_an_orbit_seen_from_above(text, keys):
    assert keys_of(text) == keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("It moves with a slight upward tilt.", ("tilt_up",)),
        ("A slow dolly-in, then a whip pan to the left.", ("dolly_in", "pan_left")),
        ("It pans from left to right.", ("pan_right",)),
        ("The camera cranes up and then booms left.", ("pedestal_up", "truck_left")),
        ("It pulls back and rises to reveal the city.", ("dolly_out", "pedestal_up")),
        ("The camera pans right before tilting up.", ("pan_right", "tilt_up")),
        ("It drifts diagonally up and to the left.", ("pedestal_up", "truck_left")),
        ("It rolls in a clockwise direction.", ("roll_clockwise",)),
        ("The camera slowly moves in.", ("dolly_in",)),
        ("The camera creeps in on his face.", ("dolly_in",)),
        ("It moves in, then out.", ("dolly_in", "dolly_out")),
        ("The camera approaches the house.", ("dolly_in",)),
        ("The camera closes in on the dog.", ("dolly_in",)),
        ("The camera inches forward.", ("dolly_in",)),
        ("The camera backs up.", ("dolly_out",)),
        ("The camera tips down.", ("tilt_down",)),
        ("The camera moves in the kitchen.", ()),
        ("The camera glides in a circle, in slow motion.", ()),
        ("The camera moves out of focus.", ()),
    ],
)
def test_directions_are_read_wherever_they_stand(text, keys):
    assert keys_of(text) == keys


@pytest.mark.parametrize(
    "text",
    [
        "The camera follows a man walking left.",
        "Following behind as the car turns right.",
        "The camera captures a girl moving to the left.",
    ],
)
def test_what_others_do_is_not_the_cameras(text):
    assert keys_of(text) == ()


def test_what_is_denied_is_not_named():
    reading = read_camera("The camera never pans left and does not zoom, it only trucks right.")
    assert reading.keys == ("truck_right",)
    assert {"pan_left", "zoom_in", "zoom_out"} <= set(reading.denied)


def test_shaking_is_told_apart_from_its_absence():
    assert read_camera("A handheld shot, noticeably shaky.").shaky
    assert not read_camera("It dollies in without any shaking.").shaky
    assert not read_camera("A shake-free move to the left.").shaky
