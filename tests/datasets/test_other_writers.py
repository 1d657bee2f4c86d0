"""Manifests as other writers leave them: nulls, row numbers, control characters, accents."""

import csv
import io
import json
import unicodedata

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.datasets.ingest import ingest
from any2caption.datasets.ingest.engine import IngestOptions
from any2caption.datasets.ingest.open_source import SourceOptions, open_source
from any2caption.datasets.ingest.source_records import Accepted, Rejection, read_lines
from any2caption.datasets.licences import DEFAULT_LICENCES
from any2caption.errors import InputError
from any2caption.storage.memory import MemoryStore

from .builders import write_corpus

NULLS = {"qa": None, "caption_parts": None, "synthetic": None}
CONDITION_NULLS = {"role": None, "options": None, "tool": None, "tool_version": None}


def run(store, **changes):
    options = IngestOptions(source=SourceOptions(), licences=DEFAULT_LICENCES)
    return ingest(store, "src", MemoryStore(), workers=1, options=options, threshold=0, **changes)


@pytest.fixture
def source():
    store = MemoryStore("source")
    return store, [{"conditions": [], **line} for line in write_corpus(store, scenes=3)]


def as_jsonl(lines):
    return "\n".join(json.dumps(line) for line in lines).encode()


def as_csv(lines, header=None, prefix=lambda at: []):
    buffer = io.StringIO()
    names = sorted({name for line in lines for name in line})
    writer = csv.writer(buffer)
    writer.writerow([*(header or []), *names])
    for at, line in enumerate(lines):
        cells = [line.get(name, "") for name in names]
        cells = [cell if isinstance(cell, str) else json.dumps(cell) for cell in cells]
        writer.writerow([*prefix(at), *cells])
    return buffer.getvalue().encode()


def with_nulls(lines):
    return [
        {
            **NULLS,
            **line,
            "conditions": [
                {**CONDITION_NULLS, **item, "options": {"fps": None, **item.get("options", {})}}
                for item in line["conditions"]
            ],
        }
        for line in lines
    ]


@pytest.mark.parametrize(
    ("name", "write"), [("manifest.jsonl", as_jsonl), ("manifest.csv", as_csv)]
)
def test_optional_fields_that_are_null_are_absent(source, name, write):
    store, lines = source
    wanted = list(run(store).records)
    store.delete("src/manifest.jsonl")
    store.put(f"src/{name}", write(with_nulls(lines)))
    assert list(run(store).records) == wanted


def test_a_required_field_that_is_null_is_missing(source):
    _, lines = source
    (outcome,) = read_lines([as_jsonl([{**lines[0], "source": None}])], {"image"})
    assert isinstance(outcome, Rejection)
    assert outcome.problems[0].field == "source"
    assert "required" in outcome.problems[0].reason


@pytest.mark.parametrize("header", ["", "Unnamed: 0", "__index_level_0__"])
def test_row_numbers_of_a_csv_are_left_out_and_told(source, header):
    store, lines = source
    wanted = list(run(store).records)
    store.delete("src/manifest.jsonl")
    store.put("src/manifest.csv", as_csv(lines, [header], lambda at: [str(at)]))
    result = run(store)
    assert list(result.records) == wanted
    assert "row numbers" in result.notes[0]


def test_a_column_without_a_name_that_does_not_count_is_told(source):
    store, lines = source
    store.delete("src/manifest.jsonl")
    store.put("src/manifest.csv", as_csv(lines, [""], lambda at: ["a" * at]))
    with pytest.raises(Exception, match="bad"):
        run(store)


def test_row_numbers_of_parquet_and_json_lines_are_left_out(source, tmp_path):
    store, lines = source
    wanted = list(run(store).records)
    numbered = [{"__index_level_0__": at, **line} for at, line in enumerate(lines)]
    store.put("src/manifest.jsonl", as_jsonl(numbered))
    assert list(run(store).records) == wanted
    store.delete("src/manifest.jsonl")
    rows = [
        {key: value if isinstance(value, str | int | bool) else json.dumps(value)
         for key, value in line.items()}
        for line in numbered
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "m.parquet")
    store.put("src/manifest.parquet", (tmp_path / "m.parquet").read_bytes())
    result = run(store)
    assert list(result.records) == wanted
    assert "__index_level_0__ holds row numbers" in result.notes[0]


@pytest.mark.parametrize(
    "prompt",
    ["a\u0000b", "a\u001bb", "a\u0085b", "x" * 8193, "fine\r\ntext\twith\rends", "x" * 8192],
)
def test_a_prompt_is_good_at_ingest_as_it_is_at_serving(source, prompt):
    _, lines = source
    (outcome,) = read_lines([as_jsonl([{**lines[0], "prompt": prompt}])], {
        item["kind"] for item in lines[0]["conditions"]
    })  # fmt: skip
    try:
        parse_condition("text", [Part("prompt", prompt.encode())])
    except InputError as error:
        assert isinstance(outcome, Rejection)
        assert outcome.problems[0].field == "prompt"
        assert outcome.problems[0].reason == error.reason  # noqa: PT017 - served the same
    else:
        assert isinstance(outcome, Accepted)


@pytest.mark.parametrize("field", ["caption.style", "caption.dense", "source"])
def test_no_text_of_a_record_has_control_characters(source, field):
    _, lines = source
    line = json.loads(json.dumps(lines[0]))
    holder, _, name = field.rpartition(".")
    target = line[holder] if holder else line
    target[name] += "\u0000!"
    kinds = {item["kind"] for item in line["conditions"]}
    (outcome,) = read_lines([as_jsonl([line])], kinds)
    assert isinstance(outcome, Rejection)
    assert (outcome.problems[0].field, "U+0000" in outcome.problems[0].reason) == (field, True)


@pytest.mark.parametrize(("stored", "written"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_with_accents_are_found_however_they_are_composed(source, stored, written):
    store, lines = source
    line = next(line for line in lines if line["conditions"])
    path = line["conditions"][0]["paths"][0]
    folder, _, name = path.rpartition("/")
    accented = f"{folder}/caf\u00e9-{name}".lstrip("/")
    store.put(f"src/{unicodedata.normalize(stored, accented)}", store.get(f"src/{path}"))
    line["conditions"][0]["paths"] = [unicodedata.normalize(written, accented)]
    store.put("src/manifest.jsonl", as_jsonl(lines))
    assert len(run(store).records) == len(lines)


def test_a_table_beside_media_finds_names_however_they_are_composed(tmp_path):
    from .test_sources import PICTURE

    store = MemoryStore("folder")
    store.put(f"src/{unicodedata.normalize('NFD', 'café.png')}", PICTURE)
    rows = [{"file_name": unicodedata.normalize("NFC", "café.png"), "text": "a sheep"}]
    store.put("src/metadata.jsonl", as_jsonl(rows))
    stated = SourceOptions(licence="MIT", source="unit")
    opened = open_source(store, "src", tmp_path, stated)
    ((_, record),) = opened.items()
    assert record["conditions"][0]["paths"] == [unicodedata.normalize("NFD", "café.png")]
