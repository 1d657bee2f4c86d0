import pytest
from hypothesis import given
from hypothesis import strategies as st

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import parse, render, strict
from any2caption.errors import InputError

BODY = st.text(min_size=1).filter(lambda text: text.split())
CAPTIONS = st.builds(StructuredCaption, **dict.fromkeys(PARTS, BODY))
CAPTION = StructuredCaption(
    dense="A ball rolls. It stops.",
    main_object="A red ball",
    background="A beach: sand, sea",
    camera="Static",
    style="Cartoon",
    action="Rolling",
)


@given(CAPTIONS)
def test_round_trip_is_exact(caption):
    assert parse(render(caption)) == caption


@given(CAPTIONS)
def test_rendered_caption_is_six_lines_with_the_labels_in_order(caption):
    lines = render(caption).split("\n")
    labels = [f"{n}. {label}: " for n, label in enumerate(PARTS.values(), 1)]
    assert [line[: len(label)] for line, label in zip(lines, labels, strict=True)] == labels


def test_parts_that_contain_labels_survive_the_round_trip():
    tricky = CAPTION.model_copy(update={"dense": "2. Main object caption: no 6. Action caption: x"})
    assert parse(render(tricky)) == tricky


def test_line_breaks_inside_a_part_become_blanks():
    caption = CAPTION.model_copy()
    made = StructuredCaption(
        **{**caption.model_dump(), "dense": "A ball\n\n rolls.\u2028It stops."}
    )
    assert made == CAPTION


@pytest.mark.parametrize(
    "text",
    [
        render(CAPTION).replace("Background caption:", "Background caption"),
        "\n".join(reversed(render(CAPTION).split("\n"))),
        "\n\n".join(line.split(". ", 1)[1] for line in render(CAPTION).split("\n")),
        render(CAPTION).upper().replace("CAPTION:", "CAPTION :"),
        render(CAPTION).replace("\n", " "),
        "Here is the caption.\n" + render(CAPTION).replace(". ", ") ", 1) + "\n\n",
        "\n".join(f"**{label}:** {getattr(CAPTION, part)}" for part, label in PARTS.items()),
        "\n".join(f"- {part}: {getattr(CAPTION, part)}" for part in PARTS),
    ],
    ids=["no colon", "other order", "no numbers", "case", "one paragraph", "talk", "bold", "short"],
)
def test_parse_is_tolerant(text):
    parsed = parse(text)
    assert parsed.model_dump() == CAPTION.model_dump() or parsed.model_dump() == {
        part: value.upper() for part, value in CAPTION.model_dump().items()
    }


def test_the_strict_parser_takes_the_printed_form_to_the_letter_only():
    text = render(StructuredCaption(**dict.fromkeys(PARTS, "A ball.")))
    assert strict(text)
    for other in (text.lower(), text.replace("1. ", ""), f"Here it is:\n{text}", text[:-30]):
        assert not strict(other)


def test_missing_parts_are_named():
    text = "\n".join(render(CAPTION).split("\n")[:4])
    with pytest.raises(InputError, match="Style caption, Action caption") as error:
        parse(text, name="caption.txt")
    assert error.value.file == "caption.txt"


@pytest.mark.parametrize("text", ["", "   \n", "nonsense", "1. Dense caption:"])
def test_text_without_parts_is_refused(text):
    with pytest.raises(InputError, match="lacks Dense caption"):
        parse(text)


def test_a_part_given_twice_is_refused():
    with pytest.raises(InputError, match="Camera caption is there twice"):
        parse(render(CAPTION) + "\nCamera caption: again")


@given(st.text())
def test_parse_raises_nothing_but_input_errors(text):
    try:
        parse(text)
    except InputError:
        return


@pytest.mark.parametrize("value", ["", " ", "\x1c", "\n\t"])
def test_empty_parts_are_refused(value):
    with pytest.raises(ValueError, match="dense"):
        StructuredCaption(**{**CAPTION.model_dump(), "dense": value})
