"""Text is UTF-8, one string, without control characters."""

import pytest

from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part

from .conftest import EXAMPLES


def test_the_example_prompt_is_read(parse):
    assert parse("text", EXAMPLES / "prompt.txt").payload.startswith("A dog meets")


def test_bom_crlf_and_outer_blanks_go():
    part = Part("p.txt", b"\xef\xbb\xbf  one\r\ntwo \xe2\x80\x94 \xe4\xb8\xad\r\n")
    assert parse_condition("text", [part]).payload == "one\ntwo — 中"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b" \n\t ", "p.txt: text: the text is empty"),
        (b"ok\nbad\x00", "p.txt: line 2: text: control character U+0000"),
        (b"ok\n\xff\xfe", "p.txt: line 2: text: not UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "looks like PNG"),
        (b"a" * 8193, "8,193 characters"),
    ],
)
def test_other_content_is_refused(data, words, refused):
    assert words in refused("text", Part("p.txt", data))
