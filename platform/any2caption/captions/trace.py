"""Reason, then describe: a trace between `<think>` and `</think>` before the six parts.

The form is ReaDe's (arXiv 2511.20563) without its `<answer>` tags, which say nothing beside six
labels; they are read where a text has them. A trace is up to `STEPS` lines: what the text wants,
what the conditions show, how both fit together, what is added.
"""

import re

OPEN, CLOSE = "<think>", "</think>"
STEPS = 4
_TRACE = re.compile(r"\A\s*<think>(.*?)</think>\s*", re.DOTALL | re.IGNORECASE)
_UNCLOSED = re.compile(r"\A\s*<think>(.*?)(?=^\s*1\. Dense caption:)", re.DOTALL | re.MULTILINE)
_ANSWER = re.compile(r"\A\s*<answer>(.*?)(?:</answer>\s*)?\Z", re.DOTALL | re.IGNORECASE)


def render_trace(trace: str) -> str:
    """Return the trace as it stands before a caption: in its tags, with a line break behind.

    Lines are stripped, and `<` is taken out, so that nothing in it can close it.
    """
    lines = [" ".join(line.split()) for line in trace.replace("<", "").splitlines()]
    return f"{OPEN}{chr(10).join(line for line in lines if line)}{CLOSE}\n"


def split_trace(text: str) -> tuple[str, str]:
    """Return (trace, the rest without `<answer>` tags); the trace is empty where there is none.

    A trace that was never closed ends where the first part begins.
    """
    trace, rest = "", text
    if found := _TRACE.match(text) or _UNCLOSED.match(text):
        trace, rest = found.group(1).strip(), text[found.end() :]
    if answer := _ANSWER.match(rest):
        rest = answer.group(1).strip()
    return trace, rest
