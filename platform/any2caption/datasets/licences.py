"""Which licences a data set may hold: SPDX expressions against an allow-list. Pure.

A licence is an SPDX identifier or an expression of them (`MIT OR Apache-2.0`). `A OR B` passes when
one side is allowed, `A AND B` when both are. Anything else ("CC BY 4.0", "see website") is not an
SPDX expression and is refused, never guessed at. An own licence is `LicenseRef-<name>`, and is
allowed only when it is named in the list.
"""

import re
from collections.abc import Collection, Iterator

from any2caption.errors import ConfigError, InputError

# Free use, commercial too, with attribution at most. Left out on purpose: non-commercial (NC),
# no-derivatives (ND: a caption or a trained model may be one) and share-alike (SA) licences.
DEFAULT_LICENCES = (
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-PDDC",
    "CC0-1.0",
    "CDLA-Permissive-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "ODC-By-1.0",
    "PDDL-1.0",
    "Unlicense",
)
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_TOKEN = re.compile(r"\s*(\(|\)|[A-Za-z0-9][A-Za-z0-9.+-]*)")
_MAX_LENGTH = 500


def parse_allowed(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of identifiers; a leading `+` adds to the default list.

    Raises:
        ConfigError: something in the list is not an SPDX identifier.
    """
    names = [item.strip() for item in text.lstrip(" +").split(",") if item.strip()]
    for name in names:
        if not _IDENTIFIER.fullmatch(name) or name.upper() in {"AND", "OR", "WITH"}:
            raise ConfigError(f"licences: {name!r} is not an SPDX identifier")
    if not names or text.strip().startswith("+"):
        return tuple(dict.fromkeys((*DEFAULT_LICENCES, *names)))
    return tuple(dict.fromkeys(names))


def check_licence(licence: str, allowed: Collection[str]) -> str:
    """Return the licence in SPDX's own spelling if it is allowed.

    Raises:
        InputError: it is not an SPDX expression, or what it names is not in the list.
    """
    spelling = {name.lower(): name for name in allowed}
    tokens = _tokens(licence)
    verdict, rest = _either(tokens, spelling)
    if rest:
        raise _malformed(licence)
    if not verdict:
        known = ", ".join(sorted(allowed, key=str.lower))
        raise InputError(
            f"licence {licence[:80]!r} is not allowed; allowed: {known}; "
            "A2C_LICENCES=+NAME adds one"
        )
    text = " ".join(spelling.get(token.lower(), token) for token in tokens)
    return text.replace("( ", "(").replace(" )", ")")


def _tokens(licence: str) -> list[str]:
    return list(_scan(licence))


def _scan(licence: str) -> Iterator[str]:
    at, text = 0, licence.strip()
    if not text or len(text) > _MAX_LENGTH:
        raise _malformed(licence)
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _malformed(licence)
        at = found.end()
        token = found.group(1)
        yield token.upper() if token.upper() in {"AND", "OR", "WITH"} else token


def _either(tokens: list[str], spelling: dict[str, str]) -> tuple[bool, list[str]]:
    good, rest = _both(tokens, spelling)
    while rest[:1] == ["OR"]:
        other, rest = _both(rest[1:], spelling)
        good = good or other
    return good, rest


def _both(tokens: list[str], spelling: dict[str, str]) -> tuple[bool, list[str]]:
    good, rest = _one(tokens, spelling)
    while rest[:1] == ["AND"]:
        other, rest = _one(rest[1:], spelling)
        good = good and other
    return good, rest


def _one(tokens: list[str], spelling: dict[str, str]) -> tuple[bool, list[str]]:
    if tokens[:1] == ["("]:
        good, rest = _either(tokens[1:], spelling)
        if rest[:1] != [")"]:
            raise _malformed(" ".join(tokens))
        return good, rest[1:]
    if not tokens or tokens[0] in {")", "AND", "OR", "WITH"}:
        raise _malformed(" ".join(tokens))
    if tokens[1:2] == ["WITH"]:  # an exception makes another licence: allowed only as a whole
        if len(tokens) < 3:  # noqa: PLR2004 - licence, WITH, exception
            raise _malformed(" ".join(tokens))
        return " ".join(tokens[:3]).lower() in spelling, tokens[3:]
    return tokens[0].lower() in spelling, tokens[1:]


def _malformed(licence: str) -> InputError:
    return InputError(
        f"{licence[:80]!r} is not an SPDX licence expression (CC-BY-4.0, MIT OR Apache-2.0, "
        "LicenseRef-<own name>)"
    )
