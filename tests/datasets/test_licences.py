"""Only allowed licences pass, in whatever spelling SPDX allows; nothing is guessed."""

import pytest

from any2caption.datasets.licences import DEFAULT_LICENCES, check_licence, parse_allowed
from any2caption.errors import ConfigError, InputError


@pytest.mark.parametrize(
    ("licence", "kept"),
    [
        ("MIT", "MIT"),
        ("apache-2.0", "Apache-2.0"),
        (" cc0-1.0 ", "CC0-1.0"),
        ("GPL-3.0-only OR MIT", "GPL-3.0-only OR MIT"),
        ("(mit or GPL-2.0-only) AND cc-by-4.0", "(MIT OR GPL-2.0-only) AND CC-BY-4.0"),
    ],
)
def test_an_allowed_licence_is_kept_in_its_own_spelling(licence, kept):
    assert check_licence(licence, DEFAULT_LICENCES) == kept


@pytest.mark.parametrize(
    "licence", ["CC-BY-NC-4.0", "MIT AND GPL-3.0-only", "Apache-2.0 WITH LLVM-exception", "OR-1"]
)
def test_a_licence_that_is_not_allowed_names_those_that_are(licence):
    with pytest.raises(InputError, match=r"is not allowed; allowed: .*MIT"):
        check_licence(licence, DEFAULT_LICENCES)


@pytest.mark.parametrize(
    "licence",
    [
        "",
        " ",
        "CC BY 4.0",
        "see website",
        "MIT OR",
        "(MIT",
        "MIT)",
        "AND MIT",
        "MIT, ISC",
        "x" * 900,
    ],
)
def test_what_is_no_spdx_expression_is_said_to_be_none(licence):
    with pytest.raises(InputError, match="not an SPDX licence expression"):
        check_licence(licence, DEFAULT_LICENCES)


def test_the_list_can_be_replaced_or_added_to():
    assert parse_allowed("") == DEFAULT_LICENCES
    assert parse_allowed("MIT, LicenseRef-Own") == ("MIT", "LicenseRef-Own")
    assert parse_allowed("+LicenseRef-Pexels") == (*DEFAULT_LICENCES, "LicenseRef-Pexels")
    assert check_licence("licenseref-own", parse_allowed("LicenseRef-Own")) == "LicenseRef-Own"
    with pytest.raises(ConfigError, match="not an SPDX identifier"):
        parse_allowed("MIT, my own")
