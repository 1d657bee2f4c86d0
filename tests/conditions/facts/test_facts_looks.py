"""What pictures and clips state without anybody looking: their part, colours, light, motion."""

import numpy as np
import pytest
from PIL import Image as PilImage

from any2caption.conditions.facts.film_motion import film_motion
from any2caption.conditions.registry import condition_facts
from any2caption.conditions.types import Condition, Image, MaskedImage, Video

from ..conftest import EXAMPLES


def picture(*stripes, role="first_frame"):
    """Stripes of even colours, 12 pixels each."""
    pixels = np.zeros((60, 12 * len(stripes), 3), np.uint8)
    for at, colour in enumerate(stripes):
        pixels[:, 12 * at : 12 * (at + 1)] = colour
    return Condition("image", Image(pixels), "PNG", role=role)


def styles(condition):
    return [fact.text for fact in condition_facts(condition) if fact.aspect == "style"]


@pytest.mark.parametrize(
    ("role", "aspect", "text"),
    [
        ("identity", "identity", "the subject of picture 1"),
        ("reference", "identity", "what picture 1 shows"),
        ("first_frame", "background", "in the scene of picture 1, which is the first frame"),
        ("last_frame", "background", "ending in the scene of picture 1, which is the last frame"),
        ("style", "style", "in the style of picture 1"),
    ],
)
def test_a_picture_says_what_it_is_for(role, aspect, text):
    fact = condition_facts(picture((90, 90, 90), role=role))[0]
    assert (fact.aspect, fact.text, fact.certainty) == (aspect, text, "exact")
    assert (fact.value["condition"], fact.value["role"]) == ("picture 1", role)


def test_the_colours_of_an_identitys_photograph_are_not_the_videos():
    assert styles(picture((200, 30, 30), role="identity")) == []


@pytest.mark.parametrize(
    ("stripes", "text"),
    [
        ([(200, 30, 30)], "mostly red tones"),
        ([(30, 60, 200)] * 2 + [(230, 200, 40)], "blue and yellow tones"),
        ([(110, 70, 30)] * 2 + [(60, 140, 60)], "brown and green tones"),
        ([(60, 60, 60), (120, 120, 120), (200, 200, 200)], "black and white"),
        ([(240, 240, 240)] * 4 + [(120, 120, 120)] * 3 + [(200, 40, 40)], "white, grey and red"),
    ],
)
def test_colours_have_plain_names(stripes, text):
    assert styles(picture(*stripes))[0].removesuffix(" tones") == text.removesuffix(" tones")


@pytest.mark.parametrize(
    ("stripes", "text"),
    [
        ([(30, 30, 40)], "dark light with soft contrast"),
        ([(235, 240, 235)], "bright light with soft contrast"),
        ([(10, 10, 10), (240, 240, 240)], "high contrast"),
        ([(200, 130, 70), (120, 70, 30)], "warm light"),
        ([(60, 110, 190), (30, 50, 110)], "cool light"),
    ],
)
def test_marked_light_is_said(stripes, text):
    assert styles(picture(*stripes))[1] == text


def test_plain_light_is_not_said():
    assert len(styles(picture((70, 120, 70), (190, 150, 200)))) == 1


def test_a_masked_picture_says_where_its_hole_is():
    holes = np.zeros((60, 60), np.bool_)
    holes[20:40, :18] = True
    condition = Condition(
        "masked_image", MaskedImage(np.full((60, 60, 3), 90, np.uint8), holes), ""
    )
    (fact,) = [fact for fact in condition_facts(condition) if fact.aspect == "layout"]
    assert fact.text == "an area to be filled on the left"
    assert fact.source.box == (0.0, 0.333, 0.3, 0.667)


SIZE = (240, 160)


@pytest.fixture(scope="module")
def dog():
    return PilImage.open(EXAMPLES / "images" / "dog.jpg").convert("RGB").resize((480, 320))


def film(picture, way, frames=24, noise=2.0):
    """A camera over a picture; `way`: part 0…1 → (middle x, middle y, degrees, magnification)."""
    random = np.random.default_rng(3)
    width, height = SIZE
    out = []
    for part in np.linspace(0, 1, frames):
        x, y, degrees, larger = way(part)
        angle = np.radians(degrees)
        cos, sin = np.cos(angle) / larger, np.sin(angle) / larger
        left = x * picture.width - cos * width / 2 + sin * height / 2
        top = y * picture.height - sin * width / 2 - cos * height / 2
        window = (cos, -sin, left, sin, cos, top)
        seen = picture.transform(
            SIZE, PilImage.Transform.AFFINE, window, PilImage.Resampling.BICUBIC
        )
        seen = np.asarray(seen, np.float64) + random.normal(0, noise, (height, width, 3))
        out.append(np.clip(seen, 0, 255).astype(np.uint8))
    return np.stack(out)


WAYS = {
    "pan_right": lambda part: (0.4 + 0.2 * part, 0.5, 0, 1),
    "pan_left": lambda part: (0.6 - 0.2 * part, 0.5, 0, 1),
    "tilt_up": lambda part: (0.5, 0.6 - 0.2 * part, 0, 1),
    "tilt_down": lambda part: (0.5, 0.4 + 0.2 * part, 0, 1),
    "zoom_in": lambda part: (0.5, 0.5, 0, 1 + 0.5 * part),
    "zoom_out": lambda part: (0.5, 0.5, 0, 1.5 - 0.5 * part),
    "roll_clockwise": lambda part: (0.5, 0.5, 25 * part, 1),
    "roll_anticlockwise": lambda part: (0.5, 0.5, -25 * part, 1),
    "static": lambda _: (0.5, 0.5, 0, 1),
}


def cameras(clip):
    facts = condition_facts(Condition("video", Video(clip, 24.0), "MP4"))
    return [fact for fact in facts if fact.aspect == "camera"]


@pytest.mark.parametrize("key", WAYS)
def test_a_clips_camera_is_measured(dog, key):
    (fact,) = cameras(film(dog, WAYS[key]))
    assert fact.value["keys"] == [key]
    assert fact.certainty == "measured"
    assert 0.5 < fact.confidence < 1


def test_what_a_picture_does_not_tell_apart_is_said(dog):
    (fact,) = cameras(film(dog, WAYS["pan_left"]))
    assert fact.value["alike"] == ["truck_left"]


def test_two_movements_follow_each_other(dog):
    right, down = WAYS["pan_right"], WAYS["tilt_down"]
    first = film(dog, right, 20)
    second = film(dog, lambda part: (0.6, down(part)[1] + 0.1, 0, 1), 20)
    (fact,) = cameras(np.concatenate([first, second]))
    assert fact.text == "pans right, then tilts down"


def test_a_thing_that_moves_is_not_the_camera(dog):
    clip = film(dog, WAYS["static"])
    for frame in range(24):
        clip[frame, 40:110, 5 * frame : 5 * frame + 60] = clip[0, 90:160, 100:160]
    assert [fact.value["keys"] for fact in cameras(clip)] in ([["static"]], [])


def test_where_everything_moves_its_own_way_nothing_is_said():
    random = np.random.default_rng(4)
    clip = random.integers(0, 255, (20, 160, 240, 3)).astype(np.uint8)
    assert cameras(clip) == []


def test_a_cut_is_found_and_is_no_movement(dog):
    other = PilImage.open(EXAMPLES / "images" / "red_cartoon.jpg").convert("RGB").resize((480, 320))
    clip = np.concatenate([film(dog, WAYS["static"], 15), film(other, WAYS["static"], 15)])
    motion = film_motion(clip)
    assert motion.cuts == (15,)
    (fact,) = cameras(clip)
    assert fact.value["keys"] == ["static"]
    assert "with one cut to another shot" in styles(Condition("video", Video(clip, 24.0), "MP4"))


def test_a_clip_is_a_reference_by_its_name(dog):
    fact = condition_facts(Condition("video", Video(film(dog, WAYS["static"], 3), 24.0), "MP4"))[0]
    assert (fact.text, fact.value["role"]) == ("what video 1 shows", "reference")


def test_a_clip_that_hardly_moves_says_so(dog):
    facts = condition_facts(Condition("video", Video(film(dog, WAYS["static"], noise=0), 24.0), ""))
    (action,) = [fact for fact in facts if fact.aspect == "action"]
    assert (action.text, action.value["who"]) == ("hardly moves", "the scene")


@pytest.mark.parametrize("shape", [(2, 160, 240, 3), (9, 40, 40, 3)])
def test_too_short_or_too_small_a_clip_says_nothing_of_its_camera(shape):
    assert cameras(np.zeros(shape, np.uint8)) == []
