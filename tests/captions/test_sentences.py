import time

import pytest

from any2caption.captions.sentences import split_sentences

BAR = " | "


@pytest.mark.parametrize(
    "marked",
    [
        "A dog runs. | It barks! | Why? | Nobody knows",
        "Dr. Smith meets J. Doe at 5 p.m. in St. Ives. | They talk.",
        "Shot at f/1.8 with a 3.5 m dolly. | Slow.",
        'She says "Stop." | Then she leaves...',
        "Animals, e.g. cats, play. | It is I. | We go.",
        "A cat waits... | Then it jumps.",
        "no stop at all",
    ],
)
def test_sentences_are_those_that_a_reader_sees(marked):
    text = marked.replace(BAR, " ")
    found = split_sentences(text)
    assert [one.strip() for one in found] == marked.split(BAR)
    assert "".join(found) == text


@pytest.mark.parametrize(
    "marked",
    [
        "\u4e00\u53ea\u72d7\u5728\u8dd1\u3002|\u5b83\u5728\u53eb\uff01|\u4e3a\u4ec0\u4e48\uff1f|\u6ca1\u4eba",
        "a red ball\n|on a beach",
    ],
)
def test_chinese_stops_and_line_breaks_need_no_blank(marked):
    assert split_sentences(marked.replace("|", "")) == marked.split("|")


def test_nothing_has_no_sentences():
    assert split_sentences("  ") == []


@pytest.mark.parametrize("text", ["A. " * 2600, "a" * 7990 + "). B", "a)" * 4000 + ". B"])
def test_no_text_takes_long(text):
    started = time.process_time()
    assert "".join(split_sentences(text)) == text
    assert time.process_time() - started < 0.5
