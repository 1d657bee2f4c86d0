"""The numbered form as an llguidance Lark grammar, for constrained decoding.

Six lines in order; a body is one line that starts with a visible character and is bounded in
characters, so that a decoder that never stops by itself still leaves room for the parts to come.
"""

from any2caption.captions.schema import PARTS

# Characters of a body: the paper's captions average 231 words, the longest about 316.
DENSE_LIMIT = 1600
PART_LIMIT = 800


def lark(*, dense_limit: int = DENSE_LIMIT, part_limit: int = PART_LIMIT) -> str:
    """Return the grammar; the limits are in characters (code points) per body."""
    lines = []
    rules = []
    for number, (part, label) in enumerate(PARTS.items(), 1):
        limit = dense_limit if part == "dense" else part_limit
        lead = "" if number == 1 else "\\n"
        lines.append(f'"{lead}{number}. {label}: " {part}')
        rules.append(f"{part}: /[^\\s][^\\n\\r]{{0,{limit - 1}}}/")
    return "\n".join([f"start: {' '.join(lines)}", *rules]) + "\n"
