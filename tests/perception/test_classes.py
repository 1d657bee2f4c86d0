from pathlib import Path

import numpy as np
import pytest

from any2caption.perception import classes, registry, weights
from any2caption.perception.names_from_wordnet import TABLE
from any2caption.perception.view import View

EXAMPLES = Path(__file__).parents[2] / "examples" / "images"
PEMBROKE, CARDIGAN, TABBY, TIGER_CAT, EGYPTIAN, SEASHORE, WEB_SITE = (
    263,
    264,
    281,
    282,
    285,
    978,
    916,
)


def pixels(name):
    from PIL import Image

    return np.asarray(Image.open(EXAMPLES / name).convert("RGB"))[None]


@pytest.fixture(scope="module")
def look():
    return classes.load(weights.folder())


def scores(**shares):
    found = np.zeros(1000)
    for name, share in shares.items():
        found[globals()[name]] = share
    found[999] += 1 - found.sum()
    return found


def test_a_picture_of_a_dog_is_known_to_be_a_dog_probably_a_corgi(look):
    subject, identity = look(View(pixels("dog.jpg"), "picture 1", "identity"))
    assert (subject.text, subject.value["kind"]) == ("a dog", "corgi")
    assert subject.certainty == "estimated"
    assert 0.7 < subject.confidence < 1
    assert (identity.text, identity.value["condition"]) == ("the dog of picture 1", "picture 1")


def test_a_drawn_figure_gets_no_name(look):
    assert look(View(pixels("red_cartoon.jpg"), "picture 2", "identity")) == []


def test_noise_and_a_blank_picture_get_no_name(look):
    noise = np.random.default_rng(0).integers(0, 256, (1, 300, 200, 3), np.uint8)
    assert look(View(noise, "picture 1")) == []
    assert look(View(np.zeros((1, 64, 64, 3), np.uint8), "picture 1")) == []


def test_breeds_that_share_the_probability_are_one_cat_of_no_kind():
    named = classes.name_of(scores(TABBY=0.3, TIGER_CAT=0.2, EGYPTIAN=0.3))
    assert (named.noun, named.kind) == ("cat", "")
    assert named.probability == pytest.approx(0.8)


def test_a_kind_is_told_where_its_own_breeds_share_the_probability():
    named = classes.name_of(scores(PEMBROKE=0.4, CARDIGAN=0.4))
    assert (named.noun, named.kind) == ("dog", "corgi")


def test_below_the_threshold_nothing_is_told():
    assert classes.name_of(scores(PEMBROKE=classes.SURE - 0.01)) is None
    assert classes.name_of(scores(WEB_SITE=1.0)) is None


@pytest.mark.parametrize(
    ("role", "aspects"),
    [
        ("identity", ["subject", "identity"]),
        ("first_frame", ["subject"]),
        ("style", []),
        (None, ["subject", "identity"]),
    ],
)
def test_what_a_picture_is_for_decides_what_it_states(role, aspects):
    named = classes.name_of(scores(PEMBROKE=1.0))
    view = View(np.zeros((1, 8, 8, 3), np.uint8), "picture 1", role)
    assert [fact.aspect for fact in classes.facts_of(named, view)] == aspects


def test_a_place_is_background_not_a_subject():
    (fact,) = classes.facts_of(
        classes.name_of(scores(SEASHORE=0.9)), View(np.zeros((1, 8, 8, 3), np.uint8), "picture 1")
    )
    assert (fact.aspect, fact.text) == ("background", "at the seashore")


def test_every_class_has_a_name_or_is_left_out_on_purpose():
    table = classes._table()
    assert len(table.of_class) == 1000
    assert (table.of_class < 0).sum() < 60
    assert all(name and name.strip() == name for name in table.names)
    assert set(classes._WHERE) == table.places
    assert TABLE.is_file()


def test_everything_that_recognisers_need_is_installed():
    assert registry.lacking() == []
