"""`python -m any2caption.datasets.manifest_page > docs/manifest.md`: the manifest's documentation.

Made from the records' own schema, the condition registry, the shapes and the licences, so that it
cannot say anything else than the code does; a test holds the committed page to it.
"""

import sys
from collections.abc import Iterator
from typing import Any

from any2caption.datasets.ingest.open_source import ABOUT_FILE, MANIFESTS
from any2caption.datasets.ingest.shapes.reader import ABOUT
from any2caption.datasets.licences import DEFAULT_LICENCES
from any2caption.datasets.records import QA, SourceCondition, SourceRecord, Strict

HEAD = f"""# Source manifests

<!-- made by `python -m any2caption.datasets.manifest_page > docs/manifest.md` -->

A source is a folder (`file:///…` or `s3://…`) with one of {", ".join(MANIFESTS)},
and the files that it names. Or it is a plain folder of a known shape (below). Read it with
`a2c data ingest SOURCE`.

- **JSONL**: a record a line, UTF-8. A byte-order mark, CRLF and a missing last line break are fine.
  NaN, a key that is there twice, and unknown keys are not.
- **Parquet**: the same fields as columns, nested or as JSON text.
- **CSV**: a header, RFC 4180 quotes, UTF-8; nested fields as JSON text.
- In Parquet and CSV, columns `caption_<part>` may hold the caption's parts, and columns `<kind>` or
  `<kind>:<role>` paths separated by `|`. An unknown column is refused.
- In all three a field that is `null` is one that is left out, and row numbers that writers add (a
  first column without a name, `Unnamed: 0`, `__index_level_0__`) are left out with a note. Texts
  have no control characters, and a prompt is no longer than the served model takes. Names of files
  are found whether their accents are composed or not.

Paths are relative to the manifest's folder and stay in it: absolute paths, `..`, URLs and symbolic
links are rejected. A record that breaks a rule goes to quarantine with line, field and reason, the
others go on; when the bad ones are more than the threshold (5 %), nothing is published. A good
record without a caption waits in `pending/…jsonl`, a manifest of this form, for annotation.
"""
TEXTS = """In tables, a field called short is the prompt, else a prompt, else a caption or text.
What is called dense, long or detailed becomes the dense part of `caption_parts`, `<part>_caption`
another part; a caption that is longer than the prompt beside it is the dense part, where none is
called so. GenDoP's `Concise Interaction`, `Detailed Interaction` and `Movement` are the prompt, the
dense and the camera part. Two text files (or tables) whose names differ only in words such as
`short` and `long`, `original` and `beautiful`, and that have equally many texts, are pairs: the
short text of line k is the prompt, the long one the dense part. A file that a table names and that
is missing puts its record into quarantine with table, field and file. What no record takes (files,
rows without text and file, fields of prose) is in the ingest's notes.
"""
DUPLICATES = """## Duplicates and splits

A record's split follows from its caption. Records with the same words (apart from case and
punctuation), and records that are not synthetic with nearly the same pictures (perceptual hashes of
pictures and of four frames of a clip, 6 bits of 64), belong together: where they lie in several
splits, those closest to training stay (train, validation, test) and the others are quarantined.
Neither they nor deleted records count against the threshold. `a2c data duplicates SNAPSHOT` looks
at a whole snapshot again, whatever ingests and removals made it; `--with OTHER` compares it with
others.
"""
CAMERA = """## Captions and camera paths

In a record with one camera path, the movements that the caption's camera part (and answers of the
slot `camera`) name are held to the path's geometry, in the vocabulary of captions: a pan is a turn,
a truck a sideways move, a zoom changes the focal length. What is named but not shown is a warning,
and the share that agrees is in the statistics (`camera_language`); `--strict-camera` or
`A2C_STRICT_CAMERA=true` quarantines such records.
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    from any2caption.conditions.registry import KINDS

    yield HEAD
    sections: tuple[tuple[str, type[Strict]], ...] = (
        ("Record", SourceRecord),
        ("Condition (an item of `conditions`)", SourceCondition),
        ("Question (an item of `qa`)", QA),
    )
    for title, model in sections:
        yield from (f"## {title}", "", "| field | type | required | what |", "|---|---|---|---|")
        for name, field in model.model_fields.items():
            needed = "yes" if field.is_required() else ""
            yield f"| `{name}` | {_type(field.annotation)} | {needed} | {field.description or ''} |"
        yield ""
    yield from ("## Kinds", "", "| kind | what | roles | options |", "|---|---|---|---|")
    for name, kind in KINDS.items():
        options = ", ".join(f"`{option.name}`" for option in kind.options)
        yield f"| `{name}` | {kind.summary} | {', '.join(kind.roles)} | {options} |"
    yield from ("", "## Licences", "", "Allowed by default, as SPDX expressions:", "")
    yield ", ".join(f"`{name}`" for name in DEFAULT_LICENCES) + "."
    yield ""
    yield "`A2C_LICENCES` is another list (comma-separated); a leading `+` adds to this one."
    yield from ("", "## Plain folders", "", "| shape | what |", "|---|---|")
    for name, text in ABOUT.items():
        yield f"| `{name}` | {text} |"
    yield ""
    yield (
        "The first shape that fits is taken; `--shape` asks for one. Licence and source come from "
        f"`--licence` and `--source`, or from `{ABOUT_FILE}` in the folder. A file's kind is "
        "`--kind`, else the nearest folder named like a kind (`depth`, `masks` …), else its "
        "suffix; a text file of numbers is a camera path (one of two or three numbers a line, in "
        "more than three lines, a track of the kind `motion`), and so is JSON that begins with "
        "poses, whatever it is called. An object of texts is a table where a key names a file."
    )
    yield ""
    yield TEXTS.rstrip()
    yield ""
    yield DUPLICATES.rstrip()
    yield ""
    yield CAMERA.rstrip()


def _type(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    for old, new in (
        ("typing.", ""),
        ("any2caption.datasets.records.", ""),
        ("any2caption.captions.schema.", ""),
        ("|", "or"),
    ):
        text = text.replace(old, new)
    return f"`{text}`"


if __name__ == "__main__":
    sys.stdout.write(page())
